/** Changes of a group as a message to its focus: `application/vnd.oma.cpm-groupdata+xml` (OMA CPM). */
import { escapeXml } from './xml';

export const GROUP_DATA = 'application/vnd.oma.cpm-groupdata+xml';

/** A new subject; empty removes it. */
export function writeSubject(subject: string): string {
  const [action, data] =
    subject === '' ? ['delete', ''] : ['set', `<data><subject>${escapeXml(subject)}</subject></data>`];
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    '<groupdata xmlns="urn:oma:xml:cpm:groupdata">',
    `<target-type>subject</target-type><action-type>${action}</action-type>${data}</groupdata>`,
  ].join('');
}
