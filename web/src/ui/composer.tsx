/** Where messages are written: text, the chatbot's menu, and the location button. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { Address } from '../rcs/address';
import { t } from './i18n';
import { Icon } from './icons';
import { MenuSheet } from './menu';
import { ShareLocation } from './share_location';
import { openSheet } from './state';

/** RCC.07 leaves text unlimited; the joint interface of the operators allows 2000 characters. */
const TEXT_MAX = 2000;
/** The draft is stored when typing pauses this long. */
const DRAFT_MS = 400;

interface Props {
  readonly handset: Handset;
  readonly peer: Address;
  readonly isChatbot: boolean;
}

export function Composer({ handset, peer, isChatbot }: Props): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(handset.conversation(peer)?.draft ?? '');
  const draftTimer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const kept = handset.conversations.value.find((conversation) => conversation.peer === peer)?.draft ?? '';
  const menu = handset.directory.get(peer)?.info?.menu ?? [];

  // An action or a deep link may put text here while the conversation is open.
  useEffect(() => {
    if (kept !== '' && text.peek() === '') text.value = kept;
  }, [kept]);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text.value]);
  useEffect(() => {
    // On a phone the keyboard shouldn't jump up unasked.
    if (matchMedia('(pointer: fine)').matches) field.current?.focus();
    return () => {
      clearTimeout(draftTimer.current);
      void handset.saveDraft(peer, text.peek());
    };
  }, []);

  const change = (value: string) => {
    text.value = value;
    handset.typing(peer, value);
    clearTimeout(draftTimer.current);
    draftTimer.current = setTimeout(() => void handset.saveDraft(peer, text.peek()), DRAFT_MS);
  };
  const send = () => {
    const message = text.value.trim();
    if (message === '') return;
    clearTimeout(draftTimer.current);
    text.value = '';
    void handset.saveDraft(peer, '');
    void handset.sendText(peer, message);
    field.current?.focus();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
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
        aria-label={t('shareLocation')}
        aria-haspopup="dialog"
        data-testid="share-location"
        onClick={() =>
          openSheet({ title: t('shareLocation'), content: <ShareLocation handset={handset} peer={peer} /> })
        }
      >
        <Icon name="pin" />
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
        onKeyDown={(event) => {
          // Enter that ends an input method's word is not “send”.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
          event.preventDefault();
          send();
        }}
      />
      <button
        type="submit"
        class="send-button"
        aria-label={t('send')}
        data-testid="send"
        disabled={text.value.trim() === ''}
        // Keeps the on-screen keyboard open.
        onMouseDown={(event) => event.preventDefault()}
      >
        <Icon name="send" />
      </button>
    </form>
  );
}
