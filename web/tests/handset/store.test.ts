import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { onOwnOrigin, parseConfig } from '../../src/handset/config';
import type { MessageRecord } from '../../src/handset/records';
import { makeCredentials, signInLink } from '../../src/handset/session';
import { Store } from '../../src/handset/store';
import type { Address } from '../../src/rcs/address';

const PEER = 'tel:+8613800000002' as Address;

function message(order: number, direction: 'in' | 'out' = 'in'): MessageRecord {
  return {
    peer: PEER,
    direction,
    messageId: `m${order}`,
    order,
    at: order,
    dateTime: '',
    contentType: 'text/plain',
    body: 'x',
    state: 'delivered',
    conversationId: 'c',
    contributionId: 'd',
    owed: [],
  };
}

describe('the store', () => {
  it('gives the latest messages, oldest first', async () => {
    const store = await Store.open('order');
    await store.commit([3, 1, 2].map((order) => ({ table: 'messages', put: message(order) })));
    const orders = async (limit: number) => (await store.messages(PEER, limit)).map(({ order }) => order);
    expect(await orders(10)).toEqual([1, 2, 3]);
    expect(await orders(2)).toEqual([2, 3]);
    store.close();
  });

  it('keeps two accounts apart and one account over a reopening', async () => {
    const first = await Store.open('first');
    await first.commit([{ table: 'messages', put: message(1) }]);
    first.close();
    const again = await Store.open('first');
    const other = await Store.open('second');
    expect((await again.message(PEER, 'in', 'm1'))?.order).toBe(1);
    expect(await other.message(PEER, 'in', 'm1')).toBeUndefined();
    again.close();
    other.close();
  });

  it('writes all of a commit or nothing', async () => {
    const store = await Store.open('atomic');
    const unwritable = { ...message(2), body: (() => 0) as unknown as string };
    const commit = store.commit([
      { table: 'messages', put: message(1) },
      { table: 'messages', put: unwritable },
    ]);
    await expect(commit).rejects.toThrow();
    expect(await store.messages(PEER, 10)).toEqual([]);
    store.close();
  });

  it('finds what was sent by its id alone', async () => {
    const store = await Store.open('sent');
    await store.commit([
      { table: 'messages', put: message(1, 'in') },
      { table: 'messages', put: message(1, 'out') },
    ]);
    expect((await store.sentMessage('m1'))?.direction).toBe('out');
    expect(await store.sentMessage('m2')).toBeUndefined();
    store.close();
  });

  it('finds the messages around one, and leaves out what was deleted', async () => {
    const store = await Store.open('around');
    const records = Array.from({ length: 50 }, (_, i) => message(i + 1));
    await store.commit(records.map((put) => ({ table: 'messages', put })));
    await store.commit([{ table: 'messages', put: { ...message(20), deleted: true } }]);
    const around = (await store.messagesAround(PEER, 30, 3)).map(({ order }) => order);
    expect(around).toEqual(Array.from({ length: 24 }, (_, i) => i + 27));
    expect((await store.messages(PEER, 100)).length).toBe(49);
    store.close();
  });

  it('keeps files until they are uploaded, in their order', async () => {
    const store = await Store.open('files');
    const file = (messageId: string, order: number) => ({ messageId, peer: PEER, order, attempts: 0 });
    await store.commit([
      { table: 'files', put: file('late', 2) },
      { table: 'files', put: file('early', 1) },
    ]);
    expect((await store.files()).map(({ messageId }) => messageId)).toEqual(['early', 'late']);
    await store.commit([{ table: 'files', remove: 'early' }]);
    expect(await store.file('early')).toBeUndefined();
    store.close();
  });

  it('makes way for a tab that clears everything, and says so', async () => {
    const store = await Store.open('cleared');
    await store.commit([{ table: 'messages', put: message(1) }]);
    let erased = false;
    store.onErased = () => {
      erased = true;
    };
    await Store.remove('cleared');
    expect(erased).toBe(true);
    const again = await Store.open('cleared');
    expect(await again.messages(PEER, 10)).toEqual([]);
    again.close();
  });

  it('removes a conversation and leaves its neighbours', async () => {
    const store = await Store.open('removed');
    const other = 'tel:+86138000000021' as Address;
    await store.commit([
      { table: 'messages', put: message(1) },
      { table: 'messages', put: { ...message(2), peer: other } },
    ]);
    await store.commit([{ table: 'messages', removeAll: PEER }]);
    expect(await store.messages(PEER, 10)).toEqual([]);
    expect(await store.messages(other, 10)).toHaveLength(1);
    store.close();
  });

  it('brings a database of the first version up to date', async () => {
    const old = indexedDB.open('hongyan:upgraded', 1);
    await new Promise<void>((resolve) => {
      old.onupgradeneeded = () => {
        const messages = old.result.createObjectStore('messages', {
          keyPath: ['peer', 'direction', 'messageId'],
        });
        messages.createIndex('order', ['peer', 'order']);
        messages.createIndex('messageId', ['direction', 'messageId']);
        old.result.createObjectStore('conversations', { keyPath: 'peer' });
        old.result.createObjectStore('outbox', { keyPath: 'sequence', autoIncrement: true });
        old.result.createObjectStore('chatbots', { keyPath: ['id', 'language'] });
        messages.put(message(7));
      };
      old.onsuccess = () => resolve();
    });
    old.result.close();
    const store = await Store.open('upgraded');
    expect(await store.files()).toEqual([]);
    const seen: number[] = [];
    await store.each(undefined, ({ order }) => seen.push(order) > 0);
    expect(seen).toEqual([7]);
    store.close();
  });

  it('hands out the outbox in the order of writing', async () => {
    const store = await Store.open('outbox');
    const entry = (messageId: string) => ({
      kind: 'message' as const,
      to: PEER,
      messageId,
      contentType: 'message/cpim',
      body: '',
      conversationId: 'c',
      contributionId: 'd',
      attempts: 0,
    });
    for (const id of ['a', 'b', 'c']) await store.commit([{ table: 'outbox', put: entry(id) }]);
    const waiting = await store.outbox();
    expect(waiting.map(({ messageId }) => messageId)).toEqual(['a', 'b', 'c']);
    await store.commit([{ table: 'outbox', remove: waiting[0]?.sequence ?? -1 }]);
    expect((await store.outbox()).map(({ messageId }) => messageId)).toEqual(['b', 'c']);
    store.close();
  });
});

describe('the configuration', () => {
  it('is read with an absolute WebSocket URL', () => {
    const body = JSON.stringify({
      domain: 'Hongyan.local',
      sipWebSocket: '/sip',
      chatbots: [
        { id: 'sip:12306@botplatform.hongyan.local', name: '12306', icon: '/content/i.png' },
        { id: 'x' },
      ],
    });
    expect(parseConfig(body, 'https://h.example:8443/#/x')).toEqual({
      domain: 'hongyan.local',
      webSocket: 'wss://h.example:8443/sip',
      chatbots: [
        {
          id: 'sip:12306@botplatform.hongyan.local',
          name: '12306',
          icon: 'https://h.example:8443/content/i.png',
          verified: false,
        },
      ],
      conferenceFactory: undefined,
      content: undefined,
    });
    const files = JSON.stringify({
      domain: 'h',
      sipWebSocket: '/sip',
      conferenceFactory: 'sip:factory@h',
      content: {
        uploadUri: '/content/',
        downloadPrefix: 'http://10.0.0.1:8080/content/',
        maxBytes: 5,
        maxThumbnailBytes: 0,
      },
    });
    const content = parseConfig(files, 'https://h.example/')?.content;
    expect(content).toEqual({
      uploadUri: 'https://h.example/content/',
      downloadPrefix: 'http://10.0.0.1:8080/content/',
      maxBytes: 5,
      maxThumbnailBytes: 50 * 1024,
    });
    expect(parseConfig(files, 'https://h.example/')?.conferenceFactory).toBe('sip:factory@h');
    const own = (url: string) => content && onOwnOrigin(url, content);
    expect(own('http://10.0.0.1:8080/content/f/1?a=b')).toBe('https://h.example/content/f/1?a=b');
    expect(own('http://elsewhere.example/content/f/1')).toBe('http://elsewhere.example/content/f/1');
    expect(parseConfig(body, 'http://h.example/')?.webSocket).toBe('ws://h.example/sip');
    expect(parseConfig('{}', 'http://h.example/')).toBeUndefined();
  });
});

describe('signing in', () => {
  it('takes the link of the banner, with the plus escaped or not', () => {
    const expected = { number: '+8613800000001', password: 'a+b' };
    expect(signInLink('#/signin?number=%2B8613800000001&password=a%2Bb')).toEqual(expected);
    expect(signInLink('#/signin?number=+8613800000001&password=a+b')).toEqual(expected);
    expect(signInLink('#/c/x')).toBeUndefined();
  });

  it('wants a number and a password', () => {
    expect(makeCredentials('138 0000 0001', 'x')?.number).toBe('+8613800000001');
    expect(makeCredentials('12306', 'x')).toBeUndefined();
    expect(makeCredentials('13800000001', '')).toBeUndefined();
  });
});
