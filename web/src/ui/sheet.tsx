/**
 * The one sheet above the page: a native modal dialog, so that focus stays inside, Escape closes it and
 * the rest is inert. On a phone it rises from the bottom, on a desktop it floats.
 */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from './i18n';
import { Icon } from './icons';
import { closeSheet, type SheetContent, sheet } from './state';

export function Sheet(): JSX.Element | null {
  const content = sheet.value;
  return content ? <Dialog key={content.title} {...content} /> : null;
}

function Dialog({ title, content, size = 'auto' }: SheetContent): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      // Focus goes back to what opened the sheet, when that is still there.
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does for the keyboard what a click on the backdrop does.
    <dialog
      ref={dialog}
      class={`sheet is-${size}`}
      aria-labelledby="sheet-title"
      onClose={closeSheet}
      onClick={(event) => {
        if (event.target === dialog.current) closeSheet();
      }}
    >
      <div class="sheet-body">
        <header class="sheet-bar">
          <h2 id="sheet-title">{title}</h2>
          <button type="button" class="icon-button" aria-label={t('close')} onClick={closeSheet}>
            <Icon name="close" />
          </button>
        </header>
        <div class="sheet-content">{content}</div>
      </div>
    </dialog>
  );
}
