/** Pictures of a conversation over the whole screen, one after the other. */
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { FileInfo } from '../rcs/file_transfer';
import { isExpired, isPicture } from './file_body';
import { dateAndTime, t } from './i18n';
import { Icon } from './icons';
import { Placeholder } from './placeholder';
import { handset } from './state';

/** The message whose picture is shown. */
const shown = signal<MessageRecord | undefined>(undefined);
/** How far a finger moves to turn the page, pixels. */
const SWIPE_PX = 60;

export function openViewer(record: MessageRecord): void {
  shown.value = record;
}

export function Viewer(): JSX.Element | null {
  const phone = handset.value;
  const record = shown.value;
  return phone && record ? <Dialog handset={phone} record={record} /> : null;
}

function Dialog({ handset: phone, record }: { handset: Handset; record: MessageRecord }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const grip = useRef<number | undefined>(undefined);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const pictures = phone.archive.messages.value.filter((other) => pictureOf(phone, other));
  const index = pictures.findIndex(({ messageId }) => messageId === record.messageId);
  const turn = (by: number) => {
    const next = pictures[index + by];
    if (next) shown.value = next;
  };
  const close = () => {
    shown.value = undefined;
  };
  const file = pictureOf(phone, record);
  const author = record.direction === 'out' ? t('you') : phone.directory.name(record.sender ?? record.peer);
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={t('picture')}
      data-testid="viewer"
      onClose={close}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') turn(-1);
        if (event.key === 'ArrowRight') turn(1);
      }}
      onPointerDown={(event) => {
        grip.current = event.pointerType === 'touch' ? event.clientX : undefined;
      }}
      onPointerUp={(event) => {
        const moved = grip.current === undefined ? 0 : event.clientX - grip.current;
        if (Math.abs(moved) > SWIPE_PX) turn(moved < 0 ? 1 : -1);
        grip.current = undefined;
      }}
    >
      <header class="viewer-bar">
        <span class="viewer-title">
          {author}
          <small>
            {dateAndTime(new Date(record.at))}
            {pictures.length > 1 && ` · ${t('pictureOf', { i: index + 1, n: pictures.length })}`}
          </small>
        </span>
        {file && <Download handset={phone} record={record} file={file} />}
        <button type="button" class="icon-button" aria-label={t('close')} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {file && <Picture key={record.messageId} handset={phone} record={record} file={file} />}
      {index > 0 && (
        <button
          type="button"
          class="viewer-turn is-previous"
          aria-label={t('previousPicture')}
          onClick={() => turn(-1)}
        >
          <Icon name="back" />
        </button>
      )}
      {index >= 0 && index < pictures.length - 1 && (
        <button
          type="button"
          class="viewer-turn is-next"
          aria-label={t('nextPicture')}
          onClick={() => turn(1)}
        >
          <Icon name="next" />
        </button>
      )}
    </dialog>
  );
}

function Picture(props: { handset: Handset; record: MessageRecord; file: FileInfo }): JSX.Element {
  const url = useUrl(props.handset, props.record, props.file);
  const failed = useSignal(false);
  const large = useSignal(false);
  if (failed.value) return <Placeholder text={t('imageFailed')} />;
  return (
    <button
      type="button"
      class={large.value ? 'viewer-stage is-large' : 'viewer-stage'}
      aria-label={t(large.value ? 'fitPicture' : 'enlargePicture')}
      onClick={() => {
        large.value = !large.value;
      }}
    >
      {url && (
        <img
          src={url}
          alt={props.file.name ?? t('kindImage')}
          referrerpolicy="no-referrer"
          draggable={false}
          onError={() => {
            failed.value = true;
          }}
        />
      )}
    </button>
  );
}

function Download(props: { handset: Handset; record: MessageRecord; file: FileInfo }): JSX.Element | null {
  const url = useUrl(props.handset, props.record, props.file);
  if (!url) return null;
  const { name } = props.file;
  return (
    <a
      class="icon-button"
      href={url}
      download={name ?? true}
      target="_blank"
      rel="noopener noreferrer"
      aria-label={t('downloadFile', { name: name ?? '' })}
    >
      <Icon name="download" />
    </a>
  );
}

/** Where the picture is: on this page still, or on the content server. */
function useUrl(phone: Handset, record: MessageRecord, file: FileInfo): string | undefined {
  const url = useSignal<string | undefined>(file.url || undefined);
  useEffect(() => {
    let made: string | undefined;
    let gone = false;
    void phone.files.local(record).then((local) => {
      if (!local || gone) return;
      made = URL.createObjectURL(local);
      url.value = made;
    });
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [record.messageId]);
  return url.value;
}

function pictureOf(phone: Handset, record: MessageRecord): FileInfo | undefined {
  const content = phone.content(record);
  if (content.kind !== 'file' || !isPicture(content.transfer.file)) return undefined;
  return isExpired(content.transfer.file) ? undefined : content.transfer.file;
}
