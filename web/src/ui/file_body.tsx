/** A file in a bubble: pictures, video and voice to look at and listen to, the rest as a card. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { FILE_LOST } from '../handset/files';
import type { Handset } from '../handset/handset';
import type { MessageRecord } from '../handset/records';
import type { FileInfo, FileTransfer } from '../rcs/file_transfer';
import { isVCard } from '../rcs/vcard';
import { ContactCards, useContacts } from './contact_card';
import { expiryDate, percent, sizeText, t } from './i18n';
import { Icon, type IconName } from './icons';
import { Placeholder } from './placeholder';
import { openViewer } from './viewer';
import { VoicePlayer } from './voice';

interface Props {
  readonly handset: Handset;
  readonly record: MessageRecord;
  readonly transfer: FileTransfer;
}

export function FileBody({ handset, record, transfer }: Props): JSX.Element {
  const local = useLocalFile(handset, record);
  const { file } = transfer;
  if (!local && isExpired(file)) {
    return (
      <span class="file is-expired">
        <Icon name="clock" size={24} />
        <span>
          {file.name ?? t('kindFileAlone')}
          <small>{t('expired')}</small>
        </span>
      </span>
    );
  }
  return (
    <>
      {isVCard(file.contentType) ? (
        <ContactFile handset={handset} file={file} local={local} />
      ) : (
        <Media record={record} transfer={transfer} local={local} />
      )}
      {record.upload && <UploadState handset={handset} record={record} />}
    </>
  );
}

/** A contact card; a file like any other when there is none in it. */
function ContactFile(props: { handset: Handset; file: FileInfo; local: LocalFile | undefined }): JSX.Element {
  const { handset, file, local } = props;
  const { contacts } = useContacts(file, local?.file);
  const src = local?.url ?? file.url;
  if (!contacts || contacts.length === 0) return <FileCard file={file} src={src} failed={false} />;
  return (
    <ContactCards handset={handset} contacts={contacts} src={src} fileName={file.name ?? 'contact.vcf'} />
  );
}

function Media(props: {
  record: MessageRecord;
  transfer: FileTransfer;
  local: LocalFile | undefined;
}): JSX.Element {
  const { record, local } = props;
  const { file, thumbnail } = props.transfer;
  const failed = useSignal(false);
  const fail = () => {
    failed.value = true;
  };
  const src = local?.url ?? file.url;
  const isAudio = file.contentType.startsWith('audio/');
  // The bytes of a recording in WebM are sniffed as video.
  const isVoice = file.playingMs !== undefined && file.render;
  if (failed.value || src === '') return <FileCard file={file} src={src} failed={failed.value} />;
  if (isVoice || isAudio) {
    const player = <VoicePlayer src={src} playingMs={file.playingMs ?? 0} file={local?.file} onFail={fail} />;
    return isVoice ? (
      player
    ) : (
      <div class="audio">
        <span class="audio-name">{file.name ?? t('kindAudio')}</span>
        {player}
      </div>
    );
  }
  if (isPicture(file)) {
    return (
      <button
        type="button"
        class="picture"
        aria-haspopup="dialog"
        aria-label={t('showPicture', { name: file.name ?? t('kindImage') })}
        data-testid="picture"
        onClick={() => openViewer(record)}
      >
        <img
          src={local?.url ?? thumbnail?.url ?? src}
          alt=""
          loading="lazy"
          referrerpolicy="no-referrer"
          onError={fail}
        />
      </button>
    );
  }
  if (file.contentType.startsWith('video/')) {
    return (
      <div class="player">
        <video
          controls
          playsInline
          preload="metadata"
          src={src}
          poster={thumbnail?.url}
          aria-label={file.name ?? t('kindVideo')}
          onError={fail}
        />
      </div>
    );
  }
  return <FileCard file={file} src={src} failed={false} />;
}

function FileCard({ file, src, failed }: { file: FileInfo; src: string; failed: boolean }): JSX.Element {
  if (failed && isPicture(file)) return <Placeholder text={t('imageFailed')} />;
  const inside = (
    <>
      <span class="file-icon">
        <Icon name={fileIcon(file.contentType)} size={24} />
      </span>
      <span class="file-text">
        <span class="file-name">{file.name ?? t('openFile')}</span>
        <small>
          {[
            typeName(file),
            file.sizeBytes !== undefined && sizeText(file.sizeBytes),
            failed ? t('mediaFailed') : file.until !== undefined && expiryText(file.until),
          ]
            .filter(Boolean)
            .join(' · ')}
        </small>
      </span>
    </>
  );
  if (src === '') return <span class="file">{inside}</span>;
  return (
    <a
      class="file"
      href={src}
      download={file.name ?? true}
      target="_blank"
      rel="noopener noreferrer"
      data-testid="file"
      aria-label={t('downloadFile', { name: file.name ?? '' })}
    >
      {inside}
      <Icon name="download" size={20} />
    </a>
  );
}

/** How far the upload is, with the way to end it. */
function UploadState({ handset, record }: { handset: Handset; record: MessageRecord }): JSX.Element {
  const total = record.upload?.sizeBytes ?? 0;
  const sent = handset.files.progress.value.get(record.messageId);
  const share = sent === undefined ? undefined : total > 0 ? sent / total : 1;
  if (record.state === 'failed') return <p class="upload-problem">{problemText(record)}</p>;
  return (
    <div class="upload" data-testid="upload">
      <progress
        aria-label={t('uploading', { name: record.upload?.name ?? '' })}
        max={1}
        {...(share === undefined ? {} : { value: share })}
      />
      <span class="upload-text">
        {share === undefined
          ? t('uploadWaiting')
          : `${percent(share)} · ${sizeText(sent ?? 0)} / ${sizeText(total)}`}
      </span>
      <button
        type="button"
        class="text-button"
        data-testid="cancel-upload"
        onClick={() => void handset.files.cancel(record)}
      >
        {t('cancel')}
      </button>
    </div>
  );
}

function problemText({ reason }: MessageRecord): string {
  switch (reason) {
    case FILE_LOST:
      return t('fileLost');
    case '413':
      return t('fileRefusedSize');
    case '415':
      return t('fileRefusedType');
    case '507':
      return t('fileRefusedRoom');
    default:
      return t('fileRefused', { reason: reason ?? '' });
  }
}

interface LocalFile {
  readonly file: Blob;
  readonly url: string;
}

/** The bytes of an own file, while this page or the store has them. */
function useLocalFile(handset: Handset, record: MessageRecord): LocalFile | undefined {
  const local = useSignal<LocalFile | undefined>(undefined);
  useEffect(() => {
    let url: string | undefined;
    let gone = false;
    void handset.files.local(record).then((file) => {
      if (!file || gone) return;
      url = URL.createObjectURL(file);
      local.value = { file, url };
    });
    return () => {
      gone = true;
      if (url) URL.revokeObjectURL(url);
    };
  }, [record.messageId]);
  return local.value;
}

export function isPicture({ contentType }: FileInfo): boolean {
  return contentType.startsWith('image/');
}

/** RFC 3339; a date that can't be read never expires. */
export function isExpired({ until }: FileInfo): boolean {
  return until !== undefined && Date.parse(until) < Date.now();
}

function expiryText(until: string): string | false {
  const at = Date.parse(until);
  return !Number.isNaN(at) && t('expires', { date: expiryDate(at) });
}

/** `PDF` for report.pdf, else what the type says. */
function typeName({ name, contentType }: FileInfo): string {
  const extension = /\.([A-Za-z0-9]{1,8})$/.exec(name ?? '')?.[1];
  return (extension ?? contentType.split('/')[1] ?? '').toUpperCase().slice(0, 12);
}

function fileIcon(contentType: string): IconName {
  if (contentType.startsWith('image/')) return 'image';
  if (contentType.startsWith('video/')) return 'video';
  return contentType.startsWith('audio/') ? 'mic' : 'file';
}
