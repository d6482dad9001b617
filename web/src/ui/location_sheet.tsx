/** A place that somebody sent or that an action names, with ways to take it elsewhere. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { type Geolocation, writeGeoUri } from '../rcs/geolocation';
import { FallbackLink } from './action_sheets';
import { copyText } from './copy';
import { t } from './i18n';
import { Icon } from './icons';
import { MapSketch, ZOOM_MAX, ZOOM_MIN } from './map';

export function LocationSheet(props: { place: Geolocation; fallbackUrl: string | undefined }): JSX.Element {
  const { place } = props;
  const zoom = useSignal(11);
  const coordinates = `${place.latitude.toFixed(6)}, ${place.longitude.toFixed(6)}`;
  return (
    <div class="stack" data-testid="map">
      <div class="map-frame">
        <MapSketch place={place} width={480} height={280} zoom={zoom.value} />
        <ZoomButtons
          zoom={zoom.value}
          onZoom={(value) => {
            zoom.value = value;
          }}
        />
      </div>
      <p class="coordinates">
        {coordinates}
        {place.crs && <small> {place.crs.toUpperCase()}</small>}
        {place.accuracyM !== undefined && (
          <small> · {t('accuracy', { m: Math.round(place.accuracyM) })}</small>
        )}
      </p>
      <a class="primary-button wide" href={writeGeoUri(place)}>
        <Icon name="pin" size={20} />
        {t('openInMaps')}
      </a>
      <button type="button" class="secondary-button wide" onClick={() => void copyText(coordinates)}>
        <Icon name="copy" size={20} />
        {t('copyCoordinates')}
      </button>
      <FallbackLink url={props.fallbackUrl} />
    </div>
  );
}

/** A place given by words only: we have no map service to ask, the device may have one. */
export function QuerySheet({
  query,
  fallbackUrl,
}: {
  query: string;
  fallbackUrl: string | undefined;
}): JSX.Element {
  return (
    <div class="stack" data-testid="map">
      <p>{t('searchPlace', { query })}</p>
      <a class="primary-button wide" href={`geo:0,0?q=${encodeURIComponent(query)}`}>
        <Icon name="pin" size={20} />
        {t('openInMaps')}
      </a>
      <FallbackLink url={fallbackUrl} />
    </div>
  );
}

export function ZoomButtons({ zoom, onZoom }: { zoom: number; onZoom: (zoom: number) => void }): JSX.Element {
  return (
    <div class="zoom">
      <button
        type="button"
        class="icon-button"
        aria-label={t('zoomIn')}
        disabled={zoom >= ZOOM_MAX}
        onClick={() => onZoom(zoom + 1)}
      >
        <Icon name="plus" size={18} />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label={t('zoomOut')}
        disabled={zoom <= ZOOM_MIN}
        onClick={() => onZoom(zoom - 1)}
      >
        <Icon name="minus" size={18} />
      </button>
    </div>
  );
}
