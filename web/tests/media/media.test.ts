import { describe, expect, it } from 'vitest';
import { fitted } from '../../src/media/thumbnail';
import { bars } from '../../src/media/waveform';
import { percent, sizeText } from '../../src/ui/i18n';
import { clock } from '../../src/ui/voice';

describe('waveforms', () => {
  it('keep the loudest of each stretch and fill the height', () => {
    expect(bars([0, 0.1, -0.5, 0.2], 2)).toEqual([0.2, 1]);
    expect(bars([0.5], 3)).toEqual([1, 1, 1]);
  });

  it('of silence and of nothing are flat', () => {
    expect(bars([0, 0, 0], 2)).toEqual([0, 0]);
    expect(bars([], 2)).toEqual([0, 0]);
  });
});

describe('thumbnails', () => {
  it('keep their shape and are never enlarged', () => {
    expect(fitted(4000, 3000, 480)).toEqual([480, 360]);
    expect(fitted(30, 40, 480)).toEqual([30, 40]);
    expect(fitted(10_000, 1, 480)).toEqual([480, 1]);
  });
});

describe('sizes and times', () => {
  it('are short', () => {
    expect([0, 9, 1023, 1024, 1536, 20_480, 4 * 1024 * 1024].map(sizeText)).toEqual([
      '0 B',
      '9 B',
      '1,023 B',
      '1 KB',
      '1.5 KB',
      '20 KB',
      '4 MB',
    ]);
    expect(percent(0.5)).toBe('50%');
    expect([0, 59.6, 75].map(clock)).toEqual(['0:00', '1:00', '1:15']);
  });
});
