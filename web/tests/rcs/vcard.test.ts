import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isVCard, parseVCards, VCARD_BYTES_MAX, writeVCard } from '../../src/rcs/vcard';
import { fixture } from '../fixtures';

function bytes(path: string): Uint8Array {
  return readFileSync(resolve(import.meta.dirname, '../../../fixtures/rcs/vcard', path));
}

const text = (card: string) => parseVCards(new TextEncoder().encode(card));

describe('contact cards', () => {
  it('of every age are read', () => {
    for (const name of ['feature-phone', 'phone', 'four']) {
      expect(parseVCards(bytes(`${name}.vcf`))).toEqual(JSON.parse(fixture(`rcs/vcard/${name}.json`)));
    }
  });

  it('are written as every phone reads them', () => {
    const contact = {
      name: '韩梅梅',
      organisation: 'Railway, Ltd.; north',
      numbers: [
        { number: '+8613800000001', kind: 'mobile' },
        { number: '+8613800000002', kind: null },
      ],
      emails: ['hanmeimei@example.com'],
    } as const;
    expect(writeVCard(contact)).toBe(fixture('rcs/vcard/written.vcf'));
    expect(text(writeVCard(contact))).toEqual([contact]);
    const odd = { name: 'a\\;b,c', organisation: null, numbers: [], emails: [] };
    expect(text(writeVCard(odd))).toEqual([odd]);
  });

  it('that say nothing are none', () => {
    for (const nothing of [
      '',
      'hello',
      'BEGIN:VCARD\nEND:VCARD',
      'BEGIN:VCARD\nTEL:none\nEND:VCARD',
      'TEL:1',
    ]) {
      expect(text(nothing), nothing).toEqual([]);
    }
    expect(parseVCards(new Uint8Array(VCARD_BYTES_MAX + 1))).toEqual([]);
    expect(text('BEGIN:VCARD\nFN:a\nEND:VCARD\n'.repeat(51))).toHaveLength(50);
  });

  it('survive every prefix', () => {
    for (const name of ['feature-phone', 'phone', 'four']) {
      const whole = bytes(`${name}.vcf`);
      for (let end = 0; end < whole.length; end++) parseVCards(whole.subarray(0, end));
    }
  });

  it('go by several names', () => {
    expect(['text/x-vCard; charset=utf-8', 'text/vcard', 'text/directory'].every(isVCard)).toBe(true);
    expect(isVCard('text/plain')).toBe(false);
  });
});
