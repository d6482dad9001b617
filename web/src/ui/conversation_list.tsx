/** All conversations, newest first. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { ConversationRecord } from '../handset/records';
import { displayAddress } from '../rcs/address';
import { Avatar } from './avatar';
import { HistoryProgress } from './history';
import { listTime, t } from './i18n';
import { Goose, Icon, VerifiedMark } from './icons';
import { NewConversation } from './new_conversation';
import { ClaimedName } from './person_profile';
import { previewText } from './preview';
import { MessageHits } from './search';
import { Settings } from './settings';
import { handset, openConversation, openSheet, route } from './state';
import { StateTick } from './tick';

export function ConversationList(): JSX.Element | null {
  const phone = handset.value;
  const query = useSignal('');
  if (!phone) return null;
  const all = phone.archive.conversations.value.filter(
    ({ last, draft, peer }) => last || draft || peer === route.value,
  );
  const shown = all.filter((conversation) => matches(phone, conversation, query.value));
  return (
    <nav class="list" aria-label={t('conversations')}>
      <header class="bar">
        <Goose size={32} />
        <h1>{t('messages')}</h1>
        <button
          type="button"
          class="icon-button"
          aria-label={t('newConversation')}
          data-testid="new-conversation"
          onClick={() =>
            openSheet({ title: t('newConversation'), content: <NewConversation handset={phone} /> })
          }
        >
          <Icon name="compose" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label={t('settings')}
          data-testid="settings"
          onClick={() => openSheet({ title: t('settings'), content: <Settings handset={phone} /> })}
        >
          <Icon name="settings" />
        </button>
      </header>
      <HistoryProgress handset={phone} />
      {all.length > 0 && (
        <label class="search">
          <Icon name="search" size={18} />
          <input
            type="search"
            aria-label={t('searchAll')}
            data-testid="search"
            placeholder={t('search')}
            value={query.value}
            onInput={(event) => {
              query.value = event.currentTarget.value;
            }}
          />
        </label>
      )}
      {all.length === 0 ? (
        <Welcome handset={phone} />
      ) : (
        <div class="conversations">
          <ul>
            {shown.map((conversation) => (
              <Row key={conversation.peer} handset={phone} conversation={conversation} />
            ))}
          </ul>
          {query.value.trim() !== '' && <MessageHits handset={phone} query={query.value} />}
        </div>
      )}
    </nav>
  );
}

function Row({
  handset: phone,
  conversation,
}: {
  handset: Handset;
  conversation: ConversationRecord;
}): JSX.Element {
  const { peer, last, unread, draft, lastAt } = conversation;
  const info = phone.directory.get(peer)?.info;
  const isTyping = phone.composing.value.has(peer);
  return (
    <li>
      <button
        type="button"
        class={unread > 0 ? 'row is-unread' : 'row'}
        aria-current={route.value === peer ? 'page' : undefined}
        data-testid="conversation"
        data-peer={peer}
        onClick={() => openConversation(peer)}
      >
        <Avatar handset={phone} peer={peer} size={48} />
        <span class="row-text">
          <span class="row-top">
            <span class="row-name">{phone.directory.name(peer)}</span>
            {info?.verified && <VerifiedMark label={t('verified')} />}
            <ClaimedName handset={phone} peer={peer} />
            <time class="row-time" dateTime={new Date(lastAt).toISOString()}>
              {listTime(lastAt, Date.now())}
            </time>
          </span>
          <span class="row-bottom">
            <span class="row-preview">
              {isTyping ? (
                <span class="row-typing">{t('composing')}</span>
              ) : draft && route.value !== peer ? (
                <>
                  <span class="row-draft">{t('draft')}</span> {draft}
                </>
              ) : (
                <>
                  {last?.direction === 'out' && !last.event && <StateTick state={last.state} />}
                  {last?.sender !== undefined && `${phone.directory.name(last.sender)}: `}
                  {last && previewText(phone.content(last), (party) => phone.directory.name(party))}
                </>
              )}
            </span>
            {unread > 0 && (
              <span class="badge">
                <span aria-hidden="true">{unread > 99 ? '99+' : unread}</span>
                <span class="sr-only">{t('unreadCount', { n: unread })}</span>
              </span>
            )}
          </span>
        </span>
      </button>
    </li>
  );
}

function Welcome({ handset: phone }: { handset: Handset }): JSX.Element {
  return (
    <div class="empty">
      <Goose size={88} />
      <h2>{t('noConversations')}</h2>
      <p>{t('noConversationsHint')}</p>
      <ul class="welcome-services">
        {[...phone.directory.all.value.values()].slice(0, 4).map((chatbot) => (
          <li key={chatbot.id}>
            <button type="button" class="service" onClick={() => openConversation(chatbot.id)}>
              <Avatar handset={phone} peer={chatbot.id} size={36} />
              <span>{chatbot.name}</span>
              <Icon name="next" size={18} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** By name and number; what was said is looked for below. */
function matches(phone: Handset, { peer }: ConversationRecord, query: string): boolean {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return true;
  const haystack = [phone.directory.name(peer), peer, displayAddress(peer)];
  return haystack.some((text) => text.toLowerCase().includes(wanted));
}
