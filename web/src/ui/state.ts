/**
 * What the views share: who is signed in, which conversation the address names, which sheet is open.
 *
 * The address is the only source of navigation: views set `location.hash`, and `route` follows.
 */
import { batch, effect, signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { type HandsetConfig, loadConfig } from '../handset/config';
import { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import {
  type Credentials,
  clearSession,
  forgetDevices,
  makeCredentials,
  restoreSession,
  saveSession,
  signInLink,
} from '../handset/session';
import { Store } from '../handset/store';
import { type Address, e164, parseAddress } from '../rcs/address';
import { parseDeepLink } from '../rcs/deep_link';
import { t } from './i18n';
import { displayName, readReceipts } from './settings_store';

export type SignInProblem = 'badNumber' | 'refused' | 'forbidden' | 'unreachable';

export const handset = signal<Handset | undefined>(undefined);
/** True from the tap on “Sign in” until the first registration or its refusal. */
export const signingIn = signal(false);
export const signInProblem = signal<SignInProblem | undefined>(undefined);
/** The conversation that the address names. */
export const route = signal<Address | undefined>(undefined);
/** Whether somebody looks at this page now. */
export const pageActive = signal(isPageActive());

/** A notice stays for as long as reading it takes. */
const TOAST_MS = 2500;
const TOAST_MS_PER_CHARACTER = 70;

export interface SheetContent {
  readonly title: string;
  readonly content: ComponentChildren;
  /** How much of a phone's height it takes. */
  readonly size?: 'auto' | 'half' | 'tall' | 'full';
}
export const sheet = signal<SheetContent | undefined>(undefined);
/** A short notice at the bottom, such as “Copied”. */
export const toast = signal<string | undefined>(undefined);

/** The message that a search or a quote led to, until the next one, and the words that were looked for. */
export const hit = signal<{ readonly messageId: string; readonly query: string } | undefined>(undefined);
/** Set until the log has scrolled to `hit`. */
export const seeking = signal(false);

let config: Promise<HandsetConfig> | undefined;
let toastTimer: ReturnType<typeof setTimeout> | undefined;

/** Starts everything: called once by main. */
export function start(): void {
  window.addEventListener('hashchange', followAddress);
  for (const event of ['focus', 'blur', 'visibilitychange']) {
    const target = event === 'visibilitychange' ? document : window;
    target.addEventListener(event, () => {
      pageActive.value = isPageActive();
    });
  }
  // A file dropped beside its place would take this page's.
  for (const event of ['dragover', 'drop'])
    window.addEventListener(event, (dropped) => dropped.preventDefault());
  window.addEventListener('online', () => handset.value?.networkIs(true));
  window.addEventListener('offline', () => handset.value?.networkIs(false));
  effect(() => {
    const unread = handset.value?.archive.unread.value ?? 0;
    document.title = unread > 0 ? `(${unread}) ${t('appName')}` : t('appName');
  });
  const saved = restoreSession();
  if (saved && !signInLink(location.hash)) void begin(saved);
  followAddress();
}

export async function signIn(numberText: string, password: string): Promise<void> {
  const credentials = makeCredentials(numberText, password);
  if (!credentials) {
    signInProblem.value = 'badNumber';
    return;
  }
  await signOut();
  signingIn.value = true;
  await begin(credentials);
}

/** Ends the session of this tab and removes what this browser keeps of the account. */
export async function clearData(): Promise<void> {
  const account = handset.value && e164(handset.value.self);
  await signOut();
  if (account === undefined) return;
  await Store.remove(account);
  // The network tells a new device again of the groups that it is in.
  forgetDevices(account);
}

/** Ends the session of this tab. The history stays on the device. */
export async function signOut(): Promise<void> {
  const ending = handset.value;
  clearSession();
  batch(() => {
    handset.value = undefined;
    sheet.value = undefined;
    signingIn.value = false;
    signInProblem.value = undefined;
  });
  await ending?.stop();
}

export function openConversation(peer: Address, draft?: string): void {
  if (draft !== undefined) void handset.value?.archive.open(peer, { draft });
  const hash = `#/c/${encodeURIComponent(peer)}`;
  if (location.hash === hash) followAddress();
  else location.hash = hash;
}

/** Shows a message where it was said, however long ago. */
export async function openMessage({ peer, messageId, order }: MessageRecord, query = ''): Promise<void> {
  const phone = handset.value;
  if (!phone) return;
  hit.value = { messageId, query };
  const isShown =
    phone.archive.current.value === peer &&
    phone.archive.messages.value.some((r) => r.messageId === messageId);
  if (!isShown) await phone.archive.open(peer, { around: order });
  seeking.value = true;
  openConversation(peer);
}

export function openList(): void {
  location.hash = '#/';
}

export function openSheet(content: SheetContent): void {
  sheet.value = content;
}

export function closeSheet(): void {
  sheet.value = undefined;
}

export function showToast(text: string): void {
  toast.value = text;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(
    () => {
      toast.value = undefined;
    },
    Math.max(TOAST_MS, text.length * TOAST_MS_PER_CHARACTER),
  );
}

/** Makes a handset and shows it as soon as it is registered, or at once when it was signed in before. */
async function begin(credentials: Credentials): Promise<void> {
  const isNew = signingIn.value;
  signInProblem.value = undefined;
  let started: Handset;
  try {
    config ??= loadConfig();
    started = await Handset.start({
      config: await config,
      credentials,
      sendsDisplayed: () => readReceipts.value,
      displayName: () => displayName(credentials.number).value,
    });
  } catch (error) {
    console.error('cannot start', error);
    config = undefined;
    batch(() => {
      signingIn.value = false;
      signInProblem.value = 'unreachable';
    });
    return;
  }
  if (!isNew) show(started, credentials);
  started.isErased.subscribe((isErased) => {
    if (isErased && handset.peek() === started) queueMicrotask(() => void signOut());
  });
  const stopWatching = started.registration.subscribe((state) => {
    if (state === 'registered' && handset.peek() !== started) show(started, credentials);
    if (state === 'offline' && handset.peek() !== started) signInProblem.value = 'unreachable';
    if (state !== 'refused' && state !== 'forbidden') return;
    // Not inside the subscription's own first call.
    queueMicrotask(() => {
      stopWatching();
      void started.stop();
      clearSession();
      batch(() => {
        if (handset.peek() === started) handset.value = undefined;
        signingIn.value = false;
        signInProblem.value = state;
      });
    });
  });
  // “Cancel” while it is still connecting.
  const stopCancel = signingIn.subscribe((going) => {
    if (going || !isNew) return;
    queueMicrotask(() => {
      stopCancel();
      if (handset.peek() === started || signInProblem.peek() !== undefined) return;
      stopWatching();
      void started.stop();
    });
  });
}

function show(started: Handset, credentials: Credentials): void {
  saveSession(credentials);
  batch(() => {
    handset.value = started;
    signingIn.value = false;
    signInProblem.value = undefined;
  });
  followAddress();
}

function followAddress(): void {
  const link = signInLink(location.hash);
  if (link) {
    // The password doesn't stay in the address bar or in the history.
    history.replaceState(null, '', `${location.pathname}${location.search}#/`);
    void signIn(link.number, link.password);
    return;
  }
  const deepLink = /^#\/open\?uri=(.+)$/.exec(location.hash)?.[1];
  const target = deepLink === undefined ? undefined : parseDeepLink(decode(deepLink));
  if (target) {
    if (!handset.value) return;
    history.replaceState(null, '', `${location.pathname}${location.search}#/`);
    openConversation(target.address, target.body);
    return;
  }
  const peer = parseAddress(decode(/^#\/c\/(.+)$/.exec(location.hash)?.[1] ?? ''));
  route.value = peer;
  const current = handset.value;
  if (!current) return;
  if (peer === undefined) current.archive.close();
  else if (current.archive.current.peek() !== peer) void current.archive.open(peer);
}

function isPageActive(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
