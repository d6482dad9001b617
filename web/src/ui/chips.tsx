/** The suggestions under the newest message. They vanish with the answer or with the next message. */
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import type { Address } from '../rcs/address';
import type { Suggestion } from '../rcs/bot/suggestion';
import { answer, suggestionIcon } from './actions';
import { t } from './i18n';
import { Icon } from './icons';

interface Props {
  readonly handset: Handset;
  readonly peer: Address;
  readonly suggestions: readonly Suggestion[];
  /** Called at the tap that sends an answer, so that a second tap finds no chip. */
  onAnswered(): void;
}

export function Chips({ handset, peer, suggestions, onAnswered }: Props): JSX.Element | null {
  if (suggestions.length === 0) return null;
  return (
    <fieldset class="chips">
      <legend class="sr-only">{t('suggestions')}</legend>
      {suggestions.map((suggestion, i) => {
        const icon = suggestionIcon(suggestion);
        return (
          <button
            key={i}
            type="button"
            class="chip"
            data-testid="chip"
            onClick={() => {
              if (answer(handset, peer, suggestion)) onAnswered();
            }}
          >
            {icon && <Icon name={icon} size={18} />}
            {suggestion.displayText}
          </button>
        );
      })}
    </fieldset>
  );
}
