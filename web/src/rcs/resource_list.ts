/** Lists of addressees, `application/resource-lists+xml` (RFC 5366): who is to be in a group. */
import { escapeXml } from './xml';

export const RESOURCE_LISTS = 'application/resource-lists+xml';

export function writeResourceList(uris: readonly string[]): string {
  const entries = uris.map((uri) => `<entry uri="${escapeXml(uri)}" cp:copyControl="to"/>`).join('');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"',
    ' xmlns:cp="urn:ietf:params:xml:ns:copycontrol">',
    `<list>${entries}</list></resource-lists>`,
  ].join('');
}
