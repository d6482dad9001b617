/**
 * The groups that this handset is in: what it asks of their focuses, and what these tell.
 *
 * A group is kept with its conversation. Who is in it is told by the conference package for as long as the
 * handset is registered; after each registration everything is asked anew.
 */
import { type Address, isGroup, parseAddress } from '../rcs/address';
import { parseConferenceInfo } from '../rcs/conference_info';
import { GROUP_DATA, writeIcon, writeSubject } from '../rcs/group_data';
import type { GroupEvent } from '../rcs/group_event';
import { uuid } from '../rcs/id';
import { contactUri, type SideRequests } from '../sip/side_requests';
import type { Answer } from '../sip/user_agent';
import { type SipMessage, sipHeader } from '../sip/wire';
import type { HandsetConfig } from './config';
import { Focus, type MadeGroup } from './focus';
import { type Group, groupOf, NEW_GROUP, withInfo } from './group';

export interface GroupsPort {
  isRegistered(): boolean;
  group(focus: Address): Group | undefined;
  /** Commits what a group has become, with a line for each event. */
  commit(
    focus: Address,
    group: Group,
    events: readonly GroupEvent[],
    conversationId: string | undefined,
  ): Promise<void>;
  /** Does one piece of work on the store after the other. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Puts a picture on the content server: its URL, or the status why not. */
  upload(picture: Blob): Promise<string | number>;
  /** Sends a document to a focus. */
  send(focus: Address, contentType: string, body: string): Promise<Answer>;
}

export class Groups {
  /** Whether the server makes groups. */
  readonly isPossible: boolean;

  private readonly focus: Focus;
  /** When to subscribe again. */
  private readonly timers = new Map<Address, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly self: Address,
    { domain, conferenceFactory }: HandsetConfig,
    requests: SideRequests,
    private readonly port: GroupsPort,
  ) {
    this.focus = new Focus(requests, domain, conferenceFactory);
    this.isPossible = conferenceFactory !== undefined;
  }

  stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  /** Makes a group with ourselves in it. The network has to be there. */
  async create(subject: string, members: readonly Address[]): Promise<MadeGroup | Answer> {
    const [conversationId, contributionId] = [uuid(), uuid()];
    const made = await this.focus.make({ subject, members, conversationId, contributionId });
    if (!('focus' in made)) return made;
    const others = members.filter((member) => !made.left.includes(member));
    const group = groupOf(subject, this.self, others);
    await this.port.inTurn(() => this.port.commit(made.focus, group, [{ kind: 'created' }], conversationId));
    void this.subscribe(made.focus);
    return made;
  }

  add(focus: Address, member: Address): Promise<Answer> {
    return this.focus.add(focus, member);
  }

  remove(focus: Address, member: Address): Promise<Answer> {
    return this.focus.remove(focus, member);
  }

  setAdmin(focus: Address, member: Address, isAdmin: boolean): Promise<Answer> {
    return this.focus.setAdmin(focus, member, isAdmin);
  }

  rename(focus: Address, subject: string): Promise<Answer> {
    return this.port.send(focus, GROUP_DATA, writeSubject(subject));
  }

  /** Gives the group a picture, or takes it away. */
  async setIcon(focus: Address, picture: Blob | undefined): Promise<Answer> {
    const url = picture && (await this.port.upload(picture));
    if (typeof url === 'number') return { status: url, reason: '' };
    return this.port.send(focus, GROUP_DATA, writeIcon(url));
  }

  /** Leaves for good. What was said stays. */
  async leave(focus: Address): Promise<Answer> {
    const answer = await this.focus.remove(focus, this.self);
    // A group that is gone, or that we are no longer in, has been left.
    if ((answer.status >= 200 && answer.status < 300) || [403, 404, 481].includes(answer.status)) {
      await this.port.inTurn(() => this.endMembership(focus, false));
    }
    return answer;
  }

  /** Hears of changes for as long as we are registered and in the group. */
  async subscribe(focus: Address): Promise<void> {
    clearTimeout(this.timers.get(focus));
    if (!this.port.isRegistered()) return;
    const { status, expiresS } = await this.focus.subscribe(focus);
    if (status === 403 || status === 404) await this.port.inTurn(() => this.endMembership(focus, true));
    if (status < 200 || status >= 300) return;
    const timer = setTimeout(() => void this.subscribe(focus), expiresS * 800);
    this.timers.set(focus, timer);
  }

  /** A group that this device hasn't heard of says something: who is in it is asked. */
  async meet(focus: Address, conversationId: string | undefined): Promise<void> {
    if (this.port.group(focus)) return;
    await this.port.commit(focus, NEW_GROUP, [], conversationId);
    void this.subscribe(focus);
  }

  /** INVITE, BYE or NOTIFY of a focus. */
  async receive(request: SipMessage): Promise<void> {
    const named = request.method === 'INVITE' ? contactUri(request) : sipHeader(request, 'from');
    const focus = parseAddress(named ?? '');
    if (!focus || !isGroup(focus)) return;
    if (request.method === 'INVITE') await this.receiveInvite(focus, request);
    if (request.method === 'NOTIFY') await this.receiveNotify(focus, request);
    if (request.method === 'BYE') {
      await this.endMembership(focus, /cause\s*=\s*410/.test(sipHeader(request, 'reason') ?? ''));
    }
  }

  private async receiveInvite(focus: Address, request: SipMessage): Promise<void> {
    if (!this.port.group(focus)?.isMember) {
      const group = { ...NEW_GROUP, subject: sipHeader(request, 'subject') ?? '' };
      const by = parseAddress(sipHeader(request, 'referred-by') ?? '');
      const conversationId = sipHeader(request, 'conversation-id');
      await this.port.commit(focus, group, [{ kind: 'invited', by }], conversationId);
    }
    void this.subscribe(focus);
  }

  private async receiveNotify(focus: Address, request: SipMessage): Promise<void> {
    const group = this.port.group(focus);
    const info = group && parseConferenceInfo(request.body);
    if (info) {
      const changed = withInfo(group, info, this.self);
      await this.port.commit(focus, changed.group, changed.events, undefined);
      if (changed.isStale) void this.subscribe(focus);
    }
    const state = sipHeader(request, 'subscription-state') ?? '';
    if (/^terminated.*reason\s*=\s*noresource/i.test(state)) await this.endMembership(focus, true);
  }

  private async endMembership(focus: Address, wasRemoved: boolean): Promise<void> {
    const group = this.port.group(focus);
    clearTimeout(this.timers.get(focus));
    if (!group?.isMember) return;
    const members = group.members.filter(({ address }) => address !== this.self);
    await this.port.commit(
      focus,
      { ...group, members, isMember: false },
      [{ kind: 'out', wasRemoved }],
      undefined,
    );
  }
}
