/** Who is typing: we, as others are told, and others, for as long as that can be believed (RFC 3994). */
import { type ReadonlySignal, signal } from '@preact/signals';
import type { Address } from '../rcs/address';
import { ComposingSender } from '../rcs/composing';

export class Typing {
  /** Conversations in which somebody is typing, and who. */
  readonly parties: ReadonlySignal<ReadonlyMap<Address, Address>>;

  private readonly heard = signal<ReadonlyMap<Address, Address>>(new Map());
  private readonly senders = new Map<Address, ComposingSender>();
  /** When to tell that we have stopped. */
  private readonly idleTimers = new Map<Address, ReturnType<typeof setTimeout>>();
  /** When to stop believing that somebody is typing to us. */
  private readonly refreshTimers = new Map<Address, ReturnType<typeof setTimeout>>();

  constructor(private readonly tell: (peer: Address, state: 'active' | 'idle') => void) {
    this.parties = this.heard;
  }

  stop(): void {
    for (const timer of [...this.idleTimers.values(), ...this.refreshTimers.values()]) clearTimeout(timer);
  }

  /** A key was pressed; `text` is what stands there now. */
  handleInput(peer: Address, text: string): void {
    const sender = this.senders.get(peer) ?? new ComposingSender();
    this.senders.set(peer, sender);
    const state = text === '' ? sender.handleCleared() : sender.handleInput(Date.now());
    if (state) this.tell(peer, state);
    this.awaitIdle(peer, sender);
  }

  /** The message went out, which says that typing is over. */
  handleSent(peer: Address): void {
    this.senders.get(peer)?.handleSent();
  }

  /** Notes who is typing in a conversation; `undefined` for nobody. */
  hear(peer: Address, by: Address | undefined, forMs = 0): void {
    clearTimeout(this.refreshTimers.get(peer));
    if (by) {
      const timer = setTimeout(() => this.hear(peer, undefined), forMs);
      this.refreshTimers.set(peer, timer);
    }
    if (this.heard.value.get(peer) === by) return;
    const parties = new Map(this.heard.value);
    if (by) parties.set(peer, by);
    else parties.delete(peer);
    this.heard.value = parties;
  }

  /** Nothing can be heard any more. */
  handleOffline(): void {
    this.heard.value = new Map();
  }

  private awaitIdle(peer: Address, sender: ComposingSender): void {
    const due = sender.pollTimeout();
    if (due === undefined) return;
    clearTimeout(this.idleTimers.get(peer));
    const timer = setTimeout(
      () => {
        const state = sender.handleTimeout(Date.now());
        if (state) this.tell(peer, state);
        this.awaitIdle(peer, sender);
      },
      Math.max(0, due - Date.now()),
    );
    this.idleTimers.set(peer, timer);
  }
}
