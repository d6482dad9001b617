/** The composer while a voice message is recorded: how long, how loud, and three ways out. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import { VoiceRecorder } from '../media/recorder';
import type { Address } from '../rcs/address';
import { sendFiles } from './attachments';
import { t } from './i18n';
import { Icon } from './icons';
import { showToast } from './state';
import { clock } from './voice';

/** MaxTimeAudioMessage of RCC.07. */
const RECORDING_MAX_MS = 600_000;
/** What is shorter was a slip of the finger. */
const RECORDING_MIN_MS = 700;
/** A press at least this long sends when it ends; a shorter one starts a recording that goes on by itself. */
export const HOLD_MS = 500;
/** How far to the side the finger cancels, pixels. */
const CANCEL_PX = 96;
const LEVELS_SHOWN = 60;

interface Props {
  readonly handset: Handset;
  readonly peer: Address;
  /** The press that began it, when it was a finger or a mouse: letting go ends it. */
  readonly press: { readonly x: number; readonly at: number } | undefined;
  readonly onEnd: () => void;
}

export function RecordVoice({ handset, peer, press, onEnd }: Props): JSX.Element {
  const recorder = useSignal<VoiceRecorder | undefined>(undefined);
  const held = useSignal(press !== undefined);
  const awayPx = useSignal(0);
  const sendButton = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    // The microphone button, which had the focus, is gone.
    sendButton.current?.focus();
    let gone = false;
    void VoiceRecorder.start().then(
      (started) => {
        if (gone) started.cancel();
        else recorder.value = started;
      },
      () => {
        showToast(t('recordingDenied'));
        onEnd();
      },
    );
    return () => {
      gone = true;
      recorder.peek()?.cancel();
    };
  }, []);

  const cancel = () => {
    recorder.value?.cancel();
    recorder.value = undefined;
    onEnd();
  };
  const send = async () => {
    const started = recorder.value;
    if (!started) return onEnd();
    recorder.value = undefined;
    const { file, playingMs } = await started.stop();
    onEnd();
    if (playingMs < RECORDING_MIN_MS) showToast(t('recordingTooShort'));
    else await sendFiles(handset, peer, [file], { playingMs });
  };
  // A quick finger is up again before the next picture is drawn.
  useLayoutEffect(() => {
    if (!press) return;
    const move = (event: PointerEvent) => {
      awayPx.value = Math.max(0, press.x - event.clientX);
    };
    const release = () => {
      if (!held.value) return;
      held.value = false;
      if (awayPx.value > CANCEL_PX) cancel();
      else if (performance.now() - press.at >= HOLD_MS) void send();
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', release);
    window.addEventListener('pointercancel', release);
    return () => {
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', release);
      window.removeEventListener('pointercancel', release);
    };
  }, []);

  const elapsed = recorder.value?.elapsedMs.value ?? 0;
  useEffect(() => {
    if (elapsed >= RECORDING_MAX_MS) void send();
  }, [elapsed >= RECORDING_MAX_MS]);
  const levels = (recorder.value?.levels.value ?? []).slice(-LEVELS_SHOWN);
  return (
    <div
      class="recording"
      role="group"
      aria-label={t('recordVoice')}
      data-testid="recording"
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancel();
      }}
    >
      <button type="button" class="icon-button danger" aria-label={t('discardRecording')} onClick={cancel}>
        <Icon name="trash" />
      </button>
      <span class="recording-dot" aria-hidden="true" />
      <span class="recording-time" role="timer">
        {clock(Math.floor(elapsed / 1000))}
      </span>
      <span class="recording-levels" aria-hidden="true">
        {levels.map((level, i) => (
          <span key={i} style={{ height: `${Math.max(8, level * 100)}%` }} />
        ))}
      </span>
      {held.value && <span class="recording-hint">{t('slideToCancel')}</span>}
      <button
        type="button"
        class="send-button"
        aria-label={t('sendRecording')}
        data-testid="send-recording"
        // A press on the microphone ends on this button, which has taken its place.
        onClick={() => performance.now() - (press?.at ?? 0) > HOLD_MS && void send()}
        ref={sendButton}
      >
        <Icon name="send" />
      </button>
    </div>
  );
}
