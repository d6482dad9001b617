/** Icons, drawn for a 24 × 24 grid with a 1.75 stroke, and the wild goose. */
import type { JSX } from 'preact';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  down: 'M5 9l7 7 7-7',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  compose: 'M4 20h4L19.5 8.5a2.1 2.1 0 0 0-3-3L5 17v3M14.5 7.5l3 3',
  settings:
    'M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM19.4 13.6a7.6 7.6 0 0 0 0-3.2l2-1.5-2-3.5-2.4 1a7.6 7.6 0 0 0-2.7-1.6L14 2.2h-4l-.3 2.6A7.6 7.6 0 0 0 7 6.4l-2.4-1-2 3.5 2 1.5a7.6 7.6 0 0 0 0 3.2l-2 1.5 2 3.5 2.4-1a7.6 7.6 0 0 0 2.7 1.6l.3 2.6h4l.3-2.6a7.6 7.6 0 0 0 2.7-1.6l2.4 1 2-3.5z',
  send: 'M5 12l-1.2-7.2a.6.6 0 0 1 .9-.6L20.4 11.5a.6.6 0 0 1 0 1.1L4.7 19.8a.6.6 0 0 1-.9-.6zM5 12h7',
  menu: 'M4 7h16M4 12h16M4 17h10',
  pin: 'M12 21s-7-6.3-7-11.3a7 7 0 0 1 14 0C19 14.7 12 21 12 21zM12 12.3a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2z',
  phone:
    'M5.5 4h3l1.6 4.2-2 1.6a12 12 0 0 0 6.1 6.1l1.6-2L20 15.5v3A1.8 1.8 0 0 1 18 20.3 15.6 15.6 0 0 1 3.7 6 1.8 1.8 0 0 1 5.5 4z',
  video:
    'M4 7.5A1.5 1.5 0 0 1 5.5 6h8A1.5 1.5 0 0 1 15 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-8A1.5 1.5 0 0 1 4 16.5zM15 10.5l5-3v9l-5-3',
  calendar: 'M5 6.5h14v13H5zM5 10.5h14M9 4v4M15 4v4',
  block: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM6 6l12 12',
  globe:
    'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3.5 12h17M12 3c2.5 2.6 3.7 5.6 3.7 9s-1.2 6.4-3.7 9c-2.5-2.6-3.7-5.6-3.7-9S9.5 5.6 12 3z',
  mic: 'M12 14.5a3 3 0 0 0 3-3v-5a3 3 0 0 0-6 0v5a3 3 0 0 0 3 3zM6 11.5a6 6 0 0 0 12 0M12 17.5V21',
  device: 'M7.5 3.5h9v17h-9zM11 17.8h2',
  shield: 'M12 3l7 2.6v5.2c0 4.6-2.8 8-7 10.2-4.2-2.2-7-5.6-7-10.2V5.6zM9 12l2.2 2.2L15.2 10',
  info: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 7.8v.1',
  search: 'M10.8 17.6a6.8 6.8 0 1 0 0-13.6 6.8 6.8 0 0 0 0 13.6zM15.8 15.8L20.5 20.5',
  clock: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.3l2.7 1.7',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  checks: 'M2.5 12.8l4 4L15 8M10.5 15.6l1.2 1.2L20.5 8',
  alert: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 8v4.8M12 16v.1',
  file: 'M7 3.5h7l4 4v13H7zM13.5 3.5v4.5H18',
  image: 'M4 5.5h16v13H4zM4 15.5l4.5-4 3.5 3 3-2.5 5 4.5M9 10a1.3 1.3 0 1 0 0-2.6A1.3 1.3 0 0 0 9 10z',
  copy: 'M9 9h10.5v11H9zM15 9V4.5H4.5v11H9',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z',
  eyeOff:
    'M4 4l16 16M9.7 5.9A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6.3 7.6A16.5 16.5 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4.3-1.1',
  external: 'M14 4.5h5.5V10M19.5 4.5L11 13M17 13.5v6H4.5V7h6',
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 6v12M15.5 6v12',
  download: 'M12 4v11M7 10.5l5 5 5-5M5 19.5h14',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v5.5M13.7 10.5v5.5',
  smile: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.5 14a4.2 4.2 0 0 0 7 0M9.3 9.8v.1M14.7 9.8v.1',
  more: 'M12 6v.1M12 12v.1M12 18v.1',
  people:
    'M9 11.5a3.3 3.3 0 1 0 0-6.6 3.3 3.3 0 0 0 0 6.6zM2.8 19.5a6.2 6.2 0 0 1 12.4 0M15.5 5.2a3.2 3.2 0 0 1 0 6M17 14a6 6 0 0 1 4.2 5.5',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0',
  userPlus: 'M10 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 20a6.5 6.5 0 0 1 13 0M19 7.5v6M16 10.5h6',
  up: 'M5 15l7-7 7 7',
  undo: 'M8 5L4 9l4 4M4 9h9.5a5.5 5.5 0 0 1 0 11H9',
  bell: 'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 2h-15zM10 20.5a2.2 2.2 0 0 0 4 0',
  reply: 'M10 7L5 12l5 5M5 12h8a6 6 0 0 1 6 6',
  leave: 'M14 4.5H5v15h9M10 12h10M16.5 8.5L20 12l-3.5 3.5',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration only: whatever holds it has the name. */
export function Icon({ name, size = 22 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of Hongyan: a goose in flight before the moon. */
export function Goose({ size }: { size: number }): JSX.Element {
  return <img class="goose" src="/icon.svg" width={size} height={size} alt="" />;
}

/** A tick in a seal: the chatbot's owner has been checked. */
export function VerifiedMark({ label }: { label: string }): JSX.Element {
  return (
    <svg class="verified" width="16" height="16" viewBox="0 0 24 24" role="img" aria-label={label}>
      <title>{label}</title>
      <path d="M12 2l2.6 2 3.2-.2.9 3.1 2.7 1.8-1.1 3 1.1 3-2.7 1.8-.9 3.1-3.2-.2L12 22l-2.6-2.6-3.2.2-.9-3.1-2.7-1.8 1.1-3-1.1-3 2.7-1.8.9-3.1 3.2.2z" />
      <path d="M8.3 12.2l2.6 2.6 4.8-5.2" class="tick" />
    </svg>
  );
}
