/**
 * Addresses: subscribers are E.164 numbers, chatbots are SIP URIs.
 *
 * An `Address` is the canonical text of one party and is compared as a string: `tel:+8613800000001` or
 * `sip:12306@botplatform.hongyan.local` (domain in lower case, user part as given, no parameters).
 */

export type Address = string & { readonly __address: true };

/** Longest URI that we read. */
const URI_MAX = 512;

/**
 * Reads what a header, a deep link or a person gives: `tel:`, `sip:` and `sips:` URIs, name-addr forms
 * such as `"Li" <sip:…>;tag=1`, and bare numbers with or without separators. A Chinese mobile number
 * without a country code gets +86. `undefined` when it is none of these.
 */
export function parseAddress(text: string): Address | undefined {
  if (text.length > URI_MAX) return undefined;
  const uri = nameAddrUri(text);
  const scheme = /^(sips?|tel):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return uri.includes('@') ? sipAddress(uri) : numberAddress(uri);
  const rest = uri.slice(scheme.length + 1);
  return scheme === 'tel' ? numberAddress(rest.split(';')[0] ?? '') : sipAddress(rest);
}

/** The URI of a name-addr, or the text itself when it has no angle brackets (RFC 3261 §20.10). */
export function nameAddrUri(text: string): string {
  // A quoted display name may hold brackets of its own.
  const unquoted = text.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return (/<([^>]*)>/.exec(unquoted)?.[1] ?? text).trim();
}

/** What goes into the Request-URI of a MESSAGE: numbers become SIP URIs of our own domain. */
export function requestUri(address: Address, domain: string): string {
  const number = e164(address);
  return number === undefined ? address : `sip:${number}@${domain};user=phone`;
}

/** `+8613800000001` for a subscriber, `undefined` for a SIP address. */
export function e164(address: Address): string | undefined {
  return address.startsWith('tel:') ? address.slice(4) : undefined;
}

/** Whether it is a group's focus, `sip:ID@groups.DOMAIN`. */
export function isGroup(address: Address): boolean {
  return /^sip:[^@]+@groups\./.test(address);
}

/** The user part: the number, or the service id of a chatbot. */
export function userPart(address: Address): string {
  return e164(address) ?? address.slice(4).split('@')[0] ?? '';
}

/** A number as people read it: `+86 138 0000 0001`; other addresses without their scheme. */
export function displayAddress(address: Address): string {
  const number = e164(address);
  if (number === undefined) return userPart(address);
  const chinese = /^\+86(1\d{2})(\d{4})(\d{4})$/.exec(number);
  return chinese ? `+86 ${chinese[1]} ${chinese[2]} ${chinese[3]}` : number;
}

function sipAddress(rest: string): Address | undefined {
  const at = rest.lastIndexOf('@');
  const userText = at < 0 ? '' : (rest.slice(0, at).split(';')[0] ?? '');
  const host =
    rest
      .slice(at + 1)
      .split(/[;?]/)[0]
      ?.toLowerCase() ?? '';
  const user = percentDecode(userText);
  if (user === undefined || user === '' || /[\s<>"@]/.test(user)) return undefined;
  if (!/^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/.test(host)) return undefined;
  // A SIP URI whose user part is a global number is that subscriber (RFC 3261 §19.1.6).
  if (/^\+[\d.()-]+$/.test(user)) return numberAddress(user);
  return `sip:${user}@${host}` as Address;
}

function numberAddress(text: string): Address | undefined {
  let digits = text.replace(/[\s.()-]/g, '');
  if (/^00[1-9]/.test(digits)) digits = `+${digits.slice(2)}`;
  if (/^1[3-9]\d{9}$/.test(digits)) digits = `+86${digits}`;
  return /^\+[1-9]\d{4,14}$/.test(digits) ? (`tel:${digits}` as Address) : undefined;
}

function percentDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
