/** The chatbot's persistent menu, up to three levels. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { Address } from '../rcs/address';
import type { MenuEntry } from '../rcs/bot/info';
import { answer } from './actions';
import { t } from './i18n';
import { Icon } from './icons';
import { closeSheet, sheet } from './state';
import { suggestionIcon } from './suggestion_icon';

export function MenuSheet({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element {
  /** Submenus entered, by index at each level. */
  const path = useSignal<readonly number[]>([]);
  let entries: readonly MenuEntry[] = handset.directory.get(peer)?.info?.menu ?? [];
  let title: string | undefined;
  for (const index of path.value) {
    const entry = entries[index];
    if (entry?.kind !== 'menu') break;
    title = entry.displayText;
    entries = entry.entries;
  }
  return (
    <div class="menu">
      {title !== undefined && (
        <button
          type="button"
          class="menu-back"
          onClick={() => {
            path.value = path.value.slice(0, -1);
          }}
        >
          <Icon name="back" size={18} />
          <span class="sr-only">{t('back')}</span>
          {title}
        </button>
      )}
      <ul>
        {entries.map((entry, i) => (
          <li key={`${path.value.join('.')}-${i}`}>
            <button
              type="button"
              class="menu-entry"
              data-testid="menu-entry"
              aria-haspopup={entry.kind === 'menu' ? 'menu' : undefined}
              onClick={() => {
                if (entry.kind === 'menu') {
                  path.value = [...path.value, i];
                  return;
                }
                const opened = sheet.peek();
                answer(handset, peer, entry);
                // An action may have opened its own sheet in place of the menu.
                if (sheet.peek() === opened) closeSheet();
              }}
            >
              <Icon name={entry.kind === 'menu' ? 'menu' : (suggestionIcon(entry) ?? 'reply')} size={20} />
              <span>{entry.displayText}</span>
              {entry.kind === 'menu' && <Icon name="next" size={18} />}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
