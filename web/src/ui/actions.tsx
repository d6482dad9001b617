/** What a tap on a suggestion does: it sends the response, and actions act on the device as well. */
import type { Handset } from '../handset/handset';
import { type Address, parseAddress } from '../rcs/address';
import type { Action, Suggestion } from '../rcs/bot/suggestion';
import {
  CalendarSheet,
  ConsentSheet,
  DeviceSheet,
  DialSheet,
  RecordingSheet,
  WebSheet,
} from './action_sheets';
import { t } from './i18n';
import { LocationSheet, QuerySheet } from './location_sheet';
import { readReceipts } from './settings_store';
import { ShareLocation } from './share_location';
import { openConversation, openSheet, showToast } from './state';

/**
 * Sends what the suggestion says and runs its action. Returns whether something was sent: a reply always
 * is, an action only with a postback (RCC.07), and those that ask for consent only once it is given.
 */
export function answer(handset: Handset, peer: Address, suggestion: Suggestion): boolean {
  const { displayText, postback } = suggestion;
  const respond = () => {
    if (suggestion.kind === 'action' && postback === undefined) return false;
    void handset.sendResponse(peer, { kind: suggestion.kind, displayText, postback });
    return true;
  };
  if (suggestion.kind === 'reply') return respond();
  if (suggestion.action.type === 'disableAnonymization') {
    askToReveal(handset, peer, respond);
    return false;
  }
  const responded = respond();
  run(handset, peer, suggestion.action);
  return responded;
}

function run(handset: Handset, peer: Address, action: Action): void {
  switch (action.type) {
    case 'openUrl':
      openUrl(action);
      return;
    case 'dial': {
      const title = action.call === 'video' ? 'videoCallTitle' : 'callTitle';
      openSheet({ title: t(title, { number: action.phoneNumber }), content: <DialSheet action={action} /> });
      return;
    }
    case 'showLocation': {
      const { place, fallbackUrl } = action;
      const content =
        'query' in place ? (
          <QuerySheet query={place.query} fallbackUrl={fallbackUrl} />
        ) : (
          <LocationSheet place={place} fallbackUrl={fallbackUrl} />
        );
      openSheet({ title: ('query' in place ? place.query : place.label) ?? t('map'), content });
      return;
    }
    case 'requestLocationPush':
      openSheet({ title: t('shareLocation'), content: <ShareLocation handset={handset} peer={peer} /> });
      return;
    case 'createCalendarEvent':
      openSheet({ title: t('addToCalendar'), content: <CalendarSheet event={action} /> });
      return;
    case 'composeText': {
      const to = parseAddress(action.phoneNumber);
      if (to) openConversation(to, action.text);
      else showToast(t('notAnAddress'));
      return;
    }
    case 'composeRecording':
      openSheet({
        title: t('recordingTitle'),
        content: <RecordingSheet handset={handset} action={action} />,
      });
      return;
    case 'requestDeviceSpecifics':
      openSheet({ title: t('deviceTitle'), content: <DeviceSheet handset={handset} peer={peer} /> });
      return;
    case 'enableDisplayedNotifications':
      openSheet({
        title: t('receiptsTitle'),
        content: (
          <ConsentSheet
            text={t('receiptsHint')}
            accept={t('enable')}
            onAccept={() => {
              readReceipts.value = true;
            }}
          />
        ),
      });
      return;
    case 'disableAnonymization':
      return;
  }
}

function openUrl(action: Extract<Action, { type: 'openUrl' }>): void {
  if (action.application === 'browser') {
    window.open(action.url, '_blank', 'noopener,noreferrer');
    return;
  }
  openSheet({
    title: new URL(action.url).host,
    content: <WebSheet url={action.url} />,
    size: action.viewMode,
  });
}

/** The number is shown by answering; without consent nothing is sent. */
function askToReveal(handset: Handset, peer: Address, respond: () => void): void {
  const name = handset.directory.name(peer);
  openSheet({
    title: t('revealTitle', { name }),
    content: (
      <ConsentSheet
        text={t('revealHint', { name, number: handset.directory.name(handset.self) })}
        accept={t('reveal')}
        onAccept={respond}
      />
    ),
  });
}
