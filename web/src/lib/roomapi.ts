import { request, step, UnreachableError } from './request.ts';
import {
  isEvent,
  isRoom,
  type Keep,
  type Mention,
  type Role,
  type RoomEvent,
  type RoomInfo,
  type Standing,
} from './wire.ts';

/** Rooms, who is in them and what they did there (docs/protocol.md, section 3). */

/** A public room that somebody may not be in. */
export interface RoomSummary {
  id: string;
  name: string;
  topic?: string;
  members?: number;
  head: number;
}

export interface Page {
  epoch: string;
  head: number;
  events: RoomEvent[];
}

export interface RoomWish {
  name: string;
  kind?: 'public' | 'private';
  topic?: string;
  people?: string[];
}

export interface RoomChange {
  name?: string;
  topic?: string;
  archived?: boolean;
  read_only?: boolean;
  guests_wait?: boolean;
  slow?: number;
  keep?: Keep;
}

export interface Member {
  id: string;
  name: string;
  role: Role;
  bot?: boolean;
  state: Standing;
  moderator?: boolean;
  /** Until when; -1: until further notice. */
  muted?: number;
  banned?: number;
  online?: boolean;
  away?: boolean;
  picture?: string;
}

export type MemberGroup = 'members' | 'moderators' | 'muted' | 'banned' | 'waiting';

export interface Members {
  members: Member[];
  count: number;
  next?: string;
}

/** For how many seconds something is done to somebody, and why. */
export interface Measure {
  for?: number;
  reason?: string;
}

export interface Report {
  id: string;
  seq: number;
  by: Mention;
  reason: string;
  time: number;
  event?: RoomEvent;
}

/** Where a room is asked about, or something in it. */
export const room = (id: string, ...more: (string | number)[]): string =>
  ['/api/rooms', ...[id, ...more].map(step)].join('/');

export const readRoom = (answer: unknown): RoomInfo => {
  const found = (answer as { room?: unknown }).room;
  if (!isRoom(found)) throw new UnreachableError();
  return found;
};

export const readEvents = (answer: unknown): RoomEvent[] => {
  const { events } = answer as { events?: unknown };
  if (!Array.isArray(events) || !events.every(isEvent)) throw new UnreachableError();
  return events;
};

export const roomApi = {
  async mine(): Promise<{ epoch: string; rooms: RoomInfo[] }> {
    const { epoch, rooms } = (await request('GET', '/api/me/rooms')) as {
      epoch: string;
      rooms: unknown[];
    };
    return { epoch, rooms: rooms.filter(isRoom) };
  },

  async find(part: string): Promise<RoomSummary[]> {
    const answer = await request('GET', `/api/rooms?q=${step(part)}`);
    return (answer as { rooms: RoomSummary[] }).rooms;
  },

  /** Makes a room. A public one that exists is joined. */
  async make(wish: RoomWish): Promise<RoomInfo> {
    return readRoom(await request('POST', '/api/rooms', wish));
  },

  /** The conversation of exactly these people and oneself. */
  async direct(people: string[]): Promise<RoomInfo> {
    return readRoom(await request('POST', '/api/direct', { people }));
  },

  async get(id: string): Promise<RoomInfo> {
    return readRoom(await request('GET', room(id)));
  },

  async change(id: string, change: RoomChange): Promise<RoomInfo> {
    return readRoom(await request('PATCH', room(id), change));
  },

  async join(id: string): Promise<RoomInfo> {
    return readRoom(await request('POST', room(id, 'join')));
  },

  async leave(id: string): Promise<void> {
    await request('POST', room(id, 'leave'));
  },

  /** Mutes a room for oneself, or does not any more. */
  async quiet(id: string, quiet: boolean): Promise<RoomInfo> {
    return readRoom(await request('PATCH', `/api/me/rooms/${step(id)}`, { quiet }));
  },

  /** A page of history before a place, or behind one. */
  async page(
    id: string,
    place: { before: number } | { after: number },
    limit: number,
  ): Promise<Page> {
    const where = 'before' in place ? `before=${place.before}` : `after=${place.after}`;
    const page = (await request('GET', `${room(id, 'events')}?${where}&limit=${limit}`)) as Page;
    readEvents(page);
    return page;
  },

  async members(
    id: string,
    show: MemberGroup,
    { part = '', after = '', limit = 100 } = {},
  ): Promise<Members> {
    const query = new URLSearchParams({ show, limit: String(limit) });
    if (part !== '') query.set('q', part);
    if (after !== '') query.set('after', after);
    return (await request('GET', `${room(id, 'members')}?${query}`)) as Members;
  },

  async add(id: string, person: string): Promise<void> {
    await request('PUT', room(id, 'members', person));
  },

  async remove(id: string, person: string, measure: Measure = {}): Promise<void> {
    const { reason } = measure;
    await request('DELETE', room(id, 'members', person), reason ? { reason } : {});
  },

  async appoint(id: string, person: string, moderator: boolean): Promise<void> {
    await request(moderator ? 'PUT' : 'DELETE', room(id, 'moderators', person));
  },

  async mute(id: string, person: string, measure: Measure): Promise<void> {
    await request('PUT', room(id, 'mutes', person), measure);
  },

  async unmute(id: string, person: string): Promise<void> {
    await request('DELETE', room(id, 'mutes', person));
  },

  async ban(id: string, person: string, measure: Measure): Promise<void> {
    await request('PUT', room(id, 'bans', person), measure);
  },

  async unban(id: string, person: string): Promise<void> {
    await request('DELETE', room(id, 'bans', person));
  },

  /** Lets somebody in who waits, or turns them away. */
  async admit(id: string, person: string, welcome: boolean): Promise<void> {
    await request(welcome ? 'PUT' : 'DELETE', room(id, 'waiting', person));
  },

  async deleteMessage(id: string, seq: number): Promise<void> {
    await request('DELETE', room(id, 'messages', seq), {});
  },

  async report(id: string, seq: number, reason: string): Promise<void> {
    await request('POST', room(id, 'messages', seq, 'report'), { reason });
  },

  async reports(id: string): Promise<Report[]> {
    return ((await request('GET', room(id, 'reports'))) as { reports: Report[] }).reports;
  },

  async settle(id: string, report: string): Promise<void> {
    await request('DELETE', room(id, 'reports', report));
  },

  /** What was changed in a room, newest first. */
  async audit(id: string, before: number | undefined, limit: number): Promise<RoomEvent[]> {
    const query = before === undefined ? `limit=${limit}` : `before=${before}&limit=${limit}`;
    return readEvents(await request('GET', `${room(id, 'audit')}?${query}`));
  },
};
