/** The little SIP that the test registrar needs: one message per WebSocket frame (RFC 7118). */
import { createHash } from 'node:crypto';

/**
 * @typedef {{ start: string, headers: [string, string][], body: string }} SipMessage
 */

/** @returns {SipMessage} */
export function parseSip(text) {
  const end = text.indexOf('\r\n\r\n');
  const [start = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  return { start, headers, body: text.slice(end + 4) };
}

export function writeSip({ start, headers, body }) {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  return [start, ...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n');
}

export function header(message, name) {
  const wanted = name.toLowerCase();
  return message.headers.find(([candidate]) => candidate.toLowerCase() === wanted)?.[1];
}

/** An answer to a request, with what RFC 3261 §8.2.6 copies. */
export function respond(request, status, reason, more = []) {
  const copied = request.headers.filter(([name]) => /^(via|from|call-id|cseq)$/i.test(name));
  const to = header(request, 'To') ?? '';
  const tagged = /;tag=/.test(to) ? to : `${to};tag=mock`;
  return writeSip({
    start: `SIP/2.0 ${status} ${reason}`,
    headers: [...copied, ['To', tagged], ...more],
    body: '',
  });
}

/** Whether an Authorization header proves the password (RFC 7616, MD5 and qop=auth). */
export function digestMatches(authorization, method, realm, password) {
  const field = (name) => new RegExp(`${name}="?([^",]+)`).exec(authorization)?.[1] ?? '';
  const md5 = (text) => createHash('md5').update(text).digest('hex');
  const ha1 = md5(`${field('username')}:${realm}:${password}`);
  const ha2 = md5(`${method}:${field('uri')}`);
  const expected = md5(
    `${ha1}:${field('nonce')}:${field('nc')}:${field('[^c]nonce') && field('cnonce')}:auth:${ha2}`,
  );
  return field('algorithm') === 'MD5' && field('response') === expected;
}
