/**
 * SIP messages as values (RFC 3261 §7), for the requests that JsSIP has no use for: a group's INVITE without a session,
 * SUBSCRIBE, NOTIFY and REFER. One message is one WebSocket frame (RFC 7118).
 */

/** Longest message that is read. */
const MESSAGE_MAX = 512 * 1024;
const HEADERS_MAX = 128;
const COMPACT: Readonly<Record<string, string>> = {
  b: 'referred-by',
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
};

export type Headers = readonly (readonly [name: string, value: string])[];

export interface SipMessage {
  /** Absent on responses. */
  readonly method: string | undefined;
  /** Absent on requests. */
  readonly status: number | undefined;
  /** The reason phrase of a response, the Request-URI of a request. */
  readonly startText: string;
  /** Names in lower case and full length, in the order received. */
  readonly headers: Headers;
  readonly body: string;
}

/** `undefined` when it is no SIP message. */
export function parseSip(text: string): SipMessage | undefined {
  if (text.length > MESSAGE_MAX) return undefined;
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [start = '', ...lines] = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  if (lines.length > HEADERS_MAX) return undefined;
  const headers: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return undefined;
    const name = line.slice(0, colon).trim().toLowerCase();
    headers.push([COMPACT[name] ?? name, line.slice(colon + 1).trim()]);
  }
  const body = text.slice(end + 4);
  const response = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
  if (response) {
    return { method: undefined, status: Number(response[1]), startText: response[2] ?? '', headers, body };
  }
  const request = /^([A-Z]+) (\S+) SIP\/2\.0$/.exec(start);
  return request
    ? { method: request[1], status: undefined, startText: request[2] ?? '', headers, body }
    : undefined;
}

/** First value of a header, by its full name. */
export function sipHeader(message: Pick<SipMessage, 'headers'>, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return message.headers.find(([candidate]) => candidate === wanted)?.[1];
}

/** Header values must be free of line breaks. */
export function writeSip(start: string, headers: Headers, body = ''): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return [start, ...lines, `Content-Length: ${new TextEncoder().encode(body).length}`, '', body].join('\r\n');
}

/** An answer, with what RFC 3261 §8.2.6.2 copies from the request and a tag of ours. */
export function answerTo(
  request: SipMessage,
  status: number,
  reason: string,
  tag: string,
  more: Headers = [],
): string {
  const copied = request.headers.filter(([name]) => ['via', 'from', 'call-id', 'cseq'].includes(name));
  const to = sipHeader(request, 'to') ?? '';
  const tagged = /;\s*tag=/i.test(to) ? to : `${to};tag=${tag}`;
  return writeSip(`SIP/2.0 ${status} ${reason}`, [...copied, ['To', tagged], ...more]);
}
