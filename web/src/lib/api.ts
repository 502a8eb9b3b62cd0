import { isEvent, isYou, type RoomEvent, type You } from './wire.ts';

/** The HTTP interface (docs/protocol.md, section 3). */

export interface RoomSummary {
  id: string;
  name: string;
  head: number;
}

export interface MyRoom extends RoomSummary {
  read: number;
}

export interface Page {
  epoch: string;
  head: number;
  events: RoomEvent[];
}

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

async function request(method: string, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(patience),
      ...(body === undefined
        ? {}
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

const readYou = (answer: unknown): You => {
  const { you } = answer as { you: unknown };
  if (!isYou(you)) throw new UnreachableError();
  return you as You;
};

export const api = {
  async me(): Promise<You> {
    return readYou(await request('GET', '/api/me'));
  },

  async enter(name: string): Promise<You> {
    return readYou(await request('POST', '/api/guests', { name }));
  },

  async rename(name: string): Promise<You> {
    return readYou(await request('PATCH', '/api/me', { name }));
  },

  async myRooms(): Promise<{ epoch: string; rooms: MyRoom[] }> {
    return (await request('GET', '/api/me/rooms')) as { epoch: string; rooms: MyRoom[] };
  },

  async findRooms(part: string): Promise<RoomSummary[]> {
    const answer = await request('GET', `/api/rooms?q=${encodeURIComponent(part)}`);
    return (answer as { rooms: RoomSummary[] }).rooms;
  },

  async join(name: string): Promise<MyRoom> {
    return ((await request('POST', '/api/rooms', { name })) as { room: MyRoom }).room;
  },

  async history(room: string, before: number, limit: number): Promise<Page> {
    const query = `before=${before}&limit=${limit}`;
    const page = (await request(
      'GET',
      `/api/rooms/${encodeURIComponent(room)}/events?${query}`,
    )) as Page;
    if (!Array.isArray(page.events) || !page.events.every(isEvent)) throw new UnreachableError();
    return page;
  },
};

export type Api = typeof api;
