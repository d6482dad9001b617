/**
 * A stand-in for the server while the handset is developed, and for its browser tests when no real one is
 * named: static files, a SIP registrar that relays and stores MESSAGE, a content server and a scripted chatbot.
 *
 * Everything is in memory and nothing is secure. It never ships.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { BOT_URI, botInfo, botReplies, picture } from './bot.mjs';
import { ContentServer } from './content.mjs';
import { digestMatches, header, parseSip, respond, writeSip } from './sip.mjs';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const DOMAIN = 'hongyan.local';
const NUMBERS = ['+8613800000001', '+8613800000002', '+8613800000003', '+8613800000004'];
const CSP =
  "default-src 'self'; img-src * data: blob:; media-src * data: blob:; connect-src 'self' ws: wss:; " +
  "style-src 'self' 'unsafe-inline'; frame-src http: https:";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

/** Starts on a port; 0 picks one. Resolves to its URL, the demo password and `close`. */
export async function startMock({ port = 0, password = 'demo' } = {}) {
  const registrar = new Registrator(password);
  const http = createServer((request, response) => void serve(registrar, request, response));
  const sockets = new WebSocketServer({
    server: http,
    path: '/sip',
    handleProtocols: (offered) => (offered.has('sip') ? 'sip' : false),
  });
  sockets.on('connection', (socket) => registrar.accept(socket));
  await new Promise((resolve) => http.listen(port, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${http.address().port}`;
  registrar.url = registrar.content.url = url;
  const close = async () => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return { url, password, registrar, close };
}

async function serve(registrar, request, response) {
  const url = new URL(request.url, registrar.url);
  if (url.pathname === '/handset/config.json') {
    const chatbots = [{ id: BOT_URI, name: '12306 铁路', icon: '/content/bot.svg' }];
    response.setHeader('Content-Type', 'application/json');
    const content = registrar.content.configuration();
    response.end(JSON.stringify({ domain: DOMAIN, sipWebSocket: '/sip', chatbots, content }));
    return;
  }
  if (url.pathname === '/directory') {
    const bot = { id: BOT_URI, name: '12306 铁路', icon: '/content/bot.svg', verified: true };
    const words = `12306 铁路 ${botInfo(registrar.url, 'zh-CN').botinfo.pcc['org-details']['org-description']}`;
    const bots = words.includes(url.searchParams.get('q') ?? '') ? [bot] : [];
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({ bots, itemsReturned: bots.length, startIndex: 0, totalItems: bots.length }),
    );
    return;
  }
  if (url.pathname.startsWith('/open/')) {
    const body = url.searchParams.get('body');
    const uri = `${BOT_URI.replace('sip:', 'sms:').replace('@', '%40')}${body ? `?body=${encodeURIComponent(body)}` : ''}`;
    response.writeHead(303, { Location: `/#/open?uri=${encodeURIComponent(uri)}` }).end();
    return;
  }
  if (url.pathname === '/bot') {
    const body = JSON.stringify(botInfo(registrar.url, url.searchParams.get('hl') ?? 'zh-CN'));
    const etag = `"${body.length}"`;
    response.setHeader('ETag', etag);
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.setHeader('Content-Type', 'application/json').end(body);
    return;
  }
  if (/^\/content\/(upload|f)\b/.test(url.pathname)) {
    await registrar.content.serve(request, response, url);
    return;
  }
  if (url.pathname.startsWith('/content/')) {
    const svg = picture(url.pathname.slice('/content/'.length));
    if (!svg) response.writeHead(404).end();
    else response.setHeader('Content-Type', 'image/svg+xml').end(svg);
    return;
  }
  if (url.pathname === '/pay') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end('<!doctype html><title>Pay</title><h1>Sandbox payment</h1><button>Pay ¥553</button>');
    return;
  }
  const path = normalize(url.pathname === '/' ? '/index.html' : url.pathname);
  try {
    const body = await readFile(join(DIST, path));
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream');
    response.setHeader('Content-Security-Policy', CSP);
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

/** Registers handsets and moves their messages. */
class Registrator {
  url = '';
  /** number → connections with their Contact. */
  bindings = new Map(NUMBERS.map((number) => [number, new Set()]));
  /** number → requests waiting for it. */
  kept = new Map(NUMBERS.map((number) => [number, []]));
  /** What handsets have answered to our requests. */
  answers = [];
  /** Call-ID of a request of ours → what to do with its answer. */
  waiting = new Map();

  constructor(password) {
    this.password = password;
    /** What people's devices say in answer to OPTIONS. */
    this.tags = '+g.gsma.rcs.botversion="#=1"';
    /** Bodies of messages between people, the latest last. */
    this.relayed = [];
    this.content = new ContentServer(password);
  }

  accept(socket) {
    const flow = { socket, number: undefined, contact: undefined };
    socket.on('message', (data) => this.receive(flow, data.toString()));
    socket.on('close', () => this.bindings.get(flow.number)?.delete(flow));
  }

  /** Ends all connections, as a restart would. */
  dropAll() {
    for (const flows of this.bindings.values()) for (const flow of flows) flow.socket.terminate();
  }

  receive(flow, text) {
    if (text === '\r\n\r\n') return flow.socket.send('\r\n');
    const message = parseSip(text);
    if (message.start.startsWith('SIP/2.0')) {
      const status = Number(message.start.split(' ')[1]);
      this.answers.push(status);
      this.waiting.get(header(message, 'Call-ID'))?.(status);
      return;
    }
    const [method, target] = message.start.split(' ');
    if (method === 'REGISTER') this.register(flow, message);
    else if (flow.number === undefined) flow.socket.send(respond(message, 403, 'Forbidden'));
    else if (method === 'MESSAGE') void this.relay(flow, message, target);
    else if (method === 'OPTIONS') this.options(flow, message, target);
    else flow.socket.send(respond(message, 405, 'Method Not Allowed'));
  }

  register(flow, request) {
    const authorization = header(request, 'Authorization') ?? '';
    const number = /sip:(\+\d+)@/.exec(header(request, 'To') ?? '')?.[1] ?? '';
    const known = this.bindings.has(number);
    if (!known || !digestMatches(authorization, 'REGISTER', DOMAIN, this.password)) {
      const nonce = randomBytes(12).toString('hex');
      const challenge = (algorithm) => [
        'WWW-Authenticate',
        `Digest realm="${DOMAIN}", nonce="${nonce}", qop="auth", algorithm=${algorithm}`,
      ];
      flow.socket.send(respond(request, 401, 'Unauthorized', [challenge('SHA-256'), challenge('MD5')]));
      return;
    }
    const contact = header(request, 'Contact') ?? '';
    const leaves = contact.includes('expires=0') || contact === '*';
    if (leaves) this.bindings.get(number).delete(flow);
    else {
      flow.number = number;
      flow.contact = /<([^>]+)>/.exec(contact)?.[1] ?? '';
      this.bindings.get(number).add(flow);
    }
    flow.socket.send(
      respond(request, 200, 'OK', [
        ['Contact', contact],
        ['Flow-Timer', '120'],
      ]),
    );
    if (!leaves) void this.flush(number);
  }

  options(flow, request, target) {
    const user = userOf(target);
    if (target.startsWith(BOT_URI)) {
      flow.socket.send(respond(request, 200, 'OK', [['Contact', `<${BOT_URI}>;+g.gsma.rcs.isbot`]]));
    } else if (!this.bindings.has(user)) flow.socket.send(respond(request, 404, 'Not Found'));
    else if (this.bindings.get(user).size === 0)
      flow.socket.send(respond(request, 480, 'Temporarily Unavailable'));
    else flow.socket.send(respond(request, 200, 'OK', [['Contact', `<${target}>;${this.tags}`]]));
  }

  async relay(flow, request, target) {
    const user = userOf(target);
    const from = `sip:${flow.number}@${DOMAIN}`;
    if (target.startsWith(BOT_URI)) {
      flow.socket.send(respond(request, 200, 'OK'));
      for (const reply of botReplies(this.url, request))
        await this.deliver(flow.number, { from: BOT_URI, ...reply });
      return;
    }
    if (!this.bindings.has(user)) return flow.socket.send(respond(request, 404, 'Not Found'));
    const ids = request.headers.filter(([name]) =>
      /^(conversation|contribution)-id$|^content-type$/i.test(name),
    );
    const now = header(request, 'Expires') === '0';
    this.relayed.push(request.body);
    const delivered = await this.deliver(user, { from, headers: ids, body: request.body, now });
    flow.socket.send(respond(request, delivered ? 200 : 202, delivered ? 'OK' : 'Accepted'));
  }

  /** Sends to every device of a number, else keeps. Resolves to whether somebody took it. */
  async deliver(number, message) {
    const flows = [...(this.bindings.get(number) ?? [])];
    const answers = await Promise.all(flows.map((flow) => this.send(flow, message)));
    const delivered = answers.some((status) => status === 200);
    if (!delivered && !message.now) this.kept.get(number)?.push(message);
    return delivered;
  }

  async flush(number) {
    for (const message of this.kept.get(number).splice(0)) await this.deliver(number, message);
  }

  send(flow, { from, headers, body }) {
    const callId = randomUUID();
    const request = writeSip({
      start: `MESSAGE ${flow.contact} SIP/2.0`,
      headers: [
        ['Via', `SIP/2.0/WS mock.invalid;branch=z9hG4bK${randomBytes(8).toString('hex')}`],
        ['Max-Forwards', '69'],
        ['From', `<${from}>;tag=${randomBytes(4).toString('hex')}`],
        ['To', `<sip:${flow.number}@${DOMAIN}>`],
        ['Call-ID', callId],
        ['CSeq', '1 MESSAGE'],
        ['P-Asserted-Identity', `<${from}>`],
        ...headers,
      ],
      body,
    });
    return new Promise((resolve) => {
      const settle = (status) => {
        this.waiting.delete(callId);
        flow.socket.off('close', gone);
        resolve(status);
      };
      const gone = () => settle(0);
      this.waiting.set(callId, settle);
      flow.socket.on('close', gone);
      flow.socket.send(request);
    });
  }
}

function userOf(target) {
  return /^sip:([^@;]+)/.exec(target)?.[1] ?? '';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, password } = await startMock({ port: Number(process.env.PORT ?? 8080) });
  console.log(`${url}/#/signin?number=%2B8613800000001&password=${password}`);
}
