import { describe, expect, it } from 'vitest';
import { writeICalendar } from '../../src/ui/calendar';
import { preferredLanguage } from '../../src/ui/i18n';
import { pieces } from '../../src/ui/linkify';
import { movedBy, projection } from '../../src/ui/map';

describe('links in text', () => {
  const links = (text: string) =>
    pieces(text).flatMap(({ text: shown, href }) => (href ? [[shown, href]] : []));

  it('stop before the punctuation of the sentence', () => {
    expect(links('看 https://example.com/a?b=1。好')).toEqual([
      ['https://example.com/a?b=1', 'https://example.com/a?b=1'],
    ]);
    expect(links('(see http://example.com/x_(y)).')).toEqual([
      ['http://example.com/x_(y)', 'http://example.com/x_(y)'],
    ]);
  });

  it('are found for mobile numbers', () => {
    expect(links('打 138 0000 0001 或 +8613800000002')).toEqual([
      ['138 0000 0001', 'tel:13800000001'],
      ['+8613800000002', 'tel:+8613800000002'],
    ]);
    expect(links('order 2026113800000001999')).toEqual([]);
  });

  it('are never of another scheme', () => {
    expect(links('javascript:alert(1) data:text/html,x ftp://x file:///etc')).toEqual([]);
  });

  it('leave the text as it was', () => {
    for (const text of [
      '',
      'a',
      'https://',
      'http://x.',
      'a http://b.c d 13800000001 e',
      '<b>https://x.y</b>',
    ]) {
      expect(
        pieces(text)
          .map((piece) => piece.text)
          .join(''),
      ).toBe(text);
    }
  });
});

describe('calendar files', () => {
  it('escape text and fold long lines between characters', () => {
    const text = writeICalendar(
      {
        start: new Date('2026-12-01T07:00:00+08:00'),
        end: new Date('2026-12-01T11:29:00+08:00'),
        title: 'G1; 北京南, 上海\\虹桥',
        description: '铁'.repeat(60),
      },
      'uid-1',
      new Date('2026-11-23T00:00:00Z'),
    );
    expect(text).toContain('DTSTART:20261130T230000Z\r\n');
    expect(text).toContain('SUMMARY:G1\\; 北京南\\, 上海\\\\虹桥\r\n');
    for (const line of text.split('\r\n'))
      expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
    expect(text.replaceAll('\r\n ', '')).toContain(`DESCRIPTION:${'铁'.repeat(60)}`);
  });
});

describe('the sketch map', () => {
  it('moves back to where it was', () => {
    const centre = { latitude: 39.9, longitude: 116.4 };
    const moved = movedBy(centre, 100, -50, 10);
    const back = movedBy(moved, -100, 50, 10);
    expect(back.latitude).toBeCloseTo(centre.latitude, 4);
    expect(back.longitude).toBeCloseTo(centre.longitude, 4);
    const [x, y] = projection(centre, 400, 200, 10)(moved.latitude, moved.longitude);
    expect(x).toBeCloseTo(300, 0);
    expect(y).toBeCloseTo(50, 0);
  });

  it('wraps at the date line', () => {
    expect(movedBy({ latitude: 0, longitude: 179.9 }, 100, 0, 5).longitude).toBeLessThan(0);
  });
});

describe('language', () => {
  it('is Chinese for whoever prefers it, else English', () => {
    expect(preferredLanguage(['zh-TW', 'en'])).toBe('zh-CN');
    expect(preferredLanguage(['fr', 'en-GB', 'zh'])).toBe('en');
    expect(preferredLanguage(['de'])).toBe('en');
  });
});
