/**
 * The conversation history that the server keeps for this subscriber, if they want that: turning it on and off, and filling in on
 * this device what was said elsewhere.
 *
 * It is read from the latest message backwards, page by page, each time this device signs in. Once a device has all, it reads on
 * only as far as there is something new to it.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import { type Authority, authorized, isOk } from '../http/authorized';
import type { HttpAnswer, HttpRequest } from '../http/transport';
import { type Address, isGroup, parseAddress, userPart } from '../rcs/address';
import { array, finite, object, parseJsonObject, text } from '../rcs/bot/json';
import { parseCpim } from '../rcs/cpim';
import { uuid } from '../rcs/id';
import * as media from '../rcs/media_type';
import type { Direction, MessageRecord, TraceStep } from './records';

const PATH = '/handset/v1/history';
const WAIT_MS = 15_000;
/** Longest id that is read. */
const ID_MAX = 256;
/** Longest reaction: some emoji are many code points. */
const EMOJI_MAX = 16;
/** No history has more pages: a server that never ends is left alone. */
const PAGES_MAX = 2000;

/** Whether the server keeps a history. */
export interface HistoryState {
  readonly isOffered: boolean;
  readonly isEnabled: boolean;
  readonly messages: number;
}

/** How far filling in has come. */
export interface HistoryProgress {
  readonly done: number;
  readonly total: number;
}

/** A message as the server keeps it. */
export interface KeptMessage {
  readonly peer: Address;
  readonly direction: Direction;
  readonly messageId: string;
  readonly conversationId: string | undefined;
  readonly contributionId: string | undefined;
  readonly contentType: string;
  readonly body: string;
  /** By the server's clock, ms since 1970. */
  readonly acceptedAt: number;
  readonly isFailed: boolean;
  readonly reports: readonly KeptReport[];
}

export interface KeptReport {
  readonly by: Address;
  readonly deliveredAt: number | undefined;
  readonly displayedAt: number | undefined;
}

/** What a kept message is to this device: a row, a mark on one, or other words for one. */
export type Recalled =
  | { readonly kind: 'message'; readonly record: MessageRecord }
  | {
      readonly kind: 'reaction';
      readonly peer: Address;
      readonly by: Address;
      readonly target: string;
      readonly emoji: string;
    }
  | {
      readonly kind: 'edit';
      readonly peer: Address;
      readonly by: Address;
      readonly target: string;
      readonly body: string;
      readonly at: number;
    };

export interface HistoryPort {
  /** Begins a reading, from the latest message to the oldest. */
  recall(): Recalling;
  /** Runs in one tab of the account at a time. */
  alone(work: () => Promise<void>): Promise<void>;
  /** Whether this device has had everything before. */
  isComplete(): boolean;
  complete(): void;
}

export interface Recalling {
  /** Puts the next messages into the store; how many of them are new to it. */
  fillIn(messages: readonly KeptMessage[]): Promise<number>;
  /** There are no more. */
  end(): Promise<void>;
}

export class History {
  /** `undefined` until the server has told, and where it keeps none. */
  readonly state: ReadonlySignal<HistoryState | undefined>;
  /** While messages are being filled in for the first time. */
  readonly progress: ReadonlySignal<HistoryProgress | undefined>;

  private readonly known = signal<HistoryState | undefined>(undefined);
  private readonly filling = signal<HistoryProgress | undefined>(undefined);
  private isStopped = false;
  private isFilling = false;

  constructor(
    private readonly authority: Authority,
    /** Of this page: the history is on the server that it came from. */
    private readonly origin: string,
    private readonly port: HistoryPort,
  ) {
    this.state = this.known;
    this.progress = this.filling;
  }

  stop(): void {
    this.isStopped = true;
  }

  async load(): Promise<void> {
    const answer = await this.ask('GET', PATH);
    if (isOk(answer)) this.known.value = parseState(answer.body);
    else if (answer.status === 404 || answer.status === 405) this.known.value = undefined;
  }

  /** Whether the server has done it. Off deletes what it has. */
  async set(isEnabled: boolean): Promise<boolean> {
    const answer = await this.ask(isEnabled ? 'PUT' : 'DELETE', PATH);
    if (!isOk(answer)) return false;
    const isOffered = this.known.value?.isOffered ?? true;
    this.known.value = { isOffered, isEnabled, messages: 0 };
    return true;
  }

  /** Deletes a conversation from it; whether it is not there any more. */
  async forget(peer: Address): Promise<boolean> {
    if (!this.known.value?.isEnabled) return true;
    const name = encodeURIComponent(peer.startsWith('tel:') ? userPart(peer) : peer);
    const answer = await this.ask('DELETE', `${PATH}/conversations/${name}`);
    return isOk(answer) || answer.status === 404;
  }

  /** Fills in what this device doesn't have. What comes in the meantime comes as ever. */
  async fill(): Promise<void> {
    if (this.isFilling) return;
    this.isFilling = true;
    try {
      await this.load();
      const state = this.known.value;
      if (state?.isEnabled) await this.port.alone(() => this.fillAll(state.messages));
    } finally {
      this.isFilling = false;
      this.filling.value = undefined;
    }
  }

  private async fillAll(total: number): Promise<void> {
    const isFirst = !this.port.isComplete();
    const recalling = this.port.recall();
    let before: string | undefined;
    for (let page = 0, done = 0; page < PAGES_MAX; page++) {
      if (isFirst && total > 0) this.filling.value = { done: Math.min(done, total), total };
      const query = before === undefined ? '' : `?before=${encodeURIComponent(before)}`;
      const answer = await this.ask('GET', `${PATH}/messages${query}`);
      const read = isOk(answer) ? parsePage(answer.body) : undefined;
      // What is here stays; the rest comes at the next sign-in.
      if (!read || this.isStopped) return;
      const fresh = await recalling.fillIn(read.messages);
      if (this.isStopped) return;
      done += read.messages.length;
      before = read.next;
      if (before === undefined || (!isFirst && fresh === 0)) break;
    }
    await recalling.end();
    this.port.complete();
  }

  private ask(method: HttpRequest['method'], path: string): Promise<HttpAnswer> {
    const url = new URL(path, this.origin).href;
    return authorized(this.authority, { method, url, signal: AbortSignal.timeout(WAIT_MS) }).catch(() => ({
      status: 0,
      header: () => undefined,
      body: '',
    }));
  }
}

export function parseState(body: string): HistoryState | undefined {
  const root = parseJsonObject(body);
  if (!root) return undefined;
  return {
    isOffered: root.offered === true,
    isEnabled: root.enabled === true,
    messages: finite(root.messages) ?? 0,
  };
}

/** A page; messages that can't be read are left out. */
export function parsePage(
  body: string,
): { readonly messages: readonly KeptMessage[]; readonly next: string | undefined } | undefined {
  const root = parseJsonObject(body);
  if (!root || !Array.isArray(root.messages)) return undefined;
  const messages = array(root.messages).map(readMessage);
  return {
    messages: messages.filter((message) => message !== undefined),
    next: text(root.next, ID_MAX),
  };
}

function readMessage(value: unknown): KeptMessage | undefined {
  const entry = object(value);
  const peer = parseAddress(text(entry?.peer, ID_MAX) ?? '');
  const messageId = text(entry?.messageId, ID_MAX);
  const contentType = text(entry?.contentType, ID_MAX);
  const acceptedAt = time(entry?.acceptedAt);
  const body = entry?.body;
  // What is no text is nothing that this handset could show.
  if (!entry || !peer || messageId === undefined || contentType === undefined || typeof body !== 'string') {
    return undefined;
  }
  if (acceptedAt === undefined || (entry.direction !== 'in' && entry.direction !== 'out')) return undefined;
  return {
    peer,
    direction: entry.direction,
    messageId,
    conversationId: text(entry.conversationId, ID_MAX),
    contributionId: text(entry.contributionId, ID_MAX),
    contentType,
    body,
    acceptedAt,
    isFailed: entry.failed === true,
    reports: array(entry.reports)
      .map(readReport)
      .filter((report) => report !== undefined),
  };
}

function readReport(value: unknown): KeptReport | undefined {
  const entry = object(value);
  const by = parseAddress(text(entry?.by, ID_MAX) ?? '');
  return by && { by, deliveredAt: time(entry?.deliveredAt), displayedAt: time(entry?.displayedAt) };
}

function time(value: unknown): number | undefined {
  const ms = Date.parse(text(value, 64) ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}

/** What a kept message is to this device. `order` is its place in the conversation. */
export function recalled(kept: KeptMessage, self: Address, order: number): Recalled {
  const isCpim = media.parseMediaType(kept.contentType).essence === media.CPIM;
  const cpim = isCpim ? parseCpim(kept.body) : undefined;
  const author = isGroup(kept.peer) ? parseAddress(cpim?.from ?? '') : undefined;
  const { peer, direction, messageId, acceptedAt } = kept;
  const by = direction === 'out' ? self : (author ?? peer);
  if (cpim?.inReplyTo !== undefined && cpim.contentDisposition?.startsWith('reaction')) {
    const emoji = text(cpim.body.trim(), EMOJI_MAX) ?? '';
    return { kind: 'reaction', peer, by, target: cpim.inReplyTo, emoji };
  }
  const written = Date.parse(cpim?.dateTime ?? '');
  if (cpim?.replaces !== undefined) {
    const at = Number.isNaN(written) ? acceptedAt : written;
    return { kind: 'edit', peer, by, target: cpim.replaces, body: cpim.body, at };
  }
  const sender = parseAddress(cpim?.replyTo?.sender ?? '') ?? peer;
  const record: MessageRecord = {
    peer,
    direction,
    messageId,
    order,
    at: Number.isNaN(written) ? acceptedAt : written,
    dateTime: direction === 'in' ? cpim?.dateTime || new Date(acceptedAt).toISOString() : '',
    contentType: cpim?.contentType ?? kept.contentType,
    body: cpim?.body ?? kept.body,
    state: direction === 'in' ? 'delivered' : stateOf(kept),
    conversationId: kept.conversationId ?? uuid(),
    contributionId: kept.contributionId ?? uuid(),
    // Another device has reported what there was to report.
    owed: [],
    recalled: true,
    ...(direction === 'in' && author ? { sender: author } : {}),
    ...(direction === 'out' ? { trace: traceOf(kept) } : {}),
    ...(cpim?.replyTo ? { replyTo: { messageId: cpim.replyTo.messageId, sender } } : {}),
  };
  return { kind: 'message', record };
}

/** How far an own message has come. In a group one member's word is not everybody's. */
function stateOf({ peer, isFailed, reports }: KeptMessage): MessageRecord['state'] {
  if (isGroup(peer)) return 'sent';
  if (reports.some(({ displayedAt }) => displayedAt !== undefined)) return 'displayed';
  if (reports.some(({ deliveredAt }) => deliveredAt !== undefined)) return 'delivered';
  return isFailed ? 'failed' : 'sent';
}

function traceOf({ acceptedAt, reports }: KeptMessage): TraceStep[] {
  const steps: TraceStep[] = [{ state: 'sent', at: acceptedAt }];
  for (const { by, deliveredAt, displayedAt } of reports) {
    if (deliveredAt !== undefined) steps.push({ state: 'delivered', at: deliveredAt, by });
    if (displayedAt !== undefined) steps.push({ state: 'displayed', at: displayedAt, by });
  }
  return steps;
}
