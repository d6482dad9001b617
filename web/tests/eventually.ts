import { vi } from 'vitest';

/** Asks again until it holds. Vitest's own patience is a second, which a busy machine may need for less. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 50_000 });
}
