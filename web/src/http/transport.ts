/** One HTTP request at a time, with progress: the part of uploading that touches the network. */

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Absolute. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: FormData | Blob;
  /** Bytes of the body that have left so far. */
  readonly onProgress?: (sentBytes: number) => void;
  readonly signal: AbortSignal;
}

/** Status 0: no answer came. */
export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: string;
}

export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

/** Rejects with the signal's reason when aborted. */
export const http: Http = (request) => (request.body ? sendBody(request) : withoutBody(request));

/** Without credentials, so that the browser leaves a 401 to us and asks nobody for a password. */
async function withoutBody({ method, url, headers, signal }: HttpRequest): Promise<HttpAnswer> {
  try {
    const response = await fetch(url, { method, headers, signal, credentials: 'omit', cache: 'no-store' });
    const body = await response.text();
    return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body };
  } catch {
    signal.throwIfAborted();
    return NO_ANSWER;
  }
}

/** Only XMLHttpRequest tells how much has gone. */
function sendBody({ method, url, headers, body, onProgress, signal }: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const settle = (answer: HttpAnswer) => {
      signal.removeEventListener('abort', abort);
      if (signal.aborted) reject(signal.reason);
      else resolve(answer);
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress?.(loaded);
    request.onload = () =>
      settle({
        status: request.status,
        header: (name) => request.getResponseHeader(name) ?? undefined,
        body: request.responseText,
      });
    request.onerror = request.onabort = () => settle(NO_ANSWER);
    signal.addEventListener('abort', abort);
    if (signal.aborted) settle(NO_ANSWER);
    else request.send(body ?? null);
  });
}

const NO_ANSWER: HttpAnswer = { status: 0, header: () => undefined, body: '' };
