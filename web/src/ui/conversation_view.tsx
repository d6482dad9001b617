/** One conversation: header, messages, chips, composer. */
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { Fragment, type JSX } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import { type Address, displayAddress, isGroup } from '../rcs/address';
import { NEW_BOT_USER_INITIATION } from '../rcs/bot/response';
import { answer } from './actions';
import { attach } from './attachments';
import { Avatar } from './avatar';
import { BlockedNotice } from './block';
import { Bubble } from './bubble';
import { ChatbotProfile } from './chatbot_profile';
import { Chips } from './chips';
import { Composer } from './composer';
import { Drafting } from './drafting';
import { useDrop } from './drop';
import { GroupProfile } from './group_profile';
import { dayName, dayNumber, language, t } from './i18n';
import { Icon, VerifiedMark } from './icons';
import { ClaimedName, PersonProfile } from './person_profile';
import { eventText } from './preview';
import { FindBar } from './search';
import { hit, openList, openSheet, pageActive, seeking } from './state';

/** Messages of one side within this time stand close together. */
const GROUP_MS = 3 * 60_000;
/** Nearer to the end than this (pixels), the view follows new messages. */
const STICKY_PX = 120;

interface Props {
  readonly handset: Handset;
  readonly peer: Address;
}

export function ConversationView({ handset, peer }: Props): JSX.Element {
  const isChatbot = handset.directory.isChatbot(peer);
  useSignalEffect(() => {
    if (isChatbot) void handset.directory.load(peer, language.value);
    else if (!isGroup(peer) && handset.registration.value === 'registered')
      void handset.refreshCapability(peer);
  });
  useSignalEffect(() => {
    const unread =
      handset.archive.conversations.value.find((conversation) => conversation.peer === peer)?.unread ?? 0;
    if (pageActive.value && unread > 0) void handset.archive.markRead(peer);
  });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // With a mouse the composer takes the focus; a finger would make the keyboard jump up.
    if (!matchMedia('(pointer: fine)').matches) heading.current?.focus();
  }, []);
  const finding = useSignal(false);
  const drafting = useMemo(() => new Drafting(), []);
  const drop = useDrop((files) => {
    if (handset.contentServer) attach(drafting.attachments, files, handset.contentServer);
  });
  const isEmpty = handset.archive.messages.value.length === 0;
  const colour = handset.directory.get(peer)?.info?.colour;
  return (
    <section
      class="conversation"
      aria-label={t('messagesWith', { name: handset.directory.name(peer) })}
      style={colour ? { '--chatbot': colour } : undefined}
      {...(handset.contentServer ? drop.handlers : {})}
    >
      <h1 ref={heading} class="sr-only" tabIndex={-1}>
        {handset.directory.name(peer)}
      </h1>
      <Header
        handset={handset}
        peer={peer}
        isChatbot={isChatbot}
        onSearch={() => {
          finding.value = true;
        }}
      />
      {finding.value && (
        <FindBar
          handset={handset}
          peer={peer}
          onClose={() => {
            finding.value = false;
          }}
        />
      )}
      {isChatbot && isEmpty ? (
        <Hero handset={handset} peer={peer} />
      ) : (
        <Log handset={handset} peer={peer} drafting={drafting} />
      )}
      {handset.archive.group(peer)?.isMember === false ? (
        <p class="composer not-a-member" role="status">
          {t('notAMember')}
        </p>
      ) : handset.blockList.blocked.value?.has(peer) ? (
        <BlockedNotice handset={handset} peer={peer} />
      ) : (
        <Composer handset={handset} peer={peer} isChatbot={isChatbot} drafting={drafting} />
      )}
      {drop.isOver.value && (
        <div class="drop-here" aria-hidden="true">
          <Icon name="download" size={32} />
          {t('dropFiles')}
        </div>
      )}
    </section>
  );
}

function Header({
  handset,
  peer,
  isChatbot,
  onSearch,
}: Props & { isChatbot: boolean; onSearch: () => void }): JSX.Element {
  const name = handset.directory.name(peer);
  const info = handset.directory.get(peer)?.info;
  const showProfile = () =>
    openSheet(
      isChatbot
        ? { title: t('profile'), content: <ChatbotProfile handset={handset} peer={peer} /> }
        : isGroup(peer)
          ? { title: t('group'), content: <GroupProfile handset={handset} focus={peer} /> }
          : { title: t('contact'), content: <PersonProfile handset={handset} peer={peer} /> },
    );
  const identity = (
    <>
      <Avatar handset={handset} peer={peer} size={40} />
      <span class="header-text">
        <span class="header-name">
          <span class="header-title">{name}</span>
          {info?.verified && <VerifiedMark label={t('verified')} />}
          <ClaimedName handset={handset} peer={peer} />
        </span>
        <Presence handset={handset} peer={peer} isChatbot={isChatbot} />
      </span>
    </>
  );
  return (
    <header class="bar conversation-bar">
      <button type="button" class="icon-button back-button" aria-label={t('back')} onClick={openList}>
        <Icon name="back" />
      </button>
      <button
        type="button"
        class="identity"
        aria-haspopup="dialog"
        data-testid="profile"
        onClick={showProfile}
      >
        {identity}
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={t('searchConversation')}
        data-testid="find-open"
        onClick={onSearch}
      >
        <Icon name="search" />
      </button>
      {isChatbot && (
        <button type="button" class="icon-button info-button" aria-label={t('profile')} onClick={showProfile}>
          <Icon name="info" />
        </button>
      )}
    </header>
  );
}

/** The line under the name: typing, else what is known about the other side. */
function Presence({ handset, peer, isChatbot }: Props & { isChatbot: boolean }): JSX.Element {
  const by = handset.composing.value.get(peer);
  if (by) {
    return (
      <span class="presence is-typing" data-testid="composing">
        {by === peer ? t('composing') : t('isComposing', { name: handset.directory.name(by) })}
      </span>
    );
  }
  const group = handset.archive.group(peer);
  if (group) {
    const names = group.members.map(({ address }) =>
      address === handset.self ? t('you') : handset.directory.name(address),
    );
    return <span class="presence">{`${t('memberCount', { n: names.length })} · ${names.join(', ')}`}</span>;
  }
  if (isChatbot) {
    const provider = handset.directory.get(peer)?.info?.provider;
    return <span class="presence">{provider ? `${t('chatbot')} · ${provider}` : t('chatbot')}</span>;
  }
  const capability = handset.capabilities.value.get(peer);
  const text =
    capability === 'reachable'
      ? t('reachable')
      : capability === 'away'
        ? t('away')
        : capability === 'none'
          ? t('noRcs')
          : '';
  return <span class={`presence is-${capability ?? 'unknown'}`}>{text}</span>;
}

/** Before the first message to a chatbot: who it is, and a button that says hello. */
function Hero({ handset, peer }: Props): JSX.Element {
  const chatbot = handset.directory.get(peer);
  const name = handset.directory.name(peer);
  const started = useSignal(false);
  const begin = () => {
    if (started.value) return;
    started.value = true;
    void handset.sendResponse(peer, {
      kind: 'reply',
      displayText: t('start'),
      postback: NEW_BOT_USER_INITIATION,
    });
  };
  return (
    <div class="hero">
      <Avatar handset={handset} peer={peer} size={96} />
      <h2>
        {name}
        {chatbot?.info?.verified && <VerifiedMark label={t('verified')} />}
      </h2>
      {chatbot?.info?.verifiedBy && <p class="hero-by">{t('verifiedBy', { by: chatbot.info.verifiedBy })}</p>}
      <p class="hero-description">{chatbot?.info?.description ?? displayAddress(peer)}</p>
      <button
        type="button"
        class="primary-button hero-start"
        data-testid="start"
        disabled={started.value}
        onClick={begin}
      >
        {t('start')}
      </button>
      <p class="hero-hint">{t('startHint', { name })}</p>
    </div>
  );
}

function Log({ handset, peer, drafting }: Props & { drafting: Drafting }): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const sticky = useRef(true);
  const missed = useSignal(0);
  const answered = useSignal<string | undefined>(undefined);
  const shown = useComputed(() =>
    handset.archive.messages.value.filter((record) => handset.content(record).kind !== 'chips'),
  );
  const newest = handset.archive.messages.value.at(-1);

  const toEnd = (behavior: ScrollBehavior) => {
    const element = scroller.current;
    element?.scrollTo({ top: element.scrollHeight, behavior });
    missed.value = 0;
  };
  const follow = useRef(() => {
    if (sticky.current) toEnd('auto');
  });
  // Pictures and the on-screen keyboard change heights without a message.
  useEffect(() => {
    const observer = new ResizeObserver(() => follow.current());
    if (inner.current) observer.observe(inner.current);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (newest?.direction === 'out') sticky.current = true;
    if (sticky.current) toEnd('auto');
    else missed.value += 1;
  }, [newest?.order]);

  // After the effect above, which would end at the end.
  useLayoutEffect(() => {
    if (!seeking.value || !hit.value) return;
    const bubble = inner.current?.querySelector(`[data-message-id="${CSS.escape(hit.value.messageId)}"]`);
    if (!bubble) return;
    sticky.current = false;
    bubble.scrollIntoView({ block: 'center' });
    seeking.value = false;
  }, [seeking.value, hit.value, shown.value]);

  return (
    <div class="log-place">
      <div
        ref={scroller}
        class="log"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard.
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={t('messagesWith', { name: handset.directory.name(peer) })}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          sticky.current = scrollHeight - scrollTop - clientHeight < STICKY_PX;
          if (sticky.current) missed.value = 0;
        }}
      >
        <div ref={inner} class="log-inner">
          {handset.archive.hasOlder.value && (
            <button type="button" class="text-button older" onClick={() => void handset.archive.loadOlder()}>
              {t('olderMessages')}
            </button>
          )}
          <Messages handset={handset} records={shown.value} scroller={scroller} drafting={drafting} />
          {newest && newest.direction === 'in' && answered.value !== newest.messageId && (
            <Chips
              suggestions={handset.content(newest).suggestions ?? []}
              onTap={(suggestion) => {
                // At the tap that sends an answer, so that a second tap finds no chip.
                if (answer(handset, peer, suggestion)) answered.value = newest.messageId;
              }}
            />
          )}
          {handset.composing.value.has(peer) && <TypingBubble />}
        </div>
      </div>
      {missed.value > 0 && (
        <button type="button" class="to-end" aria-label={t('jumpToLatest')} onClick={() => toEnd('smooth')}>
          <Icon name="down" size={18} />
          {t('unreadMessages', { n: missed.value })}
        </button>
      )}
    </div>
  );
}

function Messages(props: {
  handset: Handset;
  records: readonly MessageRecord[];
  scroller: { readonly current: HTMLDivElement | null };
  drafting: Drafting;
}): JSX.Element {
  const { records } = props;
  return (
    <>
      {records.map((record, i) => {
        const before = records[i - 1];
        const after = records[i + 1];
        const startsDay = !before || dayNumber(before.at) !== dayNumber(record.at);
        return (
          <Fragment key={`${record.direction}-${record.messageId}`}>
            {startsDay && (
              <div class="day">
                <span>{dayName(record.at, Date.now())}</span>
              </div>
            )}
            {record.event ? (
              <p class="event-line" data-testid="event">
                {eventText(record.event, (party) => props.handset.directory.name(party))}
              </p>
            ) : (
              <Bubble
                handset={props.handset}
                record={record}
                scroller={props.scroller}
                drafting={props.drafting}
                first={startsDay || !isGrouped(before, record)}
                last={!isGrouped(record, after)}
              />
            )}
          </Fragment>
        );
      })}
    </>
  );
}

function TypingBubble(): JSX.Element {
  return (
    <div class="bubble-row is-in is-typing" aria-hidden="true">
      <div class="bubble typing">
        <span />
        <span />
        <span />
      </div>
    </div>
  );
}

function isGrouped(a: MessageRecord | undefined, b: MessageRecord | undefined): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    !a.event &&
    !b.event &&
    a.direction === b.direction &&
    a.sender === b.sender &&
    Math.abs(b.at - a.at) < GROUP_MS
  );
}
