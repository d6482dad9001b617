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
}

const KEY = 'hongyan.session';

export function restoreSession(): Credentials | undefined {
  try {
    const saved = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Credentials | null;
    return saved?.number && saved.password ? saved : undefined;
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
  return number === undefined || password === '' ? undefined : { number, password };
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

/** Who this tab is to the registrar, for as long as it is held. */
export interface Device {
  /** UUID: the key of the binding. */
  readonly instanceId: string;
  release(): void;
}

/** More tabs of one account than this share the last device. */
const DEVICES_MAX = 8;

/**
 * Takes the first device of this browser that no other tab of the account is using, so that tabs which come
 * and go are the same few devices to the network: it admits only so many.
 *
 * Where the browser can't tell which tabs there are (no Web Locks on pages that came by plain HTTP from
 * another machine), each tab is a device of its own.
 */
export async function claimDevice(number: string): Promise<Device> {
  const key = (slot: number) => deviceKey(number, slot);
  if (!('locks' in navigator)) return { instanceId: keptId(sessionStorage, key(0)), release: () => {} };
  for (let slot = 0; slot < DEVICES_MAX - 1; slot++) {
    const release = await hold(key(slot));
    if (release) return { instanceId: keptId(localStorage, key(slot)), release };
  }
  return { instanceId: keptId(localStorage, key(DEVICES_MAX - 1)), release: () => {} };
}

/** Whether this browser has had all that the server keeps of an account's conversations. */
export function hasHistory(number: string): boolean {
  return localStorage.getItem(historyKey(number)) !== null;
}

export function noteHistory(number: string): void {
  localStorage.setItem(historyKey(number), new Date().toISOString());
}

/** Has this browser's tabs of an account come as new devices from now on, which get the history anew. */
export function forgetDevices(number: string): void {
  localStorage.removeItem(historyKey(number));
  for (const storage of [localStorage, sessionStorage]) {
    for (let slot = 0; slot < DEVICES_MAX; slot++) storage.removeItem(deviceKey(number, slot));
  }
}

/** Takes a lock if it is free. What it resolves to gives the lock back; closing the tab does so too. */
function hold(name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const held = (lock: Lock | null) => {
      if (!lock) {
        resolve(undefined);
        return undefined;
      }
      return new Promise<void>((release) => resolve(release));
    };
    navigator.locks.request(name, { ifAvailable: true }, held).catch(reject);
  });
}

function historyKey(number: string): string {
  return `hongyan.history.${number}`;
}

function deviceKey(number: string, slot: number): string {
  return `hongyan.device.${number}.${slot}`;
}

function keptId(storage: Storage, key: string): string {
  const kept = storage.getItem(key) ?? uuid();
  storage.setItem(key, kept);
  return kept;
}
