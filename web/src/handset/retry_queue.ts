/**
 * Work that waits for the network: drained by one tab at a time, once more when something came meanwhile, and again
 * after a while when the last time left something for later.
 */
const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

/** How long to wait after so many attempts that came to nothing, in ms: twice as long each time, up to a minute. */
export function backoffMs(attempts: number): number {
  return Math.min(RETRY_MS * 2 ** attempts, RETRY_MS_MAX);
}

export interface RetryQueuePort {
  /** Keeps other tabs of the same account from doing the same. */
  alone(drain: () => Promise<void>): Promise<void>;
  /** Does what can be done now. Resolves to after how many ms to try again; `undefined` when nothing waits for time. */
  drain(): Promise<number | undefined>;
}

export class RetryQueue {
  private running: Promise<void> | undefined;
  private again = false;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private stopped = false;

  constructor(private readonly port: RetryQueuePort) {}

  /** Once true, a drain under way ends as soon as it can. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** Something was added, or the network is back. Cheap to call at any time. */
  wake(): void {
    if (this.stopped) return;
    if (this.running) {
      this.again = true;
      return;
    }
    clearTimeout(this.retryTimer);
    this.running = this.port
      .alone(() => this.drain())
      .catch((error) => console.error('a queue stopped', error))
      .finally(() => {
        this.running = undefined;
        if (!this.again) return;
        this.again = false;
        this.wake();
      });
  }

  /** Stops for good; resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.retryTimer);
    await this.running;
  }

  private async drain(): Promise<void> {
    const waitMs = await this.port.drain();
    if (waitMs !== undefined && !this.stopped) this.retryTimer = setTimeout(() => this.wake(), waitMs);
  }
}
