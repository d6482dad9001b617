/** Files chosen for a message and not sent yet: where they come from, and the row above the composer. */
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ContentServer } from '../handset/config';
import type { OutgoingFile } from '../handset/files';
import type { Handset } from '../handset/handset';
import type { ReplyTo } from '../handset/records';
import { makeThumbnail } from '../media/thumbnail';
import type { Address } from '../rcs/address';
import { uuid } from '../rcs/id';
import { sizeText, t } from './i18n';
import { Icon } from './icons';
import { showToast } from './state';

export interface Attachment {
  readonly id: string;
  readonly file: File;
}

/** Each file is a message of its own. */
const FILES_MAX = 10;

/** Adds files to those chosen; says why when one can't be sent. */
export function attach(
  chosen: Signal<readonly Attachment[]>,
  files: readonly File[],
  { maxBytes }: ContentServer,
): void {
  const tooLarge = files.find((file) => file.size > maxBytes);
  const empty = files.find((file) => file.size === 0);
  const fitting = files.filter((file) => file.size > 0 && file.size <= maxBytes);
  const room = FILES_MAX - chosen.value.length;
  if (tooLarge) showToast(t('fileTooLarge', { name: tooLarge.name, max: sizeText(maxBytes) }));
  else if (empty) showToast(t('fileEmpty', { name: empty.name }));
  else if (fitting.length > room) showToast(t('filesTooMany', { n: FILES_MAX }));
  chosen.value = [...chosen.value, ...fitting.slice(0, room).map((file) => ({ id: uuid(), file }))];
}

/** The one that is open: in the page, since an input that nothing holds may be gone before the user has chosen. */
let picker: HTMLInputElement | undefined;

/** Lets the user choose, one or several. Resolves to nothing when they change their mind. */
export function pickFiles(accept: string, multiple = true): Promise<File[]> {
  picker?.remove();
  const input = document.createElement('input');
  picker = input;
  input.type = 'file';
  input.multiple = multiple;
  input.accept = accept;
  input.hidden = true;
  document.body.append(input);
  return new Promise((resolve) => {
    const done = () => {
      input.remove();
      resolve([...(input.files ?? [])]);
    };
    input.addEventListener('change', done);
    input.addEventListener('cancel', done);
    input.click();
  });
}

/** Sends each as a message; the first of them is the reply, if there is something to reply to. */
export async function sendFiles(
  handset: Handset,
  peer: Address,
  files: readonly Blob[],
  options: { readonly replyTo?: ReplyTo | undefined; readonly playingMs?: number } = {},
): Promise<void> {
  let replyTo = options.replyTo;
  for (const file of files) {
    const outgoing = await describe(file, handset.contentServer?.maxThumbnailBytes ?? 0, options.playingMs);
    const kept = await handset.files.send(peer, outgoing, replyTo);
    if (!kept) showToast(t('fileNotKept', { name: outgoing.name }));
    replyTo = undefined;
  }
}

async function describe(file: Blob, maxThumbnailBytes: number, playingMs?: number): Promise<OutgoingFile> {
  const extension = file.type.split('/')[1]?.replace(/[^a-z0-9].*$/, '') || 'bin';
  // What is pasted has no name, or the same each time.
  const name =
    file instanceof File && file.name
      ? file.name
      : `${playingMs === undefined ? 'file' : 'voice'}.${extension}`;
  const thumbnail = await makeThumbnail(file, maxThumbnailBytes);
  return { file, name: name.slice(-200), thumbnail, playingMs };
}

export function AttachmentRow({ chosen }: { chosen: Signal<readonly Attachment[]> }): JSX.Element | null {
  if (chosen.value.length === 0) return null;
  return (
    <ul class="attachments" aria-label={t('attachments')}>
      {chosen.value.map((attachment) => (
        <li key={attachment.id} class="attachment" data-testid="attachment">
          <Preview file={attachment.file} />
          <button
            type="button"
            class="attachment-remove"
            aria-label={t('removeFile', { name: attachment.file.name })}
            onClick={() => {
              chosen.value = chosen.value.filter(({ id }) => id !== attachment.id);
            }}
          >
            <Icon name="close" size={16} />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Preview({ file }: { file: File }): JSX.Element {
  const url = useSignal<string | undefined>(undefined);
  useEffect(() => {
    if (!file.type.startsWith('image/')) return;
    const made = URL.createObjectURL(file);
    url.value = made;
    return () => URL.revokeObjectURL(made);
  }, [file]);
  if (url.value) {
    const fail = () => {
      url.value = undefined;
    };
    return <img src={url.value} alt={file.name} onError={fail} />;
  }
  return (
    <span class="attachment-file">
      <Icon name={file.type.startsWith('video/') ? 'video' : 'file'} size={24} />
      <span class="attachment-name">{file.name}</span>
      <small>{sizeText(file.size)}</small>
    </span>
  );
}
