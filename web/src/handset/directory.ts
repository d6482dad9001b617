/**
 * Whom this handset knows: chatbots from the server's list, with their profiles as they are looked at, and people by
 * the names that the user gave them.
 */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { type Address, displayAddress, e164, isGroup, userPart } from '../rcs/address';
import { type ChatbotInfo, parseChatbotInfo } from '../rcs/bot/info';
import { parseJsonObject } from '../rcs/bot/json';
import { type KnownChatbot, readChatbots } from './config';
import type { PersonRecord } from './records';
import type { Store } from './store';

/** Chatbots that one search shows. */
const FOUND_MAX = 20;

export interface Chatbot {
  readonly id: Address;
  readonly name: string;
  readonly icon: string | undefined;
  /** Absent until the profile has been loaded once. */
  readonly info: ChatbotInfo | undefined;
}

export class Directory {
  private readonly people = signal<ReadonlyMap<Address, PersonRecord>>(new Map());
  private readonly entries: Signal<ReadonlyMap<Address, Chatbot>>;

  /** The name of a group, which its conversation has. */
  groupName: (focus: Address) => string | undefined = () => undefined;

  constructor(
    known: readonly KnownChatbot[],
    private readonly store: Store,
  ) {
    const chatbots = known.map(({ id, name, icon }) => ({
      id,
      name: name ?? userPart(id),
      icon,
      info: undefined,
    }));
    this.entries = signal(new Map(chatbots.map((chatbot) => [chatbot.id, chatbot])));
  }

  get all(): ReadonlySignal<ReadonlyMap<Address, Chatbot>> {
    return this.entries;
  }

  /** Whether an address is a chatbot: listed, or on a chatbot platform's domain. */
  isChatbot(address: Address): boolean {
    if (e164(address) !== undefined || isGroup(address)) return false;
    return this.entries.value.has(address) || /@botplatform\./.test(address);
  }

  /** The name to show for any party. */
  name(address: Address): string {
    if (isGroup(address)) return this.groupName(address) ?? displayAddress(address);
    const given = this.people.value.get(address)?.name;
    return this.entries.value.get(address)?.name ?? (given || displayAddress(address));
  }

  /** What somebody without a name of the user's giving calls themselves. */
  claimedName(address: Address): string | undefined {
    const person = this.people.value.get(address);
    return person && person.name === '' && person.claimed !== '' ? person.claimed : undefined;
  }

  person(address: Address): PersonRecord {
    return this.people.value.get(address) ?? { address, name: '', claimed: '' };
  }

  async loadPeople(): Promise<void> {
    this.people.value = new Map((await this.store.people()).map((person) => [person.address, person]));
  }

  /** Notes what the user calls somebody, or what they call themselves. */
  async note(address: Address, names: { readonly name?: string; readonly claimed?: string }): Promise<void> {
    const known = this.person(address);
    const noted = { ...known, ...names };
    if (noted.name === known.name && noted.claimed === known.claimed) return;
    await this.store.commit([{ table: 'people', put: noted }]);
    this.people.value = new Map(this.people.value).set(address, noted);
  }

  get(address: Address): Chatbot | undefined {
    return this.entries.value.get(address);
  }

  /** The chatbot that a person means by `12306`. */
  find(service: string): Chatbot | undefined {
    const wanted = service.trim().toLowerCase();
    return [...this.entries.value.values()].find(
      ({ id, name }) =>
        userPart(id).toLowerCase() === wanted || id === wanted || name.toLowerCase() === wanted,
    );
  }

  /**
   * Asks the server which chatbots fit what somebody is looking for, the nearest first. Undefined without an answer: then
   * the list that is at hand is all there is.
   */
  async search(text: string, signal: AbortSignal): Promise<readonly KnownChatbot[] | undefined> {
    const query = new URLSearchParams({ q: text.trim(), num: String(FOUND_MAX) });
    try {
      const response = await fetch(`/directory?${query}`, { signal });
      if (!response.ok) return undefined;
      const answer = parseJsonObject(await response.text());
      return answer && readChatbots(answer.bots, location.href);
    } catch {
      return undefined;
    }
  }

  /** Takes in a chatbot that was found, so that its conversation has a name. */
  meet({ id, name, icon }: KnownChatbot): void {
    if (this.entries.value.has(id)) return;
    const chatbot: Chatbot = { id, name: name ?? userPart(id), icon, info: undefined };
    this.entries.value = new Map(this.entries.value).set(id, chatbot);
  }

  /**
   * Shows the profile that is kept, then asks the server whether it has changed (ETag). Without the server
   * the kept one stays.
   */
  async load(id: Address, language: string): Promise<void> {
    const kept = await this.store.chatbot(id, language);
    if (kept) this.show(id, parseChatbotInfo(kept.body));
    const query = new URLSearchParams({ id, hl: language, v: '1' });
    try {
      const headers = kept?.etag ? { 'If-None-Match': kept.etag } : undefined;
      const response = await fetch(`/bot?${query}`, { cache: 'no-store', ...(headers ? { headers } : {}) });
      if (!response.ok) return;
      const body = await response.text();
      const info = parseChatbotInfo(body);
      if (!info) return;
      this.show(id, info);
      await this.store.commit([
        { table: 'chatbots', put: { id, language, body, etag: response.headers.get('ETag') ?? undefined } },
      ]);
    } catch {
      // Offline: what is shown stays.
    }
  }

  private show(id: Address, info: ChatbotInfo | undefined): void {
    if (!info) return;
    const known = this.entries.value.get(id);
    const chatbot: Chatbot = {
      id,
      name: info.name ?? known?.name ?? userPart(id),
      icon: info.icon ?? known?.icon,
      info,
    };
    this.entries.value = new Map(this.entries.value).set(id, chatbot);
  }
}
