/** A party's picture: the chatbot's icon, or the last digits of a number on a colour of its own. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, e164 } from '../rcs/address';

const HUES = 8;

export function Avatar({
  handset,
  peer,
  size,
}: {
  handset: Handset;
  peer: Address;
  size: number;
}): JSX.Element {
  const failed = useSignal(false);
  const chatbot = handset.directory.get(peer);
  const number = e164(peer);
  const style = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.36)}px` };
  const icon = chatbot?.icon;
  if (icon && !failed.value) {
    return (
      <img
        class="avatar"
        style={style}
        src={icon}
        alt=""
        referrerpolicy="no-referrer"
        onError={() => {
          failed.value = true;
        }}
      />
    );
  }
  const text = number === undefined ? handset.directory.name(peer).slice(0, 1) : number.slice(-2);
  return (
    <span class={`avatar hue-${hue(peer)}`} style={style} aria-hidden="true">
      {text}
    </span>
  );
}

/** The same colour for the same party every time. */
function hue(peer: Address): number {
  let sum = 0;
  for (const c of peer) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return sum % HUES;
}
