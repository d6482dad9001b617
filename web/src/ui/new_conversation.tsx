/** Starting a conversation: a number, a service by its short name, or one from the list. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { parseAddress, userPart } from '../rcs/address';
import { parseDeepLink } from '../rcs/deep_link';
import { Avatar } from './avatar';
import { t } from './i18n';
import { Icon } from './icons';
import { NewGroup } from './new_group';
import { closeSheet, openConversation, openSheet } from './state';

export function NewConversation({ handset }: { handset: Handset }): JSX.Element {
  const text = useSignal('');
  const wrong = useSignal(false);
  const submit = (event: Event) => {
    event.preventDefault();
    const typed = text.value.trim();
    const link = parseDeepLink(typed);
    const peer = handset.directory.find(typed)?.id ?? link?.address ?? parseAddress(typed);
    wrong.value = peer === undefined || peer === handset.self;
    if (peer === undefined || wrong.value) return;
    closeSheet();
    openConversation(peer, link?.body || undefined);
  };
  return (
    <form class="new-conversation" onSubmit={submit}>
      <label class="field">
        <span>{t('toNumber')}</span>
        <input
          autofocus
          type="text"
          inputMode="tel"
          autocomplete="off"
          placeholder={t('toNumberHint')}
          aria-invalid={wrong.value}
          aria-describedby="new-conversation-problem"
          value={text.value}
          data-testid="new-address"
          onInput={(event) => {
            text.value = event.currentTarget.value;
            wrong.value = false;
          }}
        />
      </label>
      <p id="new-conversation-problem" class="field-problem" role="alert">
        {wrong.value && t('notAnAddress')}
      </p>
      <button type="submit" class="primary-button wide" disabled={text.value.trim() === ''}>
        {t('startConversation')}
      </button>
      {handset.groups.isPossible && (
        <button
          type="button"
          class="service new-group"
          data-testid="new-group"
          onClick={() => openSheet({ title: t('newGroup'), content: <NewGroup handset={handset} /> })}
        >
          <span class="attach-icon">
            <Icon name="people" size={22} />
          </span>
          <span>{t('newGroup')}</span>
          <Icon name="next" size={18} />
        </button>
      )}
      {handset.directory.all.value.size > 0 && <h3 class="section-title">{t('services')}</h3>}
      <ul class="services">
        {[...handset.directory.all.value.values()].map((chatbot) => (
          <li key={chatbot.id}>
            <button
              type="button"
              class="service"
              onClick={() => {
                closeSheet();
                openConversation(chatbot.id);
              }}
            >
              <Avatar handset={handset} peer={chatbot.id} size={40} />
              <span>
                {chatbot.name}
                <small>{userPart(chatbot.id)}</small>
              </span>
              <Icon name="next" size={18} />
            </button>
          </li>
        ))}
      </ul>
    </form>
  );
}
