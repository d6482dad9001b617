/**
 * What is kept of an account and what of it is on screen: the store and the signals together, so that neither shows what
 * the other doesn't have. Other tabs of the account share the store and hear which conversation has changed.
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Address } from '../rcs/address';
import type { GroupEvent } from '../rcs/group_event';
import { uuid } from '../rcs/id';
import * as media from '../rcs/media_type';
import { eventId, type Group } from './group';
import { sameMessage } from './message';
import type { ConversationRecord, MessageRecord } from './records';
import type { Change, Store } from './store';

/** How much of a conversation is read from the store; older messages are loaded in steps of as many. */
const PAGE = 200;
/** How many messages before a search hit are shown with it. */
const BEFORE_HIT = 30;

export class Archive {
  /** The conversation on screen. */
  readonly current = signal<Address | undefined>(undefined);
  /** Its messages, oldest first. */
  readonly messages = signal<readonly MessageRecord[]>([]);
  readonly hasOlder = signal(false);
  /** Newest first. */
  readonly conversations: ReadonlySignal<readonly ConversationRecord[]>;
  readonly unread: ReadonlySignal<number>;

  private readonly conversationMap = signal<ReadonlyMap<Address, ConversationRecord>>(new Map());
  private readonly siblings: BroadcastChannel;
  private lastOrder = 0;
  /** Work on the store is done one piece after the other, in the order in which it came. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Store,
    account: string,
    kept: readonly ConversationRecord[],
  ) {
    this.conversationMap.value = new Map(kept.map((record) => [record.peer, record]));
    this.lastOrder = Math.max(0, ...kept.map((record) => record.last?.order ?? 0));
    this.conversations = computed(() =>
      [...this.conversationMap.value.values()].sort((a, b) => b.lastAt - a.lastAt),
    );
    this.unread = computed(() => this.conversations.value.reduce((sum, { unread }) => sum + unread, 0));
    this.siblings = new BroadcastChannel(`hongyan:${account}`);
    this.siblings.onmessage = ({ data }) => void this.inTurn(() => this.reload(data as Address));
  }

  /** Ends when what was asked for is done. */
  async stop(): Promise<void> {
    await this.turn;
    this.siblings.close();
    this.store.close();
  }

  group(peer: Address): Group | undefined {
    return this.conversation(peer)?.group;
  }

  conversation(peer: Address): ConversationRecord | undefined {
    return this.conversationMap.value.get(peer);
  }

  /**
   * Puts a conversation on screen, a new one if need be; `draft` goes into its composer. With `around`, the
   * order of a message, older messages are loaded as far back as that one.
   */
  open(peer: Address, { draft, around }: { draft?: string; around?: number } = {}): Promise<void> {
    return this.inTurn(async () => {
      const known = this.conversation(peer);
      const record = known ?? { peer, conversationId: uuid(), unread: 0, draft: '', lastAt: Date.now() };
      const opened = { ...record, draft: draft ?? record.draft };
      if (!known || draft !== undefined) await this.commitConversation(opened);
      const latest = await this.store.messages(peer, PAGE);
      const isAmong = around === undefined || (latest[0]?.order ?? around) <= around;
      const messages = isAmong ? latest : await this.store.messagesAround(peer, around, BEFORE_HIT);
      batch(() => {
        this.messages.value = messages;
        this.hasOlder.value = !isAmong || messages.length === PAGE;
        this.current.value = peer;
      });
    });
  }

  close(): void {
    batch(() => {
      this.current.value = undefined;
      this.messages.value = [];
    });
  }

  loadOlder(): Promise<void> {
    return this.inTurn(async () => {
      const peer = this.current.value;
      if (!peer) return;
      const wanted = this.messages.value.length + PAGE;
      const messages = await this.store.messages(peer, wanted);
      batch(() => {
        this.messages.value = messages;
        this.hasOlder.value = messages.length === wanted;
      });
    });
  }

  /** The user looks at a conversation: its count goes to zero. */
  markRead(peer: Address): Promise<void> {
    return this.inTurn(async () => {
      const record = this.conversation(peer);
      if (record && record.unread > 0) await this.commitConversation({ ...record, unread: 0 });
    });
  }

  saveDraft(peer: Address, draft: string): Promise<void> {
    return this.inTurn(async () => {
      const record = this.conversation(peer);
      if (record && record.draft !== draft) await this.commitConversation({ ...record, draft });
    });
  }

  /** Removes a conversation with all that was said from this device. */
  deleteConversation(peer: Address): Promise<void> {
    return this.inTurn(async () => {
      await this.store.commit([
        { table: 'messages', removeAll: peer },
        { table: 'conversations', remove: peer },
      ]);
      const conversations = new Map(this.conversationMap.value);
      conversations.delete(peer);
      this.conversationMap.value = conversations;
      this.siblings.postMessage(peer);
    });
  }

  /** A message by its id, whoever wrote it; `undefined` when it isn't here. */
  async find(peer: Address, messageId: string): Promise<MessageRecord | undefined> {
    const shown = this.messages.value.find((record) => record.messageId === messageId);
    const found = this.current.value === peer && shown ? shown : await this.stored(peer, messageId);
    return found?.deleted ? undefined : found;
  }

  /** Commits what a group has become, with a line for each event. */
  async commitGroup(
    focus: Address,
    group: Group,
    events: readonly GroupEvent[],
    conversationId: string | undefined,
  ): Promise<void> {
    const known = this.conversation(focus);
    const id = conversationId ?? known?.conversationId ?? uuid();
    const base = known ?? { peer: focus, conversationId: id, unread: 0, draft: '', lastAt: Date.now() };
    await this.commitConversation({ ...base, conversationId: id, group });
    for (const event of events) {
      await this.commitMessage({
        peer: focus,
        direction: 'in',
        // Every tab of the account hears of it: the line is the same row for all.
        messageId: eventId(event, group.version),
        order: this.nextOrder(),
        at: Date.now(),
        dateTime: '',
        contentType: media.UTF8_TEXT,
        body: '',
        state: 'delivered',
        conversationId: id,
        contributionId: '',
        owed: [],
        event,
      });
    }
    this.siblings.postMessage(focus);
  }

  /** Commits a message with what belongs to it, then shows it. */
  async commitMessage(record: MessageRecord, more: readonly Change[] = []): Promise<void> {
    const conversation = this.withMessage(record);
    await this.store.commit([
      { table: 'messages', put: record },
      { table: 'conversations', put: conversation },
      ...more,
    ]);
    this.siblings.postMessage(record.peer);
    batch(() => {
      this.showConversation(conversation);
      if (this.current.value !== record.peer) return;
      const shown = this.messages.value;
      const at = shown.findIndex((other) => sameMessage(other, record));
      this.messages.value = at < 0 ? [...shown, record] : shown.with(at, record);
    });
  }

  /** The conversation as it is once this message is in it. */
  private withMessage(record: MessageRecord): ConversationRecord {
    const known = this.conversation(record.peer);
    const base = known ?? {
      peer: record.peer,
      conversationId: record.conversationId,
      unread: 0,
      draft: '',
      lastAt: 0,
    };
    const isNew = !base.last || record.order > base.last.order;
    const isLatest = isNew || (base.last !== undefined && sameMessage(base.last, record));
    if (!isLatest) return base;
    const counts = isNew && record.direction === 'in' && !record.event && !this.isLookedAt(record.peer);
    return {
      ...base,
      // The conversation goes on under the id that the other side uses.
      conversationId: isNew && record.direction === 'in' ? record.conversationId : base.conversationId,
      unread: base.unread + (counts ? 1 : 0),
      last: record,
      lastAt: isNew ? Date.now() : base.lastAt,
    };
  }

  /** Commits that a message is no longer to be seen. */
  async commitRemoval(record: MessageRecord, changes: readonly Change[]): Promise<void> {
    await this.store.commit(changes);
    const conversation = this.conversation(record.peer);
    if (conversation?.last && sameMessage(conversation.last, record)) {
      const { last: _, ...rest } = conversation;
      const [last] = await this.store.messages(record.peer, 1);
      await this.commitConversation(last ? { ...rest, last } : rest);
    }
    this.siblings.postMessage(record.peer);
    this.messages.value = this.messages.value.filter((other) => !sameMessage(other, record));
  }

  async stored(peer: Address, messageId: string): Promise<MessageRecord | undefined> {
    return (
      (await this.store.message(peer, 'in', messageId)) ?? (await this.store.message(peer, 'out', messageId))
    );
  }

  private async commitConversation(record: ConversationRecord): Promise<void> {
    await this.store.commit([{ table: 'conversations', put: record }]);
    this.showConversation(record);
  }

  /**
   * Conversations have been filled in from elsewhere, in the store: shows them. `lastOrder` is the highest place that was
   * given there.
   */
  async filled(peers: Iterable<Address>, lastOrder = 0): Promise<void> {
    this.lastOrder = Math.max(this.lastOrder, lastOrder);
    for (const peer of peers) {
      await this.reload(peer);
      this.siblings.postMessage(peer);
    }
  }

  /** Another tab has changed a conversation: shows it as it is in the store. */
  private async reload(peer: Address): Promise<void> {
    const wanted = Math.max(PAGE, this.messages.value.length);
    const [conversation, messages] = await Promise.all([
      this.store.conversation(peer),
      this.store.messages(peer, wanted),
    ]);
    batch(() => {
      if (conversation) this.showConversation(conversation);
      else
        this.conversationMap.value = new Map([...this.conversationMap.value].filter(([key]) => key !== peer));
      if (this.current.value !== peer) return;
      this.messages.value = messages;
      if (messages.length >= wanted) this.hasOlder.value = true;
    });
  }

  private showConversation(record: ConversationRecord): void {
    this.conversationMap.value = new Map(this.conversationMap.value).set(record.peer, record);
  }

  private isLookedAt(peer: Address): boolean {
    return this.current.value === peer && document.visibilityState === 'visible' && document.hasFocus();
  }

  /** Under which a conversation goes on, a new one if need be. */
  conversationId(peer: Address): string {
    return this.conversation(peer)?.conversationId ?? uuid();
  }

  /** Rises always, also when the clock is set back. */
  nextOrder(): number {
    this.lastOrder = Math.max(this.lastOrder + 1, Date.now());
    return this.lastOrder;
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}
