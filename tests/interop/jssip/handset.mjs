// A JsSIP handset that talks with chatbots, told what to do on its standard input and telling what happens on its standard output.
//
//   node handset.mjs ws://127.0.0.1:8080/sip hongyan.local PASSWORD NUMBER
//
// Commands, one a line: `say URI ID TYPE BASE64` sends CPIM with these bytes, `quit`. Events, one JSON object a line: {"registered"},
// {"answer": status, "id"}, {"message": payload, "id", "type", "from"}, {"report": status, "id"}. What asks for reports is reported
// delivered and displayed.

import { createInterface } from 'node:readline';
import JsSIP from 'jssip';
import { Socket } from './socket.mjs';

const [url, domain, password, number] = process.argv.slice(2);
const uri = `sip:${number}@${domain}`;
const tell = (event) => console.log(JSON.stringify(event));
const COMPOSING = 'application/im-iscomposing+xml';

const ua = new JsSIP.UA({ sockets: [new Socket(url)], uri, password, register_expires: 600 });
ua.registrator().setExtraContactParams({
  '+g.3gpp.icsi-ref': '"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg"',
  '+g.3gpp.iari-ref': '"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.chatbot.sa"',
  '+g.gsma.rcs.botversion': '"#=1"',
});
ua.on('registered', () => tell({ registered: true }));
ua.on('registrationFailed', ({ cause }) => tell({ error: cause }));
ua.on('newMessage', ({ originator, request }) => {
  if (originator === 'remote') received(request);
});

function received(request) {
  const [head, inner, ...rest] = request.body.split('\r\n\r\n');
  const payload = rest.join('\r\n\r\n');
  const header = (text, name) => new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(text)?.[1].trim();
  const type = header(inner, 'Content-Type');
  const from = /<([^>]*)>/.exec(header(head, 'From'))?.[1];
  const report = /<(delivered|displayed|failed)\s*\/>/.exec(payload);
  if (type.startsWith('message/imdn') && report) {
    tell({ report: report[1], id: /<message-id>([^<]*)</.exec(payload)?.[1] });
    return;
  }
  const id = header(head, 'imdn.Message-ID');
  tell({ message: payload, id, type, from });
  if (!/positive-delivery/i.test(header(head, 'imdn.Disposition-Notification') ?? '')) return;
  for (const [kind, status] of [['delivery', 'delivered'], ['display', 'displayed']]) {
    const imdn = `<?xml version="1.0"?>\r\n<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>${id}</message-id>` +
      `<datetime>${new Date().toISOString()}</datetime>` +
      `<${kind}-notification><status><${status}/></status></${kind}-notification></imdn>`;
    say(from, `${id}-${status}`, 'message/imdn+xml', imdn);
  }
}

function say(to, id, type, payload) {
  const asks = !type.startsWith('message/imdn') && type !== COMPOSING;
  const body = [
    `From: <${uri}>`, `To: <${to}>`, 'NS: imdn <urn:ietf:params:imdn>', `imdn.Message-ID: ${id}`,
    `DateTime: ${new Date().toISOString()}`,
    ...(asks ? ['imdn.Disposition-Notification: positive-delivery, display'] : []),
    '', `Content-Type: ${type}`, '', payload,
  ].join('\r\n');
  const outcome = ({ response }) => tell({ answer: response?.status_code ?? 0, id });
  ua.sendMessage(to, body, { contentType: 'message/cpim', eventHandlers: { succeeded: outcome, failed: outcome } });
}

ua.start();
for await (const line of createInterface({ input: process.stdin })) {
  const [command, to, id, type, bytes] = line.split(' ');
  if (command === 'say') say(to, id, type, Buffer.from(bytes, 'base64').toString('utf8'));
  else if (command === 'quit') break;
}
process.exit(0);
