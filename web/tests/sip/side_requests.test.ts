import { describe, expect, it, vi } from 'vitest';
import { SideRequests } from '../../src/sip/side_requests';
import { answerTo, parseSip, type SipMessage, sipHeader, writeSip } from '../../src/sip/wire';
import { eventually } from '../eventually';

const FOCUS = 'sip:7f3a@groups.hongyan.local';

function world() {
  const sent: SipMessage[] = [];
  const heard: SipMessage[] = [];
  let connected = true;
  const side = new SideRequests(
    { number: '+8613800000001', password: 'secret', domain: 'hongyan.local' },
    {
      send: (text) => {
        const message = parseSip(text);
        if (connected && message) sent.push(message);
        return connected;
      },
      contact: () => '<sip:x@abc.invalid;transport=ws>',
      handleRequest: (request) => heard.push(request),
    },
  );
  const answer = (request: SipMessage | undefined, status: number, more: [string, string][] = []) => {
    if (request) side.handleData(answerTo(request, status, 'Reason', 'them', more));
  };
  const disconnect = () => {
    connected = false;
  };
  return { side, sent, heard, answer, disconnect };
}

/** A request as a focus sends it. */
function fromFocus(method: string, more: [string, string][] = [], body = ''): string {
  const headers: [string, string][] = [
    ['Via', 'SIP/2.0/WS server.invalid;branch=z9hG4bKx'],
    ['From', `<${FOCUS}>;tag=f`],
    ['To', '<sip:+8613800000001@hongyan.local>'],
    ['Call-ID', 'c1'],
    ['CSeq', `1 ${method}`],
    ['Contact', `<${FOCUS}>;isfocus`],
    ...more,
  ];
  return writeSip(`${method} sip:x@abc.invalid SIP/2.0`, headers, body);
}

describe('requests beside JsSIP', () => {
  it('end with the final answer; an INVITE is acknowledged at the focus', async () => {
    const { side, sent, answer } = world();
    const asked = side.request({
      method: 'INVITE',
      target: 'sip:factory@hongyan.local',
      headers: [['X', 'y']],
    });
    expect(sent[0]?.method).toBe('INVITE');
    expect(sipHeader(sent[0] as SipMessage, 'x')).toBe('y');
    answer(sent[0], 180);
    answer(sent[0], 200, [['Contact', `<${FOCUS}>;isfocus`]]);
    expect((await asked)?.status).toBe(200);
    expect(sent[1]).toMatchObject({ method: 'ACK', startText: FOCUS });
    expect(sipHeader(sent[1] as SipMessage, 'cseq')).toBe('1 ACK');
    expect(sipHeader(sent[1] as SipMessage, 'to')).toContain(';tag=them');
  });

  it('answer a challenge once', async () => {
    const { side, sent, answer } = world();
    const asked = side.request({ method: 'REFER', target: FOCUS, headers: [] });
    answer(sent[0], 407, [
      ['Proxy-Authenticate', 'Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'],
    ]);
    await eventually(() => expect(sent).toHaveLength(2));
    expect(sipHeader(sent[1] as SipMessage, 'proxy-authorization')).toContain('username="+8613800000001"');
    expect(sipHeader(sent[1] as SipMessage, 'cseq')).toBe('2 REFER');
    answer(sent[1], 407, [['Proxy-Authenticate', 'Digest realm="r", nonce="m", qop="auth"']]);
    expect((await asked)?.status).toBe(407);
  });

  it('end without an answer when the connection goes, is not there, or nobody answers', async () => {
    vi.useFakeTimers();
    try {
      const { side, disconnect } = world();
      const lost = side.request({ method: 'SUBSCRIBE', target: FOCUS, headers: [] });
      side.handleDisconnected();
      expect(await lost).toBeUndefined();
      const silent = side.request({ method: 'SUBSCRIBE', target: FOCUS, headers: [] });
      await vi.advanceTimersByTimeAsync(32_000);
      expect(await silent).toBeUndefined();
      disconnect();
      expect(await side.request({ method: 'SUBSCRIBE', target: FOCUS, headers: [] })).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  it('of a focus are answered and handed on, calls of anybody else are declined', () => {
    const { side, sent, heard } = world();
    for (const method of ['INVITE', 'NOTIFY', 'BYE']) {
      expect(side.handleData(fromFocus(method))).toBe(true);
      expect(sent.pop()?.status).toBe(200);
    }
    expect(heard.map(({ method }) => method)).toEqual(['INVITE', 'NOTIFY', 'BYE']);
    expect(side.handleData(fromFocus('ACK'))).toBe(true);
    expect(sent).toEqual([]);
    side.handleData(fromFocus('INVITE').replace(';isfocus', ''));
    expect(sent.pop()?.status).toBe(488);
    expect(heard).toHaveLength(3);
  });

  it('leave to JsSIP what is its own', () => {
    const { side, sent } = world();
    for (const text of [
      fromFocus('MESSAGE'),
      fromFocus('OPTIONS'),
      '\r\n',
      'SIP/2.0 200 OK\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK123\r\nContent-Length: 0\r\n\r\n',
      'NOTIFY nonsense',
    ]) {
      expect(side.handleData(text)).toBe(false);
    }
    expect(sent).toEqual([]);
  });
});

describe('SIP on the wire', () => {
  it('is read in compact and folded form', () => {
    const text =
      'NOTIFY sip:x SIP/2.0\r\nv: SIP/2.0/WS a;branch=b\r\no: conference\r\nSubject: a\r\n b\r\n\r\nbody';
    const message = parseSip(text);
    expect(message && sipHeader(message, 'Event')).toBe('conference');
    expect(message && sipHeader(message, 'Subject')).toBe('a b');
    expect(message?.body).toBe('body');
  });

  it('survives every prefix, and refuses what is no message', () => {
    const whole = fromFocus('INVITE', [['Subject', '周末']], 'body');
    for (let end = 0; end < whole.length; end++) expect(() => parseSip(whole.slice(0, end))).not.toThrow();
    for (const text of ['', '\r\n\r\n', 'hello\r\n\r\n', 'INVITE x SIP/2.0\r\nno colon\r\n\r\n']) {
      expect(parseSip(text)).toBeUndefined();
    }
    expect(parseSip(`X sip:a SIP/2.0\r\n${'a: b\r\n'.repeat(200)}\r\n`)).toBeUndefined();
  });
});
