import { describe, expect, it } from 'vitest';
import { excerpt } from '../../src/ui/highlight';
import { distanceKm, nearestCity } from '../../src/ui/places';

describe('places', () => {
  it('are as far apart as they are', () => {
    const beijing = { latitude: 39.904, longitude: 116.407 };
    const shanghai = { latitude: 31.23, longitude: 121.474 };
    expect(Math.round(distanceKm(beijing, shanghai) / 10)).toBe(107);
    expect(distanceKm(beijing, beijing)).toBe(0);
    expect(Math.round(distanceKm({ latitude: 0, longitude: 0 }, { latitude: 0, longitude: 180 }))).toBe(
      20015,
    );
  });

  it('are called after a city that is near', () => {
    expect(nearestCity({ latitude: 39.9, longitude: 116.4 })).toBe('Beijing');
    expect(nearestCity({ latitude: 39.9, longitude: 115.9 })).toBe('About 43 km from Beijing');
    expect(nearestCity({ latitude: 0, longitude: 0 })).toBeUndefined();
  });
});

describe('an excerpt', () => {
  it('begins shortly before the words', () => {
    expect(excerpt('short text', 'text')).toBe('short text');
    expect(excerpt(`${'x'.repeat(100)} NEEDLE y`, ' needle ', 5)).toBe('…xxxx NEEDLE y');
    expect(excerpt('nothing here', 'needle')).toBe('nothing here');
  });
});
