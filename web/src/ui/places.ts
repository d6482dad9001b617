/** Words for a place, from the few cities that we know. */
import { CITIES } from './cities';
import { language, t } from './i18n';
import type { MapPlace } from './map';

const EARTH_KM = 6371;
/** Farther than this from every city, nothing is said. */
const NEAR_KM = 300;
/** Nearer than this, it is the city. */
const IN_KM = 8;

/** “Beijing”, or “40 km from Beijing”; `undefined` far from everywhere. */
export function nearestCity(place: MapPlace): string | undefined {
  let nearest: { name: string; km: number } | undefined;
  for (const [zh, en, latitude, longitude] of CITIES) {
    const km = distanceKm(place, { latitude, longitude });
    if (km < (nearest?.km ?? NEAR_KM)) nearest = { name: language.value === 'zh-CN' ? zh : en, km };
  }
  if (!nearest) return undefined;
  return nearest.km < IN_KM ? nearest.name : t('kmFrom', { km: Math.round(nearest.km), city: nearest.name });
}

/** Along a great circle (haversine). */
export function distanceKm(a: MapPlace, b: MapPlace): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const dLatitude = radians(b.latitude - a.latitude);
  const dLongitude = radians(b.longitude - a.longitude);
  const h =
    Math.sin(dLatitude / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dLongitude / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
