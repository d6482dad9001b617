import { describe, expect, it } from 'vitest';
import { Outbox, type Outcome, outcomeOf } from '../../src/handset/outbox';
import { type OutboxEntry, raised } from '../../src/handset/records';
import type { Address } from '../../src/rcs/address';
import type { Answer } from '../../src/sip/user_agent';

const LI = 'tel:+8613800000001' as Address;
const WANG = 'tel:+8613800000002' as Address;

function entry(sequence: number, to: Address, attempts = 0): OutboxEntry {
  return {
    sequence,
    kind: 'message',
    to,
    messageId: `m${sequence}`,
    contentType: 'message/cpim',
    body: '',
    conversationId: 'c',
    contributionId: 'd',
    attempts,
  };
}

/** An outbox over a list, with answers given by the test. */
class World {
  entries: OutboxEntry[];
  sent: string[] = [];
  settled: [string, Outcome][] = [];
  registered = true;
  readonly outbox: Outbox;

  constructor(entries: OutboxEntry[], answer: (entry: OutboxEntry) => Answer) {
    this.entries = entries;
    this.outbox = new Outbox({
      load: async () => [...this.entries],
      isRegistered: () => this.registered,
      alone: (drain) => drain(),
      send: async (sending) => {
        this.sent.push(sending.messageId);
        return answer(sending);
      },
      settle: async (settling, outcome) => {
        this.settled.push([settling.messageId, outcome]);
        if (outcome !== 'later') this.entries = this.entries.filter((other) => other !== settling);
      },
    });
  }
}

describe('the outbox', () => {
  it('sends in order and removes what is answered', async () => {
    const world = new World([entry(1, LI), entry(2, WANG), entry(3, LI)], () => ({
      status: 202,
      reason: '',
    }));
    world.outbox.wake();
    await expect.poll(() => world.entries.length).toBe(0);
    expect(world.sent).toEqual(['m1', 'm2', 'm3']);
  });

  it('holds up only the addressee who is not reachable', async () => {
    const world = new World([entry(1, LI), entry(2, WANG), entry(3, LI)], ({ to }) =>
      to === LI ? { status: 503, reason: '' } : { status: 200, reason: '' },
    );
    world.outbox.wake();
    await expect.poll(() => world.settled.length).toBe(2);
    await world.outbox.stop();
    expect(world.settled).toEqual([
      ['m1', 'later'],
      ['m2', 'sent'],
    ]);
    expect(world.entries.map(({ messageId }) => messageId)).toEqual(['m1', 'm3']);
  });

  it('stays silent while the handset is not registered', async () => {
    const world = new World([entry(1, LI)], () => ({ status: 200, reason: '' }));
    world.registered = false;
    world.outbox.wake();
    await world.outbox.stop();
    expect(world.sent).toEqual([]);
    expect(world.entries.length).toBe(1);
  });
});

describe('answers', () => {
  it('are final, or for now', () => {
    expect(outcomeOf(200, 0)).toBe('sent');
    expect(outcomeOf(202, 0)).toBe('sent');
    expect(outcomeOf(404, 0)).toBe('failed');
    expect(outcomeOf(603, 0)).toBe('failed');
    expect(outcomeOf(503, 0)).toBe('later');
    expect(outcomeOf(480, 4)).toBe('later');
    expect(outcomeOf(480, 5)).toBe('failed');
    // A lost connection is nobody's answer, however often it happens.
    expect(outcomeOf(0, 100)).toBe('later');
  });
});

describe('states', () => {
  it('only rise', () => {
    expect(raised('pending', 'sent')).toBe('sent');
    expect(raised('displayed', 'delivered')).toBe('displayed');
    expect(raised('delivered', 'failed')).toBe('delivered');
    expect(raised('sent', 'failed')).toBe('failed');
    expect(raised('failed', 'delivered')).toBe('delivered');
  });
});
