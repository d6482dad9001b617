/** Who is in a group: the conference event package, `application/conference-info+xml` (RFC 4575). */
import { type Address, parseAddress } from './address';
import { children, descendant, descendantText, parseXml } from './xml';

export const CONFERENCE_INFO = 'application/conference-info+xml';

/** More members than this are not shown: the server's limit is far below. */
const USERS_MAX = 1000;

export interface ConferenceUser {
  readonly address: Address;
  /** Gone: nothing else is known of them. */
  readonly isDeleted: boolean;
  readonly name: string | undefined;
  readonly isAdmin: boolean;
  /** Invited, and not there yet. */
  readonly isPending: boolean;
}

export interface ConferenceInfo {
  readonly version: number;
  /** A partial document tells only what has changed. */
  readonly isFull: boolean;
  /** `undefined`: nothing was said of it. Empty: there is none. */
  readonly subject: string | undefined;
  /** The same for the icon: whose `url` is empty when there is none any more. */
  readonly icon: GroupIcon | undefined;
  readonly users: readonly ConferenceUser[];
}

export interface GroupIcon {
  /** HTTP or HTTPS, or empty. */
  readonly url: string;
  /** Who changed it last, if that is known. */
  readonly by: Address | undefined;
}

export function parseConferenceInfo(text: string): ConferenceInfo | undefined {
  const root = parseXml(text);
  if (root?.localName !== 'conference-info') return undefined;
  const version = Number(root.getAttribute('version') ?? Number.NaN);
  const list = descendant(root, 'users');
  const users = list ? children(list, 'user').slice(0, USERS_MAX).map(readUser) : [];
  const subject = descendant(root, 'subject')?.textContent?.trim();
  return {
    version: Number.isSafeInteger(version) ? version : 0,
    isFull: (root.getAttribute('state') ?? 'full') === 'full',
    subject: subject?.slice(0, 255),
    icon: readIcon(descendant(root, 'conference-description')),
    users: users.filter((user) => user !== undefined),
  };
}

function readIcon(description: Element | undefined): GroupIcon | undefined {
  const [icon] = description ? children(description, 'icon') : [];
  if (!icon) return undefined;
  const url = descendantText(icon, 'icon-uri') ?? '';
  return {
    url: /^https?:\/\//i.test(url) ? url.slice(0, 1024) : '',
    by: parseAddress(descendantText(icon, 'participant') ?? ''),
  };
}

function readUser(element: Element): ConferenceUser | undefined {
  const address = parseAddress(element.getAttribute('entity') ?? '');
  if (!address) return undefined;
  const statuses = children(element, 'endpoint').map((endpoint) => descendantText(endpoint, 'status'));
  const roles = descendant(element, 'roles');
  const entries = roles
    ? children(roles, 'entry').map((entry) => entry.textContent?.trim().toLowerCase())
    : [];
  return {
    address,
    isDeleted: element.getAttribute('state') === 'deleted',
    name: descendantText(element, 'display-text')?.slice(0, 80),
    // CPM calls an administrator chairman.
    isAdmin: entries.some((entry) => entry === 'admin' || entry === 'chairman'),
    isPending: statuses.length > 0 && !statuses.includes('connected'),
  };
}
