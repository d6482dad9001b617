/**
 * Brings files to the content server, one after the other, whenever the handset is connected.
 *
 * A file is a row until the server has it, so uploads go on after a reload. Where the browser has no room for
 * the bytes, they stay in memory and are gone with this page.
 */
import { type ReadonlySignal, signal } from '@preact/signals';
import type { UploadOutcome } from '../http/upload';
import type { FileRecord } from './records';
import { backoffMs, RetryQueue } from './retry_queue';

/** A server that is busy for longer is asked all the same. */
const BUSY_MS_MAX = 60_000;

export interface UploadPort {
  /** Rows of the store, oldest first. */
  load(): Promise<FileRecord[]>;
  isConnected(): boolean;
  upload(
    file: FileRecord,
    bytes: Blob,
    onProgress: (sentBytes: number) => void,
    signal: AbortSignal,
  ): Promise<UploadOutcome>;
  /** Keeps other tabs of the same account from uploading the same. */
  alone(drain: () => Promise<void>): Promise<void>;
  /** Commits what became of a file. It may have been cancelled meanwhile. */
  settle(file: FileRecord, outcome: UploadOutcome): Promise<void>;
  /** Neither the store nor this page has the bytes. */
  missing(file: FileRecord): Promise<void>;
}

export class Uploads {
  /** Bytes that have gone, for the file that is on its way. */
  readonly progress: ReadonlySignal<ReadonlyMap<string, number>>;

  private readonly sent = signal<ReadonlyMap<string, number>>(new Map());
  /** Files of this page: some are in no store, and own pictures needn't come back from the server to be seen. */
  private readonly files = new Map<string, Blob>();
  private current: { messageId: string; abort: AbortController } | undefined;
  private readonly queue: RetryQueue;

  constructor(private readonly port: UploadPort) {
    this.progress = this.sent;
    this.queue = new RetryQueue({ alone: (drain) => port.alone(drain), drain: () => this.drain() });
  }

  /** Keeps the bytes of a file for as long as this page lives. */
  remember(messageId: string, bytes: Blob): void {
    this.files.set(messageId, bytes);
  }

  /** The bytes of a file that was sent from this page. */
  local(messageId: string): Blob | undefined {
    return this.files.get(messageId);
  }

  cancel(messageId: string): void {
    this.files.delete(messageId);
    if (this.current?.messageId === messageId) this.current.abort.abort(new Error('cancelled'));
  }

  /** A file was added, or the connection is back. Cheap to call at any time. */
  wake(): void {
    this.queue.wake();
  }

  /** Stops for good; what is under way goes on from the store next time. */
  async stop(): Promise<void> {
    const stopped = this.queue.stop();
    this.current?.abort.abort(new Error('signed out'));
    await stopped;
  }

  private async drain(): Promise<number | undefined> {
    let waitMs: number | undefined;
    for (const file of await this.port.load()) {
      if (this.queue.isStopped || !this.port.isConnected()) return undefined;
      if (file.stopped) continue;
      const bytes = this.files.get(file.messageId) ?? file.file;
      if (!bytes) {
        await this.port.missing(file);
        continue;
      }
      const outcome = await this.attempt(file, bytes);
      if (!outcome) continue;
      await this.port.settle(file, outcome);
      if (outcome.kind !== 'later') continue;
      const own = Math.max(backoffMs(file.attempts), (outcome.afterS ?? 0) * 1000);
      waitMs = Math.min(waitMs ?? BUSY_MS_MAX, own);
    }
    return waitMs;
  }

  /** `undefined` when it was cancelled. */
  private async attempt(file: FileRecord, bytes: Blob): Promise<UploadOutcome | undefined> {
    const { messageId } = file;
    const abort = new AbortController();
    this.current = { messageId, abort };
    try {
      this.show(messageId, 0);
      return await this.port.upload(
        file,
        bytes,
        (sentBytes) => this.show(messageId, sentBytes),
        abort.signal,
      );
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      throw error;
    } finally {
      this.current = undefined;
      this.show(messageId, undefined);
    }
  }

  private show(messageId: string, sentBytes: number | undefined): void {
    const sent = new Map(this.sent.value);
    if (sentBytes === undefined) sent.delete(messageId);
    else sent.set(messageId, sentBytes);
    this.sent.value = sent;
  }
}
