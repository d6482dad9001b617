/**
 * What a message says: a content type and a body, read into one of the kinds that a handset can show.
 *
 * `parseContent` never fails; what it does not understand is `unknown` and is shown as such.
 */
import { type Card, type Carousel, parseBotMessage } from './bot/card';
import { parseSuggestionResponse, type SuggestionResponse } from './bot/response';
import { parseChipList, type Suggestion } from './bot/suggestion';
import { type FileTransfer, parseFileTransfer } from './file_transfer';
import { type Geolocation, parseGeoUri, parsePushLocation } from './geolocation';
import type { GroupEvent } from './group_event';
import * as media from './media_type';
import { decodedBody, header } from './mime';
import { parseMultipart } from './multipart';
import { type Contact, isVCard, parseVCards } from './vcard';

export type Content = (
  | { readonly kind: 'text'; readonly text: string }
  | Card
  | Carousel
  | { readonly kind: 'file'; readonly transfer: FileTransfer }
  /** A contact card in the message itself; most come as files. */
  | { readonly kind: 'contacts'; readonly contacts: readonly Contact[]; readonly card: string }
  | { readonly kind: 'location'; readonly place: Geolocation }
  | { readonly kind: 'response'; readonly response: SuggestionResponse }
  | { readonly kind: 'sharedData' }
  /** A chip list that came alone: nothing to show but the chips. */
  | { readonly kind: 'chips' }
  | { readonly kind: 'unknown'; readonly contentType: string }
  /** Nothing that anybody said: something that happened in a group. */
  | { readonly kind: 'event'; readonly event: GroupEvent }
  /** Taken back by its sender. */
  | { readonly kind: 'revoked' }
) & { readonly suggestions?: readonly Suggestion[] };

/** Longest text that is shown; the rest is cut, as a bubble is no place for a book. */
const TEXT_MAX = 20_000;

export function parseContent(contentType: string, body: string): Content {
  const type = media.parseMediaType(contentType);
  if (type.essence === media.MULTIPART_MIXED) {
    return parseMixed(body, type.parameters.get('boundary') ?? '') ?? unknown(type.essence);
  }
  return parseSingle(contentType, body);
}

function parseSingle(contentType: string, body: string): Content {
  const type = media.parseMediaType(contentType);
  switch (media.knownEssence(type)) {
    case media.TEXT_PLAIN: {
      const place = parseGeoUri(body);
      return place ? { kind: 'location', place } : { kind: 'text', text: body.slice(0, TEXT_MAX) };
    }
    case media.BOT_MESSAGE:
      return parseBotMessage(body) ?? unknown(type.essence);
    case media.BOT_SUGGESTION: {
      const suggestions = parseChipList(body);
      return suggestions ? { kind: 'chips', suggestions } : unknown(type.essence);
    }
    case media.BOT_SUGGESTION_RESPONSE: {
      const response = parseSuggestionResponse(body);
      return response ? { kind: 'response', response } : unknown(type.essence);
    }
    case media.BOT_SHARED_CLIENT_DATA:
      return { kind: 'sharedData' };
    case media.FILE_TRANSFER_HTTP: {
      const transfer = parseFileTransfer(body);
      return transfer ? { kind: 'file', transfer } : unknown(type.essence);
    }
    case media.PUSH_LOCATION: {
      const place = parsePushLocation(body);
      return place ? { kind: 'location', place } : unknown(type.essence);
    }
    default: {
      if (!isVCard(type.essence)) return unknown(type.essence);
      const contacts = parseVCards(new TextEncoder().encode(body));
      return contacts.length > 0 ? { kind: 'contacts', contacts, card: body } : unknown(type.essence);
    }
  }
}

/** All words in it that somebody may look for, in lower case. */
export function searchableText(content: Content): string {
  return wordsOf(content).filter(Boolean).join('\n').toLowerCase();
}

function wordsOf(content: Content): readonly (string | undefined)[] {
  switch (content.kind) {
    case 'text':
      return [content.text];
    case 'response':
      return [content.response.displayText];
    case 'card':
      return [content.content.title, content.content.description];
    case 'carousel':
      return content.contents.flatMap(({ title, description }) => [title, description]);
    case 'file':
      return [content.transfer.file.name];
    case 'contacts':
      return content.contacts.flatMap(({ name, numbers }) => [name, ...numbers.map(({ number }) => number)]);
    case 'location':
      return [content.place.label];
    case 'sharedData':
    case 'chips':
    case 'unknown':
    case 'event':
    case 'revoked':
      return [];
  }
}

/** A message and its chips; of several messages the first is shown. */
function parseMixed(body: string, boundary: string): Content | undefined {
  const contents = (parseMultipart(body, boundary) ?? []).map((part) =>
    parseSingle(header(part, 'Content-Type') ?? media.TEXT_PLAIN, decodedBody(part)),
  );
  const message = contents.find((content) => content.kind !== 'chips' && content.kind !== 'unknown');
  const chips = contents.find((content) => content.kind === 'chips');
  const shown = message ?? chips ?? contents[0];
  return shown && chips?.suggestions ? { ...shown, suggestions: chips.suggestions } : shown;
}

function unknown(contentType: string): Content {
  return { kind: 'unknown', contentType };
}
