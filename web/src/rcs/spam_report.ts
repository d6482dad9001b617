/**
 * What a person says of a message that they did not want, `application/vnd.gsma.rcsspam-report+xml` (RCC.07). The names
 * couldn't be checked against the specification's schema; they are those that our server writes.
 */
import { escapeXml } from './xml';

export const SPAM_REPORT = 'application/vnd.gsma.rcsspam-report+xml';

const NAMESPACE = 'urn:gsma:params:xml:ns:rcs:rcs:spamreport';

/** Most messages that one report may name, as the server allows it. */
export const MESSAGE_IDS_MAX = 50;
/** Longest text, in characters. */
export const TEXT_MAX = 1000;

export interface SpamReport {
  /** The URI of whom it is about. */
  readonly about: string;
  /** The messages that it is about, at most `MESSAGE_IDS_MAX`; may be none. */
  readonly messageIds: readonly string[];
  /** The kind of spam, in a word. */
  readonly kind: string;
  /** What the person wrote; may be empty. */
  readonly text: string;
}

export function writeSpamReport({ about, messageIds, kind, text }: SpamReport): string {
  const element = (name: string, value: string) => `<${name}>${escapeXml(value)}</${name}>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<SR xmlns="${NAMESPACE}">`,
    element('Chatbot', about),
    ...messageIds.map((id) => element('Message-ID', id)),
    element('spam-type', kind),
    text === '' ? '' : element('free-text', text),
    '</SR>',
  ].join('');
}
