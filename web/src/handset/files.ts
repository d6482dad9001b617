/**
 * Sending files: kept first, uploaded as soon as that goes, then sent as a message that says where they are.
 *
 * A file is a row of the store until the content server has it. Where the browser has no room for the bytes, the row
 * names the device (the tab) that has them, and with that tab they are gone.
 */
import type { ReadonlySignal } from '@preact/signals';
import type { Authority } from '../http/authorized';
import { type UploadOutcome, upload } from '../http/upload';
import type { Address } from '../rcs/address';
import { asVoiceMessage, parseFileTransfer } from '../rcs/file_transfer';
import { uuid } from '../rcs/id';
import type { ContentServer } from './config';
import type { FileRecord, MessageRecord, OutboxEntry, ReplyTo } from './records';
import type { Change, Store } from './store';
import { Uploads } from './uploads';

/** An upload that the server puts off so often is left to the user. */
const ATTEMPTS_MAX = 8;
/** Why a file failed that was kept by a tab which is gone. */
export const FILE_LOST = 'lost';

/** A file to send, with what only the sender can know of it. */
export interface OutgoingFile {
  readonly file: Blob;
  readonly name: string;
  readonly thumbnail?: Blob | undefined;
  /** Makes it a voice message. */
  readonly playingMs?: number | undefined;
}

export interface FilesConfig {
  /** Absent when the server takes no files. */
  readonly server: ContentServer | undefined;
  readonly authority: Authority;
  /** Of this tab. */
  readonly deviceId: string;
}

export interface FilesPort {
  isRegistered(): boolean;
  /** Keeps other tabs of the same account from uploading the same. */
  alone(work: () => Promise<void>): Promise<void>;
  /** Does one piece of work on the store after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** A message that has nothing to say yet. */
  newRecord(peer: Address, replyTo: ReplyTo | undefined): MessageRecord;
  commitMessage(record: MessageRecord, more: readonly Change[]): Promise<void>;
  commitRemoval(record: MessageRecord, changes: readonly Change[]): Promise<void>;
  /** What sends a message whose file is on the server. */
  outboxEntry(record: MessageRecord): OutboxEntry;
  wakeOutbox(): void;
}

export class Files {
  private readonly uploads: Uploads;

  constructor(
    private readonly store: Store,
    private readonly config: FilesConfig,
    private readonly port: FilesPort,
  ) {
    this.uploads = new Uploads({
      load: () => this.store.files(),
      isConnected: () => config.server !== undefined && port.isRegistered(),
      upload: (file, bytes, onProgress, signal) => this.upload(file, bytes, onProgress, signal),
      alone: (drain) => port.alone(drain),
      settle: (file, outcome) => port.inTurn(() => this.settle(file, outcome)),
      missing: (file) => port.inTurn(() => this.lose(file)),
    });
  }

  /** Bytes that have been uploaded, by Message-ID, for the files that are on their way. */
  get progress(): ReadonlySignal<ReadonlyMap<string, number>> {
    return this.uploads.progress;
  }

  wake(): void {
    this.uploads.wake();
  }

  stop(): Promise<void> {
    return this.uploads.stop();
  }

  /** Puts a file on the server that belongs to no message: its URL, or the status why not; 0 when there is no network. */
  async put(name: string, file: Blob): Promise<string | number> {
    const { server, authority } = this.config;
    if (!server) return 501;
    const outcome = await upload(
      { tid: uuid(), name, file, thumbnail: undefined },
      {
        ...authority,
        uploadUri: server.uploadUri,
        resume: false,
        onProgress: () => {},
        signal: new AbortController().signal,
      },
    );
    if (outcome.kind !== 'done') return outcome.status;
    return parseFileTransfer(outcome.xml)?.file.url ?? 500;
  }

  /** Resolves to whether the browser keeps the file; if not, it is lost when this page is closed. */
  send(peer: Address, outgoing: OutgoingFile, replyTo?: ReplyTo): Promise<boolean> {
    return this.port.inTurn(async () => {
      const { file, name, thumbnail, playingMs } = outgoing;
      const record: MessageRecord = {
        ...this.port.newRecord(peer, replyTo),
        upload: {
          name,
          contentType: file.type || 'application/octet-stream',
          sizeBytes: file.size,
          ...(playingMs === undefined ? {} : { playingMs }),
        },
      };
      const { messageId, order } = record;
      const row = { messageId, peer, order, attempts: 0, ...(thumbnail ? { thumbnail } : {}) };
      this.uploads.remember(messageId, file);
      const kept = await this.port.commitMessage(record, [{ table: 'files', put: { ...row, file } }]).then(
        () => true,
        () => false,
      );
      if (!kept) {
        // No room for the bytes, or a browser that stores no files: what is small is kept all the same.
        const onlyIn = this.config.deviceId;
        await this.port.commitMessage(record, [{ table: 'files', put: { ...row, onlyIn } }]);
      }
      this.uploads.wake();
      return kept;
    });
  }

  /** The file of an own message, as long as it needn't be fetched. */
  async local(record: MessageRecord): Promise<Blob | undefined> {
    if (record.direction === 'in') return undefined;
    const { messageId, upload } = record;
    return this.uploads.local(messageId) ?? (upload && (await this.store.file(messageId))?.file);
  }

  /** Takes back a file that hasn't been sent yet: nobody will have seen it. */
  cancel({ peer, direction, messageId }: MessageRecord): Promise<void> {
    return this.port.inTurn(async () => {
      const kept = await this.store.message(peer, direction, messageId);
      if (!kept?.upload) return;
      this.uploads.cancel(messageId);
      await this.port.commitRemoval(kept, [
        { table: 'messages', remove: [peer, direction, messageId] },
        { table: 'files', remove: messageId },
      ]);
    });
  }

  /** Tries again what was refused. Call in turn, with the message as it is to be. */
  async retry(pending: MessageRecord): Promise<void> {
    const file = await this.store.file(pending.messageId);
    if (!file) return;
    await this.port.commitMessage(pending, [{ table: 'files', put: { ...file, stopped: false } }]);
    this.uploads.wake();
  }

  private async upload(
    { peer, messageId, thumbnail, attempts }: FileRecord,
    file: Blob,
    onProgress: (sentBytes: number) => void,
    signal: AbortSignal,
  ): Promise<UploadOutcome> {
    const { server, authority } = this.config;
    if (!server) throw new Error('no content server');
    const record = await this.store.message(peer, 'out', messageId);
    const name = record?.upload?.name ?? 'file';
    const { uploadUri } = server;
    return upload(
      { tid: messageId, name, file, thumbnail },
      { ...authority, uploadUri, resume: attempts > 0, onProgress, signal },
    );
  }

  private async settle(file: FileRecord, outcome: UploadOutcome): Promise<void> {
    const record = await this.store.message(file.peer, 'out', file.messageId);
    // Cancelled while it was on its way.
    if (!record?.upload) return this.store.commit([{ table: 'files', remove: file.messageId }]);
    if (outcome.kind === 'done') {
      const { upload: done, ...sent } = record;
      const body = done.playingMs === undefined ? outcome.xml : asVoiceMessage(outcome.xml, done.playingMs);
      const message: MessageRecord = { ...sent, body };
      await this.port.commitMessage(message, [
        { table: 'files', remove: file.messageId },
        { table: 'outbox', put: this.port.outboxEntry(message) },
      ]);
      this.port.wakeOutbox();
      return;
    }
    const attempts = file.attempts + 1;
    // A connection that went isn't the server's word.
    const isFinal = outcome.kind === 'refused' || (outcome.status !== 0 && attempts >= ATTEMPTS_MAX);
    if (!isFinal) return this.store.commit([{ table: 'files', put: { ...file, attempts } }]);
    const stopped = { ...file, attempts: outcome.kind === 'refused' ? 0 : attempts, stopped: true };
    const failed: MessageRecord = { ...record, state: 'failed', reason: String(outcome.status) };
    await this.port.commitMessage(failed, [{ table: 'files', put: stopped }]);
  }

  /** The tab that had the bytes is gone when it was this one, before a reload. */
  private async lose(file: FileRecord): Promise<void> {
    if (file.onlyIn !== this.config.deviceId) return;
    const record = await this.store.message(file.peer, 'out', file.messageId);
    if (!record?.upload) return;
    const lost: MessageRecord = { ...record, state: 'failed', reason: FILE_LOST };
    await this.port.commitMessage(lost, [{ table: 'files', put: { ...file, stopped: true } }]);
  }
}
