import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { BlockList, parseBlockList } from '../../src/handset/block_list';
import { Directory } from '../../src/handset/directory';
import { Store } from '../../src/handset/store';
import { DigestClient } from '../../src/http/digest';
import type { HttpRequest } from '../../src/http/transport';
import type { Address } from '../../src/rcs/address';

const BOB = 'tel:+8613800000002' as Address;
const BOT = 'sip:12306@botplatform.hongyan.local' as Address;

describe('people', () => {
  it('go by the name that the user gave them, and by their own only as a claim', async () => {
    const store = await Store.open('people');
    const directory = new Directory([], store);
    expect(directory.name(BOB)).toBe('+86 138 0000 0002');
    await directory.note(BOB, { claimed: 'The Bank' });
    expect(directory.name(BOB)).toBe('+86 138 0000 0002');
    expect(directory.claimedName(BOB)).toBe('The Bank');
    await directory.note(BOB, { name: 'Bob' });
    expect(directory.name(BOB)).toBe('Bob');
    expect(directory.claimedName(BOB)).toBeUndefined();

    const again = new Directory([], store);
    await again.loadPeople();
    expect(again.name(BOB)).toBe('Bob');
    store.close();
  });
});

describe('the block list', () => {
  function world(answer: (request: HttpRequest) => { status: number; body?: string }) {
    const asked: string[] = [];
    const list = new BlockList(
      {
        digest: new DigestClient('u', 'p', () => 'c'),
        http: async (request) => {
          asked.push(`${request.method} ${new URL(request.url).pathname}`);
          const { status, body = '' } = answer(request);
          return { status, body, header: () => undefined };
        },
      },
      'https://h.example/',
    );
    return { list, asked };
  }

  it('is loaded, grows and shrinks with the server', async () => {
    const { list, asked } = world(({ method }) =>
      method === 'GET'
        ? { status: 200, body: JSON.stringify([{ address: BOB, since: 'x' }]) }
        : { status: 204 },
    );
    await list.load();
    expect([...(list.blocked.value ?? [])]).toEqual([BOB]);
    expect(await list.set(BOT, true)).toBe(true);
    expect(await list.set(BOB, false)).toBe(true);
    expect([...(list.blocked.value ?? [])]).toEqual([BOT]);
    expect(asked).toEqual([
      'GET /handset/v1/blocked',
      'PUT /handset/v1/blocked/sip%3A12306%40botplatform.hongyan.local',
      'DELETE /handset/v1/blocked/%2B8613800000002',
    ]);
  });

  it('is not there where the server keeps none, and unchanged when it fails', async () => {
    const absent = world(() => ({ status: 404 })).list;
    await absent.load();
    expect(absent.blocked.value).toBeUndefined();
    const failing = world(({ method }) =>
      method === 'GET' ? { status: 200, body: '[]' } : { status: 503 },
    ).list;
    await failing.load();
    expect(await failing.set(BOB, true)).toBe(false);
    expect(failing.blocked.value?.size).toBe(0);
  });

  it('is read with what cannot be read left out', () => {
    expect(parseBlockList('[{"address":"nobody"},{},7,{"address":"tel:+8613800000002"}]')).toEqual(
      new Set([BOB]),
    );
    for (const body of ['', '{}', 'x']) expect(parseBlockList(body)).toBeUndefined();
  });
});
