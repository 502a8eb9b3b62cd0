import type { Words } from './i18n.ts';
import type { RoomEvent, RoomInfo, RoomYou } from './wire.ts';

type Named = Pick<RoomInfo, 'kind' | 'name' | 'people'>;

/** What a room is called on screen: its name, or the people of a conversation. */
export function titleOf(room: Named, words: Words): string {
  if (room.kind !== 'direct') return room.name;
  return words.list((room.people ?? []).map((person) => person.name)) || words.t('direct.nobody');
}

/** The same where a sentence must say what it is: "#kitchen". */
export function labelOf(room: Named, words: Words): string {
  return room.kind === 'public' ? `#${room.name}` : titleOf(room, words);
}

/** What is kept of a message: "30 days", "1000 messages", both, or "off". */
export function parseKeep(text: string): { days?: number; messages?: number } {
  const days = /(\d+) days?/.exec(text)?.[1];
  const messages = /(\d+) messages?/.exec(text)?.[1];
  return {
    ...(days ? { days: Number(days) } : {}),
    ...(messages ? { messages: Number(messages) } : {}),
  };
}

/**
 * A room after an event of its log. What the event means for the rights of the one who looks is only
 * known where it is plain; the server says the rest with `joined`. An event that changes nothing
 * leaves the same object.
 */
export function project(room: RoomInfo, event: RoomEvent, me: string): RoomInfo {
  switch (event.kind) {
    case 'name':
      return { ...room, name: event.text };
    case 'topic':
      return mark(room, 'topic', event.text === '' ? undefined : event.text);
    case 'archive':
      return { ...room, archived: true };
    case 'restore':
      return mark(room, 'archived', undefined);
    case 'slow':
      return mark(room, 'slow', Number(event.text) || undefined);
    case 'read_only':
      return mark(room, 'read_only', event.text === 'on' || undefined);
    case 'guests_wait':
      return mark(room, 'guests_wait', event.text === 'on' || undefined);
    case 'keep': {
      const keep = parseKeep(event.text);
      return mark(room, 'keep', Object.keys(keep).length > 0 ? keep : undefined);
    }
    case 'erase':
      return { ...room, floor: Math.max(room.floor ?? 0, event.target ?? 0) };
  }
  if (event.about?.id !== me || !room.you) return room;
  switch (event.kind) {
    case 'mute':
      return { ...room, you: { ...room.you, muted: event.until ?? -1 } };
    case 'unmute':
      return { ...room, you: mark(room.you, 'muted', undefined) };
    case 'moderator':
      return { ...room, you: { ...room.you, moderator: true } };
    case 'dismiss':
      return { ...room, you: mark(room.you, 'moderator', undefined) };
  }
  return room;
}

/** Sets a field, or leaves it out. */
function mark<T extends RoomInfo | RoomYou, F extends keyof T>(
  of: T,
  field: F,
  value: T[F] | undefined,
): T {
  const { [field]: _, ...rest } = of;
  return (value === undefined ? rest : { ...rest, [field]: value }) as T;
}

/** What is unread in a room. */
export interface Unread {
  messages: number;
  mentions: number;
}

/** Whether a message is for somebody: by name, or among everybody. */
export const addresses = (event: RoomEvent, me: string): boolean =>
  event.everyone !== undefined || event.mentions?.some((mention) => mention.id === me) === true;

/** Whether an event makes a room unread: only what others say does. */
export function counts(event: RoomEvent, me: string): boolean {
  return event.kind === 'message' && !event.thread && event.author !== me && !event.deleted;
}

/** The unread counts after one more event. */
export function count(unread: Unread, event: RoomEvent, me: string): Unread {
  if (!counts(event, me)) return unread;
  return {
    messages: unread.messages + 1,
    mentions: unread.mentions + (addresses(event, me) ? 1 : 0),
  };
}

/** Counts what is unread behind a place, or undefined where the events do not reach back so far. */
export function recount(
  events: readonly RoomEvent[],
  start: number,
  read: number,
  me: string,
): Unread | undefined {
  if (start > read + 1) return undefined;
  let unread: Unread = { messages: 0, mentions: 0 };
  // From the end: what is unread is near it.
  for (let i = events.length - 1; i >= 0; i--) {
    const event = events[i];
    if (!event || event.seq <= read) break;
    unread = count(unread, event, me);
  }
  return unread;
}

/**
 * What of the unread asks for attention outside of the room: in a conversation all of it is as if it named
 * me, and in a room that I have muted nothing asks.
 */
export function asking({ kind, quiet }: Pick<RoomInfo, 'kind' | 'quiet'>, unread: Unread): Unread {
  if (quiet) return { messages: 0, mentions: 0 };
  return kind === 'direct' ? { ...unread, mentions: unread.messages } : unread;
}

/** What the list needs to know of a room. */
export interface Listed {
  readonly info: RoomInfo;
}

export interface Sections<T> {
  rooms: T[];
  direct: T[];
  archived: T[];
}

/** The parts of the list of rooms, each by name. */
export function sections<T extends Listed>(all: Iterable<T>, words: Words): Sections<T> {
  const parts: Sections<T> = { rooms: [], direct: [], archived: [] };
  const named = [...all].map((room) => ({ room, title: titleOf(room.info, words) }));
  named.sort((a, b) => words.compare(a.title, b.title) || (a.title < b.title ? -1 : 1));
  for (const { room } of named) {
    const { kind, archived } = room.info;
    (archived ? parts.archived : kind === 'direct' ? parts.direct : parts.rooms).push(room);
  }
  return parts;
}

/** How long somebody is still muted: false, or until when; -1 is until further notice. */
export function mutedUntil(room: RoomInfo, now: number): number | false {
  const muted = room.you?.muted;
  if (muted === undefined || room.you?.can.includes('moderate')) return false;
  return muted === -1 || muted > now ? muted : false;
}

/** The next one of a list that will do, around its ends; from none, the first or the last. */
export function stepIn<T>(
  list: readonly T[],
  from: T | undefined,
  by: 1 | -1,
  will: (one: T) => boolean,
): T | undefined {
  const count = list.length;
  const at = from === undefined ? -1 : list.indexOf(from);
  const start = at < 0 && by < 0 ? count : at;
  for (let n = 1; n <= count; n++) {
    const one = list[(((start + n * by) % count) + count) % count];
    if (one !== undefined && one !== from && will(one)) return one;
  }
  return undefined;
}
