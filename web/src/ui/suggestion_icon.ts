/** What a suggestion's action is, as a picture. */
import type { Action, Suggestion } from '../rcs/bot/suggestion';
import type { IconName } from './icons';

export function suggestionIcon(suggestion: Suggestion): IconName | undefined {
  return suggestion.kind === 'reply' ? undefined : ICONS[suggestion.action.type];
}

const ICONS: Record<Action['type'], IconName> = {
  openUrl: 'globe',
  dial: 'phone',
  showLocation: 'pin',
  requestLocationPush: 'pin',
  createCalendarEvent: 'calendar',
  composeText: 'compose',
  composeRecording: 'mic',
  requestDeviceSpecifics: 'device',
  disableAnonymization: 'shield',
  enableDisplayedNotifications: 'checks',
};
