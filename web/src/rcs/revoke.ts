/**
 * Taking a message back, `application/vnd.gsma.rcsrevoke+xml` (RCC.07, message revocation). The names couldn't be checked
 * against the specification's schema: they are read whatever their case and dashes.
 */
import { escapeXml, parseXml } from './xml';

export const REVOKE = 'application/vnd.gsma.rcsrevoke+xml';

const NAMESPACE = 'urn:gsma:params:xml:ns:rcs:rcs:imrevoke';

export interface RevokeAnswer {
  readonly messageId: string;
  readonly isDone: boolean;
}

export function writeRevokeRequest(messageId: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<imRevoke xmlns="${NAMESPACE}"><revokeRequest>`,
    `<message-id>${escapeXml(messageId)}</message-id></revokeRequest></imRevoke>`,
  ].join('');
}

/** What came of a request; `undefined` when it is no answer to one. */
export function parseRevokeAnswer(body: string): RevokeAnswer | undefined {
  const root = parseXml(body);
  if (!root || plain(root.localName) !== 'imrevoke') return undefined;
  const find = (...names: string[]) =>
    [...root.querySelectorAll('*')]
      .find(({ localName }) => names.includes(plain(localName)))
      ?.textContent?.trim();
  const messageId = find('messageid', 'imdnmessageid');
  const result = find('result', 'status')?.toLowerCase();
  return messageId && result ? { messageId, isDone: result.startsWith('succe') } : undefined;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('-', '');
}
