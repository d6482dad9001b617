/**
 * The handset of one signed-in subscriber: what the views show, as signals, and what they can ask for.
 *
 * Data flows one way. A message, in or out, is committed to the store first; then the signals change,
 * then the network hears of it: the 200 to an incoming message follows its row, and an outgoing message
 * is an outbox row before it is a SIP request.
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { type Address, e164, parseAddress, requestUri } from '../rcs/address';
import type { SuggestionResponse } from '../rcs/bot/response';
import { writeSuggestionResponse } from '../rcs/bot/response';
import { type DeviceSpecifics, writeSharedData } from '../rcs/bot/shared_data';
import { ComposingSender, parseComposing, writeComposing } from '../rcs/composing';
import { type Content, parseContent } from '../rcs/content';
import { type DispositionNotification, parseCpim, writeCpim } from '../rcs/cpim';
import { type Geolocation, writePushLocation } from '../rcs/geolocation';
import { uuid } from '../rcs/id';
import { type Disposition, parseImdn, writeImdn } from '../rcs/imdn';
import * as media from '../rcs/media_type';
import type { Capability } from '../sip/capability';
import { type Answer, type IncomingMessage, type RegistrationState, UserAgent } from '../sip/user_agent';
import type { HandsetConfig } from './config';
import { Directory } from './directory';
import { Outbox, type Outcome } from './outbox';
import {
  type ConversationRecord,
  type MessageRecord,
  type MessageState,
  type OutboxEntry,
  raised,
} from './records';
import { type Credentials, claimDevice, type Device } from './session';
import { type Change, Store } from './store';

/** How much of a conversation is read from the store; older messages are loaded in steps of as many. */
const PAGE = 200;
const ASKED: readonly DispositionNotification[] = ['positive-delivery', 'negative-delivery', 'display'];
/** Capabilities are asked for again after this long. */
const CAPABILITY_MS = 60_000;

export interface HandsetOptions {
  readonly config: HandsetConfig;
  readonly credentials: Credentials;
  /** Whether `displayed` reports are sent, asked at the time of each. */
  readonly sendsDisplayed: () => boolean;
}

export class Handset {
  readonly registration = signal<RegistrationState>('connecting');
  /** The conversation on screen. */
  readonly current = signal<Address | undefined>(undefined);
  /** Its messages, oldest first. */
  readonly messages = signal<readonly MessageRecord[]>([]);
  readonly hasOlder = signal(false);
  /** Parties that are typing to us. */
  readonly composing = signal<ReadonlySet<Address>>(new Set());
  readonly capabilities = signal<ReadonlyMap<Address, Capability>>(new Map());
  /** The latest message that came in, for the live region and the title. */
  readonly arrived = signal<MessageRecord | undefined>(undefined);
  /** Newest first. */
  readonly conversations: ReadonlySignal<readonly ConversationRecord[]>;
  readonly unread: ReadonlySignal<number>;
  readonly self: Address;

  private readonly conversationMap = signal<ReadonlyMap<Address, ConversationRecord>>(new Map());
  private readonly agent: UserAgent;
  private readonly outbox: Outbox;
  /** Whom we tell that we are typing, and when to tell them that we have stopped. */
  private readonly composingSenders = new Map<Address, ComposingSender>();
  private readonly idleTimers = new Map<Address, ReturnType<typeof setTimeout>>();
  /** When to stop believing that somebody is typing to us. */
  private readonly composingTimers = new Map<Address, ReturnType<typeof setTimeout>>();
  /** Other tabs of this account: they share the store and hear which conversation has changed. */
  private readonly siblings: BroadcastChannel;
  private readonly capabilityAskedAt = new Map<Address, number>();
  private lastOrder = 0;
  /** Work on the store is done one piece after the other, in the order in which it came. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: HandsetOptions,
    private readonly device: Device,
    private readonly store: Store,
    readonly directory: Directory,
    kept: readonly ConversationRecord[],
  ) {
    const { number, password } = options.credentials;
    const { domain, webSocket } = options.config;
    this.self = `tel:${number}` as Address;
    this.conversationMap.value = new Map(kept.map((record) => [record.peer, record]));
    this.lastOrder = Math.max(0, ...kept.map((record) => record.last?.order ?? 0));
    this.conversations = computed(() =>
      [...this.conversationMap.value.values()].sort((a, b) => b.lastAt - a.lastAt),
    );
    this.unread = computed(() => this.conversations.value.reduce((sum, { unread }) => sum + unread, 0));
    this.siblings = new BroadcastChannel(`hongyan:${number}`);
    this.siblings.onmessage = ({ data }) => void this.inTurn(() => this.reload(data as Address));
    this.agent = new UserAgent(
      { number, password, domain, webSocket, instanceId: device.instanceId },
      {
        handleState: (state) => this.handleState(state),
        handleMessage: (message) => this.inTurn(() => this.receive(message)),
      },
    );
    this.outbox = new Outbox({
      load: () => this.store.outbox(),
      isRegistered: () => this.registration.value === 'registered',
      send: (entry) => this.agent.sendMessage(entry),
      alone: (drain) => oneTabAtATime(`hongyan:${number}`, drain),
      settle: (entry, outcome, answer) => this.inTurn(() => this.settle(entry, outcome, answer)),
    });
  }

  /** Opens the account's store and starts to register. */
  static async start(options: HandsetOptions): Promise<Handset> {
    const device = await claimDevice(options.credentials.number);
    const store = await Store.open(options.credentials.number);
    const directory = new Directory(options.config.chatbots, store);
    const handset = new Handset(options, device, store, directory, await store.conversations());
    handset.agent.start();
    return handset;
  }

  /** Removes the binding; what is kept stays. */
  async stop(): Promise<void> {
    this.agent.stop();
    for (const timer of [...this.composingTimers.values(), ...this.idleTimers.values()]) clearTimeout(timer);
    this.siblings.close();
    await this.outbox.stop();
    await this.turn;
    this.store.close();
    this.device.release();
  }

  networkIs(online: boolean): void {
    if (online) this.agent.reconnect();
    else this.agent.disconnect();
  }

  conversation(peer: Address): ConversationRecord | undefined {
    return this.conversationMap.value.get(peer);
  }

  /** What a message says. Read once per record. */
  content(record: MessageRecord): Content {
    let content = contents.get(record);
    if (!content) {
      content = parseContent(record.contentType, record.body);
      contents.set(record, content);
    }
    return content;
  }

  // --- what the views ask for

  /** Puts a conversation on screen, a new one if need be; `draft` goes into its composer. */
  open(peer: Address, draft?: string): Promise<void> {
    return this.inTurn(async () => {
      const known = this.conversation(peer);
      const record = known ?? { peer, conversationId: uuid(), unread: 0, draft: '', lastAt: Date.now() };
      const opened = { ...record, draft: draft ?? record.draft };
      if (!known || draft !== undefined) await this.commitConversation(opened);
      const messages = await this.store.messages(peer, PAGE);
      batch(() => {
        this.messages.value = messages;
        this.hasOlder.value = messages.length === PAGE;
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

  sendText(peer: Address, text: string): Promise<void> {
    this.composingSenders.get(peer)?.handleSent();
    return this.send(peer, `${media.TEXT_PLAIN};charset=UTF-8`, text);
  }

  sendResponse(peer: Address, response: SuggestionResponse): Promise<void> {
    return this.send(peer, media.BOT_SUGGESTION_RESPONSE, writeSuggestionResponse(response));
  }

  sendLocation(peer: Address, place: Geolocation): Promise<void> {
    const body = writePushLocation({ id: uuid(), entity: this.self, at: new Date(), place });
    return this.send(peer, media.PUSH_LOCATION, body);
  }

  sendSharedData(peer: Address, device: DeviceSpecifics): Promise<void> {
    return this.send(peer, media.BOT_SHARED_CLIENT_DATA, writeSharedData(device));
  }

  /** Tries a failed message again, under its own id. */
  retry(record: MessageRecord): Promise<void> {
    return this.inTurn(async () => {
      const pending: MessageRecord = { ...record, state: 'pending' };
      await this.commitMessage(pending, [{ table: 'outbox', put: this.outboxEntry(pending) }]);
      this.outbox.wake();
    });
  }

  /** A bubble has really been seen: reports it when that was asked for. */
  displayed(record: MessageRecord): Promise<void> {
    return this.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept?.owed.includes('display')) return;
      const paid = { ...kept, owed: kept.owed.filter((owed) => owed !== 'display') };
      const report = this.options.sendsDisplayed() ? [this.report(kept, 'displayed')] : [];
      await this.commitMessage(paid, report);
      this.outbox.wake();
    });
  }

  /** A key was pressed in the composer. Only people are told: chatbots don't care. */
  typing(peer: Address, text: string): void {
    if (this.directory.isChatbot(peer)) return;
    const sender = this.composingSenders.get(peer) ?? new ComposingSender();
    this.composingSenders.set(peer, sender);
    this.tellComposing(peer, text === '' ? sender.handleCleared() : sender.handleInput(Date.now()));
    this.awaitComposingTimeout(peer, sender);
  }

  /** Asks the network about a peer, unless it was asked a moment ago. */
  async refreshCapability(peer: Address): Promise<void> {
    const now = Date.now();
    if (this.registration.value !== 'registered') return;
    if (now - (this.capabilityAskedAt.get(peer) ?? 0) < CAPABILITY_MS) return;
    this.capabilityAskedAt.set(peer, now);
    this.setCapability(peer, await this.agent.queryCapability(peer));
  }

  // --- sending

  private send(peer: Address, contentType: string, body: string): Promise<void> {
    return this.inTurn(async () => {
      const conversation = this.conversation(peer);
      const record: MessageRecord = {
        peer,
        direction: 'out',
        messageId: uuid(),
        order: this.nextOrder(),
        at: Date.now(),
        dateTime: '',
        contentType,
        body,
        state: 'pending',
        conversationId: conversation?.conversationId ?? uuid(),
        contributionId: uuid(),
        owed: [],
      };
      await this.commitMessage(record, [{ table: 'outbox', put: this.outboxEntry(record) }]);
      this.outbox.wake();
    });
  }

  private outboxEntry(record: MessageRecord): OutboxEntry {
    const { peer, messageId, conversationId, contributionId, contentType, body } = record;
    const cpim = writeCpim({
      from: this.uri(this.self),
      to: this.uri(peer),
      dateTime: new Date(record.at),
      messageId,
      dispositionNotification: ASKED,
      contentType,
      body,
    });
    return this.envelope('message', peer, messageId, cpim, conversationId, contributionId);
  }

  private report(record: MessageRecord, disposition: 'delivered' | 'displayed'): Change {
    const { peer, messageId, conversationId } = record;
    const id = uuid();
    const cpim = writeCpim({
      from: this.uri(this.self),
      to: this.uri(peer),
      dateTime: new Date(),
      messageId: id,
      contentType: media.IMDN,
      contentDisposition: 'notification',
      body: writeImdn({ messageId, dateTime: record.dateTime, recipient: this.self, disposition }),
    });
    return { table: 'outbox', put: this.envelope('report', peer, id, cpim, conversationId, uuid()) };
  }

  private envelope(
    kind: OutboxEntry['kind'],
    to: Address,
    messageId: string,
    body: string,
    conversationId: string,
    contributionId: string,
  ): OutboxEntry {
    return {
      kind,
      to,
      messageId,
      contentType: media.CPIM,
      body,
      conversationId,
      contributionId,
      attempts: 0,
    };
  }

  private async settle(entry: OutboxEntry, outcome: Outcome, answer: Answer): Promise<void> {
    const { sequence } = entry;
    if (sequence === undefined) return;
    if (outcome === 'later') {
      if (answer.status === 0) return;
      await this.store.commit([{ table: 'outbox', put: { ...entry, attempts: entry.attempts + 1 } }]);
      return;
    }
    const gone: Change = { table: 'outbox', remove: sequence };
    const record = entry.kind === 'message' ? await this.store.sentMessage(entry.messageId) : undefined;
    if (!record) {
      await this.store.commit([gone]);
      return;
    }
    const state = raised(record.state, outcome);
    const reason = outcome === 'failed' ? { reason: `${answer.status} ${answer.reason}`.trim() } : {};
    await this.commitMessage({ ...record, state, ...reason }, [gone]);
    if (e164(entry.to) !== undefined && outcome === 'sent') {
      this.setCapability(entry.to, answer.status === 202 ? 'away' : 'reachable');
    }
  }

  // --- receiving

  /** Takes one MESSAGE. When this resolves, it is kept and may be answered. */
  private async receive(message: IncomingMessage): Promise<void> {
    const peer = parseAddress(message.from);
    if (!peer) return;
    const isCpim = media.parseMediaType(message.contentType).essence === media.CPIM;
    const cpim = isCpim ? parseCpim(message.body) : undefined;
    const contentType = cpim?.contentType ?? message.contentType;
    const body = cpim?.body ?? message.body;
    switch (media.parseMediaType(contentType).essence) {
      case media.IMDN:
        return this.receiveReport(body);
      case media.IS_COMPOSING:
        return this.receiveComposing(peer, body);
      default:
        return this.receiveMessage(peer, {
          // Without CPIM the Call-ID is what reports refer to.
          messageId: cpim?.messageId ?? message.callId,
          dateTime: cpim?.dateTime ?? '',
          asked: cpim?.dispositionNotification ?? new Set(),
          conversationId: message.conversationId,
          contributionId: message.contributionId,
          contentType,
          body,
        });
    }
  }

  private async receiveMessage(
    peer: Address,
    received: {
      messageId: string;
      dateTime: string;
      asked: ReadonlySet<DispositionNotification>;
      conversationId: string | undefined;
      contributionId: string | undefined;
      contentType: string;
      body: string;
    },
  ): Promise<void> {
    this.setComposing(peer, false);
    // The network repeats what it isn't sure of: the second copy is answered and not shown.
    if (await this.store.message(peer, 'in', received.messageId)) return;
    const at = Date.parse(received.dateTime);
    const record: MessageRecord = {
      peer,
      direction: 'in',
      messageId: received.messageId,
      order: this.nextOrder(),
      at: Number.isNaN(at) ? Date.now() : at,
      dateTime: received.dateTime || new Date().toISOString(),
      contentType: received.contentType,
      body: received.body,
      state: 'delivered',
      conversationId: received.conversationId ?? this.conversation(peer)?.conversationId ?? uuid(),
      contributionId: received.contributionId ?? uuid(),
      owed: received.asked.has('display') ? ['display'] : [],
    };
    const report = received.asked.has('positive-delivery') ? [this.report(record, 'delivered')] : [];
    await this.commitMessage(record, report);
    this.arrived.value = record;
    this.outbox.wake();
  }

  private async receiveReport(body: string): Promise<void> {
    const imdn = parseImdn(body);
    const record = imdn && (await this.store.sentMessage(imdn.messageId));
    const reported = imdn && stateOf(imdn.disposition);
    if (!record || !reported) return;
    const state = raised(record.state, reported);
    if (state !== record.state) await this.commitMessage({ ...record, state });
  }

  private receiveComposing(peer: Address, body: string): void {
    const composing = parseComposing(body);
    if (!composing) return;
    this.setComposing(peer, composing.state === 'active', composing.refreshS * 1000);
  }

  // --- store and signals together

  /** Commits a message with what belongs to it, then shows it. */
  private async commitMessage(record: MessageRecord, more: readonly Change[] = []): Promise<void> {
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
    const counts = isNew && record.direction === 'in' && !this.isLookedAt(record.peer);
    return {
      ...base,
      // The conversation goes on under the id that the other side uses.
      conversationId: isNew && record.direction === 'in' ? record.conversationId : base.conversationId,
      unread: base.unread + (counts ? 1 : 0),
      last: record,
      lastAt: isNew ? Date.now() : base.lastAt,
    };
  }

  private async commitConversation(record: ConversationRecord): Promise<void> {
    await this.store.commit([{ table: 'conversations', put: record }]);
    this.showConversation(record);
  }

  /** Another tab has changed a conversation: shows it as it is in the store. */
  private async reload(peer: Address): Promise<void> {
    const [conversation, messages] = await Promise.all([
      this.store.conversation(peer),
      this.store.messages(peer, Math.max(PAGE, this.messages.value.length)),
    ]);
    batch(() => {
      if (conversation) this.showConversation(conversation);
      if (this.current.value === peer) this.messages.value = messages;
    });
  }

  private showConversation(record: ConversationRecord): void {
    this.conversationMap.value = new Map(this.conversationMap.value).set(record.peer, record);
  }

  private isLookedAt(peer: Address): boolean {
    return this.current.value === peer && document.visibilityState === 'visible' && document.hasFocus();
  }

  // --- the rest

  private handleState(state: RegistrationState): void {
    this.registration.value = state;
    if (state === 'registered') this.outbox.wake();
    if (state === 'offline') this.composing.value = new Set();
  }

  private tellComposing(peer: Address, state: 'active' | 'idle' | undefined): void {
    if (state === undefined || this.registration.value !== 'registered') return;
    const body = writeCpim({
      from: this.uri(this.self),
      to: this.uri(peer),
      dateTime: new Date(),
      messageId: uuid(),
      contentType: media.IS_COMPOSING,
      body: writeComposing(state),
    });
    const conversationId = this.conversation(peer)?.conversationId ?? uuid();
    void this.agent.sendMessage({
      to: peer,
      contentType: media.CPIM,
      body,
      conversationId,
      contributionId: uuid(),
      // Now or never: nobody wants to know tomorrow that somebody typed today.
      expiresS: 0,
    });
  }

  private awaitComposingTimeout(peer: Address, sender: ComposingSender): void {
    const due = sender.pollTimeout();
    if (due === undefined) return;
    clearTimeout(this.idleTimers.get(peer));
    const timer = setTimeout(
      () => {
        this.tellComposing(peer, sender.handleTimeout(Date.now()));
        this.awaitComposingTimeout(peer, sender);
      },
      Math.max(0, due - Date.now()),
    );
    this.idleTimers.set(peer, timer);
  }

  private setComposing(peer: Address, active: boolean, forMs = 0): void {
    clearTimeout(this.composingTimers.get(peer));
    if (active)
      this.composingTimers.set(
        peer,
        setTimeout(() => this.setComposing(peer, false), forMs),
      );
    if (this.composing.value.has(peer) === active) return;
    const parties = new Set(this.composing.value);
    if (active) parties.add(peer);
    else parties.delete(peer);
    this.composing.value = parties;
  }

  private setCapability(peer: Address, capability: Capability): void {
    if (capability === 'unknown' && this.capabilities.value.has(peer)) return;
    this.capabilities.value = new Map(this.capabilities.value).set(peer, capability);
  }

  private uri(address: Address): string {
    return requestUri(address, this.options.config.domain);
  }

  /** Rises always, also when the clock is set back. */
  private nextOrder(): number {
    this.lastOrder = Math.max(this.lastOrder + 1, Date.now());
    return this.lastOrder;
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => undefined);
    return done;
  }
}

/**
 * Runs in one tab of the account at a time, where the browser can say so (it can't on pages that came by
 * plain HTTP from another machine; then the network recognises what is sent twice by its Message-ID).
 */
async function oneTabAtATime(name: string, work: () => Promise<void>): Promise<void> {
  if ('locks' in navigator) await navigator.locks.request(name, work);
  else await work();
}

const contents = new WeakMap<MessageRecord, Content>();

function sameMessage(a: MessageRecord, b: MessageRecord): boolean {
  return a.messageId === b.messageId && a.direction === b.direction && a.peer === b.peer;
}

/** What a report says about the tick; some say nothing. */
function stateOf(disposition: Disposition): MessageState | undefined {
  switch (disposition) {
    case 'delivered':
    case 'displayed':
    case 'failed':
      return disposition;
    case 'forbidden':
    case 'error':
    case 'stored':
    case 'processed':
    case 'interworked':
      return undefined;
  }
}
