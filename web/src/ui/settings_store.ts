/** The user's choices on this device. */
import { effect, type Signal, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const THEME_KEY = 'hongyan.theme';
const RECEIPTS_KEY = 'hongyan.receipts';
const NAME_KEY = 'hongyan.name';
const NOTIFICATIONS_KEY = 'hongyan.notifications';

export const theme = signal<Theme>(readTheme());
/** Whether others learn that their messages have been read. */
export const readReceipts = signal(localStorage.getItem(RECEIPTS_KEY) !== 'off');
/** Whether the browser tells of messages while nobody looks at this page. */
export const notifications = signal(localStorage.getItem(NOTIFICATIONS_KEY) === 'on');

const names = new Map<string, Signal<string>>();

/** What the user calls themselves under a number, sent with every message; empty for nothing. */
export function displayName(number: string): Signal<string> {
  const known = names.get(number);
  if (known) return known;
  const key = `${NAME_KEY}.${number}`;
  const name = signal(localStorage.getItem(key) ?? '');
  effect(() => localStorage.setItem(key, name.value));
  names.set(number, name);
  return name;
}

effect(() => {
  localStorage.setItem(THEME_KEY, theme.value);
  document.documentElement.dataset.theme = theme.value;
});
effect(() => localStorage.setItem(NOTIFICATIONS_KEY, notifications.value ? 'on' : 'off'));
effect(() => localStorage.setItem(RECEIPTS_KEY, readReceipts.value ? 'on' : 'off'));

function readTheme(): Theme {
  const saved = localStorage.getItem(THEME_KEY);
  return saved === 'light' || saved === 'dark' ? saved : 'auto';
}
