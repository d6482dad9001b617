/** Reading JSON that others wrote: every value is `unknown` until looked at, and nothing is trusted. */

/** Longest JSON body that we read; a carousel of twelve full cards stays below it. */
const JSON_MAX = 512 * 1024;

export type JsonObject = { readonly [member: string]: unknown };

/** Parses a JSON object; `undefined` when it is too long, not JSON, or not an object. */
export function parseJsonObject(text: string): JsonObject | undefined {
  if (text.length > JSON_MAX) return undefined;
  try {
    return object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export function object(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

export function array(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A non-empty string, cut at `max` Unicode characters. */
export function text(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return value.length <= max ? value : [...value].slice(0, max).join('');
}

export function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
