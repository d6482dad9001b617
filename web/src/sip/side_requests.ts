/**
 * Requests beside JsSIP: it is a telephone, whose INVITE means a call, while a group's INVITE has no session at all
 * (RFC 4579 with messages in pager mode). Here are the few transactions that groups need.
 *
 * The WebSocket is reliable, so nothing is repeated, and the server is one hop away, so dialogs need not be kept:
 * what changes a group can be asked for outside of them.
 */
import { DigestClient } from '../http/digest';
import { uuid } from '../rcs/id';
import { answerTo, type Headers, parseSip, type SipMessage, sipHeader, writeSip } from './wire';

/** Marks the transactions that are ours among those of JsSIP, which knows no such branch. */
const BRANCH = 'z9hG4bKside';
/** 64·T1: nobody will answer any more (RFC 3261 §17.1.1.2). */
const ANSWER_WAIT_MS = 32_000;
/** Methods that are never JsSIP's. */
const METHODS = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'NOTIFY'];

export interface SideRequest {
  readonly method: 'INVITE' | 'SUBSCRIBE' | 'REFER';
  /** Request-URI and To. */
  readonly target: string;
  readonly headers: Headers;
  readonly body?: string;
}

export interface SideConfig {
  readonly number: string;
  readonly password: string;
  readonly domain: string;
}

export interface SidePort {
  /** False when there is no connection. */
  send(text: string): boolean;
  /** Our Contact with its feature tags, as registered. */
  contact(): string;
  /** What came in, already answered: INVITE, BYE or NOTIFY. */
  handleRequest(request: SipMessage): void;
}

export class SideRequests {
  private readonly waiting = new Map<string, (response: SipMessage | undefined) => void>();
  private readonly digest: DigestClient;
  private readonly tag = uuid().slice(0, 8);

  constructor(
    private readonly config: SideConfig,
    private readonly port: SidePort,
  ) {
    this.digest = new DigestClient(config.number, config.password, uuid);
  }

  /** The final answer; `undefined` when none came. */
  async request(request: SideRequest): Promise<SipMessage | undefined> {
    const callId = uuid();
    for (let cseq = 1; ; cseq++) {
      const response = await this.attempt(request, callId, cseq);
      const status = response?.status;
      if (cseq > 1 || !response || (status !== 401 && status !== 407)) return response;
      const challenges = response.headers.filter(([name]) => name.endsWith('-authenticate'));
      if (!this.digest.handleChallenge(challenges.map(([, value]) => value).join(', '))) return response;
    }
  }

  /** The connection is gone: nothing that was asked will be answered. */
  handleDisconnected(): void {
    for (const settle of [...this.waiting.values()]) settle(undefined);
  }

  /** Takes what is ours; false leaves it to JsSIP. */
  handleData(text: string): boolean {
    if (!text.startsWith('SIP/2.0 ') && !METHODS.some((method) => text.startsWith(`${method} `)))
      return false;
    const message = parseSip(text);
    if (!message) return false;
    return message.method === undefined ? this.handleResponse(message) : this.handleRequest(message);
  }

  private attempt(request: SideRequest, callId: string, cseq: number): Promise<SipMessage | undefined> {
    const { method, target } = request;
    const branch = `${BRANCH}${uuid().slice(0, 13)}`;
    const self = `sip:${this.config.number}@${this.config.domain}`;
    const authorization = this.digest.authorization(method, target);
    const from = `<${self}>;tag=${this.tag}`;
    const route: Headers = [
      ['Via', `SIP/2.0/WS ${this.tag}.invalid;branch=${branch}`],
      ['Max-Forwards', '70'],
      ['From', from],
      ['Call-ID', callId],
    ];
    const text = writeSip(
      `${method} ${target} SIP/2.0`,
      [
        ...route,
        ['To', `<${target}>`],
        ['CSeq', `${cseq} ${method}`],
        ['Contact', this.port.contact()],
        ['P-Preferred-Identity', `<${self}>`],
        ...(authorization ? [['Proxy-Authorization', authorization] as const] : []),
        ...request.headers,
      ],
      request.body,
    );
    return new Promise((resolve) => {
      const settle = (response: SipMessage | undefined) => {
        clearTimeout(timer);
        this.waiting.delete(branch);
        // RFC 3261 §13.2.2.4 and §17.1.1.3: every final answer to an INVITE is acknowledged.
        if (method === 'INVITE' && response) this.acknowledge(target, response, route, cseq);
        resolve(response);
      };
      const timer = setTimeout(() => settle(undefined), ANSWER_WAIT_MS);
      this.waiting.set(branch, settle);
      if (!this.port.send(text)) settle(undefined);
    });
  }

  private acknowledge(target: string, response: SipMessage, route: Headers, cseq: number): void {
    const isAccepted = (response.status ?? 0) < 300;
    const uri = isAccepted ? (contactUri(response) ?? target) : target;
    // The ACK to a 2xx is a transaction of its own.
    const [via, ...rest] = route;
    const own = ['Via', `SIP/2.0/WS ${this.tag}.invalid;branch=${BRANCH}${uuid().slice(0, 13)}`] as const;
    const headers: Headers = [
      isAccepted || !via ? own : via,
      ...rest,
      ['To', sipHeader(response, 'to') ?? `<${target}>`],
      ['CSeq', `${cseq} ACK`],
    ];
    this.port.send(writeSip(`ACK ${uri} SIP/2.0`, headers));
  }

  private handleResponse(response: SipMessage): boolean {
    const branch = /;\s*branch=([^;,\s]+)/i.exec(sipHeader(response, 'via') ?? '')?.[1] ?? '';
    if (!branch.startsWith(BRANCH)) return false;
    if ((response.status ?? 0) >= 200) this.waiting.get(branch)?.(response);
    return true;
  }

  private handleRequest(request: SipMessage): boolean {
    const isGroup = request.method !== 'INVITE' || /;\s*isfocus/i.test(sipHeader(request, 'contact') ?? '');
    switch (request.method) {
      case 'ACK':
        return true;
      case 'INVITE':
        // Somebody calls: we have no voice. A group's focus brings us in.
        this.port.send(
          isGroup
            ? answerTo(request, 200, 'OK', this.tag, [['Contact', this.port.contact()]])
            : answerTo(request, 488, 'Not Acceptable Here', this.tag),
        );
        break;
      case 'CANCEL':
        // Too late: an INVITE is answered at once.
        this.port.send(answerTo(request, 481, 'Call/Transaction Does Not Exist', this.tag));
        return true;
      default:
        this.port.send(answerTo(request, 200, 'OK', this.tag));
    }
    if (isGroup) this.port.handleRequest(request);
    return true;
  }
}

/** The URI of a message's Contact. */
export function contactUri(message: SipMessage): string | undefined {
  return /<([^>]+)>/.exec(sipHeader(message, 'contact') ?? '')?.[1];
}
