import { request } from './request.ts';
import { readEvents, room, roomApi } from './roomapi.ts';
import type { Mention, RoomEvent } from './wire.ts';

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

export const talkApi = {
  /** One message, or undefined if there is none at that place. */
  async message(id: string, seq: number): Promise<RoomEvent | undefined> {
    const { events } = await roomApi.page(id, { before: seq + 1 }, 1);
    return events.find((event) => event.seq === seq && event.kind === 'message');
  },

  /** Takes away where the links of one's own message lead. */
  async removePreviews(id: string, seq: number): Promise<void> {
    await request('DELETE', room(id, 'messages', seq, 'previews'));
  },

  async versions(id: string, seq: number): Promise<Version[]> {
    const answer = await request('GET', room(id, 'messages', seq, 'history'));
    return (answer as { versions: Version[] }).versions;
  },

  async seen(id: string, seq: number): Promise<Seen> {
    return (await request('GET', room(id, 'messages', seq, 'seen'))) as Seen;
  },

  async thread(id: string, root: number): Promise<{ root: RoomEvent; replies: RoomEvent[] }> {
    const answer = (await request('GET', room(id, 'threads', root))) as {
      root: RoomEvent;
      replies: RoomEvent[];
    };
    readEvents({ events: [answer.root, ...answer.replies] });
    return answer;
  },

  async threads(): Promise<Thread[]> {
    return ((await request('GET', '/api/me/threads')) as { threads: Thread[] }).threads;
  },

  /** Follows a thread, or has nothing told of it. */
  async follow(id: string, root: number, muted: boolean): Promise<void> {
    await request('PUT', room(id, 'threads', root), { muted });
  },

  async pins(id: string): Promise<RoomEvent[]> {
    return readEvents(await request('GET', room(id, 'pins')));
  },

  async pin(id: string, seq: number, on: boolean): Promise<void> {
    await request(on ? 'PUT' : 'DELETE', room(id, 'pins', seq));
  },
};
