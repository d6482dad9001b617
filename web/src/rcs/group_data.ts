/** Changes of a group as a message to its focus: `application/vnd.oma.cpm-groupdata+xml` (OMA CPM). */
import { escapeXml } from './xml';

export const GROUP_DATA = 'application/vnd.oma.cpm-groupdata+xml';

/** A new subject; empty removes it. */
export function writeSubject(subject: string): string {
  return change('subject', subject === '' ? undefined : `<subject>${escapeXml(subject)}</subject>`);
}

/** A new icon, which lies at this URL; `undefined` removes it. */
export function writeIcon(url: string | undefined): string {
  return change(
    'icon',
    url === undefined ? undefined : `<icon><icon-uri>${escapeXml(url)}</icon-uri></icon>`,
  );
}

function change(target: string, value: string | undefined): string {
  const action = value === undefined ? 'delete' : 'set';
  const data = value === undefined ? '' : `<data>${value}</data>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\r\n',
    '<groupdata xmlns="urn:oma:xml:cpm:groupdata">',
    `<target-type>${target}</target-type><action-type>${action}</action-type>${data}</groupdata>`,
  ].join('');
}
