/** What the handset says, as entries of the outbox: messages, reports and reactions in their CPIM envelopes. */
import { type Address, requestUri } from '../rcs/address';
import { writeComposing } from '../rcs/composing';
import { type CpimToWrite, type DispositionNotification, writeCpim } from '../rcs/cpim';
import { uuid } from '../rcs/id';
import { writeImdn } from '../rcs/imdn';
import * as media from '../rcs/media_type';
import { REVOKE, writeRevokeRequest } from '../rcs/revoke';
import { SPAM_REPORT, type SpamReport, writeSpamReport } from '../rcs/spam_report';
import type { OutgoingMessage } from '../sip/user_agent';
import type { MessageRecord, OutboxEntry } from './records';

const ASKED: readonly DispositionNotification[] = ['positive-delivery', 'negative-delivery', 'display'];

export class Envelopes {
  constructor(
    private readonly self: Address,
    private readonly domain: string,
    /** What the user calls themselves, asked at the time of each. */
    private readonly name: () => string,
  ) {}

  message(record: MessageRecord): OutboxEntry {
    const { peer, messageId, conversationId, contributionId, contentType, body, replyTo } = record;
    const cpim = this.cpim(peer, {
      dateTime: new Date(record.at),
      messageId,
      dispositionNotification: ASKED,
      replyTo: replyTo && { messageId: replyTo.messageId, sender: this.uri(replyTo.sender) },
      contentType,
      body,
    });
    return entry('message', peer, messageId, cpim, conversationId, contributionId);
  }

  report(record: MessageRecord, disposition: 'delivered' | 'displayed'): OutboxEntry {
    const { peer, messageId, conversationId, dateTime } = record;
    const id = uuid();
    // In a group the report goes to the focus, for the author alone.
    const cpim = this.cpim(record.sender ?? peer, {
      dateTime: new Date(),
      messageId: id,
      contentType: media.IMDN,
      contentDisposition: 'notification',
      body: writeImdn({ messageId, dateTime, recipient: this.self, disposition }),
    });
    return entry('report', peer, id, cpim, conversationId, uuid());
  }

  /** `emoji` is empty to take the reaction back. A handset that knows no reactions shows the emoji as a message. */
  reaction(record: MessageRecord, emoji: string, conversationId: string): OutboxEntry {
    const id = uuid();
    const cpim = this.cpim(record.peer, {
      dateTime: new Date(),
      messageId: id,
      inReplyTo: record.messageId,
      contentType: media.UTF8_TEXT,
      contentDisposition: 'Reaction',
      body: emoji,
    });
    const { peer, messageId: about } = record;
    return { ...entry('reaction', peer, id, cpim, conversationId, uuid()), about };
  }

  /** New words for a message of ours. A handset that knows no edits shows them as a message. */
  edit(record: MessageRecord, text: string, at: number, conversationId: string): OutboxEntry {
    const id = uuid();
    const cpim = this.cpim(record.peer, {
      dateTime: new Date(at),
      messageId: id,
      replaces: record.messageId,
      contentType: media.UTF8_TEXT,
      body: text,
    });
    const { peer, messageId: about } = record;
    return { ...entry('edit', peer, id, cpim, conversationId, uuid()), about };
  }

  /** Asks the network to take a message back. */
  revocation(record: MessageRecord, conversationId: string): OutboxEntry {
    const { peer, messageId: about } = record;
    const { body } = this.document(peer, REVOKE, writeRevokeRequest(about), conversationId);
    return { ...entry('revocation', peer, uuid(), body, conversationId, uuid()), about };
  }

  /** A document that asks for no report, to be sent at once or not at all. */
  document(to: Address, contentType: string, body: string, conversationId: string): OutgoingMessage {
    const cpim = this.cpim(to, { dateTime: new Date(), messageId: uuid(), contentType, body });
    return { to, contentType: media.CPIM, body: cpim, conversationId, contributionId: uuid() };
  }

  /** For the operator, about a person or a chatbot. */
  spamReport(report: Omit<SpamReport, 'about'>, about: Address): OutgoingMessage {
    const body = writeSpamReport({ ...report, about: this.uri(about) });
    return this.document(`sip:spam-report@botplatform.${this.domain}` as Address, SPAM_REPORT, body, uuid());
  }

  composing(peer: Address, state: 'active' | 'idle', conversationId: string): OutgoingMessage {
    const body = this.cpim(peer, {
      dateTime: new Date(),
      messageId: uuid(),
      contentType: media.IS_COMPOSING,
      body: writeComposing(state),
    });
    // Now or never: nobody wants to know tomorrow that somebody typed today.
    return { to: peer, contentType: media.CPIM, body, conversationId, contributionId: uuid(), expiresS: 0 };
  }

  private cpim(to: Address, message: Omit<CpimToWrite, 'from' | 'to' | 'fromName'>): string {
    return writeCpim({ from: this.uri(this.self), fromName: this.name(), to: this.uri(to), ...message });
  }

  private uri(address: Address): string {
    return requestUri(address, this.domain);
  }
}

function entry(
  kind: OutboxEntry['kind'],
  to: Address,
  messageId: string,
  body: string,
  conversationId: string,
  contributionId: string,
): OutboxEntry {
  return { kind, to, messageId, contentType: media.CPIM, body, conversationId, contributionId, attempts: 0 };
}
