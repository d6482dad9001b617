/** Voice messages: a waveform that is played and scrubbed. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { BARS, barsOf } from '../media/waveform';
import { t } from './i18n';
import { Icon } from './icons';

/** What has been decoded on this page, by URL; forgotten when there is too much of it. */
const DECODED_MAX = 200;
const decoded = new Map<string, readonly number[]>();
const FLAT: readonly number[] = new Array<number>(BARS).fill(0.18);
/** One recording plays at a time. */
let playing: HTMLAudioElement | undefined;

interface Props {
  readonly src: string;
  /** As the message says; 0 when it doesn't. */
  readonly playingMs: number;
  /** Where the bytes needn't be fetched for the waveform. */
  readonly file: Blob | undefined;
  readonly onFail: () => void;
}

export function VoicePlayer({ src, playingMs, file, onFail }: Props): JSX.Element {
  const audio = useRef<HTMLAudioElement>(null);
  const isPlaying = useSignal(false);
  const at = useSignal(0);
  const bars = useSignal(decoded.get(src) ?? FLAT);
  const lengthS = useSignal(playingMs / 1000);
  useEffect(() => {
    if (decoded.has(src) || src === '') return;
    let gone = false;
    void (file ? Promise.resolve(file) : fetchSmall(src))
      .then((blob) => blob && barsOf(blob))
      .then((found) => {
        if (!found || gone) return;
        if (decoded.size >= DECODED_MAX) decoded.clear();
        decoded.set(src, found);
        bars.value = found;
      });
    return () => {
      gone = true;
    };
  }, [src]);
  // Recordings of browsers don't say how long they are until they have been played.
  const learnLength = () => {
    const duration = audio.current?.duration ?? Number.NaN;
    if (lengthS.value === 0 && Number.isFinite(duration)) lengthS.value = duration;
  };
  const toggle = () => {
    const element = audio.current;
    if (!element) return;
    if (!element.paused) {
      element.pause();
      return;
    }
    if (playing !== element) playing?.pause();
    playing = element;
    void element.play().catch(() => element.error && onFail());
  };
  const seek = (seconds: number) => {
    const element = audio.current;
    if (!element) return;
    const target = Math.min(Math.max(seconds, 0), lengthS.value);
    element.currentTime = target;
    at.value = target;
  };
  return (
    <div class="voice" data-testid="voice" data-playing={isPlaying.value}>
      <button
        type="button"
        class="voice-play"
        aria-label={t(isPlaying.value ? 'pause' : 'play')}
        onClick={toggle}
      >
        <Icon name={isPlaying.value ? 'pause' : 'play'} size={20} />
      </button>
      <Waveform bars={bars.value} at={at.value} lengthS={lengthS.value} onSeek={seek} />
      <span class="voice-time">{clock(at.value > 0 || isPlaying.value ? at.value : lengthS.value)}</span>
      <audio
        ref={audio}
        src={src}
        preload="metadata"
        onLoadedMetadata={learnLength}
        onTimeUpdate={(event) => {
          at.value = event.currentTarget.currentTime;
        }}
        onPlay={() => {
          isPlaying.value = true;
        }}
        onPause={() => {
          isPlaying.value = false;
        }}
        onEnded={() => {
          at.value = 0;
        }}
        onError={onFail}
      />
    </div>
  );
}

function Waveform(props: {
  bars: readonly number[];
  at: number;
  lengthS: number;
  onSeek: (seconds: number) => void;
}): JSX.Element {
  const { bars, at, lengthS, onSeek } = props;
  const share = lengthS > 0 ? at / lengthS : 0;
  return (
    <div
      class="waveform"
      role="slider"
      tabIndex={0}
      aria-label={t('playingPosition')}
      aria-valuemin={0}
      aria-valuemax={Math.round(lengthS)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={clock(at)}
      onPointerDown={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        onSeek(((event.clientX - box.left) / box.width) * lengthS);
      }}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        onSeek(at + step);
      }}
    >
      {bars.map((height, i) => (
        <span
          key={i}
          class={i / bars.length < share ? 'is-past' : ''}
          style={{ height: `${Math.max(10, height * 100)}%` }}
        />
      ))}
    </div>
  );
}

/** 75 s as 1:15. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** From another host the page may not read it: then the waveform stays flat. */
async function fetchSmall(url: string): Promise<Blob | undefined> {
  try {
    const response = await fetch(url, { credentials: 'omit' });
    return response.ok ? await response.blob() : undefined;
  } catch {
    return undefined;
  }
}
