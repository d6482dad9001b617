/** Choosing a location to send: the device's own, or one found on the sketch map by hand. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { Address } from '../rcs/address';
import { isCoordinate } from '../rcs/geolocation';
import { CITIES } from './cities';
import { language, t } from './i18n';
import { Icon } from './icons';
import { ZoomButtons } from './location_sheet';
import { type MapPlace, MapSketch, movedBy, ZOOM_MAX, ZOOM_MIN } from './map';
import { nearestCity } from './places';
import { closeSheet } from './state';

const WIDTH = 480;
const HEIGHT = 240;
/** How far an arrow key moves the map, pixels. */
const KEY_PX = 24;
/** Turns of the wheel for one step of zoom, pixels. */
const WHEEL_STEP = 60;
const LOCATE_WAIT_MS = 15_000;

export function ShareLocation({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element {
  const place = useSignal<MapPlace>({ latitude: 39.904, longitude: 116.407 });
  const label = useSignal('');
  const zoom = useSignal(9);
  const status = useSignal<'idle' | 'locating' | 'denied'>('idle');
  const move = (dx: number, dy: number) => {
    place.value = movedBy(place.value, dx, dy, zoom.value);
  };
  const zoomTo = (value: number) => {
    zoom.value = Math.min(Math.max(value, ZOOM_MIN), ZOOM_MAX);
  };
  const locate = () => {
    status.value = 'locating';
    // Absent on pages that came by plain HTTP from another machine.
    if (!navigator.geolocation) {
      status.value = 'denied';
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords: { latitude, longitude, accuracy } }) => {
        place.value = { latitude, longitude, accuracyM: accuracy };
        zoom.value = 14;
        status.value = 'idle';
      },
      () => {
        status.value = 'denied';
      },
      { timeout: LOCATE_WAIT_MS, enableHighAccuracy: true },
    );
  };
  const send = () => {
    const { latitude, longitude, accuracyM } = place.value;
    void handset.sendLocation(peer, {
      latitude,
      longitude,
      accuracyM,
      label: label.value.trim() || undefined,
    });
    closeSheet();
  };
  return (
    <div class="stack">
      <button
        type="button"
        class="secondary-button wide"
        disabled={status.value === 'locating'}
        onClick={locate}
      >
        <Icon name="pin" size={20} />
        {status.value === 'locating' ? t('locating') : t('currentLocation')}
      </button>
      <p class="field-problem" role="alert">
        {status.value === 'denied' && t('locationDenied')}
      </p>
      <div class="map-frame">
        <DraggableMap place={place.value} zoom={zoom.value} onMove={move} onZoom={zoomTo} />
        <ZoomButtons zoom={zoom.value} onZoom={zoomTo} />
      </div>
      <p class="coordinates" role="status">
        {nearestCity(place.value) ?? t('farFromCities')}
      </p>
      <label class="field">
        <span>{t('nearCity')}</span>
        <select
          onChange={(event) => {
            const city =
              event.currentTarget.value === '' ? undefined : CITIES[Number(event.currentTarget.value)];
            if (city) place.value = { latitude: city[2], longitude: city[3] };
          }}
        >
          <option value="">—</option>
          {CITIES.map(([zh, en], i) => (
            <option key={en} value={i}>
              {language.value === 'zh-CN' ? zh : en}
            </option>
          ))}
        </select>
      </label>
      <div class="field-pair">
        <Degree
          name={t('latitude')}
          value={place.value.latitude}
          onChange={(latitude) => {
            if (isCoordinate(latitude, place.value.longitude)) {
              place.value = { latitude, longitude: place.value.longitude };
            }
          }}
        />
        <Degree
          name={t('longitude')}
          value={place.value.longitude}
          onChange={(longitude) => {
            if (isCoordinate(place.value.latitude, longitude)) {
              place.value = { latitude: place.value.latitude, longitude };
            }
          }}
        />
      </div>
      <label class="field">
        <span>{t('placeLabel')}</span>
        <input
          type="text"
          maxLength={100}
          placeholder={nearestCity(place.value)}
          value={label.value}
          data-testid="location-label"
          onInput={(event) => {
            label.value = event.currentTarget.value;
          }}
        />
      </label>
      <button type="button" class="primary-button wide" data-testid="send-location" onClick={send}>
        {t('sendLocation')}
      </button>
      <p class="hint">{t('locationConsent')}</p>
    </div>
  );
}

/** The map follows the finger, or the arrow keys; plus, minus and the wheel zoom. */
function DraggableMap(props: {
  place: MapPlace;
  zoom: number;
  onMove: (dx: number, dy: number) => void;
  onZoom: (zoom: number) => void;
}): JSX.Element {
  const rolled = useRef(0);
  const grip = useRef<{ x: number; y: number } | undefined>(undefined);
  const keys: Record<string, readonly [number, number]> = {
    ArrowLeft: [-KEY_PX, 0],
    ArrowRight: [KEY_PX, 0],
    ArrowUp: [0, -KEY_PX],
    ArrowDown: [0, KEY_PX],
  };
  return (
    <div
      class="map-drag"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move the map.
      tabIndex={0}
      aria-label={t('chooseLocation')}
      onPointerDown={(event) => {
        grip.current = { x: event.clientX, y: event.clientY };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (!grip.current) return;
        const scale = WIDTH / event.currentTarget.clientWidth;
        props.onMove((grip.current.x - event.clientX) * scale, (grip.current.y - event.clientY) * scale);
        grip.current = { x: event.clientX, y: event.clientY };
      }}
      onPointerUp={() => {
        grip.current = undefined;
      }}
      onDblClick={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const scale = WIDTH / box.width;
        props.onMove(
          (event.clientX - box.left - box.width / 2) * scale,
          (event.clientY - box.top - box.height / 2) * scale,
        );
      }}
      onWheel={(event) => {
        event.preventDefault();
        // A touchpad sends many small turns.
        rolled.current += event.deltaY;
        if (Math.abs(rolled.current) < WHEEL_STEP) return;
        props.onZoom(props.zoom - Math.sign(rolled.current));
        rolled.current = 0;
      }}
      onKeyDown={(event) => {
        if (event.key === '+' || event.key === '=') props.onZoom(props.zoom + 1);
        if (event.key === '-') props.onZoom(props.zoom - 1);
        const step = keys[event.key];
        if (!step) return;
        event.preventDefault();
        props.onMove(step[0], step[1]);
      }}
    >
      <MapSketch place={props.place} width={WIDTH} height={HEIGHT} zoom={props.zoom} />
    </div>
  );
}

function Degree(props: { name: string; value: number; onChange: (value: number) => void }): JSX.Element {
  return (
    <label class="field">
      <span>{props.name}</span>
      <input
        type="number"
        step="any"
        value={props.value}
        onChange={(event) => props.onChange(Number(event.currentTarget.value))}
      />
    </label>
  );
}
