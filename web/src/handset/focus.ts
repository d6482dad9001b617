/** What a handset asks of the conference factory and of a group's focus (RFC 4579, RCC.07 group chat). */
import { type Address, parseAddress, requestUri } from '../rcs/address';
import { CONFERENCE_INFO } from '../rcs/conference_info';
import { RESOURCE_LISTS, writeResourceList } from '../rcs/resource_list';
import type { SideRequests } from '../sip/side_requests';
import { contactUri } from '../sip/side_requests';
import type { Answer } from '../sip/user_agent';
import { type SipMessage, sipHeader } from '../sip/wire';

const GROUP_SERVICE = 'urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session.group';
const SUBSCRIPTION_S = 3600;

export interface GroupToMake {
  readonly subject: string;
  readonly members: readonly Address[];
  readonly conversationId: string;
  readonly contributionId: string;
}

export interface MadeGroup {
  readonly focus: Address;
  /** Those whom the network doesn't know. */
  readonly left: readonly Address[];
}

export class Focus {
  constructor(
    private readonly requests: SideRequests,
    private readonly domain: string,
    private readonly factory: Address | undefined,
  ) {}

  /** Makes a group. Asked again with the same Contribution-ID, it is the same group. */
  async make(group: GroupToMake): Promise<MadeGroup | Answer> {
    if (!this.factory) return { status: 501, reason: 'Not Implemented' };
    const response = await this.requests.request({
      method: 'INVITE',
      target: this.factory,
      headers: [
        ['Require', 'recipient-list-invite'],
        ['P-Preferred-Service', GROUP_SERVICE],
        ['Conversation-ID', group.conversationId],
        ['Contribution-ID', group.contributionId],
        ...(group.subject === '' ? [] : [['Subject', oneLine(group.subject)] as const]),
        ['Content-Type', RESOURCE_LISTS],
        ['Content-Disposition', 'recipient-list'],
      ],
      body: writeResourceList(group.members.map((member) => requestUri(member, this.domain))),
    });
    const focus = response && parseAddress(contactUri(response) ?? '');
    if (!response || !isOk(response) || !focus) return answerOf(response);
    return { focus, left: namedIn(sipHeader(response, 'warning') ?? '') };
  }

  /** Asks to be told who is in a group. The answer says for how many seconds that holds. */
  async subscribe(focus: Address): Promise<Answer & { readonly expiresS: number }> {
    const response = await this.requests.request({
      method: 'SUBSCRIBE',
      target: focus,
      headers: [
        ['Event', 'conference'],
        ['Accept', CONFERENCE_INFO],
        ['Expires', String(SUBSCRIPTION_S)],
      ],
    });
    const expires = Number((response && sipHeader(response, 'expires')) ?? SUBSCRIPTION_S);
    return { ...answerOf(response), expiresS: Number.isFinite(expires) ? expires : SUBSCRIPTION_S };
  }

  add(focus: Address, member: Address): Promise<Answer> {
    return this.refer(focus, `<${requestUri(member, this.domain)}>`);
  }

  /** Takes a member out; ourselves too. */
  remove(focus: Address, member: Address): Promise<Answer> {
    return this.refer(focus, `<${requestUri(member, this.domain)};method=BYE>`);
  }

  /** Makes a member an administrator, or one among others again. */
  setAdmin(focus: Address, member: Address, isAdmin: boolean): Promise<Answer> {
    return this.refer(focus, `<${requestUri(member, this.domain)}>;admin=${isAdmin}`);
  }

  private async refer(focus: Address, referTo: string): Promise<Answer> {
    const response = await this.requests.request({
      method: 'REFER',
      target: focus,
      headers: [
        ['Refer-To', referTo],
        // What comes of it is told by the conference package.
        ['Refer-Sub', 'false'],
        ['Supported', 'norefersub'],
      ],
    });
    return answerOf(response);
  }
}

function answerOf(response: SipMessage | undefined): Answer {
  return { status: response?.status ?? 0, reason: response?.startText ?? '' };
}

function isOk({ status = 0 }: SipMessage): boolean {
  return status >= 200 && status < 300;
}

/** The addresses in a Warning. */
function namedIn(warning: string): Address[] {
  const words = warning
    .split(/[\s"]+/)
    .map((word) => (/^(tel|sips?):/i.test(word) ? parseAddress(word) : undefined));
  return words.filter((address) => address !== undefined);
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
