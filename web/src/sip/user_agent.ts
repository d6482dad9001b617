/**
 * The SIP user agent of one subscriber: registers, sends and takes MESSAGE, answers and asks OPTIONS.
 *
 * JsSIP does transactions, digest and reconnecting; this wrapper gives it our socket and our feature tags
 * and turns its events into promises. Nothing above knows JsSIP.
 */
import { UA } from 'jssip';
import { type Address, requestUri } from '../rcs/address';
import {
  acceptContact,
  type Capability,
  CONTACT_PARAMETERS,
  CONTACT_TAGS,
  PAGER_SERVICE,
  readCapability,
  takesPlaces,
} from './capability';
import { SideRequests } from './side_requests';
import { SipSocket } from './socket';
import type { SipMessage } from './wire';

/**
 * `refused`: number and password don't match (401, 404). `forbidden`: they do, but this device isn't let in,
 * being one too many for example (403). Neither is tried again.
 */
export type RegistrationState = 'connecting' | 'registered' | 'offline' | 'refused' | 'forbidden';

export interface UserAgentConfig {
  /** `+8613800000001` */
  readonly number: string;
  readonly password: string;
  readonly domain: string;
  /** `ws:` or `wss:` URL of the server. */
  readonly webSocket: string;
  /** UUID of this device: the key of its binding. */
  readonly instanceId: string;
}

/** An incoming MESSAGE, reduced to what RCS reads. */
export interface IncomingMessage {
  /** P-Asserted-Identity when the network put one there, else From. */
  readonly from: string;
  readonly callId: string;
  readonly contentType: string;
  readonly conversationId: string | undefined;
  readonly contributionId: string | undefined;
  readonly body: string;
}

export interface OutgoingMessage {
  readonly to: Address;
  readonly contentType: string;
  readonly body: string;
  readonly conversationId: string;
  readonly contributionId: string;
  readonly inReplyTo?: string | undefined;
  /** Seconds the network may keep it; 0 is now or never. Absent leaves it to the network. */
  readonly expiresS?: number;
}

/** The final answer. Status 0: none came, because the connection went or the wait was over. */
export interface Answer {
  readonly status: number;
  readonly reason: string;
}

export interface UserAgentEvents {
  handleState(state: RegistrationState): void;
  /** How many devices of ours are registered now. */
  handleBindings(count: number): void;
  /** Resolves when the message is safely kept: only then is it answered 200. A rejection is a 500. */
  handleMessage(message: IncomingMessage): Promise<void>;
  /** INVITE, BYE or NOTIFY of a group's focus, already answered. */
  handleFocusRequest(request: SipMessage): void;
}

/** Bindings are short so that a closed tab is soon forgotten. */
const REGISTER_EXPIRES_S = 600;
/** Waits between attempts to register when connected but turned down for now: doubling up to the last. */
const REGISTER_RETRY_MS = 2_000;
const REGISTER_RETRY_MS_MAX = 60_000;

export class UserAgent {
  /** Requests that JsSIP has no words for. */
  readonly side: SideRequests;

  private readonly socket: SipSocket;
  private readonly ua: JsSipUa;
  private retryMs = REGISTER_RETRY_MS;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private state: RegistrationState = 'connecting';

  constructor(
    private readonly config: UserAgentConfig,
    private readonly events: UserAgentEvents,
  ) {
    this.socket = new SipSocket(config.webSocket);
    this.ua = new UA({
      sockets: this.socket,
      uri: `sip:${config.number}@${config.domain}`,
      authorization_user: config.number,
      password: config.password,
      instance_id: config.instanceId,
      register_expires: REGISTER_EXPIRES_S,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 10,
      session_timers: false,
      user_agent: 'Hongyan-web-handset',
    }) as unknown as JsSipUa;
    this.side = new SideRequests(config, {
      send: (text) => this.socket.send(text),
      contact: () => `${this.ua.contact.toString()}${CONTACT_TAGS}`,
      handleRequest: (request) => this.events.handleFocusRequest(request),
    });
    this.socket.intercept = (text) => this.side.handleData(text);
    this.ua.registrator().setExtraContactParams(CONTACT_PARAMETERS);
    this.listen();
  }

  start(): void {
    this.ua.start();
  }

  /** Removes the binding and closes. */
  stop(): void {
    clearTimeout(this.retryTimer);
    this.ua.stop();
  }

  /** The network is said to be back: don't wait for the next attempt. */
  reconnect(): void {
    if (this.isTurnedAway() || this.state === 'registered') return;
    if (this.ua.isConnected()) this.ua.register();
    else this.ua.transport.connect();
  }

  /** The network is said to be gone. */
  disconnect(): void {
    this.socket.drop('network is offline');
  }

  async sendMessage(message: OutgoingMessage): Promise<Answer> {
    const extraHeaders = [
      `P-Preferred-Identity: <sip:${this.config.number}@${this.config.domain}>`,
      `P-Preferred-Service: ${PAGER_SERVICE}`,
      ...acceptContact(message.to),
      `Conversation-ID: ${message.conversationId}`,
      `Contribution-ID: ${message.contributionId}`,
      ...(message.inReplyTo === undefined ? [] : [`InReplyTo-Contribution-ID: ${message.inReplyTo}`]),
      ...(message.expiresS === undefined ? [] : [`Expires: ${message.expiresS}`]),
    ];
    return finalAnswer((eventHandlers) =>
      this.ua.sendMessage(requestUri(message.to, this.config.domain), message.body, {
        contentType: message.contentType,
        extraHeaders,
        eventHandlers,
      }),
    );
  }

  /** Asks what the peer can do now. */
  async queryCapability(peer: Address): Promise<{ capability: Capability; takesPlaces: boolean }> {
    const answer = await finalAnswer((eventHandlers) =>
      this.ua.sendOptions(requestUri(peer, this.config.domain), '', {
        extraHeaders: acceptContact(peer),
        eventHandlers,
      }),
    );
    return {
      capability: readCapability(answer.status, answer.contact),
      takesPlaces: takesPlaces(answer.contact),
    };
  }

  private listen(): void {
    this.ua.on('connecting', () => this.setState('connecting'));
    this.ua.on('disconnected', () => {
      clearTimeout(this.retryTimer);
      this.side.handleDisconnected();
      this.setState('offline');
    });
    this.ua.on('registered', ({ response }) => {
      this.retryMs = REGISTER_RETRY_MS;
      const flowTimer = response.getHeader('flow-timer');
      this.socket.keepAlive(flowTimer === undefined ? undefined : Number(flowTimer));
      this.events.handleBindings(response.getHeaders('contact').length);
      this.setState('registered');
    });
    this.ua.on('registrationFailed', ({ response }) =>
      this.handleRegistrationFailed(response?.status_code ?? 0),
    );
    this.ua.on('newMessage', ({ originator, request }) => {
      if (originator === 'remote') void this.takeMessage(request as JsSipRequest);
    });
    this.ua.on('newOptions', ({ originator, message }) => {
      if (originator !== 'remote') return;
      const contact = this.ua.contact.toString();
      message.accept({
        extraHeaders: [`Contact: ${contact}${CONTACT_TAGS}`, 'Accept: message/cpim, text/plain'],
      });
    });
  }

  private handleRegistrationFailed(status: number): void {
    if ([401, 403, 404].includes(status)) {
      this.setState(status === 403 ? 'forbidden' : 'refused');
      this.ua.stop();
      return;
    }
    this.setState('offline');
    this.retryTimer = setTimeout(() => this.ua.isConnected() && this.ua.register(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, REGISTER_RETRY_MS_MAX);
  }

  private async takeMessage(request: JsSipRequest): Promise<void> {
    // JsSIP answers 200 as soon as this event handler returns, and 405 to a MESSAGE that is unanswered after
    // that. Ours is answered when it is stored, so JsSIP's own answers to this request go nowhere.
    const reply = request.reply.bind(request);
    request.reply = () => {};
    try {
      await this.events.handleMessage(readMessage(request));
      reply(200);
    } catch (error) {
      console.error('message not stored', error);
      reply(500);
    }
  }

  private isTurnedAway(): boolean {
    return this.state === 'refused' || this.state === 'forbidden';
  }

  private setState(state: RegistrationState): void {
    // A refusal is final: the disconnect that follows it doesn't hide it.
    if (this.state === state || this.isTurnedAway()) return;
    this.state = state;
    this.events.handleState(state);
  }
}

function readMessage(request: JsSipRequest): IncomingMessage {
  return {
    from: request.getHeader('p-asserted-identity') ?? request.getHeader('from') ?? '',
    callId: request.call_id,
    contentType: request.getHeader('content-type') ?? 'text/plain',
    conversationId: request.getHeader('conversation-id'),
    contributionId: request.getHeader('contribution-id'),
    body: request.body ?? '',
  };
}

/** Turns JsSIP's event handlers of one request into its final answer. */
function finalAnswer(send: (handlers: JsSipRequestHandlers) => void): Promise<Answer & { contact: string }> {
  return new Promise((resolve) => {
    const settle = (response: JsSipResponse | null | undefined) =>
      resolve({
        status: response?.status_code ?? 0,
        reason: response?.reason_phrase ?? '',
        contact: response?.getHeader('contact') ?? '',
      });
    try {
      send({ succeeded: ({ response }) => settle(response), failed: ({ response }) => settle(response) });
    } catch (error) {
      // JsSIP throws when it isn't started or the target doesn't parse.
      resolve({ status: 0, reason: String(error), contact: '' });
    }
  });
}

// What we use of JsSIP 3.13. Its own declarations leave out `transport`, `sendOptions`, `reply` and
// `call_id`, which its documentation has.

interface JsSipResponse {
  readonly status_code: number;
  readonly reason_phrase: string;
  getHeader(name: string): string | undefined;
  /** One for each address, also of those that share a line. */
  getHeaders(name: string): string[];
}

interface JsSipRequest {
  readonly call_id: string;
  readonly body: string | null;
  getHeader(name: string): string | undefined;
  /** Assigned to, see `takeMessage`. */
  reply: (status: number) => void;
}

interface JsSipMessage {
  accept(options: { extraHeaders: string[] }): void;
}

interface JsSipRequestHandlers {
  succeeded(event: { response: JsSipResponse }): void;
  failed(event: { response: JsSipResponse | null }): void;
}

interface JsSipSendOptions {
  readonly contentType?: string;
  readonly extraHeaders: string[];
  readonly eventHandlers: JsSipRequestHandlers;
}

interface JsSipUa {
  readonly transport: { connect(): void };
  readonly contact: { toString(): string };
  start(): void;
  stop(): void;
  register(): void;
  isConnected(): boolean;
  registrator(): { setExtraContactParams(parameters: Readonly<Record<string, string>>): void };
  sendMessage(target: string, body: string, options: JsSipSendOptions): void;
  sendOptions(target: string, body: string, options: JsSipSendOptions): void;
  on(event: 'connecting' | 'disconnected', listener: () => void): void;
  on(event: 'registered', listener: (event: { response: JsSipResponse }) => void): void;
  on(event: 'registrationFailed', listener: (event: { response: JsSipResponse | null }) => void): void;
  on(
    event: 'newMessage' | 'newOptions',
    listener: (event: { originator: string; message: JsSipMessage; request: unknown }) => void,
  ): void;
}
