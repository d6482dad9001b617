/** What is being made in one conversation besides text: files chosen, and the message that is answered or changed. */
import { batch, type Signal, signal } from '@preact/signals';
import type { MessageRecord, ReplyTo } from '../handset/records';
import type { Address } from '../rcs/address';
import type { Attachment } from './attachments';

export class Drafting {
  readonly attachments: Signal<readonly Attachment[]> = signal([]);
  readonly replyTo: Signal<MessageRecord | undefined> = signal(undefined);

  /** An own message whose words are in the composer. */
  readonly editing: Signal<MessageRecord | undefined> = signal(undefined);

  reply(record: MessageRecord): void {
    this.cancel();
    this.replyTo.value = record;
  }

  edit(record: MessageRecord): void {
    this.cancel();
    this.editing.value = record;
  }

  /** Neither answers nor changes anything any more. */
  cancel(): void {
    batch(() => {
      this.replyTo.value = undefined;
      this.editing.value = undefined;
    });
  }

  /** What the next message answers, which it does once. */
  takeReply(self: Address): ReplyTo | undefined {
    const target = this.replyTo.value;
    this.replyTo.value = undefined;
    if (!target) return undefined;
    const sender = target.direction === 'out' ? self : (target.sender ?? target.peer);
    return { messageId: target.messageId, sender };
  }
}
