/**
 * Drains the outbox: one entry at a time, in order, whenever the handset is registered.
 *
 * An entry stays until the network has answered it for good, and every repetition carries the same
 * Message-ID, so nothing is lost over a reconnect and nothing arrives twice.
 */
import type { Answer } from '../sip/user_agent';
import type { OutboxEntry } from './records';
import { backoffMs, RetryQueue } from './retry_queue';

export type Outcome = 'sent' | 'failed' | 'later';

/** After so many answers of “not now” the user decides. Lost connections don't count. */
const ATTEMPTS_MAX = 6;

/** What an answer means for an entry (RFC 3261 §21). */
export function outcomeOf(status: number, attempts: number): Outcome {
  if (status >= 200 && status < 300) return 'sent';
  const passing =
    status === 0 ||
    [401, 407, 408, 423, 429, 430, 480, 486].includes(status) ||
    (status >= 500 && status < 600);
  if (!passing) return 'failed';
  return status !== 0 && attempts + 1 >= ATTEMPTS_MAX ? 'failed' : 'later';
}

export interface OutboxPort {
  /** Entries still waiting, in order. */
  load(): Promise<OutboxEntry[]>;
  isRegistered(): boolean;
  send(entry: OutboxEntry): Promise<Answer>;
  /** Keeps other tabs of the same account from sending the same. */
  alone(drain: () => Promise<void>): Promise<void>;
  /** Commits what became of an entry: removed when sent or failed, attempts raised when later. */
  settle(entry: OutboxEntry, outcome: Outcome, answer: Answer): Promise<void>;
}

export class Outbox {
  private readonly queue: RetryQueue;

  constructor(private readonly port: OutboxPort) {
    this.queue = new RetryQueue({ alone: (drain) => port.alone(drain), drain: () => this.drain() });
  }

  /** Something was added, or the handset is registered again. Cheap to call at any time. */
  wake(): void {
    this.queue.wake();
  }

  /** Stops for good; resolves when nothing is under way any more. */
  stop(): Promise<void> {
    return this.queue.stop();
  }

  private async drain(): Promise<number | undefined> {
    // Order is kept per addressee: whoever isn't reachable holds up nobody else.
    const held = new Set<string>();
    let attempts = 0;
    for (const entry of await this.port.load()) {
      if (this.queue.isStopped || !this.port.isRegistered()) return undefined;
      if (held.has(entry.to)) continue;
      const answer = await this.port.send(entry);
      const outcome = outcomeOf(answer.status, entry.attempts);
      if (outcome === 'later') {
        held.add(entry.to);
        attempts = Math.max(attempts, entry.attempts);
      }
      await this.port.settle(entry, outcome, answer);
    }
    return held.size > 0 ? backoffMs(attempts) : undefined;
  }
}
