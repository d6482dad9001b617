/** A message in one line: for the conversation list and for screen readers. */
import type { Content } from '../rcs/content';
import type { FileTransfer } from '../rcs/file_transfer';
import { t } from './i18n';

export function previewText(content: Content): string {
  switch (content.kind) {
    case 'text':
      return content.text.slice(0, 200);
    case 'card':
      return t('kindCard', { text: content.content.title ?? content.content.description ?? '' });
    case 'carousel':
      return t('kindCarousel', { text: content.contents[0]?.title ?? '' });
    case 'file':
      return fileText(content.transfer);
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
  }
}

function fileText({ file }: FileTransfer): string {
  if (file.contentType.startsWith('image/')) return t('kindImage');
  if (file.contentType.startsWith('audio/')) return t('kindAudio');
  if (file.contentType.startsWith('video/')) return t('kindVideo');
  return t('kindFile', { text: file.name ?? '' });
}
