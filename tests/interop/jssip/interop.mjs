// JsSIP against a running platform: registration, CPIM messages, reports, capabilities and subscriptions over WebSocket.
//
//   node interop.mjs ws://127.0.0.1:8080/sip hongyan.local PASSWORD NUMBER NUMBER
//
// Prints a line for each check, "ok - …" or "not ok - …"; the driver counts them.

import { once } from 'node:events';
import JsSIP from 'jssip';
import { Socket } from './socket.mjs';

const PATIENCE_MS = 60_000;
const [url, domain, password, aliceNumber, bobNumber] = process.argv.slice(2);

class Phone {
  constructor(number, secret = password) {
    this.uri = `sip:${number}@${domain}`;
    this.received = [];
    this.waiting = [];
    this.ua = new JsSIP.UA({
      sockets: [new Socket(url)],
      uri: this.uri,
      password: secret,
      register_expires: 600,
    });
    this.ua.on('newMessage', ({ originator, request }) => {
      if (originator !== 'remote') return;
      this.received.push(request);
      this.waiting.splice(0).forEach((look) => look());
    });
  }

  async register() {
    this.ua.start();
    return Promise.race([
      once(this.ua, 'registered').then(([{ response }]) => response.status_code),
      once(this.ua, 'registrationFailed').then(([{ response }]) => response?.status_code),
    ]);
  }

  /** Sends a MESSAGE; the final status. */
  send(to, contentType, body) {
    return new Promise((resolve) => {
      const outcome = ({ response }) => resolve(response?.status_code);
      this.ua.sendMessage(to, body, {
        contentType,
        eventHandlers: { succeeded: outcome, failed: outcome },
      });
    });
  }

  /** Asks for capabilities; the final response. */
  options(of) {
    return new Promise((resolve) => {
      const outcome = ({ response }) => resolve(response);
      this.ua.sendOptions(of, undefined, { eventHandlers: { succeeded: outcome, failed: outcome } });
    });
  }

  /** Subscribes; gives what the next NOTIFY says whenever it is asked for: its body, and whether it is the last. */
  watch(whom, event, accept) {
    const notes = [];
    const waiting = [];
    const subscriber = this.ua.subscribe(whom, event, accept, { expires: 600 });
    subscriber.on('notify', (isFinal, _request, body) => {
      notes.push({ isFinal, body: body ?? '' });
      waiting.splice(0).forEach((look) => look());
    });
    subscriber.subscribe();
    return {
      async next() {
        while (notes.length === 0) await new Promise((resolve) => waiting.push(resolve));
        return notes.shift();
      },
      end: () => subscriber.terminate(),
    };
  }

  /** The first message received that `is` wanted, now or later. */
  async receive(is) {
    for (;;) {
      const found = this.received.findIndex(is);
      if (found >= 0) return this.received.splice(found, 1)[0];
      await new Promise((resolve) => this.waiting.push(resolve));
    }
  }
}

const crlf = (...lines) => lines.join('\r\n');

function cpim(from, to, id, contentType, payload, wanted) {
  return crlf(
    `From: <${from}>`,
    `To: <${to}>`,
    'NS: imdn <urn:ietf:params:imdn>',
    `imdn.Message-ID: ${id}`,
    `DateTime: ${new Date().toISOString()}`,
    ...(wanted ? [`imdn.Disposition-Notification: ${wanted}`] : []),
    '',
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(payload)}`,
    '',
    payload,
  );
}

function imdn(id, to, notification, status) {
  return crlf(
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<imdn xmlns="urn:ietf:params:xml:ns:imdn">',
    `<message-id>${id}</message-id><datetime>${new Date().toISOString()}</datetime>`,
    `<recipient-uri>${to}</recipient-uri>`,
    `<${notification}><status><${status}/></status></${notification}>`,
    '</imdn>',
  );
}

function check(name, isTrue, detail = '') {
  console.log(isTrue ? `ok - ${name}` : `not ok - ${name} ${detail}`);
}

async function talk() {
  const alice = new Phone(aliceNumber);
  const bob = new Phone(bobNumber);

  const stranger = new Phone(aliceNumber, 'not the password');
  const refused = await stranger.register();
  check('a wrong password does not register', refused === 401 || refused === 403, refused);
  stranger.ua.stop();

  check('JsSIP registers over WebSocket', (await alice.register()) === 200);
  check('a second JsSIP registers', (await bob.register()) === 200);

  const text = '明天见? 😀';
  const id = `jssip-${Date.now()}`;
  const body = cpim(alice.uri, bob.uri, id, 'text/plain;charset=UTF-8', text, 'positive-delivery, display');
  const status = await alice.send(bob.uri, 'message/cpim', body);
  check('a CPIM message is answered 200', status === 200, status);

  const received = await bob.receive((request) => request.body?.includes(id));
  check('it arrives byte for byte', received.body === body, JSON.stringify(received.body));
  check('its sender is asserted', received.getHeader('P-Asserted-Identity')?.includes(aliceNumber));
  check('it belongs to a conversation', Boolean(received.getHeader('Conversation-ID')));

  for (const [notification, state] of [
    ['delivery-notification', 'delivered'],
    ['display-notification', 'displayed'],
  ]) {
    const report = cpim(
      bob.uri,
      alice.uri,
      `${id}-${state}`,
      'message/imdn+xml',
      imdn(id, bob.uri, notification, state),
    );
    const answered = await bob.send(alice.uri, 'message/cpim', report);
    check(`a ${state} report is answered`, answered === 200 || answered === 202, answered);
    const arrived = await alice.receive((request) => request.body?.includes(`<${state}/>`));
    check(`a ${state} report arrives`, arrived.body.includes(`<message-id>${id}</message-id>`));
  }

  const back = await bob.send(alice.uri, 'text/plain', 'plain, without CPIM');
  check('a bare text message is answered 200', back === 200, back);
  const bare = await alice.receive((request) => request.body?.includes('without CPIM'));
  check('it arrives as text/plain', bare.getHeader('Content-Type')?.startsWith('text/plain'));

  const capabilities = await alice.options(bob.uri);
  check('OPTIONS for a registered subscriber is answered 200', capabilities?.status_code === 200, capabilities?.status_code);
  const unknown = await alice.options(`sip:+8613800999999@${domain}`);
  check('OPTIONS for an unknown one is answered 404', unknown?.status_code === 404, unknown?.status_code);

  const nobody = await alice.send(`sip:+8613800999999@${domain}`, 'text/plain', 'hello?');
  check('a message to an unknown subscriber is answered 404', nobody === 404, nobody);

  const devices = alice.watch(alice.uri, 'reg', 'application/reginfo+xml');
  const all = await devices.next();
  check('a device is told of its registration', /<reginfo[^>]*version="0" state="full"/.test(all.body), all.body);
  check('with itself as a contact', all.body.includes('+sip.instance'), all.body);
  const tablet = new Phone(aliceNumber);
  await tablet.register();
  const came = await devices.next();
  const isNew = /version="1" state="partial"/.test(came.body) && /event="registered"/.test(came.body);
  check('it is told of another device', isNew, came.body);
  tablet.ua.stop();
  const left = await devices.next();
  check('and that it has gone', /state="terminated" event="unregistered"/.test(left.body), left.body);
  devices.end();
  check('the subscription ends', (await devices.next()).isFinal);

  const presence = alice.watch(bob.uri, 'presence', 'application/pidf+xml');
  const before = await presence.next();
  check('presence says what a handset can take', before.body.includes('<presence'), before.body);
  check('and no more than that', !before.body.includes('File-Transfer-HTTP'), before.body);
  const files = '"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp"';
  bob.ua.registrator().setExtraContactParams({ '+g.3gpp.iari-ref': files });
  bob.ua.register();
  const after = await presence.next();
  check('a new capability is told', after.body.includes('org.openmobilealliance:File-Transfer-HTTP'), after.body);
  presence.end();
  check('presence is watched no longer', (await presence.next()).isFinal);

  const gone = once(bob.ua, 'unregistered');
  bob.ua.unregister();
  await gone;
  const kept = await alice.send(bob.uri, 'message/cpim', cpim(alice.uri, bob.uri, `${id}-2`, 'text/plain', 'later'));
  check('a message to one who left is answered 202', kept === 202, kept);
  bob.ua.register();
  const later = await bob.receive((request) => request.body?.includes(`${id}-2`));
  check('it arrives when they come back', later.body.endsWith('later'));

  alice.ua.stop();
  bob.ua.stop();
}

const patience = setTimeout(() => {
  console.log(`not ok - nothing more happened within ${PATIENCE_MS} ms`);
  process.exit(1);
}, PATIENCE_MS);
await talk();
clearTimeout(patience);
process.exit(0);
