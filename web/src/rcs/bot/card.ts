/** Rich cards and carousels (`application/vnd.gsma.botmessage.v1.0+json`). */
import { httpUrl } from '../file_transfer';
import { array, finite, type JsonObject, object, parseJsonObject, text } from './json';
import { readSuggestions, type Suggestion } from './suggestion';

const BUTTONS_MAX = 4;
const CAROUSEL_MAX = 12;

export type FontStyle = 'italics' | 'bold' | 'underline';

export interface CardMedia {
  readonly url: string;
  readonly contentType: string;
  readonly thumbnailUrl: string | undefined;
  readonly sizeBytes: number | undefined;
  /** 112, 168 and 264 density-independent pixels. */
  readonly height: 'short' | 'medium' | 'tall';
  /** Alternative text. */
  readonly description: string | undefined;
}

export interface CardContent {
  readonly media: CardMedia | undefined;
  readonly title: string | undefined;
  readonly description: string | undefined;
  readonly suggestions: readonly Suggestion[];
}

interface Fonts {
  readonly titleFonts: readonly FontStyle[];
  readonly descriptionFonts: readonly FontStyle[];
}

export interface Card extends Fonts {
  readonly kind: 'card';
  readonly orientation: 'vertical' | 'horizontal';
  /** Only with a horizontal card. */
  readonly imageAlignment: 'left' | 'right';
  readonly content: CardContent;
}

export interface Carousel extends Fonts {
  readonly kind: 'carousel';
  /** 120 or 232 density-independent pixels. */
  readonly width: 'small' | 'medium';
  readonly contents: readonly CardContent[];
}

/** Reads a card or a carousel; `undefined` when nothing of it could be shown. */
export function parseBotMessage(body: string): Card | Carousel | undefined {
  const message = object(parseJsonObject(body)?.message);
  const card = object(message?.generalPurposeCard);
  if (card) return readCard(card);
  const carousel = object(message?.generalPurposeCardCarousel);
  return carousel && readCarousel(carousel);
}

function readCard(card: JsonObject): Card | undefined {
  const layout = object(card.layout) ?? {};
  const content = readContent(card.content);
  return (
    content && {
      kind: 'card',
      orientation: layout.cardOrientation === 'HORIZONTAL' ? 'horizontal' : 'vertical',
      imageAlignment: layout.imageAlignment === 'RIGHT' ? 'right' : 'left',
      ...readFonts(layout),
      content,
    }
  );
}

function readCarousel(carousel: JsonObject): Carousel | undefined {
  const layout = object(carousel.layout) ?? {};
  const contents = array(carousel.content)
    .slice(0, CAROUSEL_MAX)
    .map(readContent)
    .filter((content) => content !== undefined);
  if (contents.length === 0) return undefined;
  const width = layout.cardWidth === 'SMALL_WIDTH' ? 'small' : 'medium';
  return { kind: 'carousel', width, ...readFonts(layout), contents };
}

function readContent(value: unknown): CardContent | undefined {
  const source = object(value);
  if (!source) return undefined;
  const content = {
    media: readMedia(object(source.media)),
    title: text(source.title, 200),
    description: text(source.description, 2000),
    suggestions: readSuggestions(source.suggestions, BUTTONS_MAX),
  };
  return content.media || content.title || content.description ? content : undefined;
}

function readMedia(media: JsonObject | undefined): CardMedia | undefined {
  const url = httpUrl(media?.mediaUrl);
  if (!media || url === undefined) return undefined;
  const height =
    media.height === 'SHORT_HEIGHT' ? 'short' : media.height === 'TALL_HEIGHT' ? 'tall' : 'medium';
  return {
    url,
    contentType: text(media.mediaContentType, 128)?.toLowerCase() ?? 'image/*',
    thumbnailUrl: httpUrl(media.thumbnailUrl),
    sizeBytes: finite(media.mediaFileSize),
    height,
    description: text(media.contentDescription, 200),
  };
}

function readFonts(layout: JsonObject): Fonts {
  const fonts = (value: unknown) =>
    array(value).filter(
      (name): name is FontStyle => name === 'italics' || name === 'bold' || name === 'underline',
    );
  return { titleFonts: fonts(layout.titleFontStyle), descriptionFonts: fonts(layout.descriptionFontStyle) };
}
