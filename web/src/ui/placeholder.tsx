/** Stands where a picture or a recording should be and isn't. */
import type { JSX } from 'preact';
import { Icon } from './icons';

export function Placeholder({ text }: { text: string }): JSX.Element {
  return (
    <span class="placeholder">
      <Icon name="image" size={28} />
      <span>{text}</span>
    </span>
  );
}
