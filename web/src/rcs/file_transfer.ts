/** Files over HTTP: `application/vnd.gsma.rcs-ft-http+xml`. The message carries links, not the bytes. */
import { children, descendant, descendantText, parseXml } from './xml';

const AUDIO_NAMESPACE = 'urn:gsma:params:xml:ns:rcs:rcs:rram';
/** MaxTimeAudioMessage of RCC.07: a playing length above it is in milliseconds, one up to it in seconds. */
const PLAYING_MAX_S = 600;

export interface FileInfo {
  /** Only http and https get this far. */
  readonly url: string;
  readonly contentType: string;
  readonly sizeBytes: number | undefined;
  readonly name: string | undefined;
  /** RFC 3339 text: the link is dead afterwards. */
  readonly until: string | undefined;
  /** Recordings: how long they play. */
  readonly playingMs: number | undefined;
  /** Meant to be played or shown at once rather than saved: a voice message, together with `playingMs`. */
  readonly render: boolean;
}

export interface FileTransfer {
  readonly file: FileInfo;
  readonly thumbnail: FileInfo | undefined;
}

export function parseFileTransfer(text: string): FileTransfer | undefined {
  const root = parseXml(text);
  if (root?.localName !== 'file') return undefined;
  const infos = children(root, 'file-info').slice(0, 8);
  const read = (type: string) => {
    const element = infos.find((info) => (info.getAttribute('type') ?? 'file') === type);
    return element && parseFileInfo(element);
  };
  const file = read('file');
  return file && { file, thumbnail: read('thumbnail') };
}

/** How much of an interrupted upload the content server has, and where the rest goes. */
export interface ResumeInfo {
  /** The last byte that arrived, counted from 0; −1 when none did. */
  readonly endByte: number;
  /** Absolute, or relative to where the file is uploaded. */
  readonly url: string;
}

export function parseResumeInfo(text: string): ResumeInfo | undefined {
  const root = parseXml(text);
  if (root?.localName !== 'file-resume-info') return undefined;
  const range = descendant(root, 'file-range');
  const end = count(range?.getAttribute('end') ?? undefined);
  const url = descendant(root, 'data')?.getAttribute('url')?.trim();
  if (!range || !url || url.length > 2048) return undefined;
  // An empty range is written as end 0 from start 1, or left out.
  const isEmpty = end === undefined || (end === 0 && range.getAttribute('start') !== '0');
  return { endByte: isEmpty ? -1 : end, url };
}

/**
 * The document of an uploaded file as that of a voice message, which the content server can't know: to be
 * rendered, with its playing length in milliseconds. Text that is no such document stays as it is.
 */
export function asVoiceMessage(text: string, playingMs: number): string {
  const root = parseXml(text);
  const file = root && children(root, 'file-info').find((info) => info.getAttribute('type') !== 'thumbnail');
  if (!root || !file) return text;
  file.setAttribute('file-disposition', 'render');
  descendant(file, 'playing-length')?.remove();
  const length = root.ownerDocument.createElementNS(AUDIO_NAMESPACE, 'am:playing-length');
  length.textContent = String(Math.round(playingMs));
  file.insertBefore(length, descendant(file, 'data') ?? null);
  const written = new XMLSerializer().serializeToString(root);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${written}`;
}

/** A link that may be followed or loaded: absolute http or https, nothing else. */
export function httpUrl(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > 2048) return undefined;
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function parseFileInfo(element: Element): FileInfo | undefined {
  const data = descendant(element, 'data');
  const url = httpUrl(data?.getAttribute('url')?.trim());
  if (!data || url === undefined) return undefined;
  return {
    url,
    contentType: descendantText(element, 'content-type')?.toLowerCase() ?? 'application/octet-stream',
    sizeBytes: count(descendantText(element, 'file-size')),
    name: descendantText(element, 'file-name')?.slice(0, 255),
    until: data.getAttribute('until') ?? undefined,
    playingMs: milliseconds(count(descendantText(element, 'playing-length'))),
    render: disposition(element) === 'render',
  };
}

/** Senders write the attribute with and without the prefix of the extension. */
function disposition(element: Element): string | undefined {
  return [...element.attributes]
    .find(({ localName }) => localName === 'file-disposition')
    ?.value.toLowerCase();
}

function milliseconds(length: number | undefined): number | undefined {
  return length !== undefined && length <= PLAYING_MAX_S ? length * 1000 : length;
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
