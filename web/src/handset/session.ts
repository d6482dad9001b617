/**
 * Who is signed in, per tab: two tabs can be two subscribers. Closing the tab forgets the password, and
 * the history stays in the account's database.
 */
import { e164, parseAddress } from '../rcs/address';
import { uuid } from '../rcs/id';

export interface Credentials {
  /** E.164 with plus. */
  readonly number: string;
  readonly password: string;
  /** UUID of this tab as a device. */
  readonly instanceId: string;
}

const KEY = 'hongyan.session';

export function restoreSession(): Credentials | undefined {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Credentials | null;
    return saved?.number && saved.password && saved.instanceId ? saved : undefined;
  } catch {
    return undefined;
  }
}

export function saveSession(credentials: Credentials): void {
  sessionStorage.setItem(KEY, JSON.stringify(credentials));
}

export function clearSession(): void {
  sessionStorage.removeItem(KEY);
}

/** Credentials from what was typed or linked; `undefined` when the number isn't one. */
export function makeCredentials(numberText: string, password: string): Credentials | undefined {
  const address = parseAddress(numberText);
  const number = address && e164(address);
  return number === undefined || password === '' ? undefined : { number, password, instanceId: uuid() };
}

/** Reads `#/signin?number=…&password=…`. */
export function signInLink(hash: string): { number: string; password: string } | undefined {
  const query = /^#\/signin\?(.*)$/.exec(hash)?.[1];
  if (query === undefined) return undefined;
  // A plus sign in a number is often left unescaped, and no number has a space.
  const parameters = new URLSearchParams(query.replaceAll('+', '%2B'));
  const number = parameters.get('number');
  const password = parameters.get('password');
  return number && password ? { number, password } : undefined;
}
