import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { History, type KeptMessage, parsePage, recalled } from '../../src/handset/history';
import { Recaller } from '../../src/handset/recall';
import type { ConversationRecord } from '../../src/handset/records';
import { Store } from '../../src/handset/store';
import { DigestClient } from '../../src/http/digest';
import type { HttpRequest } from '../../src/http/transport';
import type { Address } from '../../src/rcs/address';
import { writeCpim } from '../../src/rcs/cpim';

const SELF = 'tel:+8613800000001' as Address;
const BOB = 'tel:+8613800000002' as Address;
const CAROL = 'tel:+8613800000003' as Address;
const GROUP = 'sip:7f3a@groups.hongyan.local' as Address;
const START = Date.parse('2026-11-24T08:00:00Z');

interface Said {
  readonly text: string;
  readonly at: number;
  readonly by?: Address;
  readonly to?: Address;
  readonly reports?: unknown[];
  readonly failed?: boolean;
  readonly reactionTo?: string;
  readonly replaces?: string;
}

/** A message as the server lists it. Its text is its id. */
function kept({
  text,
  at,
  by = SELF,
  to = BOB,
  reports = [],
  failed = false,
  reactionTo,
  replaces,
}: Said): unknown {
  const peer = to === SELF ? by : to;
  const uri = (party: Address) =>
    party === GROUP ? party : party.replace('tel:', 'sip:').concat('@hongyan.local');
  const body = writeCpim({
    from: uri(by),
    to: uri(to),
    dateTime: new Date(START + at),
    messageId: text,
    contentType: 'text/plain;charset=UTF-8',
    body: text,
    ...(replaces === undefined ? {} : { replaces }),
    ...(reactionTo === undefined ? {} : { inReplyTo: reactionTo, contentDisposition: 'reaction' }),
  });
  return {
    id: text,
    peer,
    direction: by === SELF ? 'out' : 'in',
    messageId: text,
    conversationId: `with ${peer}`,
    contributionId: 'd',
    contentType: 'message/cpim',
    body,
    acceptedAt: new Date(START + at).toISOString(),
    failed,
    reports,
  };
}

function read(...said: Said[]): readonly KeptMessage[] {
  return parsePage(JSON.stringify({ messages: said.map(kept), next: null }))?.messages ?? [];
}

function server(pages: Said[][], enabled = true) {
  const asked: string[] = [];
  const http = async ({ method, url }: HttpRequest) => {
    const { pathname, search } = new URL(url);
    asked.push(`${method} ${pathname}${search}`);
    const answer = (body: unknown, status = 200) => ({
      status,
      body: JSON.stringify(body),
      header: () => undefined,
    });
    if (method !== 'GET') return answer({}, 204);
    if (!pathname.endsWith('/messages')) {
      return answer({ offered: true, enabled, messages: pages.flat().length });
    }
    const at = Number(new URLSearchParams(search).get('before') ?? 0);
    const messages = (pages[at] ?? []).map(kept);
    return answer({ messages, next: at + 1 < pages.length ? String(at + 1) : null });
  };
  return { asked, authority: { http, digest: new DigestClient('u', 'p', () => 'c') } };
}

/** A handset's store with the history filled in from `pages`. */
async function world(name: string, pages: Said[][], enabled = true) {
  const store = await Store.open(name);
  const { asked, authority } = server(pages, enabled);
  const progress: unknown[] = [];
  let isComplete = false;
  const conversations = new Map<Address, ConversationRecord>();
  const history = new History(authority, 'https://h.example/', {
    recall: () => {
      const recaller = new Recaller(store, SELF, (peer) => conversations.get(peer));
      return {
        fillIn: async (messages) => {
          progress.push(history.progress.value);
          const recall = await recaller.commit(messages);
          for (const conversation of recall.conversations) conversations.set(conversation.peer, conversation);
          return recall.fresh;
        },
        end: async () => void (await recaller.end()),
      };
    },
    alone: (work) => work(),
    isComplete: () => isComplete,
    complete: () => {
      isComplete = true;
    },
  });
  const texts = async (peer: Address) => (await store.messages(peer, 100)).map(({ body }) => body);
  return { store, history, asked, progress, conversations, texts, isComplete: () => isComplete };
}

describe('the history that the server keeps', () => {
  it('fills a new device, page by page and in order', async () => {
    const pages: Said[][] = [
      [
        { text: 'five', at: 3, by: BOB, to: SELF },
        { text: 'four', at: 3 },
      ],
      [
        { text: 'three', at: 3 },
        { text: 'two', at: 1, by: CAROL, to: SELF },
        { text: 'one', at: 0 },
      ],
    ];
    const { history, texts, progress, conversations, isComplete, store } = await world('fills', pages);
    await history.fill();
    expect(await texts(BOB)).toEqual(['one', 'three', 'four', 'five']);
    expect(await texts(CAROL)).toEqual(['two']);
    expect(progress).toEqual([
      { done: 0, total: 5 },
      { done: 2, total: 5 },
    ]);
    expect(history.progress.value).toBeUndefined();
    expect(conversations.get(BOB)).toMatchObject({ unread: 0, lastAt: START + 3, last: { body: 'five' } });
    expect(isComplete()).toBe(true);
    store.close();
  });

  it('adds nothing twice, and reads no further than there is news', async () => {
    const pages: Said[][] = [[{ text: 'two', at: 2 }], [{ text: 'one', at: 1 }], [{ text: 'zero', at: 0 }]];
    const { history, texts, asked, store } = await world('twice', pages);
    await history.fill();
    asked.length = 0;
    pages.unshift([{ text: 'three', at: 3 }]);
    await history.fill();
    expect(await texts(BOB)).toEqual(['zero', 'one', 'two', 'three']);
    expect(asked.map((line) => line.split('/').at(-1))).toEqual(['history', 'messages', 'messages?before=1']);
    store.close();
  });

  it('raises the state of what is here, and never lowers it', async () => {
    const displayedAt = new Date(START + 20).toISOString();
    const pages: Said[][] = [[{ text: 'one', at: 1 }]];
    const { history, store } = await world('raises', pages);
    await history.fill();
    pages[0] = [{ text: 'one', at: 1, reports: [{ by: BOB, deliveredAt: displayedAt, displayedAt }] }];
    await history.fill();
    expect(await store.message(BOB, 'out', 'one')).toMatchObject({ state: 'displayed' });
    pages[0] = [{ text: 'one', at: 1 }];
    await history.fill();
    expect(await store.message(BOB, 'out', 'one')).toMatchObject({ state: 'displayed' });
    store.close();
  });

  it('is complete only when everything has come', async () => {
    const { history, asked, texts, isComplete, store } = await world('broken', [
      [{ text: 'one', at: 1 }],
      [],
    ]);
    history.stop();
    await history.fill();
    expect(await texts(BOB)).toEqual([]);
    expect(isComplete()).toBe(false);
    expect(asked.length).toBe(2);
    store.close();
  });

  it('is not read where the subscriber wants none', async () => {
    const { history, asked, store } = await world('off', [[{ text: 'one', at: 1 }]], false);
    await history.fill();
    expect(asked).toEqual(['GET /handset/v1/history']);
    expect(await history.set(true)).toBe(true);
    expect(history.state.value?.isEnabled).toBe(true);
    store.close();
  });

  it('says what has become of own messages', () => {
    const deliveredAt = new Date(START + 10).toISOString();
    const displayedAt = new Date(START + 20).toISOString();
    const states = read(
      { text: 'a', at: 0 },
      { text: 'b', at: 0, reports: [{ by: BOB, deliveredAt, displayedAt: null }] },
      { text: 'c', at: 0, reports: [{ by: BOB, deliveredAt, displayedAt }] },
      { text: 'd', at: 0, failed: true },
    ).map((message) => recalled(message, SELF, 1));
    expect(states.map((one) => one.kind === 'message' && one.record.state)).toEqual([
      'sent',
      'delivered',
      'displayed',
      'failed',
    ]);
    const third = states[2];
    expect(third?.kind === 'message' && third.record.trace).toEqual([
      { state: 'sent', at: START },
      { state: 'delivered', at: START + 10, by: BOB },
      { state: 'displayed', at: START + 20, by: BOB },
    ]);
  });

  it('knows who said what in a group, and puts marks on what they are for', async () => {
    const pages: Said[][] = [
      [
        { text: '👍', at: 3, by: BOB, to: GROUP, reactionTo: 'hills?' },
        { text: '🎉', at: 2, by: BOB, to: GROUP, reactionTo: 'hills?' },
      ],
      [{ text: 'hills?', at: 1, by: CAROL, to: GROUP }],
    ];
    const { history, store } = await world('group', pages);
    await history.fill();
    const [record, ...more] = await store.messages(GROUP, 10);
    expect(more).toEqual([]);
    expect(record).toMatchObject({ sender: CAROL, direction: 'in', reactions: [{ by: BOB, emoji: '👍' }] });
    store.close();
  });

  it('has the words as they were changed last, by their author alone', async () => {
    const pages: Said[][] = [
      [
        { text: 'eight', at: 4, replaces: 'dinner' },
        { text: 'nine', at: 3, by: BOB, to: SELF, replaces: 'dinner' },
        { text: 'seven', at: 2, replaces: 'dinner' },
        { text: 'dinner', at: 1 },
      ],
    ];
    const { history, texts, store } = await world('edits', pages);
    await history.fill();
    expect(await texts(BOB)).toEqual(['eight']);
    expect(await store.message(BOB, 'out', 'dinner')).toMatchObject({ edited: { at: START + 4 } });
    store.close();
  });

  it('leaves out what it cannot read', () => {
    const [good] = [kept({ text: 'one', at: 1 })];
    const page = parsePage(
      JSON.stringify({
        messages: [
          null,
          {},
          { ...(good as object), direction: 'up' },
          { ...(good as object), body: 7 },
          good,
        ],
        next: 'x',
      }),
    );
    expect(page?.messages.map(({ messageId }) => messageId)).toEqual(['one']);
    expect(page?.next).toBe('x');
    for (const body of ['', '[]', '{"messages":{}}', 'x'.repeat(600_000)]) {
      expect(parsePage(body)).toBeUndefined();
    }
  });
});
