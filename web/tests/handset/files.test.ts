import 'fake-indexeddb/auto';
import { afterEach, describe, expect, it } from 'vitest';
import { FILE_LOST, Files } from '../../src/handset/files';
import type { MessageRecord } from '../../src/handset/records';
import { Store } from '../../src/handset/store';
import { DigestClient } from '../../src/http/digest';
import type { Http, HttpAnswer } from '../../src/http/transport';
import type { Address } from '../../src/rcs/address';
import { eventually } from '../eventually';
import { fixture } from '../fixtures';

const PEER = 'tel:+8613800000002' as Address;
const XML = fixture('rcs/file-transfer/picture.written.xml');
const FILE = new Blob(['bytes'], { type: 'audio/webm' });

const opened: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** With `hasRoom` false, the browser refuses to keep bytes. */
async function world(account: string, http: Http, { deviceId = 'tab-1', hasRoom = true } = {}) {
  const store = await Store.open(account);
  let order = 0;
  const files = new Files(
    store,
    {
      server: {
        uploadUri: 'https://c.example/content/',
        downloadPrefix: undefined,
        maxBytes: 100,
        maxThumbnailBytes: 100,
      },
      authority: { http, digest: new DigestClient('u', 'p', () => 'c') },
      deviceId,
    },
    {
      isRegistered: () => true,
      alone: (work) => work(),
      inTurn: (work) => work(),
      newRecord: (peer) => ({
        peer,
        direction: 'out',
        messageId: `m${++order}`,
        order,
        at: 0,
        dateTime: '',
        contentType: 'application/vnd.gsma.rcs-ft-http+xml',
        body: '',
        state: 'pending',
        conversationId: 'c',
        contributionId: 'd',
        owed: [],
      }),
      commitMessage: async (record, more) => {
        const isLarge = more.some((change) => 'put' in change && 'file' in change.put);
        if (isLarge && !hasRoom) throw new DOMException('full', 'QuotaExceededError');
        await store.commit([{ table: 'messages', put: record }, ...more]);
      },
      commitRemoval: (_, changes) => store.commit(changes),
      outboxEntry: ({ peer, messageId, body }) => ({
        kind: 'message',
        to: peer,
        messageId,
        contentType: 'message/cpim',
        body,
        conversationId: 'c',
        contributionId: 'd',
        attempts: 0,
      }),
      wakeOutbox: () => {},
    },
  );
  opened.push(async () => {
    await files.stop();
    store.close();
  });
  const message = (id = 'm1') => store.message(PEER, 'out', id);
  return { store, files, message };
}

const answer = (status: number, body = ''): HttpAnswer => ({ status, body, header: () => undefined });
const takesAll: Http = async ({ body }) => (body ? answer(200, XML) : answer(204));

describe('sending a file', () => {
  it('keeps it, uploads it, and then sends what says where it is', async () => {
    const { store, files, message } = await world('whole', takesAll);
    expect(await files.send(PEER, { file: FILE, name: 'note.webm', playingMs: 4046 })).toBe(true);
    await eventually(async () => expect(await store.outbox()).toHaveLength(1));
    const sent = (await message()) as MessageRecord;
    expect(sent.upload).toBeUndefined();
    expect(sent.body).toContain('playing-length');
    expect((await store.outbox())[0]?.body).toBe(sent.body);
    expect(await store.files()).toEqual([]);
  });

  it('says when the browser cannot keep it, sends it all the same, and owns up after a reload', async () => {
    const { store, files } = await world('unkept', takesAll, { hasRoom: false });
    expect(await files.send(PEER, { file: FILE, name: 'a.txt' })).toBe(false);
    await eventually(async () => expect(await store.outbox()).toHaveLength(1));

    const before = await world('lost', async () => answer(0), { hasRoom: false });
    await before.files.send(PEER, { file: FILE, name: 'a.txt' });
    await before.files.stop();
    const elsewhere = await world('lost', takesAll, { deviceId: 'tab-2' });
    elsewhere.files.wake();
    await elsewhere.files.stop();
    expect((await elsewhere.message())?.state).toBe('pending');
    const again = await world('lost', takesAll);
    again.files.wake();
    await eventually(async () =>
      expect(await again.message()).toMatchObject({ state: 'failed', reason: FILE_LOST }),
    );
  });

  it('fails when it is refused, and is tried again when the user wants', async () => {
    let status = 415;
    const { store, files, message } = await world('refused', async (request) =>
      status === 415 ? answer(415) : takesAll(request),
    );
    await files.send(PEER, { file: FILE, name: 'a.exe' });
    await eventually(async () => expect(await message()).toMatchObject({ state: 'failed', reason: '415' }));
    status = 200;
    const failed = (await message()) as MessageRecord;
    await files.retry({ ...failed, state: 'pending' });
    await eventually(async () => expect(await store.outbox()).toHaveLength(1));
  });

  it('leaves nothing behind when it is cancelled', async () => {
    const never: Http = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const { store, files, message } = await world('cancelled', never);
    await files.send(PEER, { file: FILE, name: 'a.bin' });
    await eventually(() => expect(files.progress.value.has('m1')).toBe(true));
    await files.cancel((await message()) as MessageRecord);
    expect(await message()).toBeUndefined();
    expect(await store.files()).toEqual([]);
    expect(await store.outbox()).toEqual([]);
  });
});
