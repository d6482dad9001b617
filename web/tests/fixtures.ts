/** Real bytes that Rust and TypeScript both read, and our own beside the tests. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** A shared fixture as text, for example `rcs/cpim/chat.cpim`. */
export function fixture(path: string): string {
  return readFileSync(resolve(import.meta.dirname, '../../fixtures', path), 'utf8');
}
