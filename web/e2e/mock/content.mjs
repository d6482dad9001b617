/**
 * A content server as RCC.07 describes it, in memory: an empty POST, a multipart POST, resuming by `tid`, ranged
 * download. Tests may make it break off, refuse or forget.
 */
import { createHash, randomBytes } from 'node:crypto';

const NAMESPACE = 'urn:gsma:params:xml:ns:rcs:rcs:fthttp';
const REALM = 'content';
export const MAX_BYTES = 4 * 1024 * 1024;

export class ContentServer {
  url = '';
  /** id → { bytes, type, name } */
  blobs = new Map();
  /** tid → { user, type, name, total, received, id } */
  transfers = new Map();
  nonces = new Set();
  /** Requests so far, for tests to look at: `POST 401`, `PUT 200`. */
  log = [];
  /** Ends every POST after so many bytes, as a bad network would. */
  breakAfterBytes = undefined;
  /** Answers uploads with this instead. */
  refuseWith = undefined;
  /** When links end; the past makes expired files. */
  until = () => new Date(Date.now() + 24 * 3600_000);

  constructor(password) {
    this.password = password;
  }

  configuration() {
    return { uploadUri: '/content/upload', maxBytes: MAX_BYTES, maxThumbnailBytes: 50 * 1024 };
  }

  async serve(request, response, url) {
    const answer = (status, headers = {}, body = '') => {
      this.log.push(`${request.method} ${status}`);
      response.writeHead(status, headers).end(body);
    };
    if (url.pathname.startsWith('/content/f/')) return this.download(request, url, answer);
    // Reading to the end even when refusing: browsers take an early answer for a broken connection.
    const { socket } = request;
    const { body, broken } = await this.read(request);
    if (broken) {
      this.keepPart(request, body);
      socket.resetAndDestroy();
      return undefined;
    }
    if (!this.isAuthorized(request, url)) {
      const nonce = randomBytes(12).toString('hex');
      this.nonces.add(nonce);
      const challenge = (algorithm) =>
        `Digest realm="${REALM}", nonce="${nonce}", qop="auth", algorithm=${algorithm}`;
      return answer(401, { 'WWW-Authenticate': [challenge('SHA-256'), challenge('MD5')] });
    }
    if (request.method === 'GET') return this.about(url, answer);
    if (this.refuseWith !== undefined) return answer(this.refuseWith);
    if (request.method === 'PUT') return this.resume(request, url, body, answer);
    if (body.length === 0) return answer(204);
    const parts = multipart(request.headers['content-type'] ?? '', body);
    const file = parts.get('File');
    const tid = parts.get('tid')?.bytes.toString();
    if (!file || !tid) return answer(400);
    if (file.bytes.length > MAX_BYTES) return answer(413);
    const transfer = { ...file, total: file.bytes.length, thumbnail: parts.get('Thumbnail') };
    this.transfers.set(tid, transfer);
    return answer(200, { 'Content-Type': 'application/vnd.gsma.rcs-ft-http+xml' }, this.finish(transfer));
  }

  read(request) {
    const chunks = [];
    let size = 0;
    const limit = request.method === 'POST' ? this.breakAfterBytes : undefined;
    return new Promise((resolve, reject) => {
      request.on('error', reject);
      request.on('end', () => resolve({ body: Buffer.concat(chunks), broken: false }));
      request.on('data', (chunk) => {
        chunks.push(chunk);
        size += chunk.length;
        if (limit === undefined || size <= limit) return;
        request.pause();
        resolve({ body: Buffer.concat(chunks), broken: true });
      });
    });
  }

  /** What of the file came before the connection broke. */
  keepPart(request, body) {
    const parts = multipart(request.headers['content-type'] ?? '', body);
    const tid = parts.get('tid')?.bytes.toString();
    const file = parts.get('File');
    this.log.push(`${request.method} broken`);
    if (tid && file) this.transfers.set(tid, { ...file, thumbnail: parts.get('Thumbnail') });
  }

  about(url, answer) {
    const transfer = this.transfers.get(url.searchParams.get('tid'));
    const isComplete = transfer?.total !== undefined;
    if (url.searchParams.has('get_download_info')) {
      return isComplete ? answer(200, {}, this.finish(transfer)) : answer(404);
    }
    if (!transfer || isComplete) return answer(404);
    const put = `${this.url}/content/upload/${url.searchParams.get('tid')}`;
    const range = `<file-range start="0" end="${transfer.bytes.length - 1}"/>`;
    return answer(
      200,
      {},
      `<file-resume-info xmlns="${NAMESPACE}">${range}<data url="${put}"/></file-resume-info>`,
    );
  }

  resume(request, url, body, answer) {
    const transfer = this.transfers.get(url.pathname.split('/').at(-1));
    const range = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(request.headers['content-range'] ?? '');
    if (!transfer) return answer(404);
    if (Number(range?.[1]) !== transfer.bytes.length) return answer(416);
    transfer.bytes = Buffer.concat([transfer.bytes, body]);
    transfer.total = Number(range[3]);
    return answer(200);
  }

  /** Makes what was uploaded available, and describes it. */
  finish(transfer) {
    const info = (type, { bytes, contentType, name }) => {
      const id = randomBytes(16).toString('hex');
      this.blobs.set(id, { bytes, contentType, name });
      const escaped = name.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      return (
        `<file-info type="${type}"><file-size>${bytes.length}</file-size><file-name>${escaped}</file-name>` +
        `<content-type>${contentType}</content-type>` +
        `<data url="${this.url}/content/f/${id}" until="${this.until().toISOString()}"/></file-info>`
      );
    };
    const thumbnail = transfer.thumbnail ? info('thumbnail', transfer.thumbnail) : '';
    return `<?xml version="1.0" encoding="UTF-8"?><file xmlns="${NAMESPACE}">${thumbnail}${info('file', transfer)}</file>`;
  }

  download(request, url, answer) {
    const blob = this.blobs.get(url.pathname.split('/').at(-1));
    if (!blob) return answer(404);
    const headers = { 'Content-Type': blob.contentType, 'Accept-Ranges': 'bytes' };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    if (!range) return answer(200, headers, blob.bytes);
    const start = Number(range[1]);
    const end = range[2] === '' ? blob.bytes.length - 1 : Number(range[2]);
    headers['Content-Range'] = `bytes ${start}-${end}/${blob.bytes.length}`;
    return answer(206, headers, blob.bytes.subarray(start, end + 1));
  }

  /** RFC 7616, SHA-256 and MD5, qop=auth. */
  isAuthorized(request, url) {
    const text = request.headers.authorization ?? '';
    const field = (name) => new RegExp(`(?:^|[ ,])${name}="?([^",]+)`).exec(text)?.[1] ?? '';
    const algorithm = field('algorithm') === 'SHA-256' ? 'sha256' : 'md5';
    const hash = (value) => createHash(algorithm).update(value).digest('hex');
    const ha1 = hash(`${field('username')}:${REALM}:${this.password}`);
    const ha2 = hash(`${request.method}:${url.pathname}${url.search}`);
    const middle = [field('nonce'), field('nc'), field('cnonce'), 'auth'].join(':');
    return this.nonces.has(field('nonce')) && field('response') === hash(`${ha1}:${middle}:${ha2}`);
  }
}

/** The parts of multipart/form-data by name; the last one may be cut off. */
function multipart(contentType, body) {
  const boundary = /boundary=([^;]+)/.exec(contentType)?.[1] ?? '';
  const parts = new Map();
  const delimiter = Buffer.from(`--${boundary}\r\n`);
  for (let at = body.indexOf(delimiter); at >= 0; ) {
    const start = at + delimiter.length;
    const headEnd = body.indexOf('\r\n\r\n', start);
    if (headEnd < 0) break;
    const head = body.subarray(start, headEnd).toString();
    const next = body.indexOf(`\r\n--${boundary}`, headEnd + 4);
    const bytes = Buffer.from(body.subarray(headEnd + 4, next < 0 ? undefined : next));
    const name = /[; ]name="([^"]*)"/.exec(head)?.[1];
    parts.set(name, {
      bytes,
      name: /filename="([^"]*)"/.exec(head)?.[1] ?? '',
      contentType: /content-type:\s*(\S+)/i.exec(head)?.[1] ?? 'text/plain',
    });
    at = next < 0 ? -1 : body.indexOf(delimiter, next);
  }
  return parts;
}
