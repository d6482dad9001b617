/** Says when messages can't go out, and lets the user ask for another attempt. */
import { useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { t } from './i18n';
import { handset } from './state';

/** A connection that is back within this time isn't worth a banner. */
const PATIENCE_MS = 800;

export function ConnectionBanner(): JSX.Element {
  const shown = useSignal(false);
  useSignalEffect(() => {
    const phone = handset.value;
    const down = phone !== undefined && phone.registration.value !== 'registered';
    if (!down) {
      shown.value = false;
      return;
    }
    const timer = setTimeout(() => {
      shown.value = true;
    }, PATIENCE_MS);
    return () => clearTimeout(timer);
  });
  const phone = handset.value;
  const connecting = phone?.registration.value === 'connecting';
  return (
    <div class="connection-place" role="status">
      {shown.value && (
        <div class={connecting ? 'connection' : 'connection is-offline'} data-testid="connection">
          <span class="connection-dot" />
          <span>{connecting ? t('connecting') : t('offline')}</span>
          {!connecting && (
            <button type="button" class="text-button" onClick={() => phone?.networkIs(true)}>
              {t('tryNow')}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
