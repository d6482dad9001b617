/** What the server tells a handset before it signs in (`GET /handset/config.json`). */
import { type Address, parseAddress } from '../rcs/address';
import { array, object, parseJsonObject, text } from '../rcs/bot/json';
import { httpUrl } from '../rcs/file_transfer';

export interface KnownChatbot {
  readonly id: Address;
  readonly name: string | undefined;
  readonly icon: string | undefined;
  readonly verified: boolean;
}

/** The content server, where files go. */
export interface ContentServer {
  /** Absolute. */
  readonly uploadUri: string;
  /** How the server begins the URLs of its files; this page may know it by another name. */
  readonly downloadPrefix: string | undefined;
  readonly maxBytes: number;
  readonly maxThumbnailBytes: number;
}

export interface HandsetConfig {
  readonly domain: string;
  /** Absolute `ws:` or `wss:` URL. */
  readonly webSocket: string;
  readonly chatbots: readonly KnownChatbot[];
  /** Where groups are made; absent when the server has none. */
  readonly conferenceFactory: Address | undefined;
  /** Absent when the server takes no files. */
  readonly content: ContentServer | undefined;
}

/** Where the server names no limits. */
const MAX_BYTES = 100 * 1024 * 1024;
const MAX_THUMBNAIL_BYTES = 50 * 1024;

const KEPT = 'hongyan.config';

/**
 * Fetches and reads it. Without an answer the last one is good enough: the history can be read offline.
 * Throws when there never was one.
 */
export async function loadConfig(): Promise<HandsetConfig> {
  const base = window.location.href;
  let body: string | undefined;
  try {
    const response = await fetch('/handset/config.json', { cache: 'no-cache' });
    if (response.ok) body = await response.text();
  } catch {
    // No network: the kept one is tried below.
  }
  const fresh = body === undefined ? undefined : parseConfig(body, base);
  if (body !== undefined && fresh) localStorage.setItem(KEPT, body);
  const config = fresh ?? parseConfig(localStorage.getItem(KEPT) ?? '', base);
  if (!config) throw new Error('no handset configuration');
  return config;
}

export function parseConfig(body: string, base: string): HandsetConfig | undefined {
  const root = parseJsonObject(body);
  const domain = text(root?.domain, 255)?.toLowerCase();
  const path = text(root?.sipWebSocket, 1024);
  if (!root || domain === undefined || path === undefined) return undefined;
  const webSocket = new URL(path, base);
  webSocket.protocol = webSocket.protocol === 'https:' || webSocket.protocol === 'wss:' ? 'wss:' : 'ws:';
  webSocket.hash = '';
  const chatbots = readChatbots(root.chatbots, base);
  return {
    domain,
    webSocket: webSocket.href,
    chatbots,
    conferenceFactory: parseAddress(text(root.conferenceFactory, 512) ?? ''),
    content: readContentServer(root.content, base),
  };
}

/** A list of chatbots, as the configuration and the directory have them. */
export function readChatbots(list: unknown, base: string): KnownChatbot[] {
  return array(list)
    .map((entry) => readChatbot(object(entry) ?? {}, base))
    .filter((chatbot) => chatbot !== undefined);
}

function readContentServer(value: unknown, base: string): ContentServer | undefined {
  const entry = object(value);
  const path = text(entry?.uploadUri, 2048);
  if (!entry || path === undefined) return undefined;
  const uploadUri = httpUrl(new URL(path, base).href);
  const limit = (bytes: unknown, otherwise: number) =>
    typeof bytes === 'number' && bytes > 0 ? bytes : otherwise;
  if (uploadUri === undefined) return undefined;
  return {
    uploadUri,
    downloadPrefix: httpUrl(entry.downloadPrefix),
    maxBytes: limit(entry.maxBytes, MAX_BYTES),
    maxThumbnailBytes: limit(entry.maxThumbnailBytes, MAX_THUMBNAIL_BYTES),
  };
}

/** A file of the content server by the name that this page knows the server by: then the page may read it. */
export function onOwnOrigin(url: string, { uploadUri, downloadPrefix }: ContentServer): string {
  if (downloadPrefix === undefined || !url.startsWith(downloadPrefix)) return url;
  const { pathname } = new URL(downloadPrefix);
  return new URL(pathname + url.slice(downloadPrefix.length), uploadUri).href;
}

function readChatbot(entry: { readonly [member: string]: unknown }, base: string): KnownChatbot | undefined {
  const id = parseAddress(text(entry.id, 512) ?? '');
  const icon = text(entry.icon, 2048);
  const verified = entry.verified === true;
  return id && { id, name: text(entry.name, 100), icon: icon && new URL(icon, base).href, verified };
}
