/** What can be done with one message, and what is known about it. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { mayEdit, mayRevoke } from '../handset/message';
import type { MessageRecord } from '../handset/records';
import { displayAddress } from '../rcs/address';
import type { Content } from '../rcs/content';
import { copyText } from './copy';
import type { Drafting } from './drafting';
import { fullTime, sizeText, t } from './i18n';
import { Icon, type IconName } from './icons';
import { previewText } from './preview';
import { openSpamSheet } from './spam';
import { closeSheet, openSheet, showToast } from './state';

/** Those that a finger finds at once, and the rest. */
const EMOJI = ['👍', '❤️', '😂', '😮', '😢', '🙏'];
const MORE_EMOJI = [
  ...['😀', '😅', '😊', '😍', '😘', '🤔', '😎', '😴', '😡', '😱', '🥳', '🤝', '👏', '👌', '💪', '🙌'],
  ...['👎', '🔥', '🎉', '🌹', '☕', '🍻', '💯', '✅', '❌', '⭐', '🚄', '🧧', '🐶', '🐱', '🌧️', '☀️'],
];

interface Props {
  readonly handset: Handset;
  readonly record: MessageRecord;
  readonly drafting: Drafting;
}

export function openMessageMenu(props: Props): void {
  openSheet({ title: t('messageMenu'), content: <MessageMenu {...props} /> });
}

function MessageMenu({ handset, record, drafting }: Props): JSX.Element {
  const content = handset.content(record);
  const text = copyable(content);
  // Chatbots take messages and taps, not these.
  const isPerson = !handset.directory.isChatbot(record.peer);
  const isSent =
    record.upload === undefined &&
    record.revocation !== 'done' &&
    record.state !== 'failed' &&
    record.state !== 'pending';
  return (
    <div class="message-menu">
      <p class="message-menu-preview">{previewText(content)}</p>
      {isPerson && isSent && <ReactionPicker handset={handset} record={record} />}
      <ul class="menu">
        {isPerson && isSent && (
          <Entry
            icon="reply"
            label={t('reply')}
            id="reply"
            onClick={() => {
              closeSheet();
              drafting.reply(record);
            }}
          />
        )}
        {text !== undefined && (
          <Entry
            icon="copy"
            label={t('copy')}
            id="copy"
            onClick={() => {
              closeSheet();
              void copyText(text);
            }}
          />
        )}
        {isPerson && mayEdit(record, Date.now()) && (
          <Entry
            icon="compose"
            label={t('edit')}
            id="edit"
            onClick={() => {
              closeSheet();
              drafting.edit(record);
            }}
          />
        )}
        {mayRevoke(record) && (
          <Entry
            icon="undo"
            label={t('revoke')}
            id="revoke"
            onClick={() => {
              closeSheet();
              void handset.revoke(record);
            }}
          />
        )}
        <Entry
          icon="info"
          label={t('details')}
          id="details"
          onClick={() =>
            openSheet({ title: t('details'), content: <MessageDetails handset={handset} record={record} /> })
          }
        />
        {record.direction === 'in' && (
          <Entry
            icon="alert"
            label={t('reportSpam')}
            id="spam"
            onClick={() => openSpamSheet({ handset, about: record.sender ?? record.peer, record })}
          />
        )}
        <Entry
          icon="trash"
          label={t('deleteHere')}
          id="delete"
          danger
          onClick={() => {
            closeSheet();
            void handset.deleteMessage(record).then(() => showToast(t('deleted')));
          }}
        />
      </ul>
    </div>
  );
}

function Entry(props: {
  icon: IconName;
  label: string;
  id: string;
  danger?: boolean;
  onClick: () => void;
}): JSX.Element {
  return (
    <li>
      <button
        type="button"
        class={props.danger ? 'menu-entry danger' : 'menu-entry'}
        data-testid={`message-${props.id}`}
        onClick={props.onClick}
      >
        <Icon name={props.icon} size={20} />
        <span>{props.label}</span>
      </button>
    </li>
  );
}

function ReactionPicker({ handset, record }: Pick<Props, 'handset' | 'record'>): JSX.Element {
  const showsAll = useSignal(false);
  const own = record.reactions?.find(({ by }) => by === handset.self)?.emoji;
  const choose = (emoji: string) => {
    closeSheet();
    void handset.react(record, emoji === own ? '' : emoji);
  };
  return (
    <fieldset class="emoji-picker">
      <legend class="sr-only">{t('react')}</legend>
      {(showsAll.value ? [...EMOJI, ...MORE_EMOJI] : EMOJI).map((emoji) => (
        <button
          key={emoji}
          type="button"
          class="emoji"
          aria-pressed={emoji === own}
          aria-label={t('reactWith', { emoji })}
          onClick={() => choose(emoji)}
        >
          {emoji}
        </button>
      ))}
      {!showsAll.value && (
        <button
          type="button"
          class="emoji is-more"
          aria-label={t('moreEmoji')}
          onClick={() => {
            showsAll.value = true;
          }}
        >
          <Icon name="plus" size={20} />
        </button>
      )}
    </fieldset>
  );
}

/** Everything that the handset knows: for the curious, and for whoever looks for a lost message. */
function MessageDetails({ handset, record }: Pick<Props, 'handset' | 'record'>): JSX.Element {
  const author = record.direction === 'out' ? handset.self : (record.sender ?? record.peer);
  const content = handset.content(record);
  const file = content.kind === 'file' ? content.transfer.file : undefined;
  return (
    <div class="stack" data-testid="details">
      <dl class="facts">
        <dt>{t('from')}</dt>
        <dd>{handset.directory.name(author)}</dd>
        {!handset.directory.isChatbot(author) &&
          handset.directory.name(author) !== displayAddress(author) && (
            <>
              <dt>{t('number')}</dt>
              <dd>{displayAddress(author)}</dd>
            </>
          )}
        <dt>{t('written')}</dt>
        <dd>{fullTime(record.at)}</dd>
        {record.edited && (
          <>
            <dt>{t('edited')}</dt>
            <dd>{fullTime(record.edited.at)}</dd>
          </>
        )}
        <dt>{t('kind')}</dt>
        <dd>{file?.contentType ?? record.contentType}</dd>
        {file?.sizeBytes !== undefined && (
          <>
            <dt>{t('size')}</dt>
            <dd>{sizeText(file.sizeBytes)}</dd>
          </>
        )}
      </dl>
      {record.direction === 'out' && <Trace handset={handset} record={record} />}
      {(record.reactions?.length ?? 0) > 0 && (
        <dl class="facts" aria-label={t('reactions')}>
          {record.reactions?.map(({ by, emoji }) => (
            <>
              <dt>{handset.directory.name(by)}</dt>
              <dd>{emoji}</dd>
            </>
          ))}
        </dl>
      )}
      <dl class="facts is-technical">
        <dt>Message-ID</dt>
        <dd>{record.messageId}</dd>
        <dt>Conversation-ID</dt>
        <dd>{record.conversationId}</dd>
        <dt>Contribution-ID</dt>
        <dd>{record.contributionId}</dd>
      </dl>
      <button type="button" class="secondary-button wide" onClick={() => void copyText(record.messageId)}>
        <Icon name="copy" size={20} />
        {t('copyMessageId')}
      </button>
    </div>
  );
}

/** How far it came, step by step. */
function Trace({ handset, record }: Pick<Props, 'handset' | 'record'>): JSX.Element {
  return (
    <ol class="trace" aria-label={t('trace')}>
      {(record.trace ?? []).map((step) => (
        <li key={`${step.state}-${step.by}`} class={`trace-step is-${step.state}`}>
          <span>
            {t(step.state)}
            {step.by !== undefined && step.by !== record.peer && (
              <small> · {handset.directory.name(step.by)}</small>
            )}
          </span>
          <time dateTime={new Date(step.at).toISOString()}>{fullTime(step.at)}</time>
        </li>
      ))}
      {record.state === 'pending' && <li class="trace-step is-pending">{t('pending')}</li>}
      {record.state === 'failed' && <li class="trace-step is-failed">{record.reason}</li>}
    </ol>
  );
}

/** What “copy” would take; `undefined` where there are no words. */
function copyable(content: Content): string | undefined {
  switch (content.kind) {
    case 'text':
      return content.text;
    case 'response':
      return content.response.displayText;
    case 'location':
      return `${content.place.latitude}, ${content.place.longitude}`;
    case 'card':
      return [content.content.title, content.content.description].filter(Boolean).join('\n') || undefined;
    default:
      return undefined;
  }
}
