/** Puts what the server kept into the store: each message once, in its place, and none of them unread. */
import type { Address } from '../rcs/address';
import * as media from '../rcs/media_type';
import { type KeptMessage, type Recalled, recalled } from './history';
import { sameMessage, withReaction } from './message';
import { type ConversationRecord, type MessageRecord, raised } from './records';
import type { Change, Store } from './store';

/** Messages of one millisecond are told apart in their order by so little. */
const STEP = 1 / 1024;

/** What is about another message. */
type ChangeAbout = Exclude<Recalled, { kind: 'message' }>;

/** What a page has changed. */
export interface Recall {
  /** How many of its messages were new. */
  readonly fresh: number;
  /** Conversations as they are now. */
  readonly conversations: readonly ConversationRecord[];
  /** The highest place that was given; 0 without any. */
  readonly lastOrder: number;
}

/** One reading of the history, from the latest message to the oldest. */
export class Recaller {
  /** The place of the message before, which was said later. */
  private later = Number.POSITIVE_INFINITY;
  /** Marks and edits: they are made when all messages are there. */
  private readonly changes: ChangeAbout[] = [];

  constructor(
    private readonly store: Store,
    private readonly self: Address,
    private readonly known: (peer: Address) => ConversationRecord | undefined,
  ) {}

  /** Commits the next page. */
  async commit(messages: readonly KeptMessage[]): Promise<Recall> {
    const changes: Change[] = [];
    const conversations = new Map<Address, ConversationRecord>();
    let [fresh, lastOrder] = [0, 0];
    for (const message of messages) {
      this.later = Math.min(message.acceptedAt, this.later - STEP);
      const found = recalled(message, this.self, this.later);
      if (found.kind !== 'message') {
        this.changes.push(found);
        continue;
      }
      const { record } = found;
      const base = conversations.get(record.peer) ?? this.known(record.peer) ?? begun(record);
      const here = await this.store.message(record.peer, record.direction, record.messageId);
      if (here) {
        const better = withState(here, record);
        if (better === here) continue;
        changes.push({ table: 'messages', put: better });
        const isLast = base.last !== undefined && sameMessage(base.last, better);
        conversations.set(record.peer, isLast ? { ...base, last: better } : base);
        continue;
      }
      fresh += 1;
      lastOrder = Math.max(lastOrder, record.order);
      changes.push({ table: 'messages', put: record });
      const isLatest = !base.last || record.order > base.last.order;
      const lastAt = Math.max(base.lastAt, message.acceptedAt);
      conversations.set(record.peer, isLatest ? { ...base, last: record, lastAt } : base);
    }
    const changed = [...conversations.values()];
    const rows = changed.map((put): Change => ({ table: 'conversations', put }));
    await this.store.commit([...changes, ...rows]);
    return { fresh, conversations: changed, lastOrder };
  }

  /** Makes marks and edits, of each person the latest; the conversations that this has changed. */
  async end(): Promise<ReadonlySet<Address>> {
    const seen = new Set<string>();
    const changed = new Set<Address>();
    for (const change of this.changes) {
      const { kind, peer, by, target } = change;
      const key = `${kind}\n${peer}\n${target}\n${by}`;
      const isOlder = seen.has(key);
      seen.add(key);
      if (isOlder) continue;
      const record =
        (await this.store.message(peer, 'in', target)) ?? (await this.store.message(peer, 'out', target));
      const next = record && !record.deleted ? this.with(record, change) : undefined;
      if (!next) continue;
      await this.store.commit([{ table: 'messages', put: next }]);
      changed.add(peer);
    }
    return changed;
  }

  /** The message with a mark or with other words; `undefined` when this device knows of something later. */
  private with(record: MessageRecord, change: ChangeAbout): MessageRecord | undefined {
    if (change.kind === 'reaction') {
      const isKnown = record.reactions?.some(({ by }) => by === change.by);
      return isKnown || change.emoji === '' ? undefined : withReaction(record, change.by, change.emoji);
    }
    const author = record.direction === 'out' ? this.self : (record.sender ?? record.peer);
    const isText = media.parseMediaType(record.contentType).essence === 'text/plain';
    const isLater = change.at > (record.edited?.at ?? Number.NEGATIVE_INFINITY);
    if (author !== change.by || !isText || !isLater || record.revocation === 'done') return undefined;
    return { ...record, body: change.body, edited: { at: change.at } };
  }
}

/** An own message with what other devices have heard of it; the same row when that is nothing new. */
function withState(here: MessageRecord, kept: MessageRecord): MessageRecord {
  const state = raised(here.state, kept.state);
  if (here.direction === 'in' || here.deleted || state === here.state) return here;
  return { ...here, state, trace: kept.trace ?? [] };
}

function begun({ peer, conversationId }: { peer: Address; conversationId: string }): ConversationRecord {
  return { peer, conversationId, unread: 0, draft: '', lastAt: 0 };
}
