/** The sheets behind suggested actions: call, calendar, web page, recording, and questions of consent. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import { type Address, parseAddress } from '../rcs/address';
import type { DeviceSpecifics } from '../rcs/bot/shared_data';
import type { Action } from '../rcs/bot/suggestion';
import { uuid } from '../rcs/id';
import { sendFiles } from './attachments';
import { writeICalendar } from './calendar';
import { copyText } from './copy';
import { dateRange, language, t } from './i18n';
import { Icon } from './icons';
import { closeSheet, openConversation } from './state';

type ActionOf<T extends Action['type']> = Extract<Action, { type: T }>;

export function FallbackLink({ url }: { url: string | undefined }): JSX.Element | null {
  if (url === undefined) return null;
  return (
    <a class="secondary-button wide" href={url} target="_blank" rel="noopener noreferrer">
      <Icon name="external" size={20} />
      {t('moreOnWeb')}
    </a>
  );
}

export function DialSheet({ action }: { action: ActionOf<'dial'> }): JSX.Element {
  const number = action.phoneNumber.replace(/^tel:/i, '');
  // Only what a number is made of reaches the link.
  const href = `tel:${number.replace(/[^\d+*#]/g, '')}`;
  return (
    <div class="stack">
      <p class="dial-number">{number}</p>
      {action.subject !== undefined && <p>{t('callSubject', { subject: action.subject })}</p>}
      <a class="primary-button wide" href={href}>
        <Icon name={action.call === 'video' ? 'video' : 'phone'} size={20} />
        {t('call')}
      </a>
      <button type="button" class="secondary-button wide" onClick={() => void copyText(number)}>
        <Icon name="copy" size={20} />
        {t('copyNumber')}
      </button>
      <FallbackLink url={action.fallbackUrl} />
    </div>
  );
}

export function CalendarSheet({ event }: { event: ActionOf<'createCalendarEvent'> }): JSX.Element {
  const download = () => {
    const text = writeICalendar(event, uuid(), new Date());
    saveFile(new Blob([text], { type: 'text/calendar' }), `${event.title}.ics`);
  };
  return (
    <div class="stack">
      <div class="event">
        <div class="event-date" aria-hidden="true">
          <small>{event.start.toLocaleDateString(language.value, { month: 'short' })}</small>
          {event.start.getDate()}
        </div>
        <div>
          <h3>{event.title}</h3>
          <p>
            <time dateTime={event.start.toISOString()}>{dateRange(event.start, event.end)}</time>
          </p>
          {event.description !== undefined && <p>{event.description}</p>}
        </div>
      </div>
      <button type="button" class="primary-button wide" data-testid="download-event" onClick={download}>
        <Icon name="calendar" size={20} />
        {t('downloadEvent')}
      </button>
      <FallbackLink url={event.fallbackUrl} />
    </div>
  );
}

/** A page of the chatbot's, shown here. It gets no way to this page. */
export function WebSheet({ url }: { url: string }): JSX.Element {
  // Together with scripts, `allow-same-origin` would hand a page of our own origin the keys to this one.
  const isForeign = new URL(url).origin !== location.origin;
  const rights = `allow-scripts allow-forms allow-popups${isForeign ? ' allow-same-origin' : ''}`;
  return (
    <div class="web">
      <iframe
        src={url}
        title={t('webPage')}
        sandbox={rights}
        referrerpolicy="no-referrer"
        data-testid="webview"
      />
      <a class="text-button" href={url} target="_blank" rel="noopener noreferrer">
        <Icon name="external" size={18} />
        {t('openInBrowser')}
      </a>
    </div>
  );
}

export function ConsentSheet(props: { text: string; accept: string; onAccept: () => void }): JSX.Element {
  return (
    <div class="stack">
      <p>{props.text}</p>
      <button
        type="button"
        class="primary-button wide"
        data-testid="consent"
        onClick={() => {
          props.onAccept();
          closeSheet();
        }}
      >
        {props.accept}
      </button>
      <button type="button" class="secondary-button wide" onClick={closeSheet}>
        {t('notNow')}
      </button>
    </div>
  );
}

/** Shows exactly what would be told, and tells it only when the user agrees. */
export function DeviceSheet({ handset, peer }: { handset: Handset; peer: Address }): JSX.Element {
  const device = useSignal(describeDevice());
  useEffect(() => {
    void batteryMinutes().then((minutes) => {
      if (minutes !== undefined) device.value = { ...device.value, batteryRemainingMinutes: minutes };
    });
  }, []);
  const { deviceModel, platformVersion, clientVendor, clientVersion, batteryRemainingMinutes } = device.value;
  return (
    <div class="stack">
      <p>{t('deviceHint', { name: handset.directory.name(peer) })}</p>
      <dl class="facts">
        <dt>{t('deviceModel')}</dt>
        <dd>{deviceModel}</dd>
        <dt>{t('devicePlatform')}</dt>
        <dd>{platformVersion}</dd>
        <dt>{t('deviceClient')}</dt>
        <dd>
          {clientVendor} {clientVersion}
        </dd>
        {batteryRemainingMinutes !== undefined && (
          <>
            <dt>{t('deviceBattery')}</dt>
            <dd>{t('minutes', { n: batteryRemainingMinutes })}</dd>
          </>
        )}
      </dl>
      <button
        type="button"
        class="primary-button wide"
        data-testid="consent"
        onClick={() => {
          void handset.sendSharedData(peer, device.value);
          closeSheet();
        }}
      >
        {t('allow')}
      </button>
      <button type="button" class="secondary-button wide" onClick={closeSheet}>
        {t('decline')}
      </button>
    </div>
  );
}

/** Records sound or video for whom the action names; where the server takes no files, it is saved instead. */
export function RecordingSheet(props: {
  handset: Handset;
  action: ActionOf<'composeRecording'>;
}): JSX.Element {
  const { handset, action } = props;
  const recorder = useRef<MediaRecorder>(undefined);
  const startedAt = useRef(0);
  const state = useSignal<'idle' | 'recording' | 'recorded' | 'denied'>('idle');
  const recording = useSignal<{ blob: Blob; url: string; playingMs: number } | undefined>(undefined);
  const isVideo = action.media === 'video';
  const to = parseAddress(action.phoneNumber);
  const maySend = handset.contentServer !== undefined && to !== undefined;
  const finish = () => {
    for (const track of recorder.current?.stream.getTracks() ?? []) track.stop();
  };
  useEffect(
    () => () => {
      finish();
      if (recording.peek()) URL.revokeObjectURL(recording.peek()?.url ?? '');
    },
    [],
  );
  const begin = async () => {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: isVideo });
      const chunks: Blob[] = [];
      const made = new MediaRecorder(stream);
      made.ondataavailable = ({ data }) => chunks.push(data);
      made.onstop = () => {
        finish();
        const blob = new Blob(chunks, { type: made.mimeType.split(';')[0] ?? '' });
        const playingMs = Math.round(performance.now() - startedAt.current);
        recording.value = { blob, url: URL.createObjectURL(blob), playingMs };
        state.value = 'recorded';
      };
      recorder.current = made;
      startedAt.current = performance.now();
      made.start();
      state.value = 'recording';
    } catch {
      state.value = 'denied';
    }
  };
  const send = () => {
    if (!recording.value || !to) return;
    const { blob, playingMs } = recording.value;
    closeSheet();
    void sendFiles(handset, to, [blob], isVideo ? {} : { playingMs });
    openConversation(to);
  };
  return (
    <div class="stack">
      <p>{t(maySend ? 'recordingHint' : 'recordingSaveHint', { name: action.phoneNumber })}</p>
      {state.value === 'denied' && <p role="alert">{t('recordingDenied')}</p>}
      {recording.value &&
        (isVideo ? (
          <video controls src={recording.value.url} />
        ) : (
          <audio controls src={recording.value.url} />
        ))}
      {state.value === 'recording' ? (
        <button type="button" class="primary-button wide" onClick={() => recorder.current?.stop()}>
          {t('stopRecording')}
        </button>
      ) : (
        <button
          type="button"
          class={recording.value ? 'secondary-button wide' : 'primary-button wide'}
          onClick={() => void begin()}
        >
          <Icon name={isVideo ? 'video' : 'mic'} size={20} />
          {t('record')}
        </button>
      )}
      {recording.value &&
        (maySend ? (
          <button type="button" class="primary-button wide" data-testid="send-recorded" onClick={send}>
            <Icon name="send" size={20} />
            {t('sendRecordingNow')}
          </button>
        ) : (
          <button
            type="button"
            class="secondary-button wide"
            onClick={() =>
              recording.value && saveFile(recording.value.blob, isVideo ? 'video.webm' : 'audio.webm')
            }
          >
            {t('saveRecording')}
          </button>
        ))}
    </div>
  );
}

function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name.replace(/[\\/:*?"<>|]/g, ' ');
  link.click();
  // The download has its own reference by the time this runs.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function describeDevice(): DeviceSpecifics {
  const agent = navigator.userAgent;
  const platform = /\(([^;)]+)/.exec(agent)?.[1] ?? 'unknown';
  return {
    deviceModel: 'Web',
    platformVersion: platform.slice(0, 20),
    clientVendor: 'HYAN',
    clientVersion: '0.1',
  };
}

/** Minutes until the battery is empty, where the browser tells and it is discharging. */
async function batteryMinutes(): Promise<number | undefined> {
  const source = navigator as { getBattery?: () => Promise<{ dischargingTime: number }> };
  const battery = await source.getBattery?.().catch(() => undefined);
  const seconds = battery?.dischargingTime ?? Number.NaN;
  return Number.isFinite(seconds) ? Math.round(seconds / 60) : undefined;
}
