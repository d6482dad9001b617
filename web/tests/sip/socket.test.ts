import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../src/rcs/address';
import { acceptContact, CONTACT_TAGS, readCapability, takesPlaces } from '../../src/sip/capability';
import { keepMd5Challenge } from '../../src/sip/socket';

const SHA = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256';
const MD5 = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5';
const answer = (status: string, ...lines: string[]) =>
  [`SIP/2.0 ${status}`, 'Call-ID: c', ...lines, '', ''].join('\r\n');

describe('keepMd5Challenge', () => {
  it('drops SHA-256 wherever it stands', () => {
    expect(keepMd5Challenge(answer('401 Unauthorized', SHA, MD5))).toBe(answer('401 Unauthorized', MD5));
    expect(keepMd5Challenge(answer('401 Unauthorized', MD5, SHA))).toBe(answer('401 Unauthorized', MD5));
  });

  it('keeps a challenge without algorithm, which means MD5', () => {
    const bare = 'Proxy-Authenticate: Digest realm="r", nonce="n"';
    expect(keepMd5Challenge(answer('407 Proxy Authentication Required', bare))).toContain(bare);
  });

  it('changes nothing when there is no MD5, and nothing else at all', () => {
    for (const message of [
      answer('401 Unauthorized', SHA),
      answer('200 OK', SHA, MD5),
      `MESSAGE sip:a SIP/2.0\r\n${SHA}\r\n\r\n`,
    ]) {
      expect(keepMd5Challenge(message)).toBe(message);
    }
  });
});

describe('capabilities', () => {
  it('are announced percent-encoded in quotes', () => {
    expect(CONTACT_TAGS).toContain(';+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg"');
    expect(CONTACT_TAGS).toContain('urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.chatbot.sa');
    expect(CONTACT_TAGS).toContain(';+g.gsma.rcs.botversion="#=1"');
  });

  it('ask for the chatbot service only towards chatbots', () => {
    const li = parseAddress('+8613800000001');
    const rail = parseAddress('sip:12306@botplatform.hongyan.local');
    expect(li && acceptContact(li).length).toBe(1);
    expect(rail && acceptContact(rail).join()).toContain('chatbot.sa');
  });

  it('are read from the answer to OPTIONS', () => {
    expect(readCapability(200, '<sip:a>;+g.gsma.rcs.isbot')).toBe('chatbot');
    expect(readCapability(200, '<sip:a>')).toBe('reachable');
    expect(readCapability(480, '')).toBe('away');
    expect(readCapability(404, '')).toBe('none');
    expect(readCapability(0, '')).toBe('unknown');
    expect(takesPlaces(`<sip:a>${CONTACT_TAGS}`)).toBe(true);
    expect(
      takesPlaces('<sip:a%zz@b>;+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp"'),
    ).toBe(false);
  });
});
