/** Tells of messages while nobody looks at this page, where the user and the browser allow it. */
import { useSignalEffect } from '@preact/signals';
import { t } from './i18n';
import { previewText } from './preview';
import { notifications } from './settings_store';
import { handset, openConversation, pageActive, showToast } from './state';

export function Notifier(): null {
  useSignalEffect(() => {
    const phone = handset.value;
    const record = phone?.arrived.value;
    if (!phone || !record || !notifications.peek() || pageActive.peek() || !isGranted()) return;
    try {
      const notification = new Notification(phone.directory.name(record.peer), {
        body: previewText(phone.content(record)),
        icon: '/icon.svg',
        // One notification for each conversation, the latest.
        tag: record.peer,
      });
      notification.onclick = () => {
        window.focus();
        openConversation(record.peer);
        notification.close();
      };
    } catch {
      // Chromium on Android leaves notifications to service workers.
    }
  });
  return null;
}

/** Turns them on, after asking; says so when the browser doesn't allow it. */
export async function allowNotifications(): Promise<void> {
  const answer = 'Notification' in globalThis ? await Notification.requestPermission() : 'denied';
  notifications.value = answer === 'granted';
  if (!notifications.value) showToast(t('notificationsDenied'));
}

function isGranted(): boolean {
  return 'Notification' in globalThis && Notification.permission === 'granted';
}
