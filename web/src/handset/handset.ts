/**
 * The handset of one signed-in subscriber: what the views show, as signals, and what they can ask for.
 *
 * Data flows one way. A message, in or out, is committed to the store first; then the signals change,
 * then the network hears of it: the 200 to an incoming message follows its row, and an outgoing message
 * is an outbox row before it is a SIP request.
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import { DigestClient } from '../http/digest';
import { http } from '../http/transport';
import { type Address, e164, isGroup, parseAddress } from '../rcs/address';
import { text } from '../rcs/bot/json';
import type { SuggestionResponse } from '../rcs/bot/response';
import { writeSuggestionResponse } from '../rcs/bot/response';
import { type DeviceSpecifics, writeSharedData } from '../rcs/bot/shared_data';
import { parseComposing } from '../rcs/composing';
import { type Content, searchableText } from '../rcs/content';
import { type Cpim, parseCpim } from '../rcs/cpim';
import type { FileInfo } from '../rcs/file_transfer';
import { type Geolocation, writePushLocation } from '../rcs/geolocation';
import type { GroupEvent } from '../rcs/group_event';
import { uuid } from '../rcs/id';
import { type Disposition, parseImdn } from '../rcs/imdn';
import * as media from '../rcs/media_type';
import { parseRevokeAnswer, REVOKE } from '../rcs/revoke';
import { MESSAGE_IDS_MAX } from '../rcs/spam_report';
import type { Capability } from '../sip/capability';
import { type Answer, type IncomingMessage, type RegistrationState, UserAgent } from '../sip/user_agent';
import { BlockList } from './block_list';
import { type ContentServer, type HandsetConfig, onOwnOrigin } from './config';
import { Directory } from './directory';
import { Envelopes } from './envelope';
import { Files } from './files';
import { eventId, everybody, type Group } from './group';
import { Groups } from './groups';
import { History, type Recalling } from './history';
import {
  contentOf,
  emptied,
  mayEdit,
  mayRevoke,
  sameMessage,
  traced,
  withEdit,
  withEditSettled,
  withReaction,
} from './message';
import { Outbox, type Outcome } from './outbox';
import { Recaller } from './recall';
import {
  type ConversationRecord,
  type MessageRecord,
  type MessageState,
  type OutboxEntry,
  type ReplyTo,
  raised,
} from './records';
import { type Credentials, claimDevice, type Device, hasHistory, noteHistory } from './session';
import { type Change, Store } from './store';
import { Typing } from './typing';

/** How much of a conversation is read from the store; older messages are loaded in steps of as many. */
const PAGE = 200;
/** Capabilities are asked for again after this long. */
const CAPABILITY_MS = 60_000;
/** How many messages before a search hit are shown with it. */
const BEFORE_HIT = 30;
/** A search looks at no more messages than this. */
const SEARCH_MAX = 50_000;
/** Longest reaction: some emoji are many code points. */
const EMOJI_MAX = 16;

export interface HandsetOptions {
  readonly config: HandsetConfig;
  readonly credentials: Credentials;
  /** Whether `displayed` reports are sent, asked at the time of each. */
  readonly sendsDisplayed: () => boolean;
  /** What the user calls themselves, asked at the time of each message; empty for nothing. */
  readonly displayName: () => string;
}

export class Handset {
  readonly registration = signal<RegistrationState>('connecting');
  /** Devices of this subscriber that are registered, this one among them; 0 when not known. */
  readonly devices = signal(0);
  /** The conversation on screen. */
  readonly current = signal<Address | undefined>(undefined);
  /** Its messages, oldest first. */
  readonly messages = signal<readonly MessageRecord[]>([]);
  readonly hasOlder = signal(false);
  readonly capabilities = signal<ReadonlyMap<Address, Capability>>(new Map());
  /** The latest message that came in, for the live region and the title. */
  readonly arrived = signal<MessageRecord | undefined>(undefined);
  /** The latest of our reactions and edits that the network didn't take. */
  readonly refused = signal<OutboxEntry | undefined>(undefined);
  /** Another tab has removed all that is kept of this account. */
  readonly isErased = signal(false);
  /** Newest first. */
  readonly conversations: ReadonlySignal<readonly ConversationRecord[]>;
  readonly unread: ReadonlySignal<number>;
  readonly self: Address;
  readonly files: Files;
  readonly groups: Groups;
  readonly blockList: BlockList;
  readonly history: History;

  private readonly conversationMap = signal<ReadonlyMap<Address, ConversationRecord>>(new Map());
  private readonly agent: UserAgent;
  private readonly outbox: Outbox;
  private readonly envelopes: Envelopes;
  private readonly typing: Typing;
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
        handleBindings: (count) => {
          this.devices.value = count;
        },
        handleMessage: (message) => this.inTurn(() => this.receive(message)),
        handleFocusRequest: (request) => void this.inTurn(() => this.groups.receive(request)),
      },
    );
    this.groups = new Groups(this.self, options.config, this.agent.side, {
      isRegistered: () => this.registration.value === 'registered',
      group: (focus) => this.group(focus),
      commit: (focus, group, events, id) => this.commitGroup(focus, group, events, id),
      inTurn: (work) => this.inTurn(work),
      send: (focus, contentType, body) =>
        this.agent.sendMessage(this.envelopes.document(focus, contentType, body, this.conversationId(focus))),
    });
    this.typing = new Typing((peer, state) => this.tellComposing(peer, state));
    directory.groupName = (focus) => this.groupName(focus);
    this.outbox = new Outbox({
      load: () => this.store.outbox(),
      isRegistered: () => this.registration.value === 'registered',
      send: (entry) => this.agent.sendMessage(entry),
      alone: (drain) => oneTabAtATime(`hongyan:${number}`, drain),
      settle: (entry, outcome, answer) => this.inTurn(() => this.settle(entry, outcome, answer)),
    });
    this.envelopes = new Envelopes(this.self, domain, options.displayName);
    this.blockList = new BlockList({ http, digest: new DigestClient(number, password, uuid) }, location.href);
    this.history = new History({ http, digest: new DigestClient(number, password, uuid) }, location.href, {
      recall: () => this.recall(),
      alone: (work) => oneTabAtATime(`hongyan:${number}:history`, work),
      isComplete: () => hasHistory(number),
      complete: () => noteHistory(number),
    });
    const authority = { http, digest: new DigestClient(number, password, uuid) };
    const { content: server } = options.config;
    this.files = new Files(
      store,
      { server, authority, deviceId: device.instanceId },
      {
        isRegistered: () => this.registration.value === 'registered',
        alone: (work) => oneTabAtATime(`hongyan:${number}:files`, work),
        inTurn: (work) => this.inTurn(work),
        newRecord: (peer, replyTo) => this.newRecord(peer, media.FILE_TRANSFER_HTTP, '', replyTo),
        commitMessage: (record, more) => this.commitMessage(record, more),
        commitRemoval: (record, changes) => this.commitRemoval(record, changes),
        outboxEntry: (record) => this.envelopes.message(record),
        wakeOutbox: () => this.outbox.wake(),
      },
    );
  }

  /** Opens the account's store and starts to register. */
  static async start(options: HandsetOptions): Promise<Handset> {
    const device = await claimDevice(options.credentials.number);
    const store = await Store.open(options.credentials.number);
    const directory = new Directory(options.config.chatbots, store);
    await directory.loadPeople();
    const handset = new Handset(options, device, store, directory, await store.conversations());
    store.onErased = () => {
      handset.isErased.value = true;
    };
    handset.agent.start();
    return handset;
  }

  /** Removes the binding; what is kept stays. */
  async stop(): Promise<void> {
    this.agent.stop();
    this.typing.stop();
    this.groups.stop();
    this.history.stop();
    await Promise.all([this.outbox.stop(), this.files.stop()]);
    await this.turn;
    this.siblings.close();
    this.store.close();
    this.device.release();
  }

  networkIs(online: boolean): void {
    if (online) this.agent.reconnect();
    else this.agent.disconnect();
  }

  /** What to call this device where its owner asks. */
  get deviceId(): string {
    return this.device.instanceId;
  }

  get domain(): string {
    return this.options.config.domain;
  }

  /** Where files go; `undefined` when the server takes none. */
  get contentServer(): ContentServer | undefined {
    return this.options.config.content;
  }

  /** Conversations in which somebody is typing, and who. */
  get composing(): ReadonlySignal<ReadonlyMap<Address, Address>> {
    return this.typing.parties;
  }

  group(peer: Address): Group | undefined {
    return this.conversation(peer)?.group;
  }

  conversation(peer: Address): ConversationRecord | undefined {
    return this.conversationMap.value.get(peer);
  }

  /** What a message says. Read once per record. */
  content(record: MessageRecord): Content {
    let content = contents.get(record);
    if (!content) {
      content = this.fromOwnServer(contentOf(record));
      contents.set(record, content);
    }
    return content;
  }

  /** Files of our content server are fetched from where this page came from. */
  private fromOwnServer(content: Content): Content {
    const server = this.contentServer;
    if (content.kind !== 'file' || !server) return content;
    const { file, thumbnail } = content.transfer;
    const local = (info: FileInfo) => ({ ...info, url: onOwnOrigin(info.url, server) });
    return { ...content, transfer: { file: local(file), thumbnail: thumbnail && local(thumbnail) } };
  }

  // --- what the views ask for

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

  sendText(peer: Address, text: string, replyTo?: ReplyTo): Promise<void> {
    this.typing.handleSent(peer);
    return this.send(peer, media.UTF8_TEXT, text, replyTo);
  }

  /** Sets our mark on a message, or with an empty `emoji` takes it off. */
  react(record: MessageRecord, emoji: string): Promise<void> {
    return this.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept || kept.deleted) return;
      const reaction = this.envelopes.reaction(kept, emoji, this.conversationId(kept.peer));
      await this.commitMessage(withReaction(kept, this.self, emoji), [{ table: 'outbox', put: reaction }]);
      this.outbox.wake();
    });
  }

  /** Changes the words of a message of ours, as long as it is fresh. */
  edit(record: MessageRecord, words: string): Promise<void> {
    return this.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      const at = Date.now();
      if (!kept || kept.body === words || !mayEdit(kept, at)) return;
      const edit = this.envelopes.edit(kept, words, at, this.conversationId(kept.peer));
      await this.commitMessage(withEdit(kept, words, at, edit.messageId), [{ table: 'outbox', put: edit }]);
      this.outbox.wake();
    });
  }

  /**
   * Takes back a message that nobody has got yet. Whether it was in time is told by the network; until then it
   * is on its way.
   */
  revoke(record: MessageRecord): Promise<void> {
    return this.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept || !mayRevoke(kept)) return;
      const request = this.envelopes.revocation(kept, this.conversationId(kept.peer));
      await this.commitMessage({ ...kept, revocation: 'asked' }, [{ table: 'outbox', put: request }]);
      this.outbox.wake();
    });
  }

  /**
   * Tells the operator of a message that nobody wanted or, without `record`, of the latest ones that `about` sent.
   * Not queued: who reports wants to know that it was heard.
   */
  async reportSpam(
    about: Address,
    { kind, text, record }: { kind: string; text: string; record: MessageRecord | undefined },
  ): Promise<Answer> {
    const messageIds: string[] = [];
    if (record) messageIds.push(record.messageId);
    else
      await this.store.each(about, ({ direction, event, messageId }) => {
        if (direction === 'in' && !event) messageIds.push(messageId);
        return messageIds.length < MESSAGE_IDS_MAX;
      });
    if (this.registration.value !== 'registered') return { status: 0, reason: '' };
    return this.agent.sendMessage(this.envelopes.spamReport({ kind, text, messageIds }, about));
  }

  /** Removes a message from this device; others keep theirs. */
  deleteMessage(record: MessageRecord): Promise<void> {
    if (record.upload) return this.files.cancel(record);
    return this.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (kept)
        await this.commitRemoval(kept, [{ table: 'messages', put: { ...emptied(kept), deleted: true } }]);
    });
  }

  /** Messages with these words, newest first, in one conversation or in all. */
  async search(words: string, limit: number, peer?: Address): Promise<readonly MessageRecord[]> {
    const wanted = words.trim().toLowerCase();
    const found: MessageRecord[] = [];
    if (wanted === '') return found;
    let looked = 0;
    await this.store.each(peer, (record) => {
      if (!record.deleted && searchableText(this.content(record)).includes(wanted)) found.push(record);
      return found.length < limit && ++looked < SEARCH_MAX;
    });
    return found;
  }

  /**
   * Removes a conversation with all that was said from this device, and from the history that the server keeps: whether it is not
   * there any more.
   */
  async deleteConversation(peer: Address): Promise<boolean> {
    await this.inTurn(async () => {
      await this.store.commit([
        { table: 'messages', removeAll: peer },
        { table: 'conversations', remove: peer },
      ]);
      const conversations = new Map(this.conversationMap.value);
      conversations.delete(peer);
      this.conversationMap.value = conversations;
      this.siblings.postMessage(peer);
    });
    return this.history.forget(peer);
  }

  /** A message by its id, whoever wrote it; `undefined` when it isn't here. */
  async find(peer: Address, messageId: string): Promise<MessageRecord | undefined> {
    const shown = this.messages.value.find((record) => record.messageId === messageId);
    const found = this.current.value === peer && shown ? shown : await this.storedMessage(peer, messageId);
    return found?.deleted ? undefined : found;
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
      const { reason: _, ...rest } = record;
      const pending: MessageRecord = { ...rest, state: 'pending' };
      if (record.upload) return this.files.retry(pending);
      await this.commitMessage(pending, [{ table: 'outbox', put: this.envelopes.message(pending) }]);
      this.outbox.wake();
    });
  }

  /** A bubble has really been seen: reports it when that was asked for. */
  displayed(record: MessageRecord): Promise<void> {
    return this.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept?.owed.includes('display')) return;
      const paid = { ...kept, owed: kept.owed.filter((owed) => owed !== 'display') };
      const report = this.options.sendsDisplayed() ? this.report(kept, 'displayed') : [];
      await this.commitMessage(paid, report);
      this.outbox.wake();
    });
  }

  /** A key was pressed in the composer. Only people are told: chatbots don't care. */
  handleInput(peer: Address, text: string): void {
    if (!this.directory.isChatbot(peer)) this.typing.handleInput(peer, text);
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

  private send(peer: Address, contentType: string, body: string, replyTo?: ReplyTo): Promise<void> {
    return this.inTurn(async () => {
      const record = this.newRecord(peer, contentType, body, replyTo);
      await this.commitMessage(record, [{ table: 'outbox', put: this.envelopes.message(record) }]);
      this.outbox.wake();
    });
  }

  private newRecord(peer: Address, contentType: string, body: string, replyTo?: ReplyTo): MessageRecord {
    return {
      peer,
      direction: 'out',
      messageId: uuid(),
      order: this.nextOrder(),
      at: Date.now(),
      dateTime: '',
      contentType,
      body,
      state: 'pending',
      conversationId: this.conversationId(peer),
      contributionId: uuid(),
      owed: [],
      ...(replyTo ? { replyTo } : {}),
    };
  }

  private report(record: MessageRecord, disposition: 'delivered' | 'displayed'): Change[] {
    return [{ table: 'outbox', put: this.envelopes.report(record, disposition) }];
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
    if (entry.kind === 'edit') return this.settleEdit(entry, outcome === 'sent', gone);
    if (entry.about !== undefined && outcome === 'failed') {
      if (entry.kind === 'revocation') return this.endRevocation(entry.about, false, [gone]);
      return this.undoReaction(entry, entry.about, gone);
    }
    const record = entry.kind === 'message' ? await this.store.sentMessage(entry.messageId) : undefined;
    if (!record) {
      await this.store.commit([gone]);
      return;
    }
    const state = raised(record.state, outcome);
    const reason = outcome === 'failed' ? { reason: `${answer.status} ${answer.reason}`.trim() } : {};
    await this.commitMessage(traced({ ...record, state, ...reason }, outcome), [gone]);
    if (e164(entry.to) !== undefined && outcome === 'sent') {
      this.setCapability(entry.to, answer.status === 202 ? 'away' : 'reachable');
    }
  }

  /** The network didn't take our mark: it comes off again. */
  private async undoReaction(entry: OutboxEntry, messageId: string, gone: Change): Promise<void> {
    const target = await this.storedMessage(entry.to, messageId);
    if (target) await this.commitMessage(withReaction(target, this.self, ''), [gone]);
    else await this.store.commit([gone]);
    this.refused.value = entry;
  }

  private async settleEdit(entry: OutboxEntry, isTaken: boolean, gone: Change): Promise<void> {
    const target = await this.store.message(entry.to, 'out', entry.about ?? '');
    if (target) await this.commitMessage(withEditSettled(target, entry.messageId, isTaken), [gone]);
    else await this.store.commit([gone]);
    if (!isTaken) this.refused.value = entry;
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
        return this.receiveReport(partyOf(peer, cpim), body);
      case REVOKE:
        return this.receiveRevokeAnswer(body);
      case media.IS_COMPOSING:
        return this.receiveComposing(peer, partyOf(peer, cpim), body);
      default:
        if (cpim && (await this.receiveReaction(peer, cpim))) return;
        if (cpim && (await this.receiveEdit(peer, cpim))) return;
        return this.receiveMessage(peer, message, cpim);
    }
  }

  private async receiveMessage(peer: Address, message: IncomingMessage, cpim?: Cpim): Promise<void> {
    this.typing.hear(peer, undefined);
    const author = isGroup(peer) ? parseAddress(cpim?.from ?? '') : undefined;
    if (isGroup(peer)) await this.groups.meet(peer, message.conversationId);
    // Without CPIM the Call-ID is what reports refer to.
    const messageId = cpim?.messageId ?? message.callId;
    // The network repeats what it isn't sure of: the second copy is answered and not shown.
    const kept = await this.store.message(peer, 'in', messageId);
    // Out of the history it may have come before it came by itself.
    if (kept && !kept.recalled) return;
    // What another device of ours said in a group comes to this one as well.
    const isOwn = author === this.self;
    if (isOwn && (await this.store.message(peer, 'out', messageId))) return;
    const at = Date.parse(cpim?.dateTime ?? '');
    const replied = cpim?.replyTo;
    const sender = parseAddress(replied?.sender ?? '') ?? peer;
    const record: MessageRecord = {
      peer,
      direction: isOwn ? 'out' : 'in',
      messageId,
      order: kept?.order ?? this.nextOrder(),
      at: Number.isNaN(at) ? Date.now() : at,
      dateTime: isOwn ? '' : cpim?.dateTime || new Date().toISOString(),
      contentType: cpim?.contentType ?? message.contentType,
      body: cpim?.body ?? message.body,
      state: isOwn ? 'sent' : 'delivered',
      conversationId: message.conversationId ?? this.conversation(peer)?.conversationId ?? uuid(),
      contributionId: message.contributionId ?? uuid(),
      owed: !isOwn && cpim?.dispositionNotification.has('display') ? ['display'] : [],
      ...(author && !isOwn ? { sender: author } : {}),
      ...(replied ? { replyTo: { messageId: replied.messageId, sender } } : {}),
    };
    const isAsked = !isOwn && cpim?.dispositionNotification.has('positive-delivery');
    const report = isAsked ? this.report(record, 'delivered') : [];
    await this.commitMessage(record, report);
    if (isOwn) return;
    if (cpim?.fromName) await this.directory.note(record.sender ?? peer, { claimed: cpim.fromName });
    this.arrived.value = record;
    this.outbox.wake();
  }

  /** Whether it was a reaction to a message that we have: to others it is an ordinary message. */
  private async receiveReaction(peer: Address, cpim: Cpim): Promise<boolean> {
    if (cpim.inReplyTo === undefined || !cpim.contentDisposition?.startsWith('reaction')) return false;
    const target = await this.storedMessage(peer, cpim.inReplyTo);
    if (!target) return false;
    const emoji = text(cpim.body.trim(), EMOJI_MAX) ?? '';
    if (!target.deleted) await this.commitMessage(withReaction(target, partyOf(peer, cpim), emoji));
    return true;
  }

  /** Whether it was new words for a message that we have, by its author: anything else is a message of its own. */
  private async receiveEdit(peer: Address, cpim: Cpim): Promise<boolean> {
    const target = cpim.replaces && (await this.storedMessage(peer, cpim.replaces));
    if (!target || this.authorOf(target) !== partyOf(peer, cpim)) return false;
    const isText = ({ contentType }: { contentType: string }) =>
      media.parseMediaType(contentType).essence === 'text/plain';
    if (!isText(target) || !isText(cpim)) return false;
    const told = Date.parse(cpim.dateTime ?? '');
    const at = Number.isNaN(told) ? Date.now() : told;
    const isLater = at > (target.edited?.at ?? Number.NEGATIVE_INFINITY);
    if (isLater && !target.deleted && target.revocation !== 'done')
      await this.commitMessage({ ...target, body: cpim.body, edited: { at } });
    return true;
  }

  private authorOf(record: MessageRecord): Address {
    return record.direction === 'out' ? this.self : (record.sender ?? record.peer);
  }

  private async receiveRevokeAnswer(body: string): Promise<void> {
    const answer = parseRevokeAnswer(body);
    if (answer) await this.endRevocation(answer.messageId, answer.isDone);
  }

  private async endRevocation(
    messageId: string,
    isDone: boolean,
    more: readonly Change[] = [],
  ): Promise<void> {
    const record = await this.store.sentMessage(messageId);
    // Nobody else takes our messages back.
    if (record?.revocation !== 'asked') return this.store.commit(more);
    const changed = isDone ? emptied(record) : record;
    await this.commitMessage({ ...changed, revocation: isDone ? 'done' : 'failed' }, more);
  }

  private async receiveReport(by: Address, body: string): Promise<void> {
    const imdn = parseImdn(body);
    const record = imdn && (await this.store.sentMessage(imdn.messageId));
    const reported = imdn && stateOf(imdn.disposition);
    if (!record || !reported) return;
    const heard = traced(record, reported, by);
    const changed = { ...heard, state: raised(record.state, this.reached(heard, reported)) };
    if (changed.state !== record.state || changed.trace !== record.trace) await this.commitMessage(changed);
  }

  /** How far a message has come when this is reported: in a group, when everybody has come so far. */
  private reached(record: MessageRecord, reported: 'delivered' | 'displayed' | 'failed'): MessageState {
    const group = this.group(record.peer);
    // That one member couldn't be reached isn't the end of a group's message.
    if (!group || record.state === 'failed') return reported;
    if (reported === 'failed') return record.state;
    const counts = (states: readonly string[]) =>
      new Set(record.trace?.filter(({ state }) => states.includes(state)).map(({ by }) => by));
    if (everybody(group, this.self, counts(['displayed']))) return 'displayed';
    return everybody(group, this.self, counts(['delivered', 'displayed'])) ? 'delivered' : record.state;
  }

  private receiveComposing(peer: Address, by: Address, body: string): void {
    const composing = parseComposing(body);
    if (!composing || by === this.self) return;
    this.typing.hear(peer, composing.state === 'active' ? by : undefined, composing.refreshS * 1000);
  }

  /** Commits what a group has become, with a line for each event. */
  private async commitGroup(
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

  /** The subject, else the names of the members. */
  private groupName(focus: Address): string | undefined {
    const group = this.group(focus);
    if (!group) return undefined;
    if (group.subject !== '') return group.subject;
    const others = group.members.filter(({ address }) => address !== this.self);
    return others.map(({ address }) => this.directory.name(address)).join(', ') || undefined;
  }

  // --- the history that the server keeps

  private recall(): Recalling {
    const recaller = new Recaller(this.store, this.self, (peer) => this.conversation(peer));
    return {
      fillIn: (messages) =>
        this.inTurn(async () => {
          const { fresh, conversations, lastOrder } = await recaller.commit(messages);
          this.lastOrder = Math.max(this.lastOrder, lastOrder);
          for (const { peer, conversationId } of conversations) {
            await this.reload(peer);
            this.siblings.postMessage(peer);
            if (isGroup(peer)) await this.groups.meet(peer, conversationId);
          }
          return fresh;
        }),
      end: () =>
        this.inTurn(async () => {
          for (const peer of await recaller.end()) {
            await this.reload(peer);
            this.siblings.postMessage(peer);
          }
        }),
    };
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
  private async commitRemoval(record: MessageRecord, changes: readonly Change[]): Promise<void> {
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

  private async storedMessage(peer: Address, messageId: string): Promise<MessageRecord | undefined> {
    return (
      (await this.store.message(peer, 'in', messageId)) ?? (await this.store.message(peer, 'out', messageId))
    );
  }

  private async commitConversation(record: ConversationRecord): Promise<void> {
    await this.store.commit([{ table: 'conversations', put: record }]);
    this.showConversation(record);
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

  // --- the rest

  private handleState(state: RegistrationState): void {
    this.registration.value = state;
    if (state === 'registered') {
      this.outbox.wake();
      this.files.wake();
      void this.blockList.load();
      void this.history.fill();
      for (const { peer, group } of this.conversationMap.value.values()) {
        if (group?.isMember) void this.groups.subscribe(peer);
      }
    }
    if (state === 'offline') this.typing.handleOffline();
  }

  private tellComposing(peer: Address, state: 'active' | 'idle'): void {
    if (this.registration.value !== 'registered') return;
    void this.agent.sendMessage(this.envelopes.composing(peer, state, this.conversationId(peer)));
  }

  private setCapability(peer: Address, capability: Capability): void {
    if (capability === 'unknown' && this.capabilities.value.has(peer)) return;
    this.capabilities.value = new Map(this.capabilities.value).set(peer, capability);
  }

  /** Under which a conversation goes on, a new one if need be. */
  private conversationId(peer: Address): string {
    return this.conversation(peer)?.conversationId ?? uuid();
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

/** Whom something is from: in a group, the envelope says it. */
function partyOf(peer: Address, cpim: Cpim | undefined): Address {
  return (isGroup(peer) ? parseAddress(cpim?.from ?? '') : undefined) ?? peer;
}

/** What a report says about the tick; some say nothing. */
function stateOf(disposition: Disposition): 'delivered' | 'displayed' | 'failed' | undefined {
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
