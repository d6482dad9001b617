/** The history that the server keeps: how filling it in gets on, and deleting from it. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { Address } from '../rcs/address';
import { ConsentSheet } from './action_sheets';
import { t } from './i18n';
import { openList, openSheet, showToast } from './state';

/** Above the list, while a new device fills. */
export function HistoryProgress({ handset }: { handset: Handset }): JSX.Element {
  const progress = handset.history.progress.value;
  return (
    <div role="status">
      {progress && (
        <label class="history-progress" data-testid="history-progress">
          <span>{t('historyFilling', { done: progress.done, total: progress.total })}</span>
          <progress value={progress.done} max={progress.total} />
        </label>
      )}
    </div>
  );
}

/** Keeps the history from now on, or, when the user agrees, no longer, which deletes it. */
export function setHistory(handset: Handset, isOn: boolean): void {
  const set = async () => {
    const isDone = await handset.history.set(isOn);
    if (!isDone) showToast(t('notDone', { reason: t('noNetwork') }));
    else showToast(t(isOn ? 'historyOn' : 'historyOff'));
  };
  if (isOn) void set();
  else {
    openSheet({
      title: t('keepHistory'),
      content: (
        <ConsentSheet text={t('historyOffHint')} accept={t('historyTurnOff')} onAccept={() => void set()} />
      ),
    });
  }
}

/** Deletes a conversation here and on the server, when the user agrees. */
export function askToDelete(handset: Handset, peer: Address): void {
  const remove = async () => {
    openList();
    if (!(await handset.deleteConversation(peer))) showToast(t('historyNotDeleted'));
  };
  openSheet({
    title: t('deleteConversation'),
    content: (
      <ConsentSheet
        text={t('deleteConversationHint', { name: handset.directory.name(peer) })}
        accept={t('deleteConversation')}
        onAccept={() => void remove()}
      />
    ),
  });
}
