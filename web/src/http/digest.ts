/**
 * HTTP Digest (RFC 7616) for the content server, which takes the same number and password as the registrar.
 *
 * The browser's own Digest would ask the user in a window of its own, and Web Crypto has no MD5 and is missing
 * on pages that came by plain HTTP from another machine: hence the hashes of a library.
 */
import { md5 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

type Algorithm = 'SHA-256' | 'MD5';

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: Algorithm;
  /** Whether `qop=auth` is offered; without it the old form of RFC 2069 is answered. */
  readonly qop: boolean;
  readonly opaque: string | undefined;
}

/** Longest WWW-Authenticate that is read. */
const CHALLENGE_MAX = 8 * 1024;

/**
 * Reads the Digest challenges of a WWW-Authenticate, several joined by commas included, those with SHA-256
 * first. Other schemes and algorithms are left out.
 */
export function parseChallenges(value: string): Challenge[] {
  const found: Challenge[] = [];
  if (value.length > CHALLENGE_MAX) return found;
  // A challenge begins with its scheme; quoted values are stepped over whole.
  const parameters =
    /(?:^|,)\s*([A-Za-z][\w-]*)\s+(?=[\w*-]+\s*=)|([\w*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,]*)/g;
  let scheme = '';
  let fields = new Map<string, string>();
  const finish = () => {
    const challenge = scheme === 'digest' ? challengeOf(fields) : undefined;
    if (challenge) found.push(challenge);
    fields = new Map();
  };
  for (const [, begins, name, raw = ''] of value.matchAll(parameters)) {
    if (begins !== undefined) {
      finish();
      scheme = begins.toLowerCase();
    } else if (name !== undefined) {
      fields.set(name.toLowerCase(), raw.startsWith('"') ? raw.slice(1, -1).replace(/\\(.)/g, '$1') : raw);
    }
  }
  finish();
  return found.sort((a, b) => rank(a) - rank(b));
}

/** Answers the challenges of one server for one user, counting the uses of a nonce. */
export class DigestClient {
  private challenge: Challenge | undefined;
  private uses = 0;

  constructor(
    private readonly user: string,
    private readonly password: string,
    private readonly makeCnonce: () => string,
  ) {}

  /** Takes the WWW-Authenticate of a 401. False when there is nothing in it that can be answered. */
  handleChallenge(value: string): boolean {
    const challenge = parseChallenges(value)[0];
    if (!challenge) return false;
    this.challenge = challenge;
    this.uses = 0;
    return true;
  }

  /** Forgets the nonce: the next request asks for a fresh one. */
  forget(): void {
    this.challenge = undefined;
  }

  /** Authorization for one request; `undefined` before the first challenge. `uri` is path and query. */
  authorization(method: string, uri: string): string | undefined {
    const { challenge } = this;
    if (!challenge) return undefined;
    const { realm, nonce, algorithm, qop, opaque } = challenge;
    const hash = (text: string) => bytesToHex((algorithm === 'MD5' ? md5 : sha256)(utf8ToBytes(text)));
    this.uses += 1;
    const nc = this.uses.toString(16).padStart(8, '0');
    const cnonce = this.makeCnonce();
    // RFC 7616 §3.4.1.
    const secret = hash(`${this.user}:${realm}:${this.password}`);
    const request = hash(`${method}:${uri}`);
    const middle = qop ? `${nonce}:${nc}:${cnonce}:auth` : nonce;
    const fields = [
      `username=${quoted(this.user)}`,
      `realm=${quoted(realm)}`,
      `nonce=${quoted(nonce)}`,
      `uri=${quoted(uri)}`,
      `response="${hash(`${secret}:${middle}:${request}`)}"`,
      `algorithm=${algorithm}`,
      ...(qop ? ['qop=auth', `nc=${nc}`, `cnonce=${quoted(cnonce)}`] : []),
      ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ];
    return `Digest ${fields.join(', ')}`;
  }
}

function challengeOf(fields: ReadonlyMap<string, string>): Challenge | undefined {
  const nonce = fields.get('nonce');
  const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  if (nonce === undefined || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return undefined;
  const offered = (fields.get('qop') ?? '').split(',').map((token) => token.trim().toLowerCase());
  // With auth-int alone the body would have to be hashed before it is sent.
  if (fields.has('qop') && !offered.includes('auth')) return undefined;
  return {
    realm: fields.get('realm') ?? '',
    nonce,
    algorithm,
    qop: fields.has('qop'),
    opaque: fields.get('opaque'),
  };
}

function rank({ algorithm }: Challenge): number {
  return algorithm === 'SHA-256' ? 0 : 1;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
