/**
 * CPIM, the envelope of every RCS message (RFC 3862) with the disposition headers of RFC 5438.
 *
 * `parseCpim` tolerates what handsets send: LF line ends, NS lines anywhere among the headers, any prefix
 * for the IMDN namespace, base64 content. `writeCpim` writes the one form that we send.
 */
import { nameAddrUri } from './address';
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
    from: optional(header(outer, 'From'), nameAddrUri),
    to: optional(header(outer, 'To'), nameAddrUri),
    dateTime: header(outer, 'DateTime'),
    messageId: imdn('Message-ID')[0]?.slice(0, 256) || undefined,
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

/** Looks up headers of the IMDN namespace by whatever prefix the NS lines bind to it; they may repeat. */
function imdnHeaders(outer: Entity): (name: string) => string[] {
  const bound = new Map<string, string>();
  for (const [name, value] of outer.headers) {
    const match = name.toLowerCase() === 'ns' ? /^(\S*)\s*<([^>]*)>$/.exec(value) : undefined;
    if (match) bound.set((match[1] ?? '').toLowerCase(), (match[2] ?? '').toLowerCase());
  }
  // Without an NS line the customary prefix is understood.
  if (!bound.has('imdn')) bound.set('imdn', IMDN_NAMESPACE);
  const names = (name: string) =>
    [...bound].filter(([, namespace]) => namespace === IMDN_NAMESPACE).map(([prefix]) => `${prefix}.${name}`);
  return (name) => {
    const wanted = names(name.toLowerCase());
    return outer.headers
      .filter(([candidate]) => wanted.includes(candidate.toLowerCase()))
      .map(([, value]) => value);
  };
}

function dispositions(values: readonly string[]): ReadonlySet<DispositionNotification> {
  const known: readonly string[] = ['positive-delivery', 'negative-delivery', 'processing', 'display'];
  const tokens = values
    .flatMap((value) => value.split(','))
    .map((token) => token.split(';')[0]?.trim().toLowerCase());
  return new Set(tokens.filter((token): token is DispositionNotification => known.includes(token ?? '')));
}

function optional<T>(value: string | undefined, read: (value: string) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}
