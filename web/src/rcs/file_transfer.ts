/** Files over HTTP: `application/vnd.gsma.rcs-ft-http+xml`. The message carries links, not the bytes. */
import { children, descendant, descendantText, parseXml } from './xml';

export interface FileInfo {
  /** Only http and https get this far. */
  readonly url: string;
  readonly contentType: string;
  readonly sizeBytes: number | undefined;
  readonly name: string | undefined;
  /** RFC 3339 text: the link is dead afterwards. */
  readonly until: string | undefined;
  /** Voice messages: as sent, in seconds or in milliseconds. */
  readonly playingLength: number | undefined;
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
    playingLength: count(descendantText(element, 'playing-length')),
  };
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
