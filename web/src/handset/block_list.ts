/** Whom the user wants to hear nothing from: a list that the server keeps, for all devices. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { type Authority, authorized, isOk } from '../http/authorized';
import type { HttpRequest } from '../http/transport';
import { type Address, parseAddress, userPart } from '../rcs/address';
import { array, object, text } from '../rcs/bot/json';

const PATH = '/handset/v1/blocked';
const WAIT_MS = 15_000;

export class BlockList {
  /** `undefined` until the server has told, and where it keeps no such list. */
  readonly blocked: ReadonlySignal<ReadonlySet<Address> | undefined>;

  private readonly known = signal<ReadonlySet<Address> | undefined>(undefined);

  constructor(
    private readonly authority: Authority,
    /** Of this page: the list is on the server that it came from. */
    private readonly origin: string,
  ) {
    this.blocked = this.known;
  }

  async load(): Promise<void> {
    const answer = await this.ask('GET', PATH);
    if (isOk(answer)) this.known.value = parseBlockList(answer.body);
    else if (answer.status === 404 || answer.status === 405) this.known.value = undefined;
  }

  /** Whether the server has done it. */
  async set(party: Address, isBlocked: boolean): Promise<boolean> {
    const path = `${PATH}/${encodeURIComponent(party.startsWith('tel:') ? userPart(party) : party)}`;
    const answer = await this.ask(isBlocked ? 'PUT' : 'DELETE', path);
    // Not blocked is what was wanted.
    const isDone = isOk(answer) || (!isBlocked && answer.status === 404);
    if (isDone) {
      const blocked = new Set(this.known.value);
      if (isBlocked) blocked.add(party);
      else blocked.delete(party);
      this.known.value = blocked;
    }
    return isDone;
  }

  private ask(method: HttpRequest['method'], path: string) {
    const url = new URL(path, this.origin).href;
    return authorized(this.authority, { method, url, signal: AbortSignal.timeout(WAIT_MS) }).catch(() => ({
      status: 0,
      header: () => undefined,
      body: '',
    }));
  }
}

/** `[{"address": …, "since": …}]`; `undefined` when it is no list. */
export function parseBlockList(body: string): ReadonlySet<Address> | undefined {
  try {
    const list: unknown = JSON.parse(body);
    if (!Array.isArray(list)) return undefined;
    const addresses = array(list).map((entry) => parseAddress(text(object(entry)?.address, 512) ?? ''));
    return new Set(addresses.filter((address) => address !== undefined));
  } catch {
    return undefined;
  }
}
