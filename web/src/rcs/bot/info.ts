/** A chatbot's profile and persistent menu, as `GET /bot?id=…` gives them. */
import { httpUrl } from '../file_transfer';
import { array, type JsonObject, object, parseJsonObject, text } from './json';
import { readSuggestion, type Suggestion } from './suggestion';

const MENU_ENTRIES_MAX = 5;
const MENU_LEVELS_MAX = 3;

export type MenuEntry =
  | Suggestion
  | { readonly kind: 'menu'; readonly displayText: string; readonly entries: readonly MenuEntry[] };

export interface ChatbotInfo {
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly icon: string | undefined;
  /** `#rrggbb`, lower case. */
  readonly colour: string | undefined;
  readonly backgroundImage: string | undefined;
  readonly provider: string | undefined;
  readonly website: string | undefined;
  readonly terms: string | undefined;
  readonly email: string | undefined;
  readonly phone: string | undefined;
  readonly address: string | undefined;
  readonly categories: readonly string[];
  readonly verified: boolean;
  readonly verifiedBy: string | undefined;
  readonly menu: readonly MenuEntry[];
}

export function parseChatbotInfo(body: string): ChatbotInfo | undefined {
  const root = parseJsonObject(body);
  const info = object(root?.botinfo);
  if (!root || !info) return undefined;
  const organisation = object(object(info.pcc)?.['org-details']) ?? {};
  const verification = object(object(root['bot-verification'])?.['verification-info']);
  return {
    name: text(object(array(organisation['org-name'])[0])?.['display-name'], 100),
    description: text(organisation['org-description'], 500),
    icon: mediaUrl(organisation, 'icon'),
    colour: colour(info.colour),
    backgroundImage: httpUrl(info.backgroundImage),
    provider: text(info.provider, 100),
    website: httpUrl(info.website),
    terms: httpUrl(info.TCPage),
    email: email(info, organisation),
    phone: text(object(object(object(organisation['comm-addr'])?.tel)?.['tel-nb'])?.['tel-str'], 32),
    address: text(object(array(object(info.address)?.['address-entry'])[0])?.['addr-string'], 200),
    categories: array(object(organisation['category-list'])?.['category-entry'])
      .map((category) => text(category, 50))
      .filter((category) => category !== undefined)
      .slice(0, 15),
    verified: verification?.verified === true,
    verifiedBy: text(verification?.['verified-by'], 100),
    menu: readMenu(object(root['persistent-menu'])?.menu, 1),
  };
}

function readMenu(value: unknown, level: number): MenuEntry[] {
  if (level > MENU_LEVELS_MAX) return [];
  return array(object(value)?.entries)
    .slice(0, MENU_ENTRIES_MAX)
    .map((entry) => readMenuEntry(entry, level))
    .filter((entry) => entry !== undefined);
}

function readMenuEntry(value: unknown, level: number): MenuEntry | undefined {
  const submenu = object(object(value)?.menu);
  if (!submenu) return readSuggestion(value);
  const displayText = text(submenu.displayText, 25);
  const entries = readMenu(submenu, level + 1);
  return displayText === undefined || entries.length === 0
    ? undefined
    : { kind: 'menu', displayText, entries };
}

function mediaUrl(organisation: JsonObject, label: string): string | undefined {
  const entries = array(object(organisation['media-list'])?.['media-entry']).map(object);
  const entry = entries.find((candidate) => text(candidate?.label, 50)?.toLowerCase() === label);
  return httpUrl(object(entry?.media)?.['media-url']);
}

function email(info: JsonObject, organisation: JsonObject): string | undefined {
  const direct = text(info.email, 100);
  const entries = array(object(organisation['comm-addr'])?.['uri-entry']).map(object);
  const entry = entries.find((candidate) => text(candidate?.label, 50)?.toLowerCase() === 'email');
  const address = direct ?? text(entry?.['addr-uri'], 100)?.replace(/^mailto:/i, '');
  return address && /^[^\s@<>]+@[^\s@<>]+$/.test(address) ? address : undefined;
}

function colour(value: unknown): string | undefined {
  const hex = text(value, 20);
  return hex !== undefined && /^#[0-9a-f]{6}$/i.test(hex) ? hex.toLowerCase() : undefined;
}
