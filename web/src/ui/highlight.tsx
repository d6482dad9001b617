/** Text with the words that were searched for marked in it. */
import type { ComponentChildren, JSX } from 'preact';

export function Highlighted({ text, words }: { text: string; words: string }): JSX.Element {
  const wanted = words.trim().toLowerCase();
  if (wanted === '') return <>{text}</>;
  const lower = text.toLowerCase();
  // A few letters change their length with their case: then places in one are no places in the other.
  if (lower.length !== text.length) return <>{text}</>;
  const children: ComponentChildren[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    children.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  children.push(text.slice(from));
  return <>{children}</>;
}

/** The part of a long text around the first place where the words occur. */
export function excerpt(text: string, words: string, before = 24): string {
  const at = text.toLowerCase().indexOf(words.trim().toLowerCase());
  return at <= before ? text : `…${text.slice(at - before)}`;
}
