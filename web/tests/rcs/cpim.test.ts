import { describe, expect, it } from 'vitest';
import { parseCpim, writeCpim } from '../../src/rcs/cpim';
import { fixture } from '../fixtures';

describe('parseCpim', () => {
  it('reads a chat message in full', () => {
    expect(parseCpim(fixture('rcs/cpim/chat.cpim'))).toEqual({
      from: 'sip:anonymous@anonymous.invalid',
      fromName: undefined,
      to: 'sip:anonymous@anonymous.invalid',
      dateTime: '2026-11-23T11:33:38.000Z',
      messageId: 'Msg34jk324j',
      dispositionNotification: new Set(['positive-delivery', 'display']),
      replyTo: undefined,
      inReplyTo: undefined,
      replaces: undefined,
      contentType: 'text/plain;charset=UTF-8',
      contentDisposition: undefined,
      body: '明天见，鸿雁',
    });
  });

  it('finds IMDN headers by their namespace, not by their prefix', () => {
    const cpim = parseCpim(fixture('rcs/cpim/interleaved-namespaces.cpim'));
    expect(cpim?.from).toBe('sip:+8613800000001@hongyan.local;user=phone');
    expect(cpim?.messageId).toBe('a.b~c@198.51.100.7');
    expect(cpim?.dispositionNotification).toEqual(
      new Set(['positive-delivery', 'negative-delivery', 'processing']),
    );
    expect(cpim?.body.trim()).toBe('hi');
  });

  it('reads bare line feeds, odd case and a missing NS line', () => {
    const cpim = parseCpim(fixture('rcs/cpim/line-feeds.cpim'));
    expect(cpim?.messageId).toBe('lf-1');
    expect(cpim?.contentType).toBe('text/plain');
    expect(cpim?.body).toBe('hello');
  });

  it('undoes base64 inside the envelope', () => {
    expect(parseCpim(fixture('rcs/cpim/base64.cpim'))?.body).toBe('明天见，鸿雁');
  });

  it('marks a report as a notification', () => {
    const cpim = parseCpim(fixture('rcs/cpim/imdn.cpim'));
    expect(cpim?.contentType).toBe('message/imdn+xml');
    expect(cpim?.contentDisposition).toBe('notification');
  });

  it('survives every prefix of a message', () => {
    const whole = fixture('rcs/cpim/chat.cpim');
    for (let end = 0; end < whole.length; end++) {
      expect(() => parseCpim(whole.slice(0, end))).not.toThrow();
    }
  });

  it('refuses what is no envelope', () => {
    for (const text of ['', 'hello', '\r\n\r\n', 'From: a\r\n\r\nno colon here\r\n\r\n']) {
      expect(parseCpim(text)).toBeUndefined();
    }
  });
});

describe('writeCpim', () => {
  it('writes the shared fixture byte for byte where both write the same headers', () => {
    const written = writeCpim({
      from: 'sip:a@hongyan.local',
      to: 'sip:b@hongyan.local',
      dateTime: new Date('2026-11-23T11:33:38Z'),
      messageId: 'm1',
      dispositionNotification: ['positive-delivery', 'display'],
      contentType: 'text/plain;charset=UTF-8',
      body: '明天见，鸿雁',
    });
    expect(written.split('\r\n')).toEqual([
      'From: <sip:a@hongyan.local>',
      'To: <sip:b@hongyan.local>',
      'DateTime: 2026-11-23T11:33:38.000Z',
      'NS: imdn <urn:ietf:params:imdn>',
      'imdn.Message-ID: m1',
      'imdn.Disposition-Notification: positive-delivery, display',
      '',
      'Content-Type: text/plain;charset=UTF-8',
      'Content-Length: 18',
      '',
      '明天见，鸿雁',
    ]);
  });

  it('names itself and the message that it answers, and lets nobody add a header', () => {
    const written = writeCpim({
      from: 'sip:a@x',
      fromName: '王 "芳"\r\nTo: <sip:evil@x>',
      to: 'sip:b@x',
      dateTime: new Date(0),
      messageId: 'id-2',
      replyTo: { messageId: 'old\r\nSubject: x', sender: 'sip:b@x' },
      contentType: 'text/plain',
      body: 'yes',
    });
    expect(written.split('\r\n').slice(0, 8)).toEqual([
      'From: "王 \\"芳\\" To: <sip:evil@x>" <sip:a@x>',
      'To: <sip:b@x>',
      'DateTime: 1970-01-01T00:00:00.000Z',
      'NS: imdn <urn:ietf:params:imdn>',
      'imdn.Message-ID: id-2',
      'NS: linphone <tag:linphone.org,2020:params:groupchat>',
      'linphone.Replying-To-Message-ID: old Subject: x',
      'linphone.Replying-To-Sender: sip:b@x',
    ]);
    expect(parseCpim(written)).toMatchObject({
      from: 'sip:a@x',
      fromName: '王 "芳" To: <sip:evil@x>',
      replyTo: { messageId: 'old Subject: x', sender: 'sip:b@x' },
    });
  });

  it('marks a reaction, whatever the prefix', () => {
    const written = writeCpim({
      from: 'sip:a@x',
      to: 'sip:b@x',
      dateTime: new Date(0),
      messageId: 'id-3',
      inReplyTo: 'old',
      contentType: 'text/plain;charset=UTF-8',
      contentDisposition: 'Reaction',
      body: '👍',
    });
    const other = written.replace('NS: linphone', 'NS: q').replace('linphone.In-Reply-To', 'q.In-Reply-To');
    for (const text of [written, other]) {
      expect(parseCpim(text)).toMatchObject({ inReplyTo: 'old', contentDisposition: 'reaction', body: '👍' });
    }
  });

  it('names the message whose words it changes', () => {
    const written = writeCpim({
      from: 'sip:a@x',
      to: 'sip:b@x',
      dateTime: new Date(0),
      messageId: 'id-4',
      replaces: 'old\r\nSubject: x',
      contentType: 'text/plain;charset=UTF-8',
      body: 'eight',
    });
    expect(parseCpim(written)).toMatchObject({
      messageId: 'id-4',
      replaces: 'old Subject: x',
      body: 'eight',
    });
    expect(parseCpim(fixture('rcs/cpim/edit.cpim'))).toMatchObject({
      messageId: 'e2~1',
      replaces: 'Msg34jk324j',
      body: '后天见，鸿雁',
    });
  });

  it('is read back as it was written', () => {
    const body = 'line one\r\n\r\nline: three\n--not a boundary';
    const written = writeCpim({
      from: 'sip:a@x',
      to: 'sip:b@x',
      dateTime: new Date(0),
      messageId: 'id-1',
      contentType: 'text/plain',
      contentDisposition: 'notification',
      body,
    });
    expect(parseCpim(written)).toMatchObject({ messageId: 'id-1', contentDisposition: 'notification', body });
  });
});
