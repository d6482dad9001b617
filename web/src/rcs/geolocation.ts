/**
 * Places: `geo:` URIs (RFC 5870), which chatbots in China send as text, and the XML of RCS geolocation
 * push. A coordinate reference system is kept as given: gcj02 and wgs84 are never converted silently.
 */
import { descendant, descendantText, escapeXml, parseXml } from './xml';

export interface Geolocation {
  /** Degrees, −90 to 90. */
  readonly latitude: number;
  /** Degrees, −180 to 180. */
  readonly longitude: number;
  /** Radius of uncertainty in metres. */
  readonly accuracyM?: number | undefined;
  readonly label?: string | undefined;
  /** Lower case; absent means wgs84. */
  readonly crs?: string | undefined;
}

export function isCoordinate(latitude: number, longitude: number): boolean {
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
}

/** Reads `geo:39.865,116.378;crs=gcj02;u=10;rcs-l=%E5%8C%97…`. Nothing may follow it but white space. */
export function parseGeoUri(text: string): Geolocation | undefined {
  const match = /^geo:(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)(?:,-?\d+(?:\.\d+)?)?((?:;[^\s]*)?)$/i.exec(
    text.trim(),
  );
  if (!match) return undefined;
  const latitude = Number(match[1]);
  const longitude = Number(match[2]);
  if (!isCoordinate(latitude, longitude)) return undefined;
  const parameters = new Map(
    (match[3] ?? '').split(';').map((piece) => {
      const [name = '', value = ''] = piece.split('=', 2);
      return [name.toLowerCase(), value] as const;
    }),
  );
  const accuracy = Number(parameters.get('u') ?? Number.NaN);
  return {
    latitude,
    longitude,
    accuracyM: Number.isFinite(accuracy) && accuracy >= 0 ? accuracy : undefined,
    label: decodeLabel(parameters.get('rcs-l')),
    crs: parameters.get('crs')?.toLowerCase(),
  };
}

/** RFC 5870 §3.3: `crs` comes before `u`. */
export function writeGeoUri(place: Geolocation): string {
  let uri = `geo:${trimNumber(place.latitude)},${trimNumber(place.longitude)}`;
  if (place.crs) uri += `;crs=${place.crs}`;
  if (place.accuracyM !== undefined) uri += `;u=${Math.round(place.accuracyM)}`;
  if (place.label) uri += `;rcs-l=${encodeURIComponent(place.label)}`;
  return uri;
}

/** Reads `application/vnd.gsma.rcspushlocation+xml`, with a circle or a point. */
export function parsePushLocation(text: string): Geolocation | undefined {
  const root = parseXml(text);
  const location = root && descendant(root, 'rcspushlocation');
  const position = location && descendantText(location, 'pos');
  if (!location || !position) return undefined;
  const [latitude = Number.NaN, longitude = Number.NaN] = position.split(/\s+/).map(Number);
  if (!isCoordinate(latitude, longitude)) return undefined;
  const radius = Number(descendantText(location, 'radius') ?? Number.NaN);
  return {
    latitude,
    longitude,
    accuracyM: Number.isFinite(radius) && radius > 0 ? radius : undefined,
    label: location.getAttribute('label')?.slice(0, 200) || undefined,
  };
}

/** Writes geolocation push: a circle when the accuracy is known, else a point. */
export function writePushLocation(push: {
  id: string;
  entity: string;
  at: Date;
  place: Geolocation;
}): string {
  const { place } = push;
  const position = `<gml:pos>${trimNumber(place.latitude)} ${trimNumber(place.longitude)}</gml:pos>`;
  const srs = 'srsName="urn:ogc:def:crs:EPSG::4326"';
  const shape =
    place.accuracyM === undefined
      ? `<gml:Point ${srs}>${position}</gml:Point>`
      : `<gs:Circle ${srs}>${position}<gs:radius uom="urn:ogc:def:uom:EPSG::9001">${Math.round(place.accuracyM)}</gs:radius></gs:Circle>`;
  const label = place.label ? ` label="${escapeXml(place.label)}"` : '';
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<rcsenvelope xmlns="urn:gsma:params:xml:ns:rcs:rcs:geolocation"',
    ' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:gml="http://www.opengis.net/gml"',
    ` xmlns:gs="http://www.opengis.net/pidflo/1.0" entity="${escapeXml(push.entity)}">`,
    `<rcspushlocation id="${escapeXml(push.id)}"${label}>`,
    `<gp:geopriv><gp:location-info>${shape}</gp:location-info><gp:usage-rules/></gp:geopriv>`,
    `<timestamp>${push.at.toISOString()}</timestamp></rcspushlocation></rcsenvelope>`,
  ].join('');
}

function decodeLabel(value: string | undefined): string | undefined {
  if (!value) return undefined;
  try {
    return decodeURIComponent(value).slice(0, 200);
  } catch {
    return undefined;
  }
}

/** Seven decimals are a centimetre. */
function trimNumber(value: number): string {
  return String(Number(value.toFixed(7)));
}
