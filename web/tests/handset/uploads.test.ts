import { describe, expect, it, vi } from 'vitest';
import type { FileRecord } from '../../src/handset/records';
import { type UploadPort, Uploads } from '../../src/handset/uploads';
import type { UploadOutcome } from '../../src/http/upload';
import type { Address } from '../../src/rcs/address';
import { eventually } from '../eventually';

const PEER = 'tel:+8613800000002' as Address;
const DONE: UploadOutcome = { kind: 'done', xml: '<file/>' };
const BUSY: UploadOutcome = { kind: 'later', status: 503, afterS: undefined };

function file(messageId: string, more: Partial<FileRecord> = {}): FileRecord {
  return { messageId, peer: PEER, order: 1, file: new Blob(['x']), attempts: 0, ...more };
}

function world(rows: FileRecord[], upload: (file: FileRecord) => Promise<UploadOutcome> = async () => DONE) {
  const settled: string[] = [];
  const missing: string[] = [];
  let connected = true;
  const port: UploadPort = {
    load: async () => [...rows],
    isConnected: () => connected,
    upload: (row, _bytes, onProgress, signal) => {
      onProgress(1);
      return Promise.race([
        upload(row),
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]);
    },
    alone: (drain) => drain(),
    settle: async (row, outcome) => {
      settled.push(`${row.messageId} ${outcome.kind}`);
      const at = rows.findIndex(({ messageId }) => messageId === row.messageId);
      if (outcome.kind === 'later') rows[at] = { ...row, attempts: row.attempts + 1 };
      else rows.splice(at, 1);
    },
    missing: async (row) => {
      missing.push(row.messageId);
    },
  };
  const setConnected = (value: boolean) => {
    connected = value;
  };
  return { uploads: new Uploads(port), settled, missing, setConnected };
}

describe('uploads', () => {
  it('go one after the other, and leave out what was refused', async () => {
    const { uploads, settled } = world([file('a'), file('b', { stopped: true }), file('c')]);
    uploads.wake();
    await eventually(() => expect(settled).toEqual(['a done', 'c done']));
    await uploads.stop();
  });

  it('wait for the connection', async () => {
    const { uploads, settled, setConnected } = world([file('a')]);
    setConnected(false);
    uploads.wake();
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    expect(settled).toEqual([]);
    setConnected(true);
    uploads.wake();
    await eventually(() => expect(settled).toEqual(['a done']));
    await uploads.stop();
  });

  it('are tried again by themselves when the server is busy', async () => {
    vi.useFakeTimers();
    try {
      const { uploads, settled } = world([file('a')], async ({ attempts }) => (attempts < 2 ? BUSY : DONE));
      uploads.wake();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(settled).toEqual(['a later']);
      await vi.advanceTimersByTimeAsync(2_000);
      await vi.advanceTimersByTimeAsync(4_000);
      expect(settled).toEqual(['a later', 'a later', 'a done']);
      await uploads.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  it('can be cancelled on the way; the next one follows', async () => {
    const never = new Promise<UploadOutcome>(() => {});
    const { uploads, settled } = world([file('a'), file('b')], async ({ messageId }) =>
      messageId === 'a' ? never : DONE,
    );
    uploads.wake();
    await eventually(() => expect(uploads.progress.value.get('a')).toBe(1));
    uploads.cancel('a');
    await eventually(() => expect(settled).toEqual(['b done']));
    expect(uploads.progress.value.size).toBe(0);
    await uploads.stop();
  });

  it('use bytes that only this page has, and say when nobody has them', async () => {
    const { file: _, ...bare } = file('mine');
    const { file: __, ...other } = file('theirs');
    const { uploads, settled, missing } = world([bare, other]);
    uploads.remember('mine', new Blob(['x']));
    uploads.wake();
    await eventually(() => expect(settled).toEqual(['mine done']));
    await eventually(() => expect(missing).toEqual(['theirs']));
    await uploads.stop();
  });
});
