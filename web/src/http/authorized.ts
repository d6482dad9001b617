/** Requests that prove who we are, by HTTP Digest. */
import type { DigestClient } from './digest';
import type { Http, HttpAnswer, HttpRequest } from './transport';

/** A challenge is answered so often before the password is believed to be wrong: a nonce may have grown old. */
const CHALLENGES_MAX = 2;

export interface Authority {
  readonly http: Http;
  readonly digest: DigestClient;
}

/** Rejects with the signal's reason when aborted. */
export async function authorized(
  { http, digest }: Authority,
  request: Omit<HttpRequest, 'headers'> & { readonly headers?: Readonly<Record<string, string>> },
): Promise<HttpAnswer> {
  const { pathname, search } = new URL(request.url);
  for (let challenges = 0; ; challenges++) {
    const authorization = digest.authorization(request.method, pathname + search);
    const headers = { ...request.headers, ...(authorization ? { Authorization: authorization } : {}) };
    const answer = await http({ ...request, headers });
    if (answer.status !== 401 || challenges === CHALLENGES_MAX) return answer;
    if (!digest.handleChallenge(answer.header('WWW-Authenticate') ?? '')) return answer;
  }
}

export function isOk({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}
