/** The message that another one answers, in a few words. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { Address } from '../rcs/address';
import type { Drafting } from './drafting';
import { t } from './i18n';
import { Icon } from './icons';
import { previewText } from './preview';
import { openMessage } from './state';

/** Above the text of a reply; a tap leads to what was said. */
export function Quote({ handset, record }: { handset: Handset; record: MessageRecord }): JSX.Element | null {
  const quoted = useSignal<MessageRecord | undefined>(undefined);
  const { replyTo, peer } = record;
  useEffect(() => {
    if (replyTo)
      void handset.archive.find(peer, replyTo.messageId).then((found) => {
        quoted.value = found;
      });
  }, [replyTo?.messageId]);
  if (!replyTo) return null;
  const found = quoted.value;
  return (
    <button
      type="button"
      class="quote"
      data-testid="quote"
      disabled={found === undefined}
      onClick={() => found && openMessage(found)}
    >
      <span class="quote-name">{nameOf(handset, replyTo.sender)}</span>
      <span class="quote-text">{found ? previewText(handset.content(found)) : t('quoteGone')}</span>
    </button>
  );
}

/** Above the composer while a reply is written, or an own message is changed. */
export function DraftBar({
  handset,
  drafting,
}: {
  handset: Handset;
  drafting: Drafting;
}): JSX.Element | null {
  const edited = drafting.editing.value;
  const target = edited ?? drafting.replyTo.value;
  if (!target) return null;
  const sender = target.direction === 'out' ? handset.self : (target.sender ?? target.peer);
  return (
    <div class="reply-bar" data-testid={edited ? 'edit-bar' : 'reply-bar'}>
      <Icon name={edited ? 'compose' : 'reply'} size={20} />
      <span class="quote">
        <span class="quote-name">
          {edited ? t('editing') : t('replyTo', { name: nameOf(handset, sender) })}
        </span>
        <span class="quote-text">{previewText(handset.content(target))}</span>
      </span>
      <button
        type="button"
        class="icon-button"
        aria-label={t(edited ? 'cancelEdit' : 'cancelReply')}
        onClick={() => drafting.cancel()}
      >
        <Icon name="close" size={18} />
      </button>
    </div>
  );
}

function nameOf(handset: Handset, sender: Address): string {
  return sender === handset.self ? t('you') : handset.directory.name(sender);
}
