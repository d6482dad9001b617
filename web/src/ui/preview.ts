/** A message in one line: for the conversation list and for screen readers. */
import { type Address, displayAddress } from '../rcs/address';
import type { Content } from '../rcs/content';
import type { FileTransfer } from '../rcs/file_transfer';
import type { GroupEvent } from '../rcs/group_event';
import { isVCard } from '../rcs/vcard';
import { t } from './i18n';

/** `name` says who somebody is: what happened in a group is about people. */
export function previewText(content: Content, name: (party: Address) => string = displayAddress): string {
  switch (content.kind) {
    case 'text':
      return content.text.slice(0, 200);
    case 'card':
      return t('kindCard', { text: content.content.title ?? content.content.description ?? '' });
    case 'carousel':
      return t('kindCarousel', { text: content.contents[0]?.title ?? '' });
    case 'file':
      return fileText(content.transfer);
    case 'contacts':
      return t('kindContact', { text: content.contacts.map((contact) => contact.name).join(', ') });
    case 'location':
      return t('kindLocation', { text: content.place.label ?? '' });
    case 'response':
      return content.response.displayText;
    case 'sharedData':
      return t('kindSharedData');
    case 'chips':
      return t('kindChips');
    case 'unknown':
      return t('kindUnknown');
    case 'revoked':
      return t('revoked');
    case 'event':
      return eventText(content.event, name);
  }
}

export function eventText(event: GroupEvent, name: (party: Address) => string): string {
  switch (event.kind) {
    case 'created':
      return t('groupCreated');
    case 'invited':
      return event.by ? t('groupInvitedBy', { name: name(event.by) }) : t('groupInvited');
    case 'added':
      return t('groupAdded', { name: name(event.who) });
    case 'joined':
      return t('groupJoined', { name: name(event.who) });
    case 'left':
      return t('groupLeft', { name: name(event.who) });
    case 'renamed':
      return event.subject === '' ? t('groupUnnamed') : t('groupRenamed', { subject: event.subject });
    case 'pictured':
      if (event.by)
        return t(event.isGone ? 'groupPictureGoneBy' : 'groupPicturedBy', { name: name(event.by) });
      return t(event.isGone ? 'groupPictureGone' : 'groupPictured');
    case 'out':
      return t(event.wasRemoved ? 'groupRemovedYou' : 'groupYouLeft');
  }
}

function fileText({ file }: FileTransfer): string {
  if (isVCard(file.contentType)) return t('kindContact', { text: file.name?.replace(/\.vcf$/i, '') ?? '' });
  if (file.contentType.startsWith('image/')) return t('kindImage');
  if (file.contentType.startsWith('audio/')) return t('kindAudio');
  if (file.contentType.startsWith('video/')) return t('kindVideo');
  return t('kindFile', { text: file.name ?? '' });
}
