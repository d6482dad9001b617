/** Disposition reports, `message/imdn+xml` (RFC 5438 §7.2). */
import { descendant, descendantText, escapeXml, parseXml } from './xml';

/** What became of a message. `interworked` and `stored` are on the way; `failed` is final. */
export type Disposition =
  | 'delivered'
  | 'displayed'
  | 'failed'
  | 'processed'
  | 'stored'
  | 'forbidden'
  | 'error'
  | 'interworked';

export interface Imdn {
  /** Message-ID of the message that the report is about. */
  readonly messageId: string;
  readonly disposition: Disposition;
}

const NOTIFICATIONS = [
  'delivery-notification',
  'display-notification',
  'processing-notification',
  'interworking-notification',
];
const STATUSES: readonly string[] = [
  'delivered',
  'displayed',
  'failed',
  'processed',
  'stored',
  'forbidden',
  'error',
];

/** Reads a report; `undefined` when it names no message or no status. */
export function parseImdn(text: string): Imdn | undefined {
  const root = parseXml(text);
  if (root?.localName !== 'imdn') return undefined;
  const messageId = descendantText(root, 'message-id');
  if (messageId === undefined) return undefined;
  for (const name of NOTIFICATIONS) {
    const notification = descendant(root, name);
    const status = notification && (descendant(notification, 'status')?.firstElementChild?.localName ?? '');
    if (status === undefined) continue;
    if (status.startsWith('interworked')) return { messageId, disposition: 'interworked' };
    if (STATUSES.includes(status)) return { messageId, disposition: status as Disposition };
  }
  return undefined;
}

/** A report that we make: only a handset's `delivered` and `displayed`. */
export function writeImdn(report: {
  messageId: string;
  /** DateTime of the message reported on, as received. */
  dateTime: string;
  recipient: string;
  disposition: 'delivered' | 'displayed';
}): string {
  const notification = report.disposition === 'delivered' ? 'delivery-notification' : 'display-notification';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<imdn xmlns="urn:ietf:params:xml:ns:imdn">',
    `<message-id>${escapeXml(report.messageId)}</message-id>`,
    `<datetime>${escapeXml(report.dateTime)}</datetime>`,
    `<recipient-uri>${escapeXml(report.recipient)}</recipient-uri>`,
    `<${notification}><status><${report.disposition}/></status></${notification}>`,
    '</imdn>',
  ].join('');
}
