/** Starting a conversation: a number, a service by its short name or what it does, or one from the list. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { KnownChatbot } from '../handset/config';
import type { Handset } from '../handset/handset';
import { parseAddress, userPart } from '../rcs/address';
import { parseDeepLink } from '../rcs/deep_link';
import { Avatar } from './avatar';
import { t } from './i18n';
import { Icon, VerifiedMark } from './icons';
import { NewGroup } from './new_group';
import { closeSheet, openConversation, openSheet } from './state';

/** A person who types is not asked about every letter. */
const PAUSE_MS = 200;

export function NewConversation({ handset }: { handset: Handset }): JSX.Element {
  const text = useSignal('');
  const wrong = useSignal(false);
  const found = useSignal<readonly KnownChatbot[] | undefined>(undefined);
  const asked = text.value.trim();
  useEffect(() => {
    if (asked === '') {
      found.value = undefined;
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      const chatbots = await handset.directory.search(asked, abort.signal);
      if (!abort.signal.aborted) found.value = chatbots;
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked]);
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
      <Services handset={handset} found={found.value} />
    </form>
  );
}

/** The chatbots that were found; those of the list as long as nothing was looked for. */
function Services({
  handset,
  found,
}: {
  handset: Handset;
  found: readonly KnownChatbot[] | undefined;
}): JSX.Element {
  const listed = [...handset.directory.all.value.values()].map(({ id, name, icon, info }) => ({
    id,
    name,
    icon,
    verified: info?.verified ?? false,
  }));
  const services = found ?? listed;
  return (
    <>
      {(services.length > 0 || found) && <h3 class="section-title">{t('services')}</h3>}
      {found?.length === 0 && <p class="hint">{t('noServiceFound')}</p>}
      <ul class="services">
        {services.map((chatbot) => (
          <li key={chatbot.id}>
            <button
              type="button"
              class="service"
              data-testid="service"
              onClick={() => {
                handset.directory.meet(chatbot);
                closeSheet();
                openConversation(chatbot.id);
              }}
            >
              <Avatar handset={handset} peer={chatbot.id} size={40} />
              <span>
                {chatbot.name ?? userPart(chatbot.id)}
                {chatbot.verified && <VerifiedMark label={t('verified')} />}
                <small>{userPart(chatbot.id)}</small>
              </span>
              <Icon name="next" size={18} />
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
