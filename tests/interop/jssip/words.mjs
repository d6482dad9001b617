// A JsSIP client that says what the web handset says, and reads as it does: its envelopes are the web handset's own.
//
//   node words.mjs ws://127.0.0.1:8080/sip hongyan.local PASSWORD NUMBER BUNDLE
//
// BUNDLE is web_handset.ts for Node. Commands, one a line: `text TO TEXT`, `reply TO ID TEXT` (to a message of TO's), `react TO ID EMOJI`,
// `report TO ID STATUS`, `composing TO`, `quit`. Events, one JSON object a line: {"registered"}, {"answer": status},
// {"message": the envelope as the web handset reads it, "encoding": the Content-Encoding it came with, "type"}.

import { createInterface } from 'node:readline';
import JsSIP from 'jssip';
import { Socket } from './socket.mjs';

const [url, domain, password, number, bundle] = process.argv.slice(2);
const { Envelopes, parseAddress, parseCpim } = await import(bundle);
const tell = (event) => console.log(JSON.stringify(event));
const self = parseAddress(number);
const envelopes = new Envelopes(self, domain, () => '');

const ua = new JsSIP.UA({ sockets: [new Socket(url)], uri: `sip:${number}@${domain}`, password, register_expires: 600 });
ua.on('registered', () => tell({ registered: true }));
ua.on('newMessage', ({ originator, request }) => {
  if (originator !== 'remote') return;
  const type = request.getHeader('Content-Type');
  const encoding = request.getHeader('Content-Encoding') ?? null;
  const message = type?.startsWith('message/cpim') ? parseCpim(request.body) : { body: request.body };
  tell({ message: message ?? null, encoding, type });
});

function send({ to, body, contentType, messageId }) {
  const told = ({ response }) => tell({ answer: response?.status_code ?? 0, messageId });
  const uri = `sip:${to.slice('tel:'.length)}@${domain}`;
  ua.sendMessage(uri, body, { contentType, eventHandlers: { succeeded: told, failed: told } });
}

/** A record as the web handset keeps one, as far as its envelopes need it. */
function record(peer, messageId, more) {
  const at = Date.now();
  const dateTime = new Date(at).toISOString();
  return { peer, messageId, at, dateTime, conversationId: 'c', contributionId: 'c', contentType: 'text/plain;charset=UTF-8', ...more };
}

ua.start();
for await (const line of createInterface({ input: process.stdin })) {
  const [command, to, id, ...words] = line.split(' ');
  const peer = to && parseAddress(to);
  const own = `web-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  if (command === 'text') send(envelopes.message(record(peer, own, { body: [id, ...words].join(' ') })));
  else if (command === 'reply') send(envelopes.message(record(peer, own, { body: words.join(' '), replyTo: { messageId: id, sender: peer } })));
  else if (command === 'react') send(envelopes.reaction(record(peer, id), words.join(' '), 'c'));
  else if (command === 'report') send(envelopes.report(record(peer, id), words[0]));
  else if (command === 'composing') send(envelopes.composing(peer, 'active', 'c'));
  else if (command === 'quit') break;
}
process.exit(0);
