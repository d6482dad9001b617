/** Calendar events as iCalendar text (RFC 5545). */

export interface CalendarEvent {
  readonly start: Date;
  readonly end: Date;
  readonly title: string;
  readonly description: string | undefined;
}

/** A calendar with one event; `uid` makes an import repeatable, `stamp` is when the text was made. */
export function writeICalendar(event: CalendarEvent, uid: string, stamp: Date): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Hongyan//Web handset//EN',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    `DTSTAMP:${dateTime(stamp)}`,
    `DTSTART:${dateTime(event.start)}`,
    `DTEND:${dateTime(event.end)}`,
    `SUMMARY:${escapeText(event.title)}`,
    ...(event.description === undefined ? [] : [`DESCRIPTION:${escapeText(event.description)}`]),
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ];
  return lines.map(fold).join('\r\n');
}

function dateTime(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** RFC 5545 §3.3.11. */
function escapeText(text: string): string {
  return text.replace(/[\\;,]/g, (c) => `\\${c}`).replace(/\r?\n/g, '\\n');
}

/** RFC 5545 §3.1: at most 75 octets a line, cut between characters. */
function fold(line: string): string {
  const encoder = new TextEncoder();
  let folded = '';
  let octets = 0;
  for (const character of line) {
    const size = encoder.encode(character).length;
    if (octets + size > 75) {
      folded += '\r\n ';
      octets = 1;
    }
    folded += character;
    octets += size;
  }
  return folded;
}
