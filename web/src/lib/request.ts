/** How the page asks over HTTP (docs/protocol.md, section 3). */

/** The server said no, in its own words. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, retryAfter?: number) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** The server did not answer, or not in a way that can be read. */
export class UnreachableError extends Error {
  constructor() {
    super('The server cannot be reached.');
    this.name = 'UnreachableError';
  }
}

const patience = 15_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export async function request(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  const late = AbortSignal.timeout(patience);
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, late]) : late,
      ...(body === undefined
        ? {}
        : body instanceof Blob
          ? { body }
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    answer = await response.json();
  } catch {
    throw new UnreachableError();
  }
  if (response.ok) return answer;
  const error = (answer as { error?: { code?: unknown; message?: unknown; retry_after?: unknown } })
    .error;
  if (typeof error?.code !== 'string') throw new UnreachableError();
  throw new ApiError(
    response.status,
    error.code,
    typeof error.message === 'string' ? error.message : error.code,
    typeof error.retry_after === 'number' ? error.retry_after : undefined,
  );
}

/** One step of a path, written so that nothing in it is taken for another. */
export const step = (part: string | number): string => encodeURIComponent(part);
