/** A party's picture: the icon of a chatbot or group, or the last digits of a number on a colour of its own. */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Handset } from '../handset/handset';
import { type Address, e164, isGroup } from '../rcs/address';
import { Icon } from './icons';

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
  const failed = useSignal('');
  const chatbot = handset.directory.get(peer);
  const number = e164(peer);
  const style = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.36)}px` };
  const icon = chatbot?.icon ?? (isGroup(peer) ? handset.archive.group(peer)?.icon : undefined);
  if (icon && failed.value !== icon) {
    return (
      <img
        class="avatar"
        style={style}
        src={icon}
        alt=""
        referrerpolicy="no-referrer"
        onError={() => {
          failed.value = icon;
        }}
      />
    );
  }
  if (isGroup(peer)) {
    return (
      <span class={`avatar hue-${hue(peer)}`} style={style} aria-hidden="true">
        <Icon name="people" size={Math.round(size * 0.55)} />
      </span>
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
export function hue(peer: Address): number {
  let sum = 0;
  for (const c of peer) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return sum % HUES;
}
