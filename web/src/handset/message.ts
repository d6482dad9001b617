/** How a message's row changes, and what it says: values in, values out. */
import { type Address, e164 } from '../rcs/address';
import { type Content, parseContent } from '../rcs/content';
import * as media from '../rcs/media_type';
import type { MessageRecord, PendingUpload, Reaction, TraceStep, Words } from './records';

/** For so long after sending a message its words can be changed. */
const EDIT_MS = 15 * 60_000;
/** Steps that are kept of one message: two for each member of a large group. */
const TRACE_MAX = 256;

export function sameMessage(a: MessageRecord, b: MessageRecord): boolean {
  return a.messageId === b.messageId && a.direction === b.direction && a.peer === b.peer;
}

/** A message without what it said. */
export function emptied(record: MessageRecord): MessageRecord {
  const { replyTo: _, reactions: __, edited: ___, ...rest } = record;
  return { ...rest, contentType: media.UTF8_TEXT, body: '', owed: [] };
}

/** One mark for each person, the latest last. */
export function withReaction(record: MessageRecord, by: Address, emoji: string): MessageRecord {
  const others = (record.reactions ?? []).filter((reaction) => reaction.by !== by);
  const reactions: readonly Reaction[] = emoji === '' ? others : [...others, { by, emoji }];
  return { ...record, reactions };
}

/** Whether an own text may be changed now: others have or will get it, and it is fresh. */
export function mayEdit(record: MessageRecord, now: number): boolean {
  const { direction, contentType, state, revocation, upload, at } = record;
  const isText = media.parseMediaType(contentType).essence === 'text/plain';
  const isOut = state === 'sent' || state === 'delivered' || state === 'displayed';
  const isThere = upload === undefined && revocation !== 'done';
  return direction === 'out' && isText && isOut && isThere && now - at < EDIT_MS;
}

/** An own message with new words, which the network has yet to take. */
export function withEdit(record: MessageRecord, body: string, at: number, messageId: string): MessageRecord {
  const before = { body: record.body, ...(record.edited ? { edited: record.edited } : {}) };
  return { ...record, body, edited: { at, pending: { messageId, before } } };
}

/** What became of an own edit: it stands, or the words before it do. */
export function withEditSettled(record: MessageRecord, messageId: string, isTaken: boolean): MessageRecord {
  const { edited: _, ...rest } = record;
  return { ...rest, ...settled(record, messageId, isTaken) };
}

function settled({ body, edited }: Words, messageId: string, isTaken: boolean): Words {
  if (!edited) return { body };
  const { at, pending } = edited;
  if (!pending) return { body, edited };
  if (pending.messageId === messageId) return isTaken ? { body, edited: { at } } : pending.before;
  // A later edit stands on this one.
  const before = settled(pending.before, messageId, isTaken);
  return { body, edited: { at, pending: { ...pending, before } } };
}

/** The message with one more step in its trace; the same step of the same party counts once. */
export function traced(record: MessageRecord, state: TraceStep['state'], by?: Address): MessageRecord {
  const trace = record.trace ?? [];
  if (trace.some((step) => step.state === state && step.by === by)) return record;
  if (trace.length >= TRACE_MAX) return record;
  return { ...record, trace: [...trace, { state, at: Date.now(), ...(by ? { by } : {}) }] };
}

/** Whether a message may still be on its way: nobody has reported it, and it isn't to a group. */
export function mayRevoke({ direction, peer, state, revocation }: MessageRecord): boolean {
  return direction === 'out' && e164(peer) !== undefined && state === 'sent' && revocation === undefined;
}

export function contentOf({ event, upload, revocation, contentType, body }: MessageRecord): Content {
  if (event) return { kind: 'event', event };
  if (revocation === 'done') return { kind: 'revoked' };
  return upload ? localContent(upload) : parseContent(contentType, body);
}

/** A file that isn't uploaded yet, as others will see it. */
function localContent({ name, contentType, sizeBytes, playingMs }: PendingUpload): Content {
  const render = playingMs !== undefined;
  const file = { url: '', contentType, sizeBytes, name, until: undefined, playingMs, render };
  return { kind: 'file', transfer: { file, thumbnail: undefined } };
}
