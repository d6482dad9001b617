import { describe, expect, it } from 'vitest';
import { mayEdit, withEdit, withEditSettled } from '../../src/handset/message';
import type { MessageRecord } from '../../src/handset/records';
import type { Address } from '../../src/rcs/address';

const record: MessageRecord = {
  peer: 'tel:+8613800000002' as Address,
  direction: 'out',
  messageId: 'm1',
  order: 1,
  at: 1_000,
  dateTime: '',
  contentType: 'text/plain;charset=UTF-8',
  body: 'seven',
  state: 'sent',
  conversationId: 'c',
  contributionId: 'd',
  owed: [],
};

describe('an edit', () => {
  it('is for own fresh texts that are on their way', () => {
    expect(mayEdit(record, 2_000)).toBe(true);
    expect(mayEdit({ ...record, state: 'displayed' }, 2_000)).toBe(true);
    expect(mayEdit(record, 1_000 + 15 * 60_000)).toBe(false);
    for (const change of [
      { direction: 'in' },
      { state: 'pending' },
      { state: 'failed' },
      { contentType: 'application/vnd.gsma.rcspushlocation+xml' },
      { revocation: 'done' },
    ] as const)
      expect(mayEdit({ ...record, ...change }, 2_000)).toBe(false);
  });

  it('stands when it was taken, and leaves no trace when it was not', () => {
    const edited = withEdit(record, 'eight', 2_000, 'e1');
    expect(edited.body).toBe('eight');
    expect(withEditSettled(edited, 'e1', true)).toEqual({ ...record, body: 'eight', edited: { at: 2_000 } });
    expect(withEditSettled(edited, 'e1', false)).toEqual(record);
    expect(withEditSettled(edited, 'other', false)).toEqual(edited);
  });

  it('may be made while another is on its way, whatever becomes of that', () => {
    const twice = withEdit(withEdit(record, 'eight', 2_000, 'e1'), 'nine', 3_000, 'e2');
    for (const first of [true, false]) {
      const settled = withEditSettled(twice, 'e1', first);
      expect(settled.body).toBe('nine');
      expect(withEditSettled(settled, 'e2', true)).toEqual({
        ...record,
        body: 'nine',
        edited: { at: 3_000 },
      });
      const back = first ? { ...record, body: 'eight', edited: { at: 2_000 } } : record;
      expect(withEditSettled(settled, 'e2', false)).toEqual(back);
    }
  });
});
