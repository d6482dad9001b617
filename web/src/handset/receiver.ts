/** What comes in: messages, reports, reactions, edits, answers to revocations, and who is typing. */
import { type Address, isGroup, parseAddress } from '../rcs/address';
import { text } from '../rcs/bot/json';
import { parseComposing } from '../rcs/composing';
import { type Cpim, parseCpim } from '../rcs/cpim';
import { uuid } from '../rcs/id';
import { type Disposition, parseImdn } from '../rcs/imdn';
import * as media from '../rcs/media_type';
import { parseRevokeAnswer, REVOKE } from '../rcs/revoke';
import type { IncomingMessage } from '../sip/user_agent';
import type { Archive } from './archive';
import { everybody } from './group';
import { emptied, traced, withReaction } from './message';
import { type MessageRecord, type MessageState, raised } from './records';
import type { Change, Store } from './store';

/** Longest reaction: some emoji are many code points. */
const EMOJI_MAX = 16;

export interface ReceiverPort {
  readonly self: Address;
  /** What sends a report. */
  report(record: MessageRecord, disposition: 'delivered' | 'displayed'): Change[];
  wakeOutbox(): void;
  /** A message of a group that may be new. */
  meetGroup(focus: Address, conversationId: string | undefined): Promise<void>;
  /** Somebody types, or with `undefined` nobody does; for so long if nothing more is heard. */
  hearTyping(peer: Address, by: Address | undefined, forMs?: number): void;
  /** Somebody calls themselves so. */
  noteName(party: Address, claimed: string): Promise<void>;
  /** Others have written, and it is kept. */
  arrived(record: MessageRecord): void;
}

export class Receiver {
  constructor(
    private readonly store: Store,
    private readonly archive: Archive,
    private readonly port: ReceiverPort,
  ) {}

  /** Takes one MESSAGE. When this resolves, it is kept and may be answered. */
  async receive(message: IncomingMessage): Promise<void> {
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
    this.port.hearTyping(peer, undefined);
    const author = isGroup(peer) ? parseAddress(cpim?.from ?? '') : undefined;
    if (isGroup(peer)) await this.port.meetGroup(peer, message.conversationId);
    // Without CPIM the Call-ID is what reports refer to.
    const messageId = cpim?.messageId ?? message.callId;
    // The network repeats what it isn't sure of: the second copy is answered and not shown.
    const kept = await this.store.message(peer, 'in', messageId);
    // Out of the history it may have come before it came by itself.
    if (kept && !kept.recalled) return;
    // What another device of ours said in a group comes to this one as well.
    const isOwn = author === this.port.self;
    if (isOwn && (await this.store.message(peer, 'out', messageId))) return;
    const at = Date.parse(cpim?.dateTime ?? '');
    const replied = cpim?.replyTo;
    const sender = parseAddress(replied?.sender ?? '') ?? peer;
    const record: MessageRecord = {
      peer,
      direction: isOwn ? 'out' : 'in',
      messageId,
      order: kept?.order ?? this.archive.nextOrder(),
      at: Number.isNaN(at) ? Date.now() : at,
      dateTime: isOwn ? '' : cpim?.dateTime || new Date().toISOString(),
      contentType: cpim?.contentType ?? message.contentType,
      body: cpim?.body ?? message.body,
      state: isOwn ? 'sent' : 'delivered',
      conversationId: message.conversationId ?? this.archive.conversation(peer)?.conversationId ?? uuid(),
      contributionId: message.contributionId ?? uuid(),
      owed: !isOwn && cpim?.dispositionNotification.has('display') ? ['display'] : [],
      ...(author && !isOwn ? { sender: author } : {}),
      ...(replied ? { replyTo: { messageId: replied.messageId, sender } } : {}),
    };
    const isAsked = !isOwn && cpim?.dispositionNotification.has('positive-delivery');
    const report = isAsked ? this.port.report(record, 'delivered') : [];
    await this.archive.commitMessage(record, report);
    if (isOwn) return;
    if (cpim?.fromName) await this.port.noteName(record.sender ?? peer, cpim.fromName);
    this.port.arrived(record);
    this.port.wakeOutbox();
  }

  /** Whether it was a reaction to a message that we have: to others it is an ordinary message. */
  private async receiveReaction(peer: Address, cpim: Cpim): Promise<boolean> {
    if (cpim.inReplyTo === undefined || !cpim.contentDisposition?.startsWith('reaction')) return false;
    const target = await this.archive.stored(peer, cpim.inReplyTo);
    if (!target) return false;
    const emoji = text(cpim.body.trim(), EMOJI_MAX) ?? '';
    if (!target.deleted) await this.archive.commitMessage(withReaction(target, partyOf(peer, cpim), emoji));
    return true;
  }

  /** Whether it was new words for a message that we have, by its author: anything else is a message of its own. */
  private async receiveEdit(peer: Address, cpim: Cpim): Promise<boolean> {
    const target = cpim.replaces && (await this.archive.stored(peer, cpim.replaces));
    if (!target || this.authorOf(target) !== partyOf(peer, cpim)) return false;
    const isText = ({ contentType }: { contentType: string }) =>
      media.parseMediaType(contentType).essence === 'text/plain';
    if (!isText(target) || !isText(cpim)) return false;
    this.port.hearTyping(peer, undefined);
    const told = Date.parse(cpim.dateTime ?? '');
    const at = Number.isNaN(told) ? Date.now() : told;
    const isLater = at > (target.edited?.at ?? Number.NEGATIVE_INFINITY);
    if (isLater && !target.deleted && target.revocation !== 'done')
      await this.archive.commitMessage({ ...target, body: cpim.body, edited: { at } });
    return true;
  }

  private authorOf(record: MessageRecord): Address {
    return record.direction === 'out' ? this.port.self : (record.sender ?? record.peer);
  }

  private async receiveRevokeAnswer(body: string): Promise<void> {
    const answer = parseRevokeAnswer(body);
    if (answer) await this.endRevocation(answer.messageId, answer.isDone);
  }

  async endRevocation(messageId: string, isDone: boolean, more: readonly Change[] = []): Promise<void> {
    const record = await this.store.sentMessage(messageId);
    // Nobody else takes our messages back.
    if (record?.revocation !== 'asked') return this.store.commit(more);
    const changed = isDone ? emptied(record) : record;
    await this.archive.commitMessage({ ...changed, revocation: isDone ? 'done' : 'failed' }, more);
  }

  private async receiveReport(by: Address, body: string): Promise<void> {
    const imdn = parseImdn(body);
    const record = imdn && (await this.store.sentMessage(imdn.messageId));
    const reported = imdn && stateOf(imdn.disposition);
    if (!record || !reported) return;
    const heard = traced(record, reported, by);
    const changed = { ...heard, state: raised(record.state, this.reached(heard, reported)) };
    if (changed.state !== record.state || changed.trace !== record.trace)
      await this.archive.commitMessage(changed);
  }

  /** How far a message has come when this is reported: in a group, when everybody has come so far. */
  private reached(record: MessageRecord, reported: 'delivered' | 'displayed' | 'failed'): MessageState {
    const group = this.archive.group(record.peer);
    // That one member couldn't be reached isn't the end of a group's message.
    if (!group || record.state === 'failed') return reported;
    if (reported === 'failed') return record.state;
    const counts = (states: readonly string[]) =>
      new Set(record.trace?.filter(({ state }) => states.includes(state)).map(({ by }) => by));
    if (everybody(group, this.port.self, counts(['displayed']))) return 'displayed';
    return everybody(group, this.port.self, counts(['delivered', 'displayed'])) ? 'delivered' : record.state;
  }

  private receiveComposing(peer: Address, by: Address, body: string): void {
    const composing = parseComposing(body);
    if (!composing || by === this.port.self) return;
    this.port.hearTyping(peer, composing.state === 'active' ? by : undefined, composing.refreshS * 1000);
  }
}

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
