import { makeRows, type Row } from '../lib/rows.ts';
import type { App } from './app.svelte.ts';
import type { Chat } from './chat.svelte.ts';
import type { Room } from './room.svelte.ts';
import type { OpenThread } from './thread.svelte.ts';
import type { RoomEvent } from '../lib/wire.ts';
import { speech } from './words.svelte.ts';

/** What a room shows, or a thread in it. To be called where changes are followed. */
export function rowsOf(app: App, chat: Chat, room: Room, thread?: OpenThread): Row[] {
  void room.version;
  const { aside, log } = room;
  const drafts = chat.writing.drafts.filter((draft) => draft.room === room.id);
  const common = {
    skew: chat.skew,
    me: chat.you.name,
    myId: chat.you.id,
    guest: chat.you.role === 'guest',
    floor: log.floor,
    when: (time: number) => app.times.moment(time, app.now),
    words: speech.now,
    nameOf: (author: string) => (author === chat.you.id ? chat.you.name : log.nameOf(author)),
    dayOf: app.times.day,
  };
  if (thread) {
    const { events, root } = thread;
    return makeRows({ ...common, events, drafts, thread: root, complete: true, fresh: undefined });
  }
  return makeRows({
    ...common,
    events: aside?.events ?? log.events,
    // What is new has no place among what is old.
    drafts: aside ? drafts.filter(({ wish }) => wish) : drafts,
    complete: aside ? aside.start <= log.floor + 1 : log.complete,
    fresh: aside ? undefined : room.fresh,
    quote: (seq) => chat.history.quote(room, seq),
  });
}

/** How many messages of others came behind a place. What stands in threads is not counted. */
export function cameAfter(seq: number, chat: Chat, room: Room): number {
  void room.version;
  const others = (event: RoomEvent) =>
    event.seq > seq &&
    event.kind === 'message' &&
    event.thread === undefined &&
    event.author !== chat.you.id;
  return room.log.events.filter(others).length;
}

/**
 * The number of the last message of one's own that can still be changed, in a room or under a message of it.
 * While a newer one is on its way that is not the one that is meant: there is none until it has its number.
 */
export function lastOwn(chat: Chat, room: Room, thread: number | undefined): number | undefined {
  const coming = chat.writing.drafts.findLast(
    (d) => d.room === room.id && d.thread === thread && d.wish === undefined && !d.failed,
  );
  if (coming) return coming.sent?.seq || undefined;
  const mine = (e: RoomEvent) =>
    e.kind === 'message' && e.author === chat.you.id && !e.deleted && e.thread === thread;
  const events = thread === undefined ? room.log.events : (chat.threads.open?.events ?? []);
  return events.findLast(mine)?.seq;
}
