/** How a message's row changes, and what it says: values in, values out. */
import { type Address, e164 } from '../rcs/address';
import { type Content, parseContent } from '../rcs/content';
import * as media from '../rcs/media_type';
import type { MessageRecord, PendingUpload, Reaction, TraceStep } from './records';

/** Steps that are kept of one message: two for each member of a large group. */
const TRACE_MAX = 256;

export function sameMessage(a: MessageRecord, b: MessageRecord): boolean {
  return a.messageId === b.messageId && a.direction === b.direction && a.peer === b.peer;
}

/** A message without what it said. */
export function emptied(record: MessageRecord): MessageRecord {
  const { replyTo: _, reactions: __, ...rest } = record;
  return { ...rest, contentType: media.UTF8_TEXT, body: '', owed: [] };
}

/** One mark for each person, the latest last. */
export function withReaction(record: MessageRecord, by: Address, emoji: string): MessageRecord {
  const others = (record.reactions ?? []).filter((reaction) => reaction.by !== by);
  const reactions: readonly Reaction[] = emoji === '' ? others : [...others, { by, emoji }];
  return { ...record, reactions };
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
