/**
 * The WebSocket under JsSIP (RFC 7118): JsSIP's `Socket` interface, with two duties that its own
 * WebSocketInterface doesn't have.
 *
 * - Digest challenges: the server offers SHA-256 and then MD5 (RFC 8760), JsSIP answers MD5 only and looks
 *   at one challenge. `keepMd5Challenge` drops the others before JsSIP reads the response, so that neither
 *   their order nor their number matters.
 * - Keep-alive: with `Flow-Timer` in the answer to REGISTER (RFC 5626 §4.4) a double CRLF goes out
 *   regularly, and a connection that stays silent for 10 s afterwards is closed, so that a dead network is
 *   noticed. Browsers can't send WebSocket pings.
 */
import type { Socket } from 'jssip';

/** RFC 5626 §4.4.1: a pong that takes longer means that the flow has failed. */
const PONG_WAIT_MS = 10_000;
/** How long opening may take before it is tried again. */
const CONNECT_WAIT_MS = 15_000;

export class SipSocket implements Socket {
  via_transport: string;
  readonly url: string;
  readonly sip_uri: string;

  onconnect: () => void = () => {};
  ondisconnect: (error: boolean, code?: number, reason?: string) => void = () => {};
  // biome-ignore lint/suspicious/noExplicitAny: JsSIP types this parameter as a free type variable.
  ondata: (data: any) => void = () => {};

  /** Sees every message first; what it takes isn't JsSIP's business. */
  intercept: (message: string) => boolean = () => false;

  private connection: WebSocket | undefined;
  private pingTimer: ReturnType<typeof setInterval> | undefined;
  private pongTimer: ReturnType<typeof setTimeout> | undefined;
  private connectTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string) {
    const { protocol, host } = new URL(url);
    this.url = url;
    this.via_transport = protocol === 'wss:' ? 'WSS' : 'WS';
    this.sip_uri = `sip:${host};transport=ws`;
  }

  connect(): void {
    if (this.isConnected() || this.isConnecting()) return;
    const connection = new WebSocket(this.url, 'sip');
    connection.binaryType = 'arraybuffer';
    connection.onopen = () => {
      clearTimeout(this.connectTimer);
      this.onconnect();
    };
    connection.onmessage = ({ data }) => this.handleData(data);
    connection.onclose = ({ wasClean, code, reason }) => {
      this.stopTimers();
      this.ondisconnect(!wasClean, code, reason);
    };
    this.connection = connection;
    this.connectTimer = setTimeout(() => this.drop('no answer'), CONNECT_WAIT_MS);
  }

  disconnect(): void {
    this.stopTimers();
    if (!this.connection) return;
    this.connection.onopen = this.connection.onmessage = this.connection.onclose = null;
    this.connection.close();
    this.connection = undefined;
  }

  /** Ends the connection as if the network had, so that JsSIP connects again. */
  drop(reason: string): void {
    if (!this.connection) return;
    this.disconnect();
    this.ondisconnect(true, 1006, reason);
  }

  send(message: string | ArrayBufferLike | Blob | ArrayBufferView): boolean {
    if (!this.connection || !this.isConnected()) return false;
    this.connection.send(message as string);
    return true;
  }

  isConnected(): boolean {
    return this.connection?.readyState === WebSocket.OPEN;
  }

  isConnecting(): boolean {
    return this.connection?.readyState === WebSocket.CONNECTING;
  }

  /** Starts keep-alive at 80 % of the Flow-Timer (RFC 5626 §4.4). `undefined` stops it. */
  keepAlive(flowTimerS: number | undefined): void {
    clearInterval(this.pingTimer);
    this.pingTimer = undefined;
    if (flowTimerS === undefined || !(flowTimerS >= 5)) return;
    this.pingTimer = setInterval(() => this.ping(), flowTimerS * 800);
  }

  /** Asks for a sign of life; without one the connection is dropped. */
  private ping(): void {
    if (!this.send('\r\n\r\n')) return;
    clearTimeout(this.pongTimer);
    this.pongTimer = setTimeout(() => this.drop('no pong'), PONG_WAIT_MS);
  }

  private handleData(data: unknown): void {
    clearTimeout(this.pongTimer);
    const text = typeof data === 'string' ? data : new TextDecoder().decode(data as ArrayBuffer);
    if (!this.intercept(text)) this.ondata(keepMd5Challenge(text));
  }

  private stopTimers(): void {
    clearTimeout(this.connectTimer);
    clearTimeout(this.pongTimer);
    clearInterval(this.pingTimer);
    this.pingTimer = undefined;
  }
}

/**
 * Removes Digest challenges with an algorithm other than MD5 from a 401 or 407, as long as one with MD5
 * (or with none named, which means MD5) remains. Everything else passes unchanged.
 */
export function keepMd5Challenge(message: string): string {
  if (!/^SIP\/2\.0 40[17] /.test(message)) return message;
  const headEnd = message.indexOf('\r\n\r\n');
  if (headEnd < 0) return message;
  const lines = message.slice(0, headEnd).split('\r\n');
  const isChallenge = (line: string) => /^(www|proxy)-authenticate\s*:/i.test(line);
  const isMd5 = (line: string) =>
    (/[\s,]algorithm\s*=\s*"?([\w-]+)/i.exec(line)?.[1] ?? 'MD5').toUpperCase() === 'MD5';
  if (!lines.some((line) => isChallenge(line) && isMd5(line))) return message;
  return lines.filter((line) => !isChallenge(line) || isMd5(line)).join('\r\n') + message.slice(headEnd);
}
