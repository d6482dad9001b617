/** The suggestions under the newest message. They vanish with the answer or with the next message. */
import type { JSX } from 'preact';
import type { Suggestion } from '../rcs/bot/suggestion';
import { t } from './i18n';
import { Icon } from './icons';
import { suggestionIcon } from './suggestion_icon';

interface Props {
  readonly suggestions: readonly Suggestion[];
  /** What a tap does. */
  onTap(suggestion: Suggestion): void;
}

export function Chips({ suggestions, onTap }: Props): JSX.Element | null {
  if (suggestions.length === 0) return null;
  return (
    <fieldset class="chips">
      <legend class="sr-only">{t('suggestions')}</legend>
      {suggestions.map((suggestion, i) => {
        const icon = suggestionIcon(suggestion);
        return (
          <button key={i} type="button" class="chip" data-testid="chip" onClick={() => onTap(suggestion)}>
            {icon && <Icon name={icon} size={18} />}
            {suggestion.displayText}
          </button>
        );
      })}
    </fieldset>
  );
}
