/** The server answered with an error, or (status 0) did not answer. The message is fit to be shown. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'Failure';
  }
}

/** Nobody is signed in, or no longer. */
export class SignedOut extends Error {
  constructor() {
    super('The session has ended.');
    this.name = 'SignedOut';
  }
}

/** What to say of an error to the person who sees it. */
export function wordsOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'Something unexpected happened.';
}

/** What to do when a request has failed: nothing once nobody wants it any more, signing in when nobody is signed in, and telling otherwise. */
export function whenItFails(signal: AbortSignal, onSignedOut: () => void, tell: (why: string, cause: unknown) => void) {
  return (cause: unknown) => {
    if (signal.aborted) {
      return;
    }
    if (cause instanceof SignedOut) {
      onSignedOut();
      return;
    }
    tell(wordsOf(cause), cause);
  };
}

interface Options {
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Headers beside those that every request has. */
  more?: Record<string, string>;
  /** Without the session's cookie; then a 401 says nothing about the session. */
  anonymous?: boolean;
  /** Gets the answer's headers. */
  headers?: (headers: Headers) => void;
}

/**
 * Speaks JSON with this server, and only with this server: addresses are paths, the session is the browser's cookie.
 * Answers are never kept in the browser's cache, because some are credentials.
 */
export async function request<Answer>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  options: Options = {},
): Promise<Answer> {
  const response = await send(method, path, options);
  if (response.status === 401 && options.anonymous !== true) {
    throw new SignedOut();
  }
  if (!response.ok) {
    throw new Failure(response.status, await detailOf(response));
  }
  options.headers?.(response.headers);
  if (response.status === 204) {
    return undefined as Answer;
  }
  try {
    return (await response.json()) as Answer;
  } catch (cause) {
    rethrowAbort(cause);
    throw new Failure(response.status, 'The server’s answer could not be read.');
  }
}

async function send(method: string, path: string, { body, signal, more, anonymous }: Options): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      cache: 'no-store',
      credentials: anonymous === true ? 'omit' : 'same-origin',
      redirect: 'error',
      headers: {
        Accept: 'application/json',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...more,
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (cause) {
    rethrowAbort(cause);
    throw new Failure(0, 'The server could not be reached. Check your connection and try again.');
  }
}

function rethrowAbort(cause: unknown): void {
  if (cause instanceof DOMException && cause.name === 'AbortError') {
    throw cause;
  }
}

/** The problem document's own words (RFC 9457 §3.1.4) where there are some, else the number. */
async function detailOf(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as { detail?: unknown; title?: unknown };
    for (const text of [problem.detail, problem.title]) {
      if (typeof text === 'string' && text !== '') {
        return text;
      }
    }
  } catch {
    // Not a problem document: a proxy's page, perhaps. Its text is not for showing.
  }
  return `The server answered with an error (${response.status}).`;
}
