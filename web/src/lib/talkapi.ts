import type { Page } from './roomapi.ts';
import { request, step, UnreachableError } from './request.ts';
import { isEvent, type Mention, type RoomEvent } from './wire.ts';

/** What comes to messages: threads, pins, what they once read like, who has seen them. */

export interface Version {
  text: string;
  time: number;
}

export interface Seen {
  people: Mention[];
  count: number;
  /** I do not show what I have read, and so am not told. */
  hidden: boolean;
}

/** A thread that I follow. */
export interface Thread {
  room: string;
  root: RoomEvent;
  read: number;
  unread?: number;
  muted?: boolean;
}

const of = (room: string, ...more: (string | number)[]): string =>
  ['/api/rooms', ...[room, ...more].map(step)].join('/');

const sound = (events: unknown): RoomEvent[] => {
  if (!Array.isArray(events) || !events.every(isEvent)) throw new UnreachableError();
  return events;
};

export const talkApi = {
  /** A page of history before a place, or behind one. */
  async page(
    room: string,
    place: { before: number } | { after: number },
    limit: number,
  ): Promise<Page> {
    const where = 'before' in place ? `before=${place.before}` : `after=${place.after}`;
    const page = (await request('GET', `${of(room, 'events')}?${where}&limit=${limit}`)) as Page;
    sound(page.events);
    return page;
  },

  /** One message, or undefined if there is none at that place. */
  async message(room: string, seq: number): Promise<RoomEvent | undefined> {
    const { events } = await talkApi.page(room, { before: seq + 1 }, 1);
    return events.find((event) => event.seq === seq && event.kind === 'message');
  },

  async versions(room: string, seq: number): Promise<Version[]> {
    const answer = await request('GET', of(room, 'messages', seq, 'history'));
    return (answer as { versions: Version[] }).versions;
  },

  async seen(room: string, seq: number): Promise<Seen> {
    return (await request('GET', of(room, 'messages', seq, 'seen'))) as Seen;
  },

  async thread(room: string, root: number): Promise<{ root: RoomEvent; replies: RoomEvent[] }> {
    const answer = (await request('GET', of(room, 'threads', root))) as {
      root: RoomEvent;
      replies: RoomEvent[];
    };
    sound([answer.root, ...answer.replies]);
    return answer;
  },

  async threads(): Promise<Thread[]> {
    return ((await request('GET', '/api/me/threads')) as { threads: Thread[] }).threads;
  },

  /** Follows a thread, or has nothing told of it. */
  async follow(room: string, root: number, muted: boolean): Promise<void> {
    await request('PUT', of(room, 'threads', root), { muted });
  },

  async pins(room: string): Promise<RoomEvent[]> {
    return sound(((await request('GET', of(room, 'pins'))) as { events: unknown }).events);
  },

  async pin(room: string, seq: number, on: boolean): Promise<void> {
    await request(on ? 'PUT' : 'DELETE', of(room, 'pins', seq));
  },

  async shareReads(share: boolean): Promise<void> {
    await request('PATCH', '/api/me', { share_reads: share });
  },
};
