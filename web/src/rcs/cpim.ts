/**
 * CPIM, the envelope of every RCS message (RFC 3862) with the disposition headers of RFC 5438.
 *
 * `parseCpim` tolerates what handsets send: LF line ends, NS lines anywhere among the headers, any prefix
 * for the IMDN namespace, base64 content. `writeCpim` writes the one form that we send.
 */
import { nameAddrUri } from './address';
import { text } from './bot/json';
import { decodedBody, type Entity, header, parseEntity } from './mime';

export const IMDN_NAMESPACE = 'urn:ietf:params:imdn';
/** Replies and reactions, as liblinphone writes them; GSMA's own headers for these aren't public. */
export const LINPHONE_NAMESPACE = 'tag:linphone.org,2020:params:groupchat';

/**
 * Edits. How GSMA's documents write them isn't public either, and liblinphone has none, so the name is our own: a client
 * that doesn't know it shows the new words as a message. As `rcs::reference` in the Rust crate.
 */
export const HONGYAN_NAMESPACE = 'urn:uuid:6f0c2f5e-5d2b-4a55-9d7e-0c3b8c1f4a91';

/** Longest envelope that we read, in UTF-16 units. */
const CPIM_MAX = 1024 * 1024;
/** Longest id or URI in a header that we keep. */
const ID_MAX = 256;
/** Longest display name, as the server allows it. */
const NAME_MAX = 80;

/** A report that the sender of a message asks for (RFC 5438 §7.1.1.4). */
export type DispositionNotification = 'positive-delivery' | 'negative-delivery' | 'processing' | 'display';

export interface Cpim {
  /** URIs as sent, often `sip:anonymous@anonymous.invalid`; the SIP headers name the true parties. */
  readonly from: string | undefined;
  /** What the sender calls themselves: a claim and no more. */
  readonly fromName: string | undefined;
  readonly to: string | undefined;
  /** RFC 3339 text as sent. */
  readonly dateTime: string | undefined;
  /** `imdn.Message-ID`: what reports and duplicates are recognised by. */
  readonly messageId: string | undefined;
  readonly dispositionNotification: ReadonlySet<DispositionNotification>;
  /** Replying-To-Message-ID and Replying-To-Sender: the message that this one answers. */
  readonly replyTo: { readonly messageId: string; readonly sender: string | undefined } | undefined;
  /** In-Reply-To: the message that a reaction is for. */
  readonly inReplyTo: string | undefined;
  /** Replaces-Message-ID: the message of the same author whose words these are now. */
  readonly replaces: string | undefined;
  readonly contentType: string;
  /** `notification` marks a report, `reaction` a reaction. */
  readonly contentDisposition: string | undefined;
  /** The payload as text, transfer encoding undone. */
  readonly body: string;
}

/** Reads an envelope; `undefined` when it is not one. */
export function parseCpim(envelope: string): Cpim | undefined {
  if (envelope.length > CPIM_MAX) return undefined;
  const outer = parseEntity(envelope);
  if (!outer) return undefined;
  const inner = parseEntity(outer.body);
  const contentType = inner && header(inner, 'Content-Type');
  if (!inner || contentType === undefined) return undefined;
  const named = namespacedHeaders(outer);
  const imdn = (name: string) => named(IMDN_NAMESPACE, name);
  const linphone = (name: string) => named(LINPHONE_NAMESPACE, name)[0]?.slice(0, ID_MAX) || undefined;
  const hongyan = (name: string) => named(HONGYAN_NAMESPACE, name)[0]?.slice(0, ID_MAX) || undefined;
  const replied = linphone('Replying-To-Message-ID');
  return {
    from: optional(header(outer, 'From'), nameAddrUri),
    fromName: optional(header(outer, 'From'), displayName),
    to: optional(header(outer, 'To'), nameAddrUri),
    dateTime: header(outer, 'DateTime'),
    messageId: imdn('Message-ID')[0]?.slice(0, ID_MAX) || undefined,
    dispositionNotification: dispositions(imdn('Disposition-Notification')),
    replyTo:
      replied === undefined ? undefined : { messageId: replied, sender: linphone('Replying-To-Sender') },
    inReplyTo: linphone('In-Reply-To'),
    replaces: hongyan('Replaces-Message-ID'),
    contentType,
    contentDisposition: header(inner, 'Content-Disposition')?.toLowerCase(),
    body: decodedBody(inner),
  };
}

export interface CpimToWrite {
  readonly from: string;
  readonly fromName?: string | undefined;
  readonly to: string;
  readonly dateTime: Date;
  readonly messageId: string;
  readonly dispositionNotification?: readonly DispositionNotification[];
  readonly replyTo?: { readonly messageId: string; readonly sender: string } | undefined;
  readonly inReplyTo?: string | undefined;
  readonly replaces?: string | undefined;
  readonly contentType: string;
  readonly contentDisposition?: string;
  readonly body: string;
}

/** The bytes-to-be of an envelope. */
export function writeCpim(message: CpimToWrite): string {
  const lines = [
    `From: ${quotedName(message.fromName)}<${message.from}>`,
    `To: <${message.to}>`,
    `DateTime: ${message.dateTime.toISOString()}`,
    `NS: imdn <${IMDN_NAMESPACE}>`,
    `imdn.Message-ID: ${message.messageId}`,
  ];
  if (message.dispositionNotification?.length) {
    lines.push(`imdn.Disposition-Notification: ${message.dispositionNotification.join(', ')}`);
  }
  const { replyTo, inReplyTo } = message;
  if (replyTo || inReplyTo !== undefined) lines.push(`NS: linphone <${LINPHONE_NAMESPACE}>`);
  if (replyTo) {
    lines.push(`linphone.Replying-To-Message-ID: ${oneLine(replyTo.messageId)}`);
    lines.push(`linphone.Replying-To-Sender: ${oneLine(replyTo.sender)}`);
  }
  if (inReplyTo !== undefined) lines.push(`linphone.In-Reply-To: ${oneLine(inReplyTo)}`);
  if (message.replaces !== undefined) {
    lines.push(`NS: hongyan <${HONGYAN_NAMESPACE}>`);
    lines.push(`hongyan.Replaces-Message-ID: ${oneLine(message.replaces)}`);
  }
  lines.push('', `Content-Type: ${message.contentType}`);
  if (message.contentDisposition) lines.push(`Content-Disposition: ${message.contentDisposition}`);
  lines.push(`Content-Length: ${new TextEncoder().encode(message.body).length}`, '', message.body);
  return lines.join('\r\n');
}

/** Looks up headers of a namespace by whatever prefix the NS lines bind to it; they may repeat. */
function namespacedHeaders(outer: Entity): (namespace: string, name: string) => string[] {
  const bound = new Map<string, string>();
  for (const [name, value] of outer.headers) {
    const match = name.toLowerCase() === 'ns' ? /^(\S*)\s*<([^>]*)>$/.exec(value) : undefined;
    if (match) bound.set((match[1] ?? '').toLowerCase(), (match[2] ?? '').toLowerCase());
  }
  // Without an NS line the customary prefixes are understood.
  if (!bound.has('imdn')) bound.set('imdn', IMDN_NAMESPACE);
  if (!bound.has('linphone')) bound.set('linphone', LINPHONE_NAMESPACE);
  return (namespace, name) => {
    const wanted = [...bound]
      .filter(([, uri]) => uri === namespace)
      .map(([prefix]) => `${prefix}.${name.toLowerCase()}`);
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

/** The display name of a name-addr, quoted or bare; `undefined` when it has none. */
function displayName(value: string): string | undefined {
  const bracket = value.lastIndexOf('<');
  const name = bracket < 0 ? '' : value.slice(0, bracket).trim();
  const bare = name.startsWith('"') ? name.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') : name;
  return text(bare.trim(), NAME_MAX);
}

function quotedName(name: string | undefined): string {
  return name ? `"${oneLine(name).replace(/["\\]/g, '\\$&')}" ` : '';
}

/** A header can't be ended by what somebody typed or sent. */
function oneLine(value: string): string {
  return value.replace(/\p{Cc}+/gu, ' ');
}

function optional<T>(value: string | undefined, read: (value: string) => T | undefined): T | undefined {
  return value === undefined ? undefined : read(value);
}
