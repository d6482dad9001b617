/**
 * The handset of one signed-in subscriber: what the views show, as signals, and what they can ask for. What is kept is in
 * its `archive`, what comes in goes through its `receiver`.
 *
 * Data flows one way. A message, in or out, is committed to the store first; then the signals change,
 * then the network hears of it: the 200 to an incoming message follows its row, and an outgoing message
 * is an outbox row before it is a SIP request.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { DigestClient } from '../http/digest';
import { http } from '../http/transport';
import { type Address, e164, isGroup } from '../rcs/address';
import type { SuggestionResponse } from '../rcs/bot/response';
import { writeSuggestionResponse } from '../rcs/bot/response';
import { type DeviceSpecifics, writeSharedData } from '../rcs/bot/shared_data';
import { type Content, searchableText } from '../rcs/content';
import type { FileInfo } from '../rcs/file_transfer';
import { type Geolocation, writeGeoUri, writePushLocation } from '../rcs/geolocation';
import { uuid } from '../rcs/id';
import * as media from '../rcs/media_type';
import { MESSAGE_IDS_MAX } from '../rcs/spam_report';
import type { Capability } from '../sip/capability';
import { type Answer, type RegistrationState, UserAgent } from '../sip/user_agent';
import { Archive } from './archive';
import { BlockList } from './block_list';
import { type ContentServer, type HandsetConfig, onOwnOrigin } from './config';
import { Directory } from './directory';
import { Envelopes } from './envelope';
import { Files } from './files';
import { Groups } from './groups';
import { History, type Recalling } from './history';
import {
  contentOf,
  emptied,
  mayEdit,
  mayRevoke,
  traced,
  withEdit,
  withEditSettled,
  withReaction,
} from './message';
import { Outbox, type Outcome } from './outbox';
import { Recaller } from './recall';
import { Receiver } from './receiver';
import {
  type ConversationRecord,
  type MessageRecord,
  type OutboxEntry,
  type ReplyTo,
  raised,
} from './records';
import { type Credentials, claimDevice, type Device, hasHistory, noteHistory } from './session';
import { type Change, Store } from './store';
import { Typing } from './typing';

/** Capabilities are asked for again after this long. */
const CAPABILITY_MS = 60_000;
/** A search looks at no more messages than this. */
const SEARCH_MAX = 50_000;

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
  readonly capabilities = signal<ReadonlyMap<Address, Capability>>(new Map());
  /** The latest message that came in, for the live region and the title. */
  readonly arrived = signal<MessageRecord | undefined>(undefined);
  /** The latest of our reactions and edits that the network didn't take. */
  readonly refused = signal<OutboxEntry | undefined>(undefined);
  /** Another tab has removed all that is kept of this account. */
  readonly isErased = signal(false);
  readonly self: Address;
  readonly archive: Archive;
  readonly files: Files;
  readonly groups: Groups;
  readonly blockList: BlockList;
  readonly history: History;

  private readonly agent: UserAgent;
  private readonly outbox: Outbox;
  private readonly envelopes: Envelopes;
  private readonly typing: Typing;
  private readonly receiver: Receiver;
  private readonly capabilityAskedAt = new Map<Address, number>();
  /** Whose devices know no pushed locations (RCC.07): they get a text with a `geo:` URI. */
  private readonly placesAsText = new Set<Address>();

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
    this.archive = new Archive(store, number, kept);
    this.agent = new UserAgent(
      { number, password, domain, webSocket, instanceId: device.instanceId },
      {
        handleState: (state) => this.handleState(state),
        handleBindings: (count) => {
          this.devices.value = count;
        },
        handleMessage: (message) => this.archive.inTurn(() => this.receiver.receive(message)),
        handleFocusRequest: (request) => void this.archive.inTurn(() => this.groups.receive(request)),
      },
    );
    this.groups = new Groups(this.self, options.config, this.agent.side, {
      isRegistered: () => this.registration.value === 'registered',
      group: (focus) => this.archive.group(focus),
      commit: (focus, group, events, id) => this.archive.commitGroup(focus, group, events, id),
      inTurn: (work) => this.archive.inTurn(work),
      upload: (picture) => this.files.put('icon.jpg', picture),
      send: (focus, contentType, body) =>
        this.agent.sendMessage(
          this.envelopes.document(focus, contentType, body, this.archive.conversationId(focus)),
        ),
    });
    this.receiver = new Receiver(store, this.archive, {
      self: this.self,
      report: (record, disposition) => this.report(record, disposition),
      wakeOutbox: () => this.outbox.wake(),
      meetGroup: (focus, conversationId) => this.groups.meet(focus, conversationId),
      hearTyping: (peer, by, forMs) => this.typing.hear(peer, by, forMs),
      noteName: (party, claimed) => directory.note(party, { claimed }),
      arrived: (record) => {
        this.arrived.value = record;
      },
    });
    this.typing = new Typing((peer, state) => this.tellComposing(peer, state));
    directory.groupName = (focus) => this.groupName(focus);
    this.outbox = new Outbox({
      load: () => this.store.outbox(),
      isRegistered: () => this.registration.value === 'registered',
      send: (entry) => this.agent.sendMessage(entry),
      alone: (drain) => oneTabAtATime(`hongyan:${number}`, drain),
      settle: (entry, outcome, answer) => this.archive.inTurn(() => this.settle(entry, outcome, answer)),
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
        inTurn: (work) => this.archive.inTurn(work),
        newRecord: (peer, replyTo) => this.newRecord(peer, media.FILE_TRANSFER_HTTP, '', replyTo),
        commitMessage: (record, more) => this.archive.commitMessage(record, more),
        commitRemoval: (record, changes) => this.archive.commitRemoval(record, changes),
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
    await this.archive.stop();
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

  sendText(peer: Address, text: string, replyTo?: ReplyTo): Promise<void> {
    this.typing.handleSent(peer);
    return this.send(peer, media.UTF8_TEXT, text, replyTo);
  }

  /** Sets our mark on a message, or with an empty `emoji` takes it off. */
  react(record: MessageRecord, emoji: string): Promise<void> {
    return this.archive.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept || kept.deleted) return;
      const reaction = this.envelopes.reaction(kept, emoji, this.archive.conversationId(kept.peer));
      await this.archive.commitMessage(withReaction(kept, this.self, emoji), [
        { table: 'outbox', put: reaction },
      ]);
      this.outbox.wake();
    });
  }

  /** Changes the words of a message of ours, as long as it is fresh. */
  edit(record: MessageRecord, words: string): Promise<void> {
    this.typing.handleSent(record.peer);
    return this.archive.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      const at = Date.now();
      if (!kept || kept.body === words || !mayEdit(kept, at)) return;
      const edit = this.envelopes.edit(kept, words, at, this.archive.conversationId(kept.peer));
      await this.archive.commitMessage(withEdit(kept, words, at, edit.messageId), [
        { table: 'outbox', put: edit },
      ]);
      this.outbox.wake();
    });
  }

  /**
   * Takes back a message that nobody has got yet. Whether it was in time is told by the network; until then it
   * is on its way.
   */
  revoke(record: MessageRecord): Promise<void> {
    return this.archive.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept || !mayRevoke(kept)) return;
      const request = this.envelopes.revocation(kept, this.archive.conversationId(kept.peer));
      await this.archive.commitMessage({ ...kept, revocation: 'asked' }, [{ table: 'outbox', put: request }]);
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
    return this.archive.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (kept)
        await this.archive.commitRemoval(kept, [
          { table: 'messages', put: { ...emptied(kept), deleted: true } },
        ]);
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
    await this.archive.deleteConversation(peer);
    return this.history.forget(peer);
  }

  sendResponse(peer: Address, response: SuggestionResponse): Promise<void> {
    return this.send(peer, media.BOT_SUGGESTION_RESPONSE, writeSuggestionResponse(response));
  }

  sendLocation(peer: Address, place: Geolocation): Promise<void> {
    if (this.placesAsText.has(peer)) return this.send(peer, media.UTF8_TEXT, writeGeoUri(place));
    const body = writePushLocation({ id: uuid(), entity: this.self, at: new Date(), place });
    return this.send(peer, media.PUSH_LOCATION, body);
  }

  sendSharedData(peer: Address, device: DeviceSpecifics): Promise<void> {
    return this.send(peer, media.BOT_SHARED_CLIENT_DATA, writeSharedData(device));
  }

  /** Tries a failed message again, under its own id. */
  retry(record: MessageRecord): Promise<void> {
    return this.archive.inTurn(async () => {
      const { reason: _, ...rest } = record;
      const pending: MessageRecord = { ...rest, state: 'pending' };
      if (record.upload) return this.files.retry(pending);
      await this.archive.commitMessage(pending, [{ table: 'outbox', put: this.envelopes.message(pending) }]);
      this.outbox.wake();
    });
  }

  /** A bubble has really been seen: reports it when that was asked for. */
  displayed(record: MessageRecord): Promise<void> {
    return this.archive.inTurn(async () => {
      const kept = await this.store.message(record.peer, record.direction, record.messageId);
      if (!kept?.owed.includes('display')) return;
      const paid = { ...kept, owed: kept.owed.filter((owed) => owed !== 'display') };
      const report = this.options.sendsDisplayed() ? this.report(kept, 'displayed') : [];
      await this.archive.commitMessage(paid, report);
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
    const { capability, takesPlaces } = await this.agent.queryCapability(peer);
    // What devices that are away take isn't told, and chatbots have their own way.
    if (capability === 'reachable' && !takesPlaces) this.placesAsText.add(peer);
    else this.placesAsText.delete(peer);
    this.setCapability(peer, capability);
  }

  // --- sending

  private send(peer: Address, contentType: string, body: string, replyTo?: ReplyTo): Promise<void> {
    return this.archive.inTurn(async () => {
      const record = this.newRecord(peer, contentType, body, replyTo);
      await this.archive.commitMessage(record, [{ table: 'outbox', put: this.envelopes.message(record) }]);
      this.outbox.wake();
    });
  }

  private newRecord(peer: Address, contentType: string, body: string, replyTo?: ReplyTo): MessageRecord {
    return {
      peer,
      direction: 'out',
      messageId: uuid(),
      order: this.archive.nextOrder(),
      at: Date.now(),
      dateTime: '',
      contentType,
      body,
      state: 'pending',
      conversationId: this.archive.conversationId(peer),
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
      if (entry.kind === 'revocation') return this.receiver.endRevocation(entry.about, false, [gone]);
      return this.undoReaction(entry, entry.about, gone);
    }
    const record = entry.kind === 'message' ? await this.store.sentMessage(entry.messageId) : undefined;
    if (!record) {
      await this.store.commit([gone]);
      return;
    }
    const state = raised(record.state, outcome);
    const reason = outcome === 'failed' ? { reason: `${answer.status} ${answer.reason}`.trim() } : {};
    await this.archive.commitMessage(traced({ ...record, state, ...reason }, outcome), [gone]);
    if (e164(entry.to) !== undefined && outcome === 'sent') {
      this.setCapability(entry.to, answer.status === 202 ? 'away' : 'reachable');
    }
  }

  /** The network didn't take our mark: it comes off again. */
  private async undoReaction(entry: OutboxEntry, messageId: string, gone: Change): Promise<void> {
    const target = await this.archive.stored(entry.to, messageId);
    if (target) await this.archive.commitMessage(withReaction(target, this.self, ''), [gone]);
    else await this.store.commit([gone]);
    this.refused.value = entry;
  }

  private async settleEdit(entry: OutboxEntry, isTaken: boolean, gone: Change): Promise<void> {
    const target = await this.store.message(entry.to, 'out', entry.about ?? '');
    if (target) await this.archive.commitMessage(withEditSettled(target, entry.messageId, isTaken), [gone]);
    else await this.store.commit([gone]);
    if (!isTaken) this.refused.value = entry;
  }

  /** The subject, else the names of the members. */
  private groupName(focus: Address): string | undefined {
    const group = this.archive.group(focus);
    if (!group) return undefined;
    if (group.subject !== '') return group.subject;
    const others = group.members.filter(({ address }) => address !== this.self);
    return others.map(({ address }) => this.directory.name(address)).join(', ') || undefined;
  }

  private recall(): Recalling {
    const recaller = new Recaller(this.store, this.self, (peer) => this.archive.conversation(peer));
    return {
      fillIn: (messages) =>
        this.archive.inTurn(async () => {
          const { fresh, conversations, lastOrder } = await recaller.commit(messages);
          await this.archive.filled(
            conversations.map(({ peer }) => peer),
            lastOrder,
          );
          for (const { peer, conversationId } of conversations) {
            if (isGroup(peer)) await this.groups.meet(peer, conversationId);
          }
          return fresh;
        }),
      end: () => this.archive.inTurn(async () => this.archive.filled(await recaller.end())),
    };
  }

  // --- the rest

  private handleState(state: RegistrationState): void {
    this.registration.value = state;
    if (state === 'registered') {
      this.outbox.wake();
      this.files.wake();
      void this.blockList.load();
      void this.history.fill();
      for (const { peer, group } of this.archive.conversations.value) {
        if (group?.isMember) void this.groups.subscribe(peer);
      }
    }
    if (state === 'offline') this.typing.handleOffline();
  }

  private tellComposing(peer: Address, state: 'active' | 'idle'): void {
    if (this.registration.value !== 'registered') return;
    void this.agent.sendMessage(this.envelopes.composing(peer, state, this.archive.conversationId(peer)));
  }

  private setCapability(peer: Address, capability: Capability): void {
    if (capability === 'unknown' && this.capabilities.value.has(peer)) return;
    this.capabilities.value = new Map(this.capabilities.value).set(peer, capability);
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
