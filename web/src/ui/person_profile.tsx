/** A person: the number, and the name that the user gave it. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, displayAddress } from '../rcs/address';
import { Avatar } from './avatar';
import { BlockButton } from './block';
import { copyText } from './copy';
import { askToDelete } from './history';
import { t } from './i18n';
import { Icon } from './icons';
import { ReportSpamButton } from './spam';
import { closeSheet, showToast } from './state';

const NAME_MAX = 60;

export function PersonProfile({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element {
  const person = handset.directory.person(peer);
  const name = useSignal(person.name);
  const save = (event: Event) => {
    event.preventDefault();
    closeSheet();
    void handset.directory.note(peer, { name: name.value.trim() }).then(() => showToast(t('saved')));
  };
  return (
    <form class="stack person" onSubmit={save}>
      <div class="person-head">
        <Avatar handset={handset} peer={peer} size={84} />
        <h3>{handset.directory.name(peer)}</h3>
        {handset.directory.name(peer) !== displayAddress(peer) && <p>{displayAddress(peer)}</p>}
        {person.claimed !== '' && <p>{t('claimedName', { name: person.claimed })}</p>}
      </div>
      <label class="field">
        <span>{t('contactName')}</span>
        <input
          type="text"
          maxLength={NAME_MAX}
          autocomplete="off"
          placeholder={person.claimed}
          aria-describedby="contact-name-hint"
          value={name.value}
          data-testid="contact-name"
          onInput={(event) => {
            name.value = event.currentTarget.value;
          }}
        />
      </label>
      <p id="contact-name-hint" class="hint">
        {t('contactNameHint')}
      </p>
      <button type="submit" class="primary-button wide">
        {t('save')}
      </button>
      <button
        type="button"
        class="secondary-button wide"
        onClick={() => void copyText(displayAddress(peer).replaceAll(' ', ''))}
      >
        <Icon name="copy" size={20} />
        {t('copyNumber')}
      </button>
      <BlockButton handset={handset} peer={peer} />
      <ReportSpamButton handset={handset} about={peer} />
      <button
        type="button"
        class="secondary-button wide danger"
        data-testid="delete-conversation"
        onClick={() => askToDelete(handset, peer)}
      >
        <Icon name="trash" size={20} />
        {t('deleteConversation')}
      </button>
    </form>
  );
}

/** What a stranger calls themselves, told from a name of the user's by its wave. */
export function ClaimedName({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element | null {
  const claimed = handset.directory.claimedName(peer);
  return claimed === undefined ? null : <span class="claimed-name">~{claimed}</span>;
}
