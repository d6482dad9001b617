/** One message. Reports it as displayed once it has really been seen. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { Address } from '../rcs/address';
import type { Suggestion } from '../rcs/bot/suggestion';
import type { Content } from '../rcs/content';
import type { Geolocation } from '../rcs/geolocation';
import { answer } from './actions';
import { hue } from './avatar';
import { CardView } from './card';
import { CarouselView } from './carousel';
import { ContactCards } from './contact_card';
import type { Drafting } from './drafting';
import { FileBody } from './file_body';
import { dateAndTime, t, timeOfDay } from './i18n';
import { Icon } from './icons';
import { Linkified } from './linkify';
import { LocationSheet } from './location_sheet';
import { useLongPress } from './long_press';
import { MapSketch } from './map';
import { openMessageMenu } from './message_menu';
import { ClaimedName } from './person_profile';
import { Quote } from './quote';
import { Reactions } from './reactions';
import { hit, openSheet, pageActive } from './state';
import { StateTick } from './tick';

interface Props {
  readonly handset: Handset;
  readonly record: MessageRecord;
  readonly scroller: { readonly current: HTMLDivElement | null };
  /** First and last of a group standing close together. */
  readonly first: boolean;
  readonly last: boolean;
  readonly drafting: Drafting;
}

export function Bubble({ handset, record, scroller, first, last, drafting }: Props): JSX.Element {
  const row = useRef<HTMLDivElement>(null);
  const showMenu = () => openMessageMenu({ handset, record, drafting });
  const longPress = useLongPress(showMenu);
  const id = `message-${record.order}`;
  const isHit = hit.value?.messageId === record.messageId;
  useDisplayed(row, scroller, handset, record);
  const content = handset.content(record);
  const isOwn = record.direction === 'out';
  const isWide = content.kind === 'carousel';
  const isBare = content.kind === 'card' || isWide;
  const classes = [
    'bubble-row',
    isOwn ? 'is-out' : 'is-in',
    first && 'is-first',
    last && 'is-last',
    isWide && 'is-wide',
    isHit && 'is-hit',
  ];
  return (
    <div ref={row} class={classes.filter(Boolean).join(' ')}>
      <div
        class={isBare ? 'bubble is-bare' : `bubble is-${content.kind}`}
        id={id}
        data-testid="bubble"
        data-state={record.state}
        data-direction={record.direction}
        data-message-id={record.messageId}
        {...longPress}
      >
        {first && record.sender !== undefined && <Author handset={handset} author={record.sender} />}
        <Quote handset={handset} record={record} />
        <Body handset={handset} record={record} content={content} />
        <span class="meta">
          {record.edited && <span data-testid="edited">{t('edited')}</span>}
          <time dateTime={new Date(record.at).toISOString()} title={dateAndTime(new Date(record.at))}>
            {timeOfDay(record.at)}
          </time>
          {isOwn && record.revocation !== 'done' && <StateTick state={record.state} />}
        </span>
      </div>
      <button
        type="button"
        class="bubble-menu"
        aria-haspopup="dialog"
        aria-label={t('messageOptions')}
        aria-describedby={id}
        data-testid="message-menu"
        onClick={showMenu}
      >
        <Icon name="more" size={20} />
      </button>
      <Reactions handset={handset} record={record} />
      {(record.revocation === 'asked' || record.revocation === 'failed') && (
        <p class="revocation" role="status">
          {t(record.revocation === 'asked' ? 'revoking' : 'revokeFailed')}
        </p>
      )}
      {record.state === 'failed' && (
        <div class="failed" title={record.reason}>
          <span>{t('failed')}</span>
          <button
            type="button"
            class="text-button"
            data-testid="retry"
            onClick={() => void handset.retry(record)}
          >
            {t('retry')}
          </button>
        </div>
      )}
    </div>
  );
}

/** In a group: whose words these are. */
function Author({ handset, author }: { handset: Handset; author: Address }): JSX.Element {
  return (
    <p class={`author ink-${hue(author)}`}>
      {handset.directory.name(author)}
      <ClaimedName handset={handset} peer={author} />
    </p>
  );
}

function Body({
  handset,
  record,
  content,
}: {
  handset: Handset;
  record: MessageRecord;
  content: Content;
}): JSX.Element | null {
  const tap = (suggestion: Suggestion) => void answer(handset, record.peer, suggestion);
  switch (content.kind) {
    case 'text':
      return (
        <p class="text">
          <Linkified
            text={content.text}
            highlight={hit.value?.messageId === record.messageId ? hit.value.query : ''}
          />
        </p>
      );
    case 'response':
      return <p class="text">{content.response.displayText}</p>;
    case 'card':
      return <CardView card={content} onTap={tap} />;
    case 'carousel':
      return <CarouselView carousel={content} onTap={tap} />;
    case 'contacts':
      return (
        <ContactCards
          handset={handset}
          contacts={content.contacts}
          src={`data:text/vcard;charset=utf-8,${encodeURIComponent(content.card)}`}
          fileName="contact.vcf"
        />
      );
    case 'location':
      return <LocationBody place={content.place} />;
    case 'file':
      return <FileBody handset={handset} record={record} transfer={content.transfer} />;
    case 'sharedData':
      return (
        <p class="text with-icon">
          <Icon name="device" size={18} /> {t('sharedDataSent')}
        </p>
      );
    case 'chips':
      return <p class="text">{t('kindChips')}</p>;
    case 'revoked':
      return <p class="text is-unknown">{t('revoked')}</p>;
    case 'event':
      // A line of its own, see the log.
      return null;
    case 'unknown':
      return <p class="text is-unknown">{t('unknownMessage', { type: content.contentType })}</p>;
  }
}

function LocationBody({ place }: { place: Geolocation }): JSX.Element {
  const title = place.label ?? t('location');
  return (
    <button
      type="button"
      class="location"
      aria-haspopup="dialog"
      onClick={() => openSheet({ title, content: <LocationSheet place={place} fallbackUrl={undefined} /> })}
    >
      <MapSketch place={place} width={264} height={132} zoom={11} />
      <span class="location-label">
        <Icon name="pin" size={18} />
        <span>
          {title}
          <small>
            {place.latitude.toFixed(5)}, {place.longitude.toFixed(5)}
          </small>
        </span>
      </span>
    </button>
  );
}

/** Says “displayed” when half of the bubble, or half a screen of it, is visible to somebody. */
function useDisplayed(
  row: { readonly current: HTMLDivElement | null },
  scroller: Props['scroller'],
  handset: Handset,
  record: MessageRecord,
): void {
  const owes = record.owed.includes('display');
  useEffect(() => {
    const element = row.current;
    if (!owes || !element) return;
    let visible = false;
    const tell = () => {
      if (visible && pageActive.peek()) void handset.displayed(record);
    };
    const observer = new IntersectionObserver(
      ([entry]) => {
        const halfScreen = (entry?.rootBounds?.height ?? Number.POSITIVE_INFINITY) / 2;
        visible =
          (entry?.intersectionRatio ?? 0) >= 0.5 || (entry?.intersectionRect.height ?? 0) >= halfScreen;
        tell();
      },
      { root: scroller.current, threshold: [0, 0.25, 0.5, 0.75, 1] },
    );
    observer.observe(element);
    const stop = pageActive.subscribe(tell);
    return () => {
      observer.disconnect();
      stop();
    };
  }, [owes, record.messageId]);
}
