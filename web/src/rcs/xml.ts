/**
 * The small part of XML that RCS bodies use: read with the platform's parser, written as strings.
 *
 * Elements are found by local name whatever their prefix, because senders bind the same namespaces to
 * different prefixes and some forget them.
 */

/** A body longer than this (UTF-16 units) is refused: the largest XML body of RCS is a few KiB. */
const XML_MAX = 64 * 1024;

/** Reads a document. `undefined` when it is not well-formed, too long, or declares a DOCTYPE. */
export function parseXml(text: string): Element | undefined {
  // Entities are only ever declared in a DOCTYPE, and no RCS body has one.
  if (text.length > XML_MAX || text.includes('<!DOCTYPE')) return undefined;
  const document = new DOMParser().parseFromString(text.trim(), 'application/xml');
  if (document.getElementsByTagName('parsererror').length > 0) return undefined;
  return document.documentElement ?? undefined;
}

/** The first element below `parent`, at any depth, with this local name. */
export function descendant(parent: Element, localName: string): Element | undefined {
  return parent.getElementsByTagNameNS('*', localName)[0];
}

/** Elements directly below `parent` with this local name, in order. */
export function children(parent: Element, localName: string): Element[] {
  return [...parent.children].filter((element) => element.localName === localName);
}

/** Trimmed text of the first descendant with this name; `undefined` when absent or empty. */
export function descendantText(parent: Element, localName: string): string | undefined {
  const text = descendant(parent, localName)?.textContent?.trim();
  return text ? text : undefined;
}

/** Escapes text for element content and for attribute values in double quotes. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
