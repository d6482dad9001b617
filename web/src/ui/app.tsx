/** The frame: sign-in, or the list beside (on a phone: below) the conversation, with sheets above all. */
import { useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ConnectionBanner } from './connection_banner';
import { ConversationList } from './conversation_list';
import { ConversationView } from './conversation_view';
import { t } from './i18n';
import { Goose } from './icons';
import { Notifier } from './notifier';
import { previewText } from './preview';
import { Sheet } from './sheet';
import { SignIn } from './sign_in';
import { handset, route, showToast, toast } from './state';
import { Viewer } from './viewer';

export function App(): JSX.Element {
  const signedIn = handset.value;
  return (
    <>
      {signedIn ? <Panes /> : <SignIn />}
      <Sheet />
      <Viewer />
      <Toast />
      <LiveRegion />
      <Notifier />
    </>
  );
}

function Panes(): JSX.Element {
  const phone = handset.value;
  const peer = route.value;
  const left = useRef(peer);
  useEffect(() => {
    // Back in the list, the focus is where it was before.
    const row =
      left.current && document.querySelector<HTMLElement>(`[data-peer="${CSS.escape(left.current)}"]`);
    if (peer === undefined && row) row.focus();
    left.current = peer;
  }, [peer]);
  // The view waits for the handset to have the conversation loaded.
  const ready = phone && peer !== undefined && phone.archive.current.value === peer;
  useSignalEffect(() => {
    const refused = handset.value?.refused.value;
    if (refused) showToast(t(refused.kind === 'edit' ? 'editFailed' : 'reactionFailed'));
  });
  return (
    <main class={peer === undefined ? 'panes' : 'panes with-conversation'}>
      <div class="pane list-pane">
        <ConversationList />
      </div>
      <div class="pane conversation-pane">
        {phone && ready ? <ConversationView key={peer} handset={phone} peer={peer} /> : <NothingChosen />}
      </div>
      <ConnectionBanner />
    </main>
  );
}

function NothingChosen(): JSX.Element {
  return (
    <div class="empty nothing-chosen">
      <Goose size={96} />
      <h2>{t('choose')}</h2>
      <p>{t('chooseHint')}</p>
    </div>
  );
}

function Toast(): JSX.Element {
  return (
    <div class="toast-place" role="status">
      {toast.value !== undefined && <div class="toast">{toast.value}</div>}
    </div>
  );
}

/** Says aloud, for screen readers, who wrote what. */
function LiveRegion(): JSX.Element {
  const region = useRef<HTMLDivElement>(null);
  useSignalEffect(() => {
    const phone = handset.value;
    const record = phone?.arrived.value;
    if (!phone || !record || !region.current) return;
    const name = phone.directory.name(record.peer);
    region.current.textContent = t('newMessageFrom', { name, text: previewText(phone.content(record)) });
  });
  return <div ref={region} class="sr-only" aria-live="polite" data-testid="announcement" />;
}
