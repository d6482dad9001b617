/**
 * CPIM, the envelope of every RCS message (RFC 3862) with the disposition headers of RFC 5438.
 *
 * `parseCpim` tolerates what handsets send: LF line ends, NS lines anywhere among the headers, any prefix
 * for the IMDN namespace, base64 content. `writeCpim` writes the one form that we send.
 */
import { decodedBody, type Entity, header, parseEntity } from './mime';

export const IMDN_NAMESPACE = 'urn:ietf:params:imdn';

/** Longest envelope that we read, in UTF-16 units. */
const CPIM_MAX = 1024 * 1024;

/** A report that the sender of a message asks for (RFC 5438 §7.1.1.4). */
export type DispositionNotification = 'positive-delivery' | 'negative-delivery' | 'processing' | 'display';

export interface Cpim {
  /** URIs as sent, often `sip:anonymous@anonymous.invalid`; the SIP headers name the true parties. */
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** RFC 3339 text as sent. */
  readonly dateTime: string | undefined;
  /** `imdn.Message-ID`: what reports and duplicates are recognised by. */
  readonly messageId: string | undefined;
  readonly dispositionNotification: ReadonlySet<DispositionNotification>;
  readonly contentType: string;
  /** `notification` marks a report. */
  readonly contentDisposition: string | undefined;
  /** The payload as text, transfer encoding undone. */
  readonly body: string;
}

/** Reads an envelope; `undefined` when it is not one. */
export function parseCpim(text: string): Cpim | undefined {
  if (text.length > CPIM_MAX) return undefined;
  const outer = parseEntity(text);
  if (!outer) return undefined;
  const inner = parseEntity(outer.body);
  const contentType = inner && header(inner, 'Content-Type');
  if (!inner || contentType === undefined) return undefined;
  const imdn = imdnHeaders(outer);
  return {
    from: uriOf(header(outer, 'From')),
    to: uriOf(header(outer, 'To')),
    dateTime: header(outer, 'DateTime'),
    messageId: imdn('Message-ID')?.slice(0, 256) || undefined,
    dispositionNotification: dispositions(imdn('Disposition-Notification')),
    contentType,
    contentDisposition: header(inner, 'Content-Disposition')?.toLowerCase(),
    body: decodedBody(inner),
  };
}

export interface CpimToWrite {
  readonly from: string;
  readonly to: string;
  readonly dateTime: Date;
  readonly messageId: string;
  readonly dispositionNotification?: readonly DispositionNotification[];
  readonly contentType: string;
  readonly contentDisposition?: string;
  readonly body: string;
}

/** The bytes-to-be of an envelope. Header values must be free of line breaks; ours are by construction. */
export function writeCpim(message: CpimToWrite): string {
  const lines = [
    `From: <${message.from}>`,
    `To: <${message.to}>`,
    `DateTime: ${message.dateTime.toISOString()}`,
    `NS: imdn <${IMDN_NAMESPACE}>`,
    `imdn.Message-ID: ${message.messageId}`,
  ];
  if (message.dispositionNotification?.length) {
    lines.push(`imdn.Disposition-Notification: ${message.dispositionNotification.join(', ')}`);
  }
  lines.push('', `Content-Type: ${message.contentType}`);
  if (message.contentDisposition) lines.push(`Content-Disposition: ${message.contentDisposition}`);
  lines.push(`Content-Length: ${new TextEncoder().encode(message.body).length}`, '', message.body);
  return lines.join('\r\n');
}

/** Looks up headers of the IMDN namespace by whatever prefix the NS lines bind to it. */
function imdnHeaders(outer: Entity): (name: string) => string | undefined {
  const prefixes = outer.headers
    .filter(([name]) => name.toLowerCase() === 'ns')
    .map(([, value]) => /^(\S*)\s*<([^>]*)>$/.exec(value))
    .filter((match) => match?.[2]?.toLowerCase() === IMDN_NAMESPACE)
    .map((match) => match?.[1] ?? '');
  // Without an NS line the customary prefix is understood.
  if (prefixes.length === 0) prefixes.push('imdn');
  return (name) => {
    for (const prefix of prefixes) {
      const value = header(outer, prefix === '' ? name : `${prefix}.${name}`);
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

function dispositions(value: string | undefined): ReadonlySet<DispositionNotification> {
  const known: readonly string[] = ['positive-delivery', 'negative-delivery', 'processing', 'display'];
  const tokens = (value ?? '').split(',').map((token) => token.trim().toLowerCase());
  return new Set(tokens.filter((token): token is DispositionNotification => known.includes(token)));
}

function uriOf(value: string | undefined): string | undefined {
  return value === undefined ? undefined : (/<([^>]*)>/.exec(value)?.[1] ?? value);
}
