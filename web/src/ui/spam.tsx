/** Telling the operator of messages that nobody wanted, and hearing no more from whoever sent them. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { Address } from '../rcs/address';
import { TEXT_MAX } from '../rcs/spam_report';
import { setBlocked } from './block';
import { Choice, Switch } from './controls';
import { t } from './i18n';
import { Icon } from './icons';
import { reasonText } from './new_group';
import { closeSheet, openSheet, showToast } from './state';

/** The words of the report, and their names here. */
const KINDS = [
  ['advertising', 'spamAdvertising'],
  ['fraud', 'spamFraud'],
  ['indecent', 'spamIndecent'],
  ['other', 'spamOther'],
] as const;

interface Props {
  readonly handset: Handset;
  /** The person or the chatbot. */
  readonly about: Address;
  /** Absent when the whole conversation is reported. */
  readonly record?: MessageRecord;
}

export function openSpamSheet(props: Props): void {
  openSheet({ title: t('reportSpam'), content: <SpamSheet {...props} /> });
}

/** In a profile. */
export function ReportSpamButton(props: Props): JSX.Element {
  return (
    <button
      type="button"
      class="secondary-button wide danger"
      data-testid="report-spam"
      onClick={() => openSpamSheet(props)}
    >
      <Icon name="alert" size={20} />
      {t('reportSpam')}
    </button>
  );
}

function SpamSheet({ handset, about, record }: Props): JSX.Element {
  const kind = useSignal<(typeof KINDS)[number][0]>(KINDS[0][0]);
  const text = useSignal('');
  const blocked = handset.blockList.blocked.value;
  const mayBlock = blocked !== undefined && !blocked.has(about);
  const alsoBlock = useSignal(mayBlock);
  const isSending = useSignal(false);
  const send = async (event: Event) => {
    event.preventDefault();
    if (isSending.value) return;
    isSending.value = true;
    const answer = await handset.reportSpam(about, { kind: kind.value, text: text.value.trim(), record });
    isSending.value = false;
    if (answer.status < 200 || answer.status >= 300) {
      showToast(t('notDone', { reason: reasonText(answer) }));
      return;
    }
    closeSheet();
    showToast(t('spamReported'));
    if (mayBlock && alsoBlock.value) await setBlocked(handset, about, true);
  };
  return (
    <form class="stack" onSubmit={(event) => void send(event)}>
      <p>
        {t(record ? 'reportSpamHint' : 'reportConversationHint', { name: handset.directory.name(about) })}
      </p>
      <Choice
        label={t('spamKind')}
        value={kind.value}
        options={KINDS.map(([word, name]) => [word, t(name)] as const)}
        onChoose={(choice) => {
          kind.value = choice;
        }}
      />
      <label class="field">
        <span>{t('spamText')}</span>
        <input
          type="text"
          maxLength={TEXT_MAX}
          autocomplete="off"
          value={text.value}
          data-testid="spam-text"
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
      </label>
      {mayBlock && (
        <Switch
          label={t(handset.directory.isChatbot(about) ? 'blockChatbot' : 'block')}
          isOn={alsoBlock.value}
          onChange={(isOn) => {
            alsoBlock.value = isOn;
          }}
        />
      )}
      <button
        type="submit"
        class="primary-button wide"
        data-testid="send-spam-report"
        disabled={isSending.value}
      >
        {t('reportSpam')}
      </button>
    </form>
  );
}
