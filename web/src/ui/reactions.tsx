/** The marks under a message. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { Address } from '../rcs/address';
import { t } from './i18n';

export function Reactions({
  handset,
  record,
}: {
  handset: Handset;
  record: MessageRecord;
}): JSX.Element | null {
  const { reactions = [] } = record;
  if (reactions.length === 0) return null;
  const parties = new Map<string, Address[]>();
  for (const { emoji, by } of reactions) parties.set(emoji, [...(parties.get(emoji) ?? []), by]);
  return (
    <ul class="reactions" aria-label={t('reactions')}>
      {[...parties].map(([emoji, by]) => {
        const isOwn = by.includes(handset.self);
        const names = by.map((party) => (party === handset.self ? t('you') : handset.directory.name(party)));
        return (
          <li key={emoji}>
            <button
              type="button"
              class="reaction"
              aria-pressed={isOwn}
              aria-label={t('reactionBy', { emoji, names: names.join(', ') })}
              title={names.join(', ')}
              data-testid="reaction"
              onClick={() => void handset.react(record, isOwn ? '' : emoji)}
            >
              {emoji}
              {by.length > 1 && <span>{by.length}</span>}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
