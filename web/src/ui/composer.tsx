/** Where messages are written: text, files, voice, the chatbot's menu and a location. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import { VoiceRecorder } from '../media/recorder';
import type { Address } from '../rcs/address';
import { AttachmentRow, attach, pickFiles, sendFiles } from './attachments';
import type { Drafting } from './drafting';
import { t } from './i18n';
import { Icon, type IconName } from './icons';
import { MenuSheet } from './menu';
import { DraftBar } from './quote';
import { RecordVoice } from './record_voice';
import { ShareContact } from './share_contact';
import { ShareLocation } from './share_location';
import { closeSheet, openSheet } from './state';

/** RCC.07 leaves text unlimited; the joint interface of the operators allows 2000 characters. */
const TEXT_MAX = 2000;
/** The draft is stored when typing pauses this long. */
const DRAFT_MS = 400;

interface Props {
  readonly handset: Handset;
  readonly peer: Address;
  readonly isChatbot: boolean;
  readonly drafting: Drafting;
}

export function Composer({ handset, peer, isChatbot, drafting }: Props): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(handset.archive.conversation(peer)?.draft ?? '');
  const recording = useSignal<{ press: { x: number; at: number } | undefined } | undefined>(undefined);
  const draftTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** What was being written when a message came to be changed. */
  const aside = useRef('');
  const kept =
    handset.archive.conversations.value.find((conversation) => conversation.peer === peer)?.draft ?? '';
  const menu = handset.directory.get(peer)?.info?.menu ?? [];
  const { contentServer } = handset;

  // An action or a deep link may put text here while the conversation is open.
  useEffect(() => {
    if (kept !== '' && text.peek() === '') text.value = kept;
  }, [kept]);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text.value, recording.value]);
  useEffect(() => {
    // On a phone the keyboard shouldn't jump up unasked.
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
    return () => {
      clearTimeout(draftTimer.current);
      void handset.archive.saveDraft(peer, draft());
    };
  }, []);
  useEffect(() => drafting.replyTo.subscribe((target) => target && field.current?.focus()), []);
  useEffect(() => {
    let isEditing = false;
    return drafting.editing.subscribe((target) => {
      if (target && !isEditing) aside.current = text.peek();
      if (target) text.value = wordsOf(handset, target);
      else if (isEditing) text.value = aside.current;
      isEditing = target !== undefined;
      if (target) field.current?.focus();
    });
  }, []);

  const draft = () => (drafting.editing.peek() ? aside.current : text.peek());
  const change = (value: string) => {
    text.value = value;
    handset.handleInput(peer, value);
    clearTimeout(draftTimer.current);
    draftTimer.current = setTimeout(() => void handset.archive.saveDraft(peer, draft()), DRAFT_MS);
  };
  const send = () => {
    const message = text.value.trim();
    const edited = drafting.editing.value;
    if (edited) {
      if (message === '') return;
      void handset.edit(edited, message);
      drafting.cancel();
      field.current?.focus();
      return;
    }
    const files = drafting.attachments.value.map(({ file }) => file);
    if (message === '' && files.length === 0) return;
    clearTimeout(draftTimer.current);
    text.value = '';
    const replyTo = drafting.takeReply(handset.self);
    drafting.attachments.value = [];
    void handset.archive.saveDraft(peer, '');
    // Pictures first, then what is said about them.
    void sendFiles(handset, peer, files, { replyTo }).then(() => {
      if (message !== '') return handset.sendText(peer, message, files.length === 0 ? replyTo : undefined);
    });
    field.current?.focus();
  };
  const record = (press: { x: number; at: number } | undefined) => {
    recording.value ??= { press };
  };
  if (recording.value) {
    const end = () => {
      recording.value = undefined;
      queueMicrotask(() => field.current?.focus());
    };
    return (
      <div class="composer">
        <RecordVoice handset={handset} peer={peer} press={recording.value.press} onEnd={end} />
      </div>
    );
  }
  const isEmpty = text.value.trim() === '' && drafting.attachments.value.length === 0;
  const mayRecord = isEmpty && contentServer !== undefined && VoiceRecorder.isSupported;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <DraftBar handset={handset} drafting={drafting} />
      <AttachmentRow chosen={drafting.attachments} />
      <div class="composer-row">
        {menu.length > 0 && (
          <button
            type="button"
            class="icon-button"
            aria-label={t('openMenu')}
            aria-haspopup="dialog"
            data-testid="menu-button"
            onClick={() =>
              openSheet({ title: t('menu'), content: <MenuSheet handset={handset} peer={peer} /> })
            }
          >
            <Icon name="menu" />
          </button>
        )}
        <button
          type="button"
          class="icon-button"
          aria-label={t('attach')}
          aria-haspopup="dialog"
          data-testid="attach"
          onClick={() =>
            openSheet({
              title: t('attach'),
              content: <AttachSheet handset={handset} peer={peer} drafting={drafting} />,
            })
          }
        >
          <Icon name="plus" />
        </button>
        <textarea
          ref={field}
          rows={1}
          maxLength={TEXT_MAX}
          enterkeyhint="send"
          placeholder={isChatbot ? t('composerFor', { name: handset.directory.name(peer) }) : t('composer')}
          aria-label={t('composer')}
          data-testid="composer"
          value={text.value}
          onInput={(event) => change(event.currentTarget.value)}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])];
            if (files.length === 0 || !contentServer) return;
            event.preventDefault();
            attach(drafting.attachments, files, contentServer);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') drafting.cancel();
            // Enter that ends an input method's word is not “send”.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
            event.preventDefault();
            send();
          }}
        />
        {mayRecord ? (
          <button
            type="button"
            class="send-button"
            aria-label={t('recordVoice')}
            data-testid="record"
            onPointerDown={(event) => {
              if (event.button !== 0) return;
              event.preventDefault();
              record({ x: event.clientX, at: performance.now() });
            }}
            // By keyboard and by assistive technology there is no press to hold.
            onClick={() => record(undefined)}
          >
            <Icon name="mic" />
          </button>
        ) : (
          <button
            type="submit"
            class="send-button"
            aria-label={t('send')}
            data-testid="send"
            disabled={isEmpty}
            // Keeps the on-screen keyboard open.
            onMouseDown={(event) => event.preventDefault()}
          >
            <Icon name="send" />
          </button>
        )}
      </div>
    </form>
  );
}

function wordsOf(handset: Handset, record: MessageRecord): string {
  const content = handset.content(record);
  return content.kind === 'text' ? content.text : '';
}

/** What can be added to a conversation. */
function AttachSheet({ handset, peer, drafting }: Omit<Props, 'isChatbot'>): JSX.Element {
  const { contentServer } = handset;
  const pick = async (accept: string) => {
    if (!contentServer) return;
    const files = await pickFiles(accept);
    closeSheet();
    attach(drafting.attachments, files, contentServer);
  };
  return (
    <div class="attach">
      {contentServer && (
        <>
          <AttachButton
            icon="image"
            label={t('attachPhotos')}
            id="photos"
            onClick={() => void pick('image/*,video/*')}
          />
          <AttachButton icon="file" label={t('attachFile')} id="file" onClick={() => void pick('')} />
        </>
      )}
      {contentServer && (
        <AttachButton
          icon="user"
          label={t('attachContact')}
          id="contact"
          onClick={() =>
            openSheet({ title: t('shareContact'), content: <ShareContact handset={handset} peer={peer} /> })
          }
        />
      )}
      <AttachButton
        icon="pin"
        label={t('attachLocation')}
        id="location"
        onClick={() =>
          openSheet({ title: t('shareLocation'), content: <ShareLocation handset={handset} peer={peer} /> })
        }
      />
    </div>
  );
}

function AttachButton(props: {
  icon: IconName;
  label: string;
  id: string;
  onClick: () => void;
}): JSX.Element {
  return (
    <button type="button" class="attach-button" data-testid={`attach-${props.id}`} onClick={props.onClick}>
      <span class="attach-icon">
        <Icon name={props.icon} size={26} />
      </span>
      {props.label}
    </button>
  );
}
