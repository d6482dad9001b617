/**
 * Header blocks of MIME entities (RFC 2045) as they occur inside CPIM and multipart bodies: the part of
 * the format that both share.
 */

/** More headers than this in one block is not a message that we want to read. */
const HEADERS_MAX = 64;

export interface Entity {
  /** In the order received, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** First value of a header by case-insensitive name. */
export function header(entity: Pick<Entity, 'headers'>, name: string): string | undefined {
  const wanted = name.toLowerCase();
  return entity.headers.find(([candidate]) => candidate.toLowerCase() === wanted)?.[1];
}

/**
 * Reads headers up to the first empty line and takes the rest as body. Lines end in CRLF or LF; folded
 * lines are joined. `undefined` when a line is no header or there are too many of them.
 */
export function parseEntity(text: string): Entity | undefined {
  const headers: [string, string][] = [];
  let at = 0;
  while (at < text.length) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, text[end - 1] === '\r' ? end - 1 : end);
    at = newline < 0 ? text.length : newline + 1;
    if (line === '') return { headers, body: text.slice(at) };
    const last = headers.at(-1);
    if (/^[ \t]/.test(line) && last) {
      last[1] += ` ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 1 || headers.length >= HEADERS_MAX) return undefined;
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return { headers, body: '' };
}

/** The body of an entity with Content-Length and Content-Transfer-Encoding applied. */
export function decodedBody(entity: Entity): string {
  const length = header(entity, 'Content-Length');
  let body = entity.body;
  if (length !== undefined && /^\d{1,9}$/.test(length)) {
    const bytes = new TextEncoder().encode(body);
    if (Number(length) < bytes.length) body = new TextDecoder().decode(bytes.subarray(0, Number(length)));
  }
  // Chinese handsets send base64 inside CPIM.
  if (header(entity, 'Content-Transfer-Encoding')?.toLowerCase() === 'base64') {
    return decodeBase64(body) ?? body;
  }
  return body;
}

/** UTF-8 text from base64, whitespace ignored; `undefined` when it is not base64. */
export function decodeBase64(text: string): string | undefined {
  const compact = text.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(compact), (c) => c.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
