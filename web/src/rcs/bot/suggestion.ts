/**
 * Suggested replies and actions: chips under a message, buttons on a card, entries of a menu
 * (RCC.07 chatbot JSON, `suggestions`).
 *
 * Reading is lenient: one bad suggestion is left out and the others stand. What is read is safe to act on:
 * web links are http or https, coordinates are on Earth, times are times.
 */
import { httpUrl } from '../file_transfer';
import { isCoordinate } from '../geolocation';
import { array, finite, type JsonObject, object, parseJsonObject, text } from './json';

/** A chip list holds at most this many (RCC.07: 11), a card at most four. */
export const CHIPS_MAX = 11;
const DISPLAY_TEXT_MAX = 25;
const POSTBACK_MAX = 2048;
const ACTION_KEYS = [
  'urlAction',
  'dialerAction',
  'mapAction',
  'calendarAction',
  'composeAction',
  'deviceAction',
  'settingsAction',
];

export type Suggestion = Reply | SuggestedAction;

export interface Reply {
  readonly kind: 'reply';
  readonly displayText: string;
  /** Opaque data for the chatbot; absent when the suggestion had none. */
  readonly postback: string | undefined;
}

export interface SuggestedAction {
  readonly kind: 'action';
  readonly displayText: string;
  readonly postback: string | undefined;
  readonly action: Action;
}

/** What the handset does itself when an action is tapped. */
export type Action =
  | {
      readonly type: 'openUrl';
      readonly url: string;
      readonly application: 'browser' | 'webview';
      readonly viewMode: 'full' | 'half' | 'tall';
    }
  | {
      readonly type: 'dial';
      readonly call: 'phone' | 'enriched' | 'video';
      readonly phoneNumber: string;
      readonly subject: string | undefined;
      readonly fallbackUrl: string | undefined;
    }
  | {
      readonly type: 'showLocation';
      readonly place: { latitude: number; longitude: number; label: string | undefined } | { query: string };
      readonly fallbackUrl: string | undefined;
    }
  | { readonly type: 'requestLocationPush' }
  | {
      readonly type: 'createCalendarEvent';
      readonly start: Date;
      readonly end: Date;
      readonly title: string;
      readonly description: string | undefined;
      readonly fallbackUrl: string | undefined;
    }
  | { readonly type: 'composeText'; readonly phoneNumber: string; readonly text: string }
  | { readonly type: 'composeRecording'; readonly phoneNumber: string; readonly media: 'audio' | 'video' }
  | { readonly type: 'requestDeviceSpecifics' }
  | { readonly type: 'disableAnonymization' }
  | { readonly type: 'enableDisplayedNotifications' };

/** Reads a chip list body (`application/vnd.gsma.botsuggestion.v1.0+json`). */
export function parseChipList(body: string): Suggestion[] | undefined {
  const root = parseJsonObject(body);
  return root && Array.isArray(root.suggestions) ? readSuggestions(root.suggestions, CHIPS_MAX) : undefined;
}

/** Reads an array of suggestions, leaving out what cannot be shown or done. */
export function readSuggestions(value: unknown, max: number): Suggestion[] {
  return array(value)
    .map(readSuggestion)
    .filter((suggestion) => suggestion !== undefined)
    .slice(0, max);
}

export function readSuggestion(value: unknown): Suggestion | undefined {
  const item = object(value);
  if (!item) return undefined;
  const reply = object(item.reply);
  if (reply) {
    const displayText = text(reply.displayText, DISPLAY_TEXT_MAX);
    return displayText === undefined
      ? undefined
      : { kind: 'reply', displayText, postback: readPostback(reply) };
  }
  // One SDK leaves the `action` around the members out, another puts displayText inside the variant.
  const source = object(item.action) ?? item;
  const variant = ACTION_KEYS.map((key) => object(source[key])).find((members) => members !== undefined);
  const displayText = text(source.displayText ?? variant?.displayText, DISPLAY_TEXT_MAX);
  const action = readAction(source);
  if (displayText === undefined || !action) return undefined;
  return { kind: 'action', displayText, postback: readPostback(source), action };
}

/** Empty data is data: the chatbot asked to hear of the tap. */
function readPostback(source: JsonObject): string | undefined {
  const data = object(source.postback)?.data;
  return typeof data === 'string' && data.length <= POSTBACK_MAX * 2 ? data : undefined;
}

function readAction(source: JsonObject): Action | undefined {
  const url = object(source.urlAction);
  if (url) return readUrlAction(url);
  const dialer = object(source.dialerAction);
  if (dialer) return readDialerAction(dialer);
  const map = object(source.mapAction);
  if (map) return readMapAction(map);
  const calendar = object(source.calendarAction);
  if (calendar) return readCalendarAction(calendar);
  const compose = object(source.composeAction);
  if (compose) return readComposeAction(compose);
  if (object(object(source.deviceAction)?.requestDeviceSpecifics)) return { type: 'requestDeviceSpecifics' };
  const settings = object(source.settingsAction);
  if (object(settings?.disableAnonymization)) return { type: 'disableAnonymization' };
  if (object(settings?.enableDisplayedNotifications)) return { type: 'enableDisplayedNotifications' };
  return undefined;
}

function readUrlAction(source: JsonObject): Action | undefined {
  const open = object(source.openUrl);
  const url = httpUrl(open?.url);
  if (!open || url === undefined) return undefined;
  const viewMode = open.viewMode === 'half' || open.viewMode === 'tall' ? open.viewMode : 'full';
  // Older versions had no `application`, which meant the browser.
  return {
    type: 'openUrl',
    url,
    application: open.application === 'webview' ? 'webview' : 'browser',
    viewMode,
  };
}

function readDialerAction(source: JsonObject): Action | undefined {
  const calls = [
    ['phone', object(source.dialPhoneNumber)],
    ['enriched', object(source.dialEnrichedCall)],
    ['video', object(source.dialVideoCall)],
  ] as const;
  for (const [call, members] of calls) {
    const phoneNumber = text(members?.phoneNumber, 128);
    if (!members || phoneNumber === undefined) continue;
    const subject = text(members.subject, 60);
    return { type: 'dial', call, phoneNumber, subject, fallbackUrl: httpUrl(members.fallbackUrl) };
  }
  return undefined;
}

function readMapAction(source: JsonObject): Action | undefined {
  if (object(source.requestLocationPush)) return { type: 'requestLocationPush' };
  const show = object(source.showLocation);
  const location = object(show?.location);
  if (!show || !location) return undefined;
  const fallbackUrl = httpUrl(show.fallbackUrl);
  const query = text(location.query, 200);
  if (query !== undefined) return { type: 'showLocation', place: { query }, fallbackUrl };
  const latitude = finite(location.latitude);
  const longitude = finite(location.longitude);
  if (latitude === undefined || longitude === undefined || !isCoordinate(latitude, longitude))
    return undefined;
  return {
    type: 'showLocation',
    place: { latitude, longitude, label: text(location.label, 100) },
    fallbackUrl,
  };
}

function readCalendarAction(source: JsonObject): Action | undefined {
  const event = object(source.createCalendarEvent);
  const title = text(event?.title, 100);
  if (!event || title === undefined) return undefined;
  const start = new Date(text(event.startTime, 64) ?? '');
  const end = new Date(text(event.endTime, 64) ?? '');
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime())) return undefined;
  const description = text(event.description, 500);
  return {
    type: 'createCalendarEvent',
    start,
    end,
    title,
    description,
    fallbackUrl: httpUrl(event.fallbackUrl),
  };
}

function readComposeAction(source: JsonObject): Action | undefined {
  const message = object(source.composeTextMessage);
  const to = text(message?.phoneNumber, 128);
  if (message && to !== undefined) {
    return { type: 'composeText', phoneNumber: to, text: text(message.text, 100) ?? '' };
  }
  const recording = object(source.composeRecordingMessage);
  const recordFor = text(recording?.phoneNumber, 128);
  if (!recording || recordFor === undefined) return undefined;
  return {
    type: 'composeRecording',
    phoneNumber: recordFor,
    media: recording.type === 'VIDEO' ? 'video' : 'audio',
  };
}
