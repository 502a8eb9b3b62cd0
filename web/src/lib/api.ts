import { isEvent, isYou, type Role, type RoomEvent, type You } from './wire.ts';

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

/** How somebody comes in who is not here yet. */
export interface Place {
  guests: 'invited' | 'open' | 'none';
  needs_invite: boolean;
  passkeys: boolean;
  provider: string | null;
  you: You | null;
}

export interface Passkey {
  id: string;
  label: string;
  created: string;
  used: string | null;
}

export interface Account {
  you: You;
  password: boolean;
  passkeys: Passkey[];
  picture: string;
}

export interface Session {
  id: string;
  device: string;
  created: string;
  used: string;
  this: boolean;
  online: boolean;
}

export interface Invite {
  id: string;
  role: Role;
  room?: string;
  by?: string;
  uses: number;
  used: number;
  expires: string | null;
  note?: string;
  link?: string;
  qr?: string;
}

export interface Person extends You {
  account: boolean;
  picture?: string;
  used: string | null;
}

/** A link with its picture. */
export interface Link {
  link: string;
  qr: string;
  expires: string;
}

/** What a passkey is asked, and the secret of the asking. */
export interface Ceremony {
  options: { publicKey: unknown };
  ceremony: string;
}

const patience = 15_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

async function request(method: Method, path: string, body?: unknown): Promise<unknown> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      signal: AbortSignal.timeout(patience),
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

const readYou = (answer: unknown): You => {
  const { you } = answer as { you: unknown };
  if (!isYou(you)) throw new UnreachableError();
  return you as You;
};

export const api = {
  async place(): Promise<Place> {
    const place = (await request('GET', '/api/place')) as Place;
    if (place.you !== null && !isYou(place.you)) throw new UnreachableError();
    return place;
  },

  async setGuests(guests: Place['guests']): Promise<void> {
    await request('PATCH', '/api/place', { guests });
  },

  async enter(name: string, invite = '', password = ''): Promise<You> {
    return readYou(await request('POST', '/api/guests', { name, invite, password }));
  },

  async signIn(name: string, password: string): Promise<You> {
    return readYou(await request('POST', '/api/sign-in', { name, password }));
  },

  async signInByLink(link: string): Promise<You> {
    return readYou(await request('POST', '/api/sign-in/link', { link }));
  },

  async beginSignIn(): Promise<Ceremony> {
    return (await request('POST', '/api/sign-in/passkey/begin', {})) as Ceremony;
  },

  async signInByPasskey(ceremony: string, credential: unknown): Promise<You> {
    return readYou(await request('POST', '/api/sign-in/passkey', { ceremony, credential }));
  },

  async signOut(): Promise<void> {
    await request('POST', '/api/sign-out');
  },

  async account(): Promise<Account> {
    return (await request('GET', '/api/me')) as Account;
  },

  async setPassword(current: string, password: string): Promise<You> {
    return readYou(await request('PUT', '/api/me/password', { current, password }));
  },

  async beginPasskey(): Promise<Ceremony> {
    return (await request('POST', '/api/me/passkeys/begin', {})) as Ceremony;
  },

  async addPasskey(ceremony: string, credential: unknown, label: string): Promise<You> {
    return readYou(await request('POST', '/api/me/passkeys', { ceremony, credential, label }));
  },

  async removePasskey(id: string): Promise<void> {
    await request('DELETE', '/api/me/passkeys', { id });
  },

  async setPicture(picture: Blob): Promise<string> {
    return ((await request('PUT', '/api/me/picture', picture)) as { picture: string }).picture;
  },

  async removePicture(): Promise<void> {
    await request('DELETE', '/api/me/picture');
  },

  async sessions(): Promise<Session[]> {
    return ((await request('GET', '/api/me/sessions')) as { sessions: Session[] }).sessions;
  },

  async endSession(id: string): Promise<void> {
    await request('DELETE', `/api/me/sessions/${encodeURIComponent(id)}`);
  },

  async endOtherSessions(): Promise<void> {
    await request('DELETE', '/api/me/sessions');
  },

  async deviceLink(): Promise<Link> {
    return (await request('POST', '/api/me/link')) as Link;
  },

  async lookAtInvite(invite: string): Promise<{ role: Role; room: string; by: string }> {
    const seen = await request('POST', '/api/invites/look', { invite });
    return seen as { role: Role; room: string; by: string };
  },

  async acceptInvite(invite: string): Promise<{ you: You; room: string }> {
    return (await request('POST', '/api/me/invite', { invite })) as { you: You; room: string };
  },

  async invites(): Promise<Invite[]> {
    return ((await request('GET', '/api/invites')) as { invites: Invite[] }).invites;
  },

  async addInvite(wish: {
    role: Role;
    room: string;
    uses: number;
    expires: number;
    note: string;
  }): Promise<Invite> {
    return ((await request('POST', '/api/invites', wish)) as { invite: Invite }).invite;
  },

  async revokeInvite(id: string): Promise<void> {
    await request('DELETE', `/api/invites/${encodeURIComponent(id)}`);
  },

  async people(which: '' | '?with=picture' = ''): Promise<Person[]> {
    return ((await request('GET', `/api/people${which}`)) as { people: Person[] }).people;
  },

  async setRole(id: string, role: Role): Promise<void> {
    await request('PATCH', `/api/people/${encodeURIComponent(id)}`, { role });
  },

  async removePerson(id: string): Promise<void> {
    await request('DELETE', `/api/people/${encodeURIComponent(id)}`);
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
