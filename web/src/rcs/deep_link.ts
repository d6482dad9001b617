/**
 * Deep links that open a conversation: `sms:` in its two chatbot forms, `sip:` and `tel:`.
 *
 * `sms:12306%40botplatform.example?body=…` names the chatbot itself; `sms:+86106…?service_id=…&body=…`
 * names a number for handsets without RCS and the chatbot for the others. We are one of the others.
 */
import { type Address, parseAddress } from './address';

export interface DeepLink {
  readonly address: Address;
  /** Text for the composer; it is never sent by itself. */
  readonly body: string;
}

const BODY_MAX = 2000;

export function parseDeepLink(text: string): DeepLink | undefined {
  const match = /^(sms|smsto|sips?|tel):(?:\/\/)?([^?#]*)(?:\?([^#]*))?/i.exec(text.trim());
  if (!match || text.length > 8192) return undefined;
  const scheme = match[1]?.toLowerCase() ?? '';
  const target = match[2] ?? '';
  const query = new URLSearchParams((match[3] ?? '').replaceAll('+', '%2B'));
  const body = (query.get('body') ?? '').slice(0, BODY_MAX);
  const address = scheme.startsWith('sms')
    ? parseAddress(query.get('service_id') ?? decodeTarget(target))
    : parseAddress(`${scheme}:${target}`);
  return address && { address, body };
}

function decodeTarget(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}
