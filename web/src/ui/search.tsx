/** Looking for words in what was said: in all conversations from the list, and in one from its header. */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { Address } from '../rcs/address';
import { Avatar } from './avatar';
import { excerpt, Highlighted } from './highlight';
import { listTime, t } from './i18n';
import { Icon } from './icons';
import { previewText } from './preview';
import { hit, openMessage } from './state';

const HITS_MAX = 100;
/** Searching begins when typing pauses this long. */
const PAUSE_MS = 150;

/** Messages with these words, newest first; `undefined` while they are looked for. */
function useHits(
  handset: Handset,
  query: string,
  peer?: Address,
): Signal<readonly MessageRecord[] | undefined> {
  const hits = useSignal<readonly MessageRecord[] | undefined>(undefined);
  useEffect(() => {
    hits.value = undefined;
    let gone = false;
    const timer = setTimeout(async () => {
      const found = await handset.search(query, HITS_MAX, peer);
      if (!gone) hits.value = found;
    }, PAUSE_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [query, peer]);
  return hits;
}

/** Below the conversations that match. */
export function MessageHits({ handset, query }: { handset: Handset; query: string }): JSX.Element {
  const hits = useHits(handset, query).value;
  const count = hits?.length ?? 0;
  return (
    <section class="hits" aria-label={t('foundMessages')}>
      <h2 class="section-title">{t('foundMessages')}</h2>
      <p class={count === 0 ? 'nothing-found' : 'sr-only'} role="status">
        {hits === undefined ? t('searching') : count === 0 ? t('noMessageFound') : t('found', { n: count })}
      </p>
      <ul>
        {hits?.map((record) => (
          <li key={`${record.peer} ${record.direction} ${record.messageId}`}>
            <button
              type="button"
              class="row"
              data-testid="hit"
              onClick={() => void openMessage(record, query)}
            >
              <Avatar handset={handset} peer={record.peer} size={40} />
              <span class="row-text">
                <span class="row-top">
                  <span class="row-name">{handset.directory.name(record.peer)}</span>
                  <time class="row-time">{listTime(record.at, Date.now())}</time>
                </span>
                <span class="row-preview">
                  {record.direction === 'out' && `${t('you')}: `}
                  <Highlighted text={excerpt(previewText(handset.content(record)), query)} words={query} />
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** In a conversation: from hit to hit, newest first. */
export function FindBar(props: { handset: Handset; peer: Address; onClose: () => void }): JSX.Element {
  const { handset, peer } = props;
  const query = useSignal('');
  const at = useSignal(0);
  const field = useRef<HTMLInputElement>(null);
  const hits = useHits(handset, query.value, peer).value ?? [];
  useEffect(() => {
    field.current?.focus();
    return () => {
      hit.value = undefined;
    };
  }, []);
  const show = (index: number) => {
    const record = hits[index];
    if (!record) return;
    at.value = index;
    void openMessage(record, query.value);
  };
  useEffect(() => show(0), [hits]);
  return (
    <search
      class="find-bar"
      onKeyDown={(event) => {
        if (event.key === 'Escape') props.onClose();
        if (event.key === 'Enter') show(at.value + (event.shiftKey ? -1 : 1));
      }}
    >
      <label class="search">
        <Icon name="search" size={18} />
        <input
          ref={field}
          type="search"
          aria-label={t('searchConversation')}
          placeholder={t('searchConversation')}
          data-testid="find"
          value={query.value}
          onInput={(event) => {
            query.value = event.currentTarget.value;
          }}
        />
        <span class="find-count" role="status">
          {query.value.trim() !== '' &&
            t('hitOf', { i: hits.length === 0 ? 0 : at.value + 1, n: hits.length })}
        </span>
      </label>
      <button
        type="button"
        class="icon-button"
        aria-label={t('olderHit')}
        disabled={at.value + 1 >= hits.length}
        onClick={() => show(at.value + 1)}
      >
        <Icon name="up" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={t('newerHit')}
        disabled={at.value <= 0}
        onClick={() => show(at.value - 1)}
      >
        <Icon name="down" />
      </button>
      <button type="button" class="icon-button" aria-label={t('closeSearch')} onClick={props.onClose}>
        <Icon name="close" />
      </button>
    </search>
  );
}
