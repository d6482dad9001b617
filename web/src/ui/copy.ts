/** Copying to the clipboard, with a word to the user. */
import { t } from './i18n';
import { showToast } from './state';

export async function copyText(text: string): Promise<void> {
  try {
    // Absent on pages that came by plain HTTP from another machine.
    await navigator.clipboard.writeText(text);
    showToast(t('copied'));
  } catch {
    showToast(t('copyFailed'));
  }
}
