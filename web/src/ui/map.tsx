/**
 * A sketch map without any map service: a grid of latitude and longitude in Web Mercator, a scale, the
 * larger cities, and a pin. It says where a place is, not what is there.
 */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { CITIES } from './cities';
import { language, t } from './i18n';

export interface MapPlace {
  readonly latitude: number;
  readonly longitude: number;
  readonly label?: string | undefined;
  readonly accuracyM?: number | undefined;
}

interface Props {
  readonly place: MapPlace;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** As in web maps: 0 is the whole Earth in 256 pixels, each step doubles. */
  readonly zoom: number;
}

export const ZOOM_MIN = 3;
export const ZOOM_MAX = 17;
const EARTH_M = 40_075_016.686;
const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

export function MapSketch({ place, width, height, zoom }: Props): JSX.Element {
  const metresPerPixel = (EARTH_M * Math.cos((place.latitude * Math.PI) / 180)) / (256 * 2 ** zoom);
  const grid = useMemo(() => gridLines(place, width, height, zoom), [place, width, height, zoom]);
  const project = projection(place, width, height, zoom);
  const scale = scaleBar(metresPerPixel, width / 3);
  const name = place.label ?? `${place.latitude.toFixed(4)}, ${place.longitude.toFixed(4)}`;
  return (
    <svg class="map" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={t('mapOf', { name })}>
      <rect class="map-land" width={width} height={height} />
      {grid.map(({ d, label, x, y }) => (
        <g key={d}>
          <path class="map-grid" d={d} />
          <text class="map-degree" x={x} y={y}>
            {label}
          </text>
        </g>
      ))}
      {CITIES.map(([zh, en, latitude, longitude]) => {
        const [x, y] = project(latitude, longitude);
        if (x < 0 || y < 0 || x > width || y > height) return null;
        return (
          <g key={en} class="map-city">
            <circle cx={x} cy={y} r="3" />
            <text x={x + 6} y={y + 4}>
              {language.value === 'zh-CN' ? zh : en}
            </text>
          </g>
        );
      })}
      {place.accuracyM !== undefined && (
        <circle
          class="map-accuracy"
          cx={width / 2}
          cy={height / 2}
          r={Math.min(width, place.accuracyM / metresPerPixel)}
        />
      )}
      <g class="map-pin" transform={`translate(${width / 2} ${height / 2})`}>
        <ellipse cx="0" cy="0" rx="6" ry="2.5" class="map-shadow" />
        <path d="M0 0C-3-7-12-12-12-21a12 12 0 0 1 24 0C12-12 3-7 0 0z" />
        <circle cx="0" cy="-21" r="4.5" />
      </g>
      <g class="map-scale" transform={`translate(12 ${height - 12})`}>
        <path d={`M0-5V0H${scale.pixels}V-5`} />
        <text x="6" y="-5">
          {scale.label}
        </text>
      </g>
    </svg>
  );
}

/** Latitude and longitude to pixels, with `centre` in the middle (Web Mercator). */
export function projection(centre: MapPlace, width: number, height: number, zoom: number) {
  const world = 256 * 2 ** zoom;
  const cx = mercatorX(centre.longitude) * world;
  const cy = mercatorY(centre.latitude) * world;
  return (latitude: number, longitude: number): readonly [x: number, y: number] => [
    width / 2 + mercatorX(longitude) * world - cx,
    height / 2 + mercatorY(latitude) * world - cy,
  ];
}

/** The place under a point that lies (dx, dy) pixels from the centre. */
export function movedBy(
  centre: MapPlace,
  dx: number,
  dy: number,
  zoom: number,
): { latitude: number; longitude: number } {
  const world = 256 * 2 ** zoom;
  const x = mercatorX(centre.longitude) + dx / world;
  const y = Math.min(Math.max(mercatorY(centre.latitude) + dy / world, 0), 1);
  const latitude = (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
  const longitude = ((((x * 360) % 360) + 360) % 360) - 180;
  return { latitude: round(Math.min(Math.max(latitude, -85), 85)), longitude: round(longitude) };
}

function mercatorX(longitude: number): number {
  return (longitude + 180) / 360;
}

function mercatorY(latitude: number): number {
  const limited = (Math.min(Math.max(latitude, -85.05), 85.05) * Math.PI) / 180;
  return (1 - Math.asinh(Math.tan(limited)) / Math.PI) / 2;
}

function gridLines(place: MapPlace, width: number, height: number, zoom: number) {
  const project = projection(place, width, height, zoom);
  const topLeft = movedBy(place, -width / 2, -height / 2, zoom);
  const bottomRight = movedBy(place, width / 2, height / 2, zoom);
  const degreesWide = (width * 360) / (256 * 2 ** zoom);
  // About four meridians across the width.
  const step = STEPS.find((candidate) => candidate <= degreesWide / 3) ?? 0.001;
  const digits = Math.max(0, Math.ceil(-Math.log10(step)));
  const lines: { d: string; label: string; x: number; y: number }[] = [];
  const west = place.longitude - degreesWide / 2;
  for (let n = Math.ceil(west / step); n * step <= west + degreesWide && lines.length < 40; n++) {
    const [x] = project(place.latitude, n * step);
    lines.push({ d: `M${x} 0V${height}`, label: degrees(n * step, digits, 'E', 'W'), x: x + 4, y: 12 });
  }
  for (
    let n = Math.ceil(bottomRight.latitude / step);
    n * step <= topLeft.latitude && lines.length < 80;
    n++
  ) {
    const [, y] = project(n * step, place.longitude);
    lines.push({ d: `M0 ${y}H${width}`, label: degrees(n * step, digits, 'N', 'S'), x: 4, y: y - 4 });
  }
  return lines;
}

function degrees(value: number, digits: number, positive: string, negative: string): string {
  return `${Math.abs(value).toFixed(digits)}°${value < 0 ? negative : positive}`;
}

/** A round length that fits into `pixelsMax`. */
function scaleBar(metresPerPixel: number, pixelsMax: number): { pixels: number; label: string } {
  const power = 10 ** Math.floor(Math.log10(metresPerPixel * pixelsMax));
  const metres =
    [5, 2, 1].map((n) => n * power).find((length) => length / metresPerPixel <= pixelsMax) ?? power;
  return { pixels: metres / metresPerPixel, label: metres >= 1000 ? `${metres / 1000} km` : `${metres} m` };
}

function round(degree: number): number {
  return Number(degree.toFixed(6));
}
