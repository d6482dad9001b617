import { describe, expect, it } from 'vitest';
import { DigestClient } from '../../src/http/digest';
import type { Http, HttpAnswer, HttpRequest } from '../../src/http/transport';
import { type FileToUpload, upload } from '../../src/http/upload';
import { fixture } from '../fixtures';

const XML = fixture('rcs/file-transfer/picture.written.xml');
const CHALLENGE = 'Digest realm="content", nonce="n1", qop="auth", algorithm=SHA-256';
const URI = 'https://content.example/upload';

type Script = (
  request: HttpRequest,
) => Partial<Omit<HttpAnswer, 'header'>> & { headers?: Record<string, string> };

/** A server that answers by script and remembers what it was asked. */
function server(script: Script) {
  const asked: HttpRequest[] = [];
  const http: Http = async (request) => {
    request.signal.throwIfAborted();
    asked.push(request);
    const { status = 200, body = '', headers = {} } = script(request);
    return { status, body, header: (name) => headers[name] };
  };
  return { asked, http };
}

const FILE: FileToUpload = {
  tid: '5f1c9d0e-0000-4000-8000-000000000001',
  name: '车 & dog.png',
  file: new Blob(['0123456789']),
  thumbnail: new Blob(['t'], { type: 'image/jpeg' }),
};

function run(http: Http, resume = false, signal = new AbortController().signal) {
  const digest = new DigestClient('+8613800000001', 'secret', () => 'c');
  const progress: number[] = [];
  const outcome = upload(FILE, {
    http,
    digest,
    uploadUri: URI,
    resume,
    signal,
    onProgress: (sent) => progress.push(sent),
  });
  return { outcome, progress };
}

describe('uploading', () => {
  it('asks with an empty POST, proves who it is, then sends tid, thumbnail and file in this order', async () => {
    const { asked, http } = server(({ headers, body }) => {
      if (!headers.Authorization) return { status: 401, headers: { 'WWW-Authenticate': CHALLENGE } };
      return body ? { body: XML } : { status: 204 };
    });
    expect(await run(http).outcome).toEqual({ kind: 'done', xml: XML });
    expect(asked.map(({ method, body }) => `${method} ${body ? 'form' : 'empty'}`)).toEqual([
      'POST empty',
      'POST empty',
      'POST form',
    ]);
    const form = asked[2]?.body as FormData;
    expect([...form.keys()]).toEqual(['tid', 'Thumbnail', 'File']);
    expect(form.get('tid')).toBe(FILE.tid);
    expect((form.get('File') as File).name).toBe(FILE.name);
    expect(asked[2]?.headers.Authorization).toContain('uri="/upload"');
  });

  it('sends what is missing after an interruption, and asks for the document', async () => {
    const { asked, http } = server(({ method, url }) => {
      if (method === 'PUT') return { status: 200 };
      if (url.endsWith('get_upload_info')) {
        const info =
          '<file-resume-info><file-range start="0" end="3"/><data url="/upload/9"/></file-resume-info>';
        return { body: info };
      }
      return asked.some((earlier) => earlier.method === 'PUT') ? { body: XML } : { status: 404 };
    });
    expect(await run(http, true).outcome).toEqual({ kind: 'done', xml: XML });
    const put = asked.find(({ method }) => method === 'PUT');
    expect(put?.url).toBe('https://content.example/upload/9');
    expect(put?.headers['Content-Range']).toBe('bytes 4-9/10');
    expect(put?.body instanceof Blob && put.body.size).toBe(6);
    expect(asked.every(({ method, url }) => method === 'PUT' || url.includes(`tid=${FILE.tid}&get_`))).toBe(
      true,
    );
  });

  it('starts again when the server has forgotten, and takes what it had already finished', async () => {
    const forgotten = server(({ method, body }) => {
      if (method === 'GET') return { status: 404 };
      return body ? { body: XML } : { status: 204 };
    });
    expect((await run(forgotten.http, true).outcome).kind).toBe('done');
    expect(forgotten.asked.at(-1)?.method).toBe('POST');

    const finished = server(() => ({ body: XML }));
    expect((await run(finished.http, true).outcome).kind).toBe('done');
    expect(finished.asked).toHaveLength(1);
  });

  it('tells what may go well later from what will not', async () => {
    const outcome = (status: number, headers = {}) => run(server(() => ({ status, headers })).http).outcome;
    expect(await outcome(503, { 'Retry-After': '7' })).toEqual({ kind: 'later', status: 503, afterS: 7 });
    for (const status of [0, 408, 429, 500]) expect((await outcome(status)).kind).toBe('later');
    for (const status of [400, 403, 413, 415, 507]) {
      expect(await outcome(status)).toEqual({ kind: 'refused', status });
    }
    expect((await run(server(() => ({ body: 'not xml' })).http).outcome).kind).toBe('later');
  });

  it('gives up on a wrong password instead of asking for ever', async () => {
    const { asked, http } = server(() => ({ status: 401, headers: { 'WWW-Authenticate': CHALLENGE } }));
    expect(await run(http).outcome).toEqual({ kind: 'refused', status: 401 });
    expect(asked).toHaveLength(3);
  });

  it('rejects when it is aborted', async () => {
    const abort = new AbortController();
    abort.abort(new Error('cancelled'));
    await expect(run(server(() => ({})).http, false, abort.signal).outcome).rejects.toThrow('cancelled');
  });
});
