/** Blocking somebody, and hearing from them again; nothing where the server keeps no list. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, displayAddress } from '../rcs/address';
import { ConsentSheet } from './action_sheets';
import { Avatar } from './avatar';
import { t } from './i18n';
import { Icon } from './icons';
import { openSheet, showToast } from './state';

interface Props {
  readonly handset: Handset;
  readonly peer: Address;
}

export function BlockButton({ handset, peer }: Props): JSX.Element | null {
  const blocked = handset.blockList.blocked.value;
  if (blocked === undefined) return null;
  const isBlocked = blocked.has(peer);
  const isChatbot = handset.directory.isChatbot(peer);
  const label = isBlocked ? t('unblock') : t(isChatbot ? 'blockChatbot' : 'block');
  const ask = () =>
    openSheet({
      title: label,
      content: (
        <ConsentSheet
          text={t('blockHint', { name: handset.directory.name(peer) })}
          accept={label}
          onAccept={() => void setBlocked(handset, peer, true)}
        />
      ),
    });
  return (
    <button
      type="button"
      class={isBlocked ? 'secondary-button wide' : 'secondary-button wide danger'}
      data-testid="block"
      onClick={() => (isBlocked ? void setBlocked(handset, peer, false) : ask())}
    >
      <Icon name="block" size={20} />
      {label}
    </button>
  );
}

/** In the place of the composer. */
export function BlockedNotice({ handset, peer }: Props): JSX.Element {
  return (
    <div class="composer not-a-member" role="status">
      <p>{t('blockedHere')}</p>
      <button
        type="button"
        class="text-button"
        data-testid="unblock"
        onClick={() => void setBlocked(handset, peer, false)}
      >
        {t('unblock')}
      </button>
    </div>
  );
}

/** The list, in the settings. */
export function BlockedList({ handset }: { handset: Handset }): JSX.Element {
  const blocked = [...(handset.blockList.blocked.value ?? [])];
  if (blocked.length === 0) return <p class="hint">{t('nobodyBlocked')}</p>;
  return (
    <ul class="people">
      {blocked.map((peer) => (
        <li key={peer} class="person-row">
          <Avatar handset={handset} peer={peer} size={40} />
          <span>
            {handset.directory.name(peer)}
            {handset.directory.name(peer) !== displayAddress(peer) && <small>{displayAddress(peer)}</small>}
          </span>
          <button type="button" class="text-button" onClick={() => void setBlocked(handset, peer, false)}>
            {t('unblock')}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Changes the list and says what came of it. */
export async function setBlocked(handset: Handset, peer: Address, isBlocked: boolean): Promise<void> {
  const isDone = await handset.blockList.set(peer, isBlocked);
  if (!isDone) showToast(t('notDone', { reason: t('noNetwork') }));
  else showToast(t(isBlocked ? 'blocked' : 'unblocked'));
}
