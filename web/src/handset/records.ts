/** What the handset keeps: the rows of its IndexedDB database, one database per account. */
import type { Address } from '../rcs/address';
import type { DispositionNotification } from '../rcs/cpim';
import type { GroupEvent } from '../rcs/group_event';
import type { Group } from './group';

export type Direction = 'in' | 'out';

/**
 * How far a message has come; for incoming ones always `delivered`. `pending` waits in the outbox,
 * `sent` has a 2xx, the rest come by report. States only ever rise, see `raised`.
 */
export type MessageState = 'pending' | 'failed' | 'sent' | 'delivered' | 'displayed';

export interface MessageRecord {
  readonly peer: Address;
  readonly direction: Direction;
  /** imdn.Message-ID. Unique together with peer and direction. */
  readonly messageId: string;
  /** Place in the conversation: rises with every message that this handset takes or makes. */
  readonly order: number;
  /** When it was written, by the sender's clock, ms since 1970. */
  readonly at: number;
  /** DateTime as received, for the report. Empty on outgoing messages. */
  readonly dateTime: string;
  readonly contentType: string;
  readonly body: string;
  readonly state: MessageState;
  readonly conversationId: string;
  readonly contributionId: string;
  /** Reports that were asked for and not yet made. */
  readonly owed: readonly DispositionNotification[];
  /** Why it failed, as the network said it. */
  readonly reason?: string;
  /** A file of ours that isn't on the content server yet: until then there is no body to send. */
  readonly upload?: PendingUpload;
  /** In a group: who wrote it. */
  readonly sender?: Address;
  /** In a group: nothing that was said, but something that happened. Such a row has no body. */
  readonly event?: GroupEvent;
  readonly replyTo?: ReplyTo;
  readonly reactions?: readonly Reaction[];
  /** The author has changed the words: `body` is the latest. */
  readonly edited?: Edit;
  /** Own messages: when it was sent, delivered and displayed. */
  readonly trace?: readonly TraceStep[];
  /** Own messages: whether the network was asked to take it back, and what came of it. */
  readonly revocation?: 'asked' | 'done' | 'failed';
  /** It came out of the history that the server keeps, and not by itself. */
  readonly recalled?: boolean;
  /** Deleted here. The row stays, empty, so that a repetition isn't taken for new. */
  readonly deleted?: boolean;
}

/** The message that this one answers. */
export interface ReplyTo {
  readonly messageId: string;
  /** Who wrote that one. */
  readonly sender: Address;
}

export interface Edit {
  /** When, by the author's clock, ms since 1970: an edit that comes late changes nothing. */
  readonly at: number;
  /** An own edit that the network hasn't taken yet: under which id it goes, and what holds again should it be refused. */
  readonly pending?: { readonly messageId: string; readonly before: Words };
}

/** What a message says, and whether it always did. */
export type Words = Pick<MessageRecord, 'body' | 'edited'>;

/** One person's mark on a message: each has at most one, the latest. */
export interface Reaction {
  readonly by: Address;
  readonly emoji: string;
}

/** A step on the way of an own message. */
export interface TraceStep {
  readonly state: 'sent' | 'delivered' | 'displayed' | 'failed';
  /** ms since 1970, by our clock. */
  readonly at: number;
  /** Whose report said so; absent for what the network answered. */
  readonly by?: Address;
}

export interface PendingUpload {
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Voice messages. */
  readonly playingMs?: number;
}

/** A file on its way to the content server; it leaves the store with the server's final word. */
export interface FileRecord {
  /** Of the message that will carry it; the transfer id (`tid`) as well. */
  readonly messageId: string;
  readonly peer: Address;
  readonly order: number;
  /** Absent when the browser had no room to keep it: then one tab has it, and with that tab it is gone. */
  readonly file?: Blob;
  /** Device id of that tab. */
  readonly onlyIn?: string;
  readonly thumbnail?: Blob;
  /** Attempts that ended in “not now”; above 0 part of the file may be on the server. */
  readonly attempts: number;
  /** Refused: waits for the user. */
  readonly stopped?: boolean;
}

export interface ConversationRecord {
  readonly peer: Address;
  readonly conversationId: string;
  readonly unread: number;
  readonly draft: string;
  /** Absent when the peer is one party. */
  readonly group?: Group;
  /** Absent in a conversation that was opened but has no message yet. */
  readonly last?: MessageRecord;
  /** ms since 1970: sorts the list. */
  readonly lastAt: number;
}

/** Something that has to reach the network; it leaves the outbox with the final answer. */
export interface OutboxEntry {
  /** Given by the database: entries go out in this order. */
  readonly sequence?: number;
  readonly kind: 'message' | 'report' | 'reaction' | 'edit' | 'revocation';
  readonly to: Address;
  readonly messageId: string;
  /** Of a reaction, an edit or a revocation: the message that it is about. */
  readonly about?: string;
  readonly contentType: string;
  /** The whole CPIM, so that a repetition has the same Message-ID and DateTime. */
  readonly body: string;
  readonly conversationId: string;
  readonly contributionId: string;
  /** Answers so far that told us to try again later. */
  readonly attempts: number;
}

/** A person as this handset knows them. */
export interface PersonRecord {
  readonly address: Address;
  /** As the user calls them; empty when the user has no name for them. */
  readonly name: string;
  /** As they call themselves in their messages: a claim and no more. */
  readonly claimed: string;
}

export interface ChatbotRecord {
  readonly id: Address;
  readonly language: string;
  /** The profile as received. */
  readonly body: string;
  readonly etag: string | undefined;
}

const RANK: Record<MessageState, number> = { pending: 0, failed: 1, sent: 2, delivered: 3, displayed: 4 };

/** The later of two states. A `displayed` that overtook `delivered` stays. */
export function raised(now: MessageState, reported: MessageState): MessageState {
  // Failing is the network's last word only on what hasn't arrived.
  if (reported === 'failed') return RANK[now] < RANK.delivered ? 'failed' : now;
  return RANK[reported] > RANK[now] ? reported : now;
}
