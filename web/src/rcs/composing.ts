/**
 * “Is typing”: `application/im-iscomposing+xml` (RFC 3994) and the two small state machines behind it.
 *
 * Times are milliseconds; the machines are told the time and never read a clock.
 */
import { descendantText, parseXml } from './xml';

export interface Composing {
  readonly state: 'active' | 'idle';
  /** How long an `active` holds without another, seconds (RFC 3994 §4: 120 unless given, at least 60). */
  readonly refreshS: number;
}

/** RFC 3994 §3.2: idle after 15 s without a keystroke. */
export const IDLE_MS = 15_000;
const REFRESH_S = 60;
const REFRESH_DEFAULT_S = 120;
const REFRESH_MAX_S = 600;

export function parseComposing(text: string): Composing | undefined {
  const root = parseXml(text);
  if (root?.localName !== 'isComposing') return undefined;
  const state = descendantText(root, 'state');
  if (state === undefined) return undefined;
  const refresh = Number(descendantText(root, 'refresh') ?? REFRESH_DEFAULT_S);
  const refreshS = Number.isFinite(refresh)
    ? Math.min(Math.max(refresh, 60), REFRESH_MAX_S)
    : REFRESH_DEFAULT_S;
  // RFC 3994 §3.3: a state that is not known is treated as idle.
  return { state: state === 'active' ? 'active' : 'idle', refreshS };
}

export function writeComposing(state: 'active' | 'idle'): string {
  const refresh = state === 'active' ? `<refresh>${REFRESH_S}</refresh>` : '';
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">' +
    `<state>${state}</state><contenttype>text/plain</contenttype>${refresh}</isComposing>`
  );
}

/** The sending side: says what to tell the peer as keys are pressed and time passes. */
export class ComposingSender {
  private state: 'active' | 'idle' = 'idle';
  private saidAt = 0;
  private typedAt = 0;

  /** A key was pressed. Returns `active` when the peer is to be told, first or as a refresh. */
  handleInput(now: number): 'active' | undefined {
    this.typedAt = now;
    if (this.state === 'active' && now - this.saidAt < (REFRESH_S - 10) * 1000) return undefined;
    this.state = 'active';
    this.saidAt = now;
    return 'active';
  }

  /** Call when `pollTimeout` says so. Returns `idle` when the typing has stopped. */
  handleTimeout(now: number): 'idle' | undefined {
    if (this.state === 'idle' || now - this.typedAt < IDLE_MS) return undefined;
    this.state = 'idle';
    return 'idle';
  }

  /** The draft was emptied by hand. */
  handleCleared(): 'idle' | undefined {
    if (this.state === 'idle') return undefined;
    this.state = 'idle';
    return 'idle';
  }

  /** The message went out, which itself tells the peer that typing is over (RFC 3994 §3.2). */
  handleSent(): void {
    this.state = 'idle';
  }

  /** When to call `handleTimeout` next. */
  pollTimeout(): number | undefined {
    return this.state === 'active' ? this.typedAt + IDLE_MS : undefined;
  }
}
