/** The user's choices on this device. */
import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

const THEME_KEY = 'hongyan.theme';
const RECEIPTS_KEY = 'hongyan.receipts';
const NAME_KEY = 'hongyan.name';

export const theme = signal<Theme>(readTheme());
/** Whether others learn that their messages have been read. */
export const readReceipts = signal(localStorage.getItem(RECEIPTS_KEY) !== 'off');
/** What the user calls themselves, sent with every message; empty for nothing. */
export const displayName = signal(localStorage.getItem(NAME_KEY) ?? '');

effect(() => {
  localStorage.setItem(THEME_KEY, theme.value);
  document.documentElement.dataset.theme = theme.value;
});
effect(() => localStorage.setItem(NAME_KEY, displayName.value));
effect(() => localStorage.setItem(RECEIPTS_KEY, readReceipts.value ? 'on' : 'off'));

function readTheme(): Theme {
  const saved = localStorage.getItem(THEME_KEY);
  return saved === 'light' || saved === 'dark' ? saved : 'auto';
}
