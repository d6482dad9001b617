/** What a handset knows of a group, and how documents of the focus change it. */
import type { Address } from '../rcs/address';
import type { ConferenceInfo } from '../rcs/conference_info';
import type { GroupEvent } from '../rcs/group_event';

export interface GroupMember {
  readonly address: Address;
  /** As the member calls themselves. */
  readonly name: string | undefined;
  readonly isAdmin: boolean;
  /** Invited, and not there yet. */
  readonly isPending: boolean;
}

export interface Group {
  /** Empty when it has none. */
  readonly subject: string;
  /** Ourselves among them; empty until the focus has told. */
  readonly members: readonly GroupMember[];
  /** Where its picture is; absent when it has none. */
  readonly icon?: string | undefined;
  /** Of the focus's last document; −1 before the first. */
  readonly version: number;
  /** False once we have left or were removed: what was said stays. */
  readonly isMember: boolean;
}

export const NEW_GROUP: Group = { subject: '', members: [], version: -1, isMember: true };

/** A group that we have just made: the others are on their way. */
export function groupOf(subject: string, self: Address, others: readonly Address[]): Group {
  const member = (address: Address) => ({
    address,
    name: undefined,
    isAdmin: address === self,
    isPending: address !== self,
  });
  return { ...NEW_GROUP, subject, members: [self, ...others].map(member) };
}

/**
 * The group after a document. `events` are what people want to be told: nothing of a first document, which only says
 * how things are. `isStale` asks for everything anew: a document between is missing.
 */
export function withInfo(
  group: Group,
  info: ConferenceInfo,
  self: Address,
): { readonly group: Group; readonly events: readonly GroupEvent[]; readonly isStale: boolean } {
  const isFirst = group.members.length === 0;
  const isStale = !info.isFull && info.version > group.version + 1;
  // Documents may overtake each other.
  if (!info.isFull && info.version <= group.version) return { group, events: [], isStale: false };
  const before = new Map(group.members.map((member) => [member.address, member]));
  const after = new Map(info.isFull ? [] : before);
  for (const { address, isDeleted, name, isAdmin, isPending } of info.users) {
    if (isDeleted) after.delete(address);
    else after.set(address, { address, name, isAdmin, isPending });
  }
  const subject = info.subject ?? (info.isFull ? '' : group.subject);
  const icon = info.icon ? info.icon.url || undefined : info.isFull ? undefined : group.icon;
  const events: GroupEvent[] = [];
  if (!isFirst) {
    for (const { address, isPending } of after.values()) {
      const known = before.get(address);
      if (address === self) continue;
      if (!known && isPending) events.push({ kind: 'added', who: address });
      else if (!isPending && (!known || known.isPending)) events.push({ kind: 'joined', who: address });
    }
    for (const address of before.keys()) {
      if (!after.has(address) && address !== self) events.push({ kind: 'left', who: address });
    }
    if (subject !== group.subject) events.push({ kind: 'renamed', subject });
    if (icon !== group.icon) {
      const by = info.icon?.by === self ? undefined : info.icon?.by;
      events.push({ kind: 'pictured', by, isGone: icon === undefined });
    }
  }
  const changed: Group = { ...group, subject, icon, members: [...after.values()], version: info.version };
  return { group: changed, events, isStale };
}

/** The same for whoever hears of it: what happened to whom, in which version of the group. */
export function eventId(event: GroupEvent, version: number): string {
  const whom = 'who' in event ? event.who : '';
  return `event:${version}:${event.kind}:${whom}`;
}

/** Whether everybody else has come so far with a message. */
export function everybody(group: Group, self: Address, parties: ReadonlySet<Address | undefined>): boolean {
  const others = group.members.filter(({ address, isPending }) => address !== self && !isPending);
  return others.length > 0 && others.every(({ address }) => parties.has(address));
}
