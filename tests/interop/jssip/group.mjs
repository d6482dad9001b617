// A JsSIP client in groups, told what to do on its standard input and telling what happens on its standard output: the counterpart of
// ../linphone-group/group_client.c.
//
//   node group.mjs ws://127.0.0.1:8080/sip hongyan.local PASSWORD NUMBER
//
// Commands, one a line: `register`, `watch FOCUS` subscribes to the conference package, `send FOCUS TEXT`, `options URI`, `quit`.
// Events: `registered`, `message AUTHOR TEXT`, `report FROM STATUS`, `members N SUBJECT`, `answer METHOD STATUS`,
// `capabilities STATUS CONTACT`.

import { createInterface } from 'node:readline';
import JsSIP from 'jssip';
import { Socket } from './socket.mjs';

// Node has no WebRTC: JsSIP then answers an INVITE with 488, and the platform takes it for a pager-mode member.
globalThis.window ??= {};

const [url, domain, password, number] = process.argv.slice(2);
const uri = `sip:${number}@${domain}`;
const tell = (...words) => console.log(words.join(' '));

const ua = new JsSIP.UA({ sockets: [new Socket(url)], uri, password, register_expires: 600 });
ua.on('registered', () => tell('registered'));
ua.on('registrationFailed', ({ cause }) => tell('error', cause));
ua.on('newMessage', ({ originator, request }) => {
  if (originator === 'remote') received(request);
});

/** A CPIM message from a focus: words, or a report. */
function received(request) {
  const [head, , ...rest] = request.body.split('\r\n\r\n');
  const payload = rest.join('\r\n\r\n');
  const author = /^From:.*<([^>]*)>/im.exec(head)?.[1];
  const focus = request.from.uri.toString();
  const report = /<(delivered|displayed)\s*\/>/.exec(request.body);
  if (report) {
    tell('report', author, report[1]);
    return;
  }
  tell('message', author, payload.trim());
  const id = /^imdn\.Message-ID:\s*(\S+)/im.exec(head)?.[1];
  if (id && /Disposition-Notification/i.test(head)) {
    for (const [kind, status] of [['delivery', 'delivered'], ['display', 'displayed']]) {
      const imdn = `<?xml version="1.0"?>\r\n<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${id}</message-id>` +
        `<datetime>${new Date().toISOString()}</datetime>` +
        `<${kind}-notification><status><${status}/></status></${kind}-notification></imdn>`;
      send(focus, author, 'message/imdn+xml', imdn);
    }
  }
}

function send(focus, to, contentType, payload) {
  const id = Math.random().toString(36).slice(2) + Date.now().toString(36);
  const body = [
    `From: <${uri}>`, `To: <${to}>`, 'NS: imdn <urn:ietf:params:imdn>', `imdn.Message-ID: ${id}`,
    `DateTime: ${new Date().toISOString()}`, 'imdn.Disposition-Notification: positive-delivery, display', '',
    `Content-Type: ${contentType}`, '', payload,
  ].join('\r\n');
  const outcome = ({ response }) => tell('answer', 'MESSAGE', response?.status_code);
  ua.sendMessage(focus, body, { contentType: 'message/cpim', eventHandlers: { succeeded: outcome, failed: outcome } });
}

/** Asks what somebody's devices can do. */
function options(uri) {
  const outcome = ({ response }) => tell('capabilities', response?.status_code, response?.getHeader('Contact') ?? '');
  ua.sendOptions(uri, undefined, { eventHandlers: { succeeded: outcome, failed: outcome } });
}

/** Keeps up with who is in a group. */
function watch(focus) {
  const accept = 'application/conference-info+xml';
  const subscriber = ua.subscribe(focus, 'conference', accept, { expires: 600 });
  const members = new Set();
  let subject = '';
  subscriber.on('notify', (isFinal, request, body) => {
    if (!body) return;
    if (/<conference-info[^>]*state="full"/.test(body)) members.clear();
    subject = /<subject>([^<]*)</.exec(body)?.[1] ?? subject;
    for (const [, entity, state] of body.matchAll(/<user entity="([^"]*)" state="(\w+)"/g)) {
      if (state === 'deleted') members.delete(entity);
      else members.add(entity);
    }
    tell('members', members.size, subject);
  });
  subscriber.on('terminated', (code, reason) => tell('unwatched', reason ?? code));
  subscriber.subscribe();
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, focus, ...words] = line.split(' ');
  if (command === 'watch') watch(focus);
  else if (command === 'send') send(focus, focus, 'text/plain;charset=UTF-8', words.join(' '));
  else if (command === 'options') options(focus);
  else if (command === 'quit') break;
  else if (command === 'register') ua.start();
}
ua.stop();
setTimeout(() => process.exit(0), 500);
