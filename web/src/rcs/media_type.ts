/** Media types (RFC 2045 §5.1) and the names of those that RCS uses. */

export const TEXT_PLAIN = 'text/plain';
/** As we write it. */
export const UTF8_TEXT = 'text/plain;charset=UTF-8';
export const CPIM = 'message/cpim';
export const IMDN = 'message/imdn+xml';
export const IS_COMPOSING = 'application/im-iscomposing+xml';
export const MULTIPART_MIXED = 'multipart/mixed';
export const BOT_MESSAGE = 'application/vnd.gsma.botmessage.v1.0+json';
export const BOT_SUGGESTION = 'application/vnd.gsma.botsuggestion.v1.0+json';
export const BOT_SUGGESTION_RESPONSE = 'application/vnd.gsma.botsuggestion.response.v1.0+json';
export const BOT_SHARED_CLIENT_DATA = 'application/vnd.gsma.botsharedclientdata.v1.0+json';
export const FILE_TRANSFER_HTTP = 'application/vnd.gsma.rcs-ft-http+xml';
export const PUSH_LOCATION = 'application/vnd.gsma.rcspushlocation+xml';

export interface MediaType {
  /** `type/subtype`, lower case. */
  readonly essence: string;
  /** Parameters by lower-case name, unquoted. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads a Content-Type value; anything unreadable becomes `application/octet-stream`. */
export function parseMediaType(value: string): MediaType {
  const [head = '', ...rest] = splitOutsideQuotes(value.slice(0, 1024), ';');
  const essence = head.trim().toLowerCase();
  const parameters = new Map<string, string>();
  for (const piece of rest) {
    const equals = piece.indexOf('=');
    if (equals < 1) continue;
    const name = piece.slice(0, equals).trim().toLowerCase();
    if (!parameters.has(name)) parameters.set(name, unquote(piece.slice(equals + 1).trim()));
  }
  const readable = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(essence);
  return { essence: readable ? essence : 'application/octet-stream', parameters };
}

/**
 * The essence with the minor version of a GSMA JSON type set to the one that we know: `v1.1` is read as
 * `v1.0`, while another major version stays what it is and is not understood.
 */
export function knownEssence(type: MediaType): string {
  return type.essence.replace(/(\.v1)\.\d+(\+json)$/, '$1.0$2');
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const pieces: string[] = [];
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\' && quoted) i++;
    else if (c === '"') quoted = !quoted;
    else if (c === separator && !quoted) {
      pieces.push(text.slice(start, i));
      start = i + 1;
    }
  }
  pieces.push(text.slice(start));
  return pieces;
}

function unquote(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value;
  return value.slice(1, -1).replace(/\\(.)/g, '$1');
}
