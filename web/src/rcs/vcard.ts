/**
 * Contact cards: `text/vcard` (vCard 2.1, RFC 2426 for 3.0, RFC 6350 for 4.0), which handsets send as files (RCC.07).
 *
 * Whatever a phone writes is read as far as it goes, as in the Rust crate: who it is, their numbers and mail addresses. We
 * write 3.0, which every phone reads.
 */

export const VCARD = 'text/vcard';

/** A card with a photograph. */
export const VCARD_BYTES_MAX = 512 * 1024;
const CARDS_MAX = 50;
const ENTRIES_MAX = 20;
const TEXT_MAX = 256;

export type NumberKind = 'mobile' | 'home' | 'work' | 'fax';

export interface Contact {
  /** Empty when the card says none. */
  readonly name: string;
  readonly organisation: string | null;
  readonly numbers: readonly { readonly number: string; readonly kind: NumberKind | null }[];
  readonly emails: readonly string[];
}

export function isVCard(contentType: string): boolean {
  const essence = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return ['text/vcard', 'text/x-vcard', 'text/directory', 'application/vcard'].includes(essence);
}

/** The cards of a file that say who somebody is or how they are reached. */
export function parseVCards(document: Uint8Array): Contact[] {
  if (document.length > VCARD_BYTES_MAX) return [];
  const contacts: Contact[] = [];
  let open: Reading | undefined;
  // A card within a card (the AGENT of 2.1) is somebody else.
  let depth = 0;
  for (const line of logicalLines(latin1(document))) {
    const property = propertyOf(line);
    if (!property) continue;
    if (property.name === 'BEGIN') {
      depth += 1;
      if (depth === 1) open = new Reading();
    } else if (property.name === 'END') {
      if (depth === 1) {
        push(contacts, open);
        open = undefined;
        if (contacts.length === CARDS_MAX) return contacts;
      }
      depth = Math.max(0, depth - 1);
    } else if (depth === 1) {
      open?.take(property);
    }
  }
  // One that was cut off says what it says.
  push(contacts, open);
  return contacts;
}

export function writeVCard({ name, organisation, numbers, emails }: Contact): string {
  const kinds = { mobile: ';TYPE=CELL', home: ';TYPE=HOME', work: ';TYPE=WORK', fax: ';TYPE=FAX' };
  return [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${escapeText(name)};;;;`,
    `FN:${escapeText(name)}`,
    ...(organisation === null ? [] : [`ORG:${escapeText(organisation)}`]),
    ...numbers.map(({ number, kind }) => `TEL${kind ? kinds[kind] : ''}:${escapeText(number)}`),
    ...emails.map((email) => `EMAIL;TYPE=INTERNET:${escapeText(email)}`),
    'END:VCARD',
    '',
  ].join('\r\n');
}

class Reading {
  private name = '';
  /** Put together from N, in case there is no FN. */
  private fromParts = '';
  private organisation: string | null = null;
  private readonly numbers: { number: string; kind: NumberKind | null }[] = [];
  private readonly emails: string[] = [];

  take(property: Property): void {
    switch (property.name) {
      case 'FN':
        this.name ||= bounded(unescapeText(decoded(property)));
        break;
      case 'N':
        this.fromParts ||= bounded(nameOf(components(decoded(property))));
        break;
      case 'ORG':
        this.organisation ??= bounded(components(decoded(property))[0] ?? '') || null;
        break;
      case 'TEL': {
        if (this.numbers.length === ENTRIES_MAX) break;
        const [value = ''] = withoutScheme(bounded(unescapeText(decoded(property))), 'tel:').split(';');
        const number = value.trim();
        if (/[0-9]/.test(number)) this.numbers.push({ number, kind: kindOf(property) });
        break;
      }
      case 'EMAIL': {
        if (this.emails.length === ENTRIES_MAX) break;
        const email = withoutScheme(bounded(unescapeText(decoded(property))), 'mailto:');
        if (email !== '') this.emails.push(email);
        break;
      }
    }
  }

  finish(): Contact | undefined {
    const { organisation, numbers, emails } = this;
    const name = this.name || this.fromParts || organisation || '';
    if (name === '' && numbers.length === 0 && emails.length === 0) return undefined;
    return { name, organisation, numbers, emails };
  }
}

function push(contacts: Contact[], reading: Reading | undefined): void {
  const contact = reading?.finish();
  if (contact) contacts.push(contact);
}

/** `item1.TEL;type=CELL;type=pref:+86…`. The value is bytes, a character each. */
interface Property {
  readonly name: string;
  /** Values of parameters, in capitals. */
  readonly words: readonly string[];
  readonly value: string;
}

function propertyOf(line: string): Property | undefined {
  let isQuoted = false;
  let colon = -1;
  for (let at = 0; at < line.length && colon < 0; at++) {
    if (line[at] === '"') isQuoted = !isQuoted;
    if (line[at] === ':' && !isQuoted) colon = at;
  }
  // A quote that is never closed is no quote.
  if (colon < 0) colon = line.indexOf(':');
  if (colon < 0) return undefined;
  const [name = '', ...parameters] = line.slice(0, colon).toUpperCase().split(';');
  const words = parameters.flatMap((parameter) => {
    const value = parameter.slice(parameter.indexOf('=') + 1).trim();
    return value
      .replace(/^"+|"+$/g, '')
      .split(',')
      .map((word) => word.trim());
  });
  return { name: name.trim().split('.').at(-1) ?? '', words, value: line.slice(colon + 1) };
}

function kindOf({ words }: Property): NumberKind | null {
  if (words.includes('FAX')) return 'fax';
  if (words.includes('CELL')) return 'mobile';
  if (words.includes('WORK')) return 'work';
  return words.includes('HOME') ? 'home' : null;
}

/** The value as text, with its transfer encoding undone. */
function decoded({ words, value }: Property): string {
  let bytes = value;
  if (words.includes('QUOTED-PRINTABLE')) {
    bytes = value.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  } else if (words.includes('BASE64') || words.includes('B')) {
    try {
      bytes = atob(value.replace(/\s/g, ''));
    } catch {
      bytes = '';
    }
  }
  return new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}

/** Each byte as the character of that number. */
function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text.replace(/^\xef\xbb\xbf/, '');
}

/** Lines with those put together that go on: folded ones, and in quoted-printable those that end in `=`. */
function logicalLines(document: string): string[] {
  const lines: string[] = [];
  let goesOn = false;
  for (const line of document.split(/\r?\n/)) {
    const last = lines.length - 1;
    if (goesOn) lines[last] = (lines[last] ?? '').slice(0, -1) + line.trimStart();
    else if (last >= 0 && /^[ \t]/.test(line)) lines[last] += line.slice(1);
    else lines.push(line);
    const whole = lines.at(-1) ?? '';
    goesOn = whole.endsWith('=') && /^[^:]*QUOTED-PRINTABLE/i.test(whole);
  }
  return lines;
}

/** RFC 6350 §3.4. */
function unescapeText(value: string): string {
  return value.replace(/\\(.?)/gs, (_, c: string) => (c === 'n' || c === 'N' ? '\n' : c));
}

function escapeText(text: string): string {
  return text
    .replace(/[\\,;]/g, '\\$&')
    .replaceAll('\r', '')
    .replaceAll('\n', '\\n');
}

/** The parts of a value between semicolons. */
function components(value: string): string[] {
  const parts = value.match(/(?:\\.|[^;\\])*(?:;|$)/gs) ?? [];
  return parts.map((part) => unescapeText(part.replace(/;$/, '')).trim());
}

/** Family and given name as they are spoken. */
function nameOf([family = '', given = '', middle = '', before = '', after = '']: readonly string[]): string {
  if (/[\u4e00-\u9fff]/.test(family + given)) return family + middle + given;
  return [before, given, middle, family, after].filter((part) => part !== '').join(' ');
}

function withoutScheme(value: string, scheme: string): string {
  let rest = value.trimStart();
  while (rest.slice(0, scheme.length).toLowerCase() === scheme) rest = rest.slice(scheme.length).trimStart();
  return rest;
}

/** In one line, without blanks around it, and not too long. */
function bounded(text: string): string {
  return [...text.trim()]
    .slice(0, TEXT_MAX)
    .join('')
    .replace(/\p{Cc}/gu, ' ')
    .trim();
}
