/** Two to twelve cards side by side: swiped on a phone, with arrow buttons and arrow keys on a desktop. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Carousel } from '../rcs/bot/card';
import type { Suggestion } from '../rcs/bot/suggestion';
import { CardParts } from './card';
import { t } from './i18n';
import { Icon } from './icons';

interface Props {
  readonly carousel: Carousel;
  /** What a tap on a button does. */
  onTap(suggestion: Suggestion): void;
}

export function CarouselView({ carousel, onTap }: Props): JSX.Element {
  const track = useRef<HTMLDivElement>(null);
  const atStart = useSignal(true);
  const atEnd = useSignal(false);
  const look = () => {
    const element = track.current;
    if (!element) return;
    atStart.value = element.scrollLeft < 8;
    atEnd.value = element.scrollLeft + element.clientWidth > element.scrollWidth - 8;
  };
  useEffect(() => {
    const observer = new ResizeObserver(look);
    if (track.current) observer.observe(track.current);
    return () => observer.disconnect();
  }, []);
  /** By one card, `direction` −1 or 1. */
  const step = (direction: number) => {
    const slide = track.current?.firstElementChild;
    if (slide) track.current?.scrollBy({ left: direction * (slide.clientWidth + 8), behavior: 'smooth' });
  };
  const n = carousel.contents.length;
  return (
    <section
      class={`carousel is-${carousel.width}`}
      aria-roledescription="carousel"
      aria-label={t('cards')}
      data-testid="carousel"
    >
      <div
        ref={track}
        class="carousel-track"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard.
        tabIndex={0}
        role="group"
        aria-label={t('cards')}
        onScroll={look}
        onKeyDown={(event) => {
          const direction = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
          if (direction === 0 || event.target !== track.current) return;
          event.preventDefault();
          step(direction);
        }}
      >
        {carousel.contents.map((content, i) => (
          <article
            key={i}
            class="card"
            data-testid="card"
            aria-roledescription="slide"
            aria-label={t('cardOf', { i: i + 1, n })}
          >
            <CardParts content={content} fonts={carousel} onTap={onTap} />
          </article>
        ))}
      </div>
      {!atStart.value && (
        <button
          type="button"
          class="carousel-arrow is-previous"
          aria-label={t('previousCard')}
          onClick={() => step(-1)}
        >
          <Icon name="back" size={18} />
        </button>
      )}
      {!atEnd.value && (
        <button
          type="button"
          class="carousel-arrow is-next"
          aria-label={t('nextCard')}
          onClick={() => step(1)}
        >
          <Icon name="next" size={18} />
        </button>
      )}
    </section>
  );
}
