/** A rich card, alone or as a slide of a carousel. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Card, CardContent, CardMedia, FontStyle } from '../rcs/bot/card';
import type { Suggestion } from '../rcs/bot/suggestion';
import { t } from './i18n';
import { Icon } from './icons';
import { Linkified } from './linkify';
import { Placeholder } from './placeholder';
import { suggestionIcon } from './suggestion_icon';

interface Tapped {
  /** What a tap on a button does. */
  onTap(suggestion: Suggestion): void;
}

export function CardView({ card, onTap }: Tapped & { card: Card }): JSX.Element {
  const side = card.orientation === 'horizontal' ? ` is-horizontal is-${card.imageAlignment}` : '';
  return (
    <article class={`card${side}`} data-testid="card">
      <CardParts content={card.content} fonts={card} onTap={onTap} />
    </article>
  );
}

export function CardParts(
  props: Tapped & { content: CardContent; fonts: Pick<Card, 'titleFonts' | 'descriptionFonts'> },
): JSX.Element {
  const { content, fonts } = props;
  return (
    <>
      <div class="card-main">
        {content.media && <Media media={content.media} title={content.title} />}
        {(content.title || content.description) && (
          <div class="card-text">
            {content.title && <h3 class={fontClasses(fonts.titleFonts)}>{content.title}</h3>}
            {content.description && (
              <p class={fontClasses(fonts.descriptionFonts)}>
                <Linkified text={content.description} />
              </p>
            )}
          </div>
        )}
      </div>
      {content.suggestions.length > 0 && (
        <div class="card-buttons">
          {content.suggestions.map((suggestion, i) => (
            <CardButton key={i} suggestion={suggestion} onTap={props.onTap} />
          ))}
        </div>
      )}
    </>
  );
}

function CardButton({ suggestion, onTap }: Tapped & { suggestion: Suggestion }): JSX.Element {
  const icon = suggestionIcon(suggestion);
  return (
    <button type="button" class="card-button" onClick={() => onTap(suggestion)}>
      {icon && <Icon name={icon} size={18} />}
      <span>{suggestion.displayText}</span>
    </button>
  );
}

function Media({ media, title }: { media: CardMedia; title: string | undefined }): JSX.Element {
  const failed = useSignal(false);
  const fail = () => {
    failed.value = true;
  };
  const alt = media.description ?? title ?? '';
  return (
    <div class={`card-media is-${media.height}`}>
      {failed.value ? (
        <Placeholder text={t(media.contentType.startsWith('image/') ? 'imageFailed' : 'mediaFailed')} />
      ) : media.contentType.startsWith('video/') ? (
        <video
          controls
          preload="none"
          src={media.url}
          poster={media.thumbnailUrl}
          aria-label={alt}
          onError={fail}
        />
      ) : media.contentType.startsWith('audio/') ? (
        <audio controls preload="none" src={media.url} aria-label={alt} onError={fail} />
      ) : (
        <img
          src={media.url}
          alt={alt}
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          onError={fail}
        />
      )}
    </div>
  );
}

function fontClasses(fonts: readonly FontStyle[]): string {
  return fonts.map((font) => `font-${font}`).join(' ');
}
