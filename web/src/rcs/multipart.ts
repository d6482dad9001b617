/** `multipart/mixed` bodies (RFC 2046 §5.1): a card together with its chip list. */
import { type Entity, parseEntity } from './mime';

/** A chatbot message has two parts; more than this is refused rather than searched. */
const PARTS_MAX = 16;

/** The parts between delimiter lines; bare LF is read as well. `undefined` when the framing is broken. */
export function parseMultipart(body: string, boundary: string): Entity[] | undefined {
  if (boundary === '' || boundary.length > 70) return undefined;
  const parts: Entity[] = [];
  let start: number | undefined;
  for (const line of delimiterLines(body, boundary)) {
    if (start !== undefined) {
      const part = parseEntity(trimLastNewline(body.slice(start, line.at)));
      if (!part || parts.length >= PARTS_MAX) return undefined;
      parts.push(part);
    }
    if (line.closes) return parts;
    start = line.end;
  }
  // Some gateways forget the closing delimiter: what follows the last one is the last part.
  if (start === undefined) return undefined;
  const last = parseEntity(trimLastNewline(body.slice(start)));
  return last && parts.length < PARTS_MAX ? [...parts, last] : undefined;
}

function* delimiterLines(body: string, boundary: string) {
  const delimiter = `--${boundary}`;
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    if (at > 0 && body[at - 1] !== '\n') continue;
    const newline = body.indexOf('\n', at);
    const rest = body.slice(at + delimiter.length, newline < 0 ? undefined : newline).trimEnd();
    if (rest !== '' && rest !== '--') continue;
    yield { at, end: newline < 0 ? body.length : newline + 1, closes: rest === '--' };
  }
}

function trimLastNewline(text: string): string {
  return text.replace(/\r?\n$/, '');
}
