import { describe, expect, it } from 'vitest';
import { DigestClient, parseChallenges } from '../../src/http/digest';

const NONCE = '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v';
const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ';
const OPAQUE = 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS';
/** The challenges of RFC 7616 §3.9.1, joined as a browser joins them. */
const both = ['SHA-256', 'MD5']
  .map(
    (algorithm) =>
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${NONCE}", opaque="${OPAQUE}"`,
  )
  .join(', ');

function response(authorization: string | undefined): string | undefined {
  return /response="([0-9a-f]+)"/.exec(authorization ?? '')?.[1];
}

describe('HTTP Digest', () => {
  it('gives the responses of RFC 7616 §3.9.1', () => {
    const client = new DigestClient('Mufasa', 'Circle of Life', () => CNONCE);
    expect(client.authorization('GET', '/dir/index.html')).toBeUndefined();
    expect(client.handleChallenge(both)).toBe(true);
    expect(response(client.authorization('GET', '/dir/index.html'))).toBe(
      '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
    );
    client.handleChallenge(both.split(', Digest')[1]?.replace(/^/, 'Digest') ?? '');
    const md5 = client.authorization('GET', '/dir/index.html');
    expect(response(md5)).toBe('8ca523f5e9506fed4657c9700eebdbec');
    expect(md5).toContain('qop=auth, nc=00000001');
    expect(md5).toContain(`opaque="${OPAQUE}"`);
  });

  it('prefers SHA-256 whatever the order, and counts the uses of a nonce', () => {
    const reversed = both
      .split(/, (?=Digest)/)
      .reverse()
      .join(', ');
    expect(parseChallenges(reversed).map(({ algorithm }) => algorithm)).toEqual(['SHA-256', 'MD5']);
    const client = new DigestClient('a', 'b', () => 'c');
    client.handleChallenge(reversed);
    client.authorization('GET', '/');
    expect(client.authorization('GET', '/')).toContain('nc=00000002');
    client.handleChallenge(reversed);
    expect(client.authorization('GET', '/')).toContain('nc=00000001');
  });

  it('answers the old form without qop', () => {
    const client = new DigestClient('Mufasa', 'Circle Of Life', () => 'unused');
    client.handleChallenge('Digest realm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"');
    const authorization = client.authorization('GET', '/dir/index.html');
    expect(response(authorization)).toBe('670fd8c2df070c60b045671b8b24ff02');
    expect(authorization).not.toContain('qop');
  });

  it('reads commas and quotes inside values, and leaves out what it cannot answer', () => {
    const odd = 'Basic realm="a, Digest nonce=x", Digest realm="say \\"hi\\"", nonce="n,1", algorithm=md5';
    expect(parseChallenges(odd)).toEqual([
      { realm: 'say "hi"', nonce: 'n,1', algorithm: 'MD5', qop: false, opaque: undefined },
    ]);
    for (const unusable of [
      '',
      'Basic realm="x"',
      'Digest realm="x"',
      'Digest nonce="x", algorithm=SHA-512-256',
      'Digest nonce="x", qop="auth-int"',
      `Digest nonce="${'x'.repeat(9000)}"`,
    ]) {
      expect(parseChallenges(unusable)).toEqual([]);
    }
  });

  it('survives every prefix', () => {
    for (let end = 0; end < both.length; end++) {
      expect(() => parseChallenges(both.slice(0, end))).not.toThrow();
    }
  });

  it('quotes what would end a quoted string', () => {
    const client = new DigestClient('a"b', 'c', () => 'd');
    client.handleChallenge('Digest realm="r", nonce="n"');
    expect(client.authorization('GET', '/')).toContain('username="a\\"b"');
  });
});
