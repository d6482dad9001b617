/**
 * Putting a file on the content server (RCC.07, file transfer over HTTP): an empty POST that settles who we are, a
 * multipart POST with the transfer id, thumbnail and file, and for what broke off a PUT of the rest.
 */
import { parseFileTransfer, parseResumeInfo } from '../rcs/file_transfer';
import { type Authority, authorized, isOk } from './authorized';
import type { HttpAnswer } from './transport';

export interface FileToUpload {
  /** UUID: names the transfer over interruptions. */
  readonly tid: string;
  readonly name: string;
  readonly file: Blob;
  readonly thumbnail: Blob | undefined;
}

export type UploadOutcome =
  /** `xml` is what the message carries. */
  | { readonly kind: 'done'; readonly xml: string }
  /** May go well another time; `afterS` when the server says how long to wait. */
  | { readonly kind: 'later'; readonly status: number; readonly afterS: number | undefined }
  /** The server wants none of it: 413 too large, 415 not this type, 401 and 403 not from us, 507 no room. */
  | { readonly kind: 'refused'; readonly status: number };

export interface UploadOptions extends Authority {
  /** Where to POST to, absolute. */
  readonly uploadUri: string;
  /** Part of the file may be there already. */
  readonly resume: boolean;
  readonly onProgress: (sentBytes: number) => void;
  readonly signal: AbortSignal;
}

/** Rejects with the signal's reason when aborted; otherwise always resolves. */
export async function upload(file: FileToUpload, options: UploadOptions): Promise<UploadOutcome> {
  const resumed = options.resume ? await resume(file, options) : undefined;
  return resumed ?? (await uploadWhole(file, options));
}

async function uploadWhole(file: FileToUpload, options: UploadOptions): Promise<UploadOutcome> {
  const { signal } = options;
  // Nothing is sent twice because of a 401 or a server that is busy: this asks first.
  const welcome = await authorized(options, { method: 'POST', url: options.uploadUri, signal });
  if (!isOk(welcome)) return failed(welcome);
  const form = new FormData();
  form.append('tid', file.tid);
  if (file.thumbnail) form.append('Thumbnail', file.thumbnail, `thumbnail-${file.name}`);
  form.append('File', file.file, file.name);
  // The parts around the file are counted by the browser too, and are not the user's business.
  const onProgress = (sent: number) => options.onProgress(Math.min(sent, file.file.size));
  const answer = await authorized(options, {
    method: 'POST',
    url: options.uploadUri,
    body: form,
    onProgress,
    signal,
  });
  return described(answer);
}

/** Goes on where an earlier upload broke off; `undefined` when the server knows nothing of it. */
async function resume(file: FileToUpload, options: UploadOptions): Promise<UploadOutcome | undefined> {
  const { signal } = options;
  const about = (question: string) => {
    const url = new URL(options.uploadUri);
    // The question is a bare key, as RCC.07 writes it.
    url.search = `?tid=${encodeURIComponent(file.tid)}&${question}`;
    return authorized(options, { method: 'GET', url: url.href, signal });
  };
  const complete = await about('get_download_info');
  if (complete.status === 200) return described(complete);
  const partial = await about('get_upload_info');
  if (partial.status === 404 || partial.status === 410) return undefined;
  const info = partial.status === 200 ? parseResumeInfo(partial.body) : undefined;
  if (!info) return isOk(partial) ? undefined : failed(partial);
  const total = file.file.size;
  const from = info.endByte + 1;
  if (from < total) {
    const rest = await authorized(options, {
      method: 'PUT',
      url: new URL(info.url, options.uploadUri).href,
      headers: { 'Content-Range': `bytes ${from}-${total - 1}/${total}` },
      body: file.file.slice(from),
      onProgress: (sent) => options.onProgress(from + sent),
      signal,
    });
    if (!isOk(rest)) return rest.status === 404 || rest.status === 416 ? undefined : failed(rest);
    if (parseFileTransfer(rest.body)) return described(rest);
  }
  return described(await about('get_download_info'));
}

function described(answer: HttpAnswer): UploadOutcome {
  if (!isOk(answer)) return failed(answer);
  // An answer that can't be read by us can't be read by whoever gets the message.
  return parseFileTransfer(answer.body) ? { kind: 'done', xml: answer.body } : later(answer);
}

function failed(answer: HttpAnswer): UploadOutcome {
  const { status } = answer;
  const passing = status === 0 || status === 408 || status === 429 || (status >= 500 && status !== 507);
  return passing ? later(answer) : { kind: 'refused', status };
}

function later({ status, header }: HttpAnswer): UploadOutcome {
  const after = Number(header('Retry-After') ?? Number.NaN);
  return { kind: 'later', status, afterS: Number.isFinite(after) ? after : undefined };
}
