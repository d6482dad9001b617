/** Puts what the server kept into the store: each message once, in its place, and none of them unread. */
import type { Address } from '../rcs/address';
import { type KeptMessage, type Recalled, recalled } from './history';
import { sameMessage, withReaction } from './message';
import { type ConversationRecord, type MessageRecord, raised } from './records';
import type { Change, Store } from './store';

/** Messages of one millisecond are told apart in their order by so little. */
const STEP = 1 / 1024;

type Reaction = Extract<Recalled, { kind: 'reaction' }>;

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
  /** Marks: they are set when all messages are there. */
  private readonly reactions: Reaction[] = [];

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
      if (found.kind === 'reaction') {
        this.reactions.push(found);
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

  /** Sets the marks, of each person the latest; the conversations that this has changed. */
  async end(): Promise<ReadonlySet<Address>> {
    const seen = new Set<string>();
    const changed = new Set<Address>();
    for (const { peer, by, target, emoji } of this.reactions) {
      const key = `${peer}\n${target}\n${by}`;
      const isOlder = seen.has(key);
      seen.add(key);
      if (isOlder || emoji === '') continue;
      const record =
        (await this.store.message(peer, 'in', target)) ?? (await this.store.message(peer, 'out', target));
      // A mark that this device knows of is no older than this one.
      if (!record || record.deleted || record.reactions?.some((reaction) => reaction.by === by)) continue;
      await this.store.commit([{ table: 'messages', put: withReaction(record, by, emoji) }]);
      changed.add(peer);
    }
    return changed;
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
