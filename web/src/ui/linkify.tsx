/** Text with its links made clickable. Everything is text nodes; links are http, https or tel only. */
import type { ComponentChildren, JSX } from 'preact';
import { httpUrl } from '../rcs/file_transfer';
import { Highlighted } from './highlight';

const LINK =
  /https?:\/\/[^\s<>"'“”‘’«»（）【】《》，。；：！？、]+|(?<![\d+])(?:\+86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)/gi;
/** Longest text that is searched for links. */
const SEARCH_MAX = 20_000;

export interface TextPiece {
  readonly text: string;
  /** Absent for plain text. */
  readonly href?: string;
}

/** Cuts text into plain pieces and links. The pieces joined give the text again. */
export function pieces(text: string): TextPiece[] {
  const found: TextPiece[] = [];
  let at = 0;
  for (const match of text.slice(0, SEARCH_MAX).matchAll(LINK)) {
    const shown = /^http/i.test(match[0]) ? trimUrl(match[0]) : match[0];
    const href = /^http/i.test(shown) ? httpUrl(shown) : `tel:${shown.replace(/[ -]/g, '')}`;
    if (href === undefined) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push({ text: shown, href });
    at = match.index + shown.length;
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}

/** `highlight` marks where these words occur. */
export function Linkified({ text, highlight = '' }: { text: string; highlight?: string }): JSX.Element {
  const children: ComponentChildren[] = pieces(text).map(({ text: piece, href }, i) =>
    href === undefined ? (
      <Highlighted key={i} text={piece} words={highlight} />
    ) : (
      <a
        key={i}
        href={href}
        {...(href.startsWith('tel:') ? {} : { target: '_blank', rel: 'noopener noreferrer' })}
      >
        {piece}
      </a>
    ),
  );
  return <>{children}</>;
}

/** Punctuation at the end belongs to the sentence; a closing bracket stays when it was opened. */
function trimUrl(url: string): string {
  let end = url.length;
  for (;;) {
    const last = url[end - 1] ?? '';
    const unopened = last === ')' && count(url.slice(0, end), '(') < count(url.slice(0, end), ')');
    if (!'.,;:!?'.includes(last) && !unopened) return url.slice(0, end);
    if (end <= 1) return url;
    end--;
  }
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
