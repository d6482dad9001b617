// A SIP.js client, told what to do on its standard input and telling what happens on its standard output.
//
//   node peer.mjs ws://127.0.0.1:8080/sip hongyan.local PASSWORD NUMBER
//
// Commands, one a line: `register FEATURE…`, each a parameter for Contact; `send URI TEXT`, `cpim URI TEXT`, `options URI`, `unregister`,
// `quit`. Events: `registered CONTACT`, `unregistered`, `refused STATUS`, `message TYPE BODY` with the body in one line,
// `answer STATUS`, `capabilities STATUS CONTACT`.

import { createInterface } from 'node:readline';
import { Messager, Registerer, UserAgent } from 'sip.js';
import WebSocket from 'ws';

// SIP.js takes the browser's.
globalThis.WebSocket = WebSocket;

const [server, domain, password, number] = process.argv.slice(2);
const own = `sip:${number}@${domain}`;
const tell = (...words) => console.log(words.join(' '));
const contactOf = ({ message }) => message.getHeader('Contact') ?? '';

const agent = new UserAgent({
  uri: UserAgent.makeURI(own),
  authorizationUsername: number,
  authorizationPassword: password,
  transportOptions: { server },
  logBuiltinEnabled: false,
  delegate: {
    onMessage: (message) => {
      message.accept();
      const type = message.request.getHeader('Content-Type');
      tell('message', type, message.request.body.replaceAll(/\r?\n/g, ' | '));
    },
  },
});

function register(extraContactHeaderParams) {
  const registerer = new Registerer(agent, { expires: 600, extraContactHeaderParams });
  const told = {
    onAccept: (response) => tell('registered', contactOf(response)),
    onReject: ({ message }) => tell('refused', message.statusCode),
  };
  void registerer.register({ requestDelegate: told });
  return registerer;
}

function send(to, contentType, body) {
  const told = ({ message }) => tell('answer', message.statusCode);
  const messager = new Messager(agent, UserAgent.makeURI(to), body, contentType);
  void messager.message({ requestDelegate: { onAccept: told, onReject: told } });
}

function cpim(to, text) {
  const head = [`From: <${own}>`, `To: <${to}>`, 'NS: imdn <urn:ietf:params:imdn>', `imdn.Message-ID: sipjs-${Date.now()}`];
  const body = [...head, `DateTime: ${new Date().toISOString()}`, '', 'Content-Type: text/plain;charset=UTF-8', '', text];
  send(to, 'message/cpim', body.join('\r\n'));
}

function options(of) {
  const target = UserAgent.makeURI(of);
  const core = agent.userAgentCore;
  const told = (response) => tell('capabilities', response.message.statusCode, contactOf(response));
  const asked = core.makeOutgoingRequestMessage('OPTIONS', target, agent.configuration.uri, target, {});
  core.request(asked, { onAccept: told, onReject: told });
}

await agent.start();
let registerer;
for await (const line of createInterface({ input: process.stdin })) {
  const [command, uri, ...words] = line.split(' ');
  if (command === 'register') registerer = register([uri, ...words].filter(Boolean));
  else if (command === 'unregister') void registerer.unregister({ requestDelegate: { onAccept: () => tell('unregistered') } });
  else if (command === 'send') send(uri, 'text/plain', words.join(' '));
  else if (command === 'cpim') cpim(uri, words.join(' '));
  else if (command === 'options') options(uri);
  else if (command === 'quit') break;
}
process.exit(0);
