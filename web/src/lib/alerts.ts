import { addresses } from './rooms.ts';
import type { Level, RoomEvent, RoomInfo } from './wire.ts';

/** A message older than this wakes nobody: as on the server. */
const fresh = 10 * 60_000;

/** What somebody hears of a room who has not chosen. */
export const usual = (kind: RoomInfo['kind']): Level => (kind === 'direct' ? 'all' : 'mentions');

/** All that it depends on whether a message alerts somebody, but for whether they look or want silence. */
export interface AlertQuestion {
  event: RoomEvent;
  room: Pick<RoomInfo, 'kind' | 'level' | 'quiet'>;
  me: string;
  /** How far the room is read. */
  read: number;
  /** The thread that the message stands in, if it is followed. */
  thread: { muted?: boolean } | undefined;
  /** By the clock of the server. */
  now: number;
}

/** Whether a message asks for an alert. The server decides the same where it pushes (docs/protocol.md, section 6). */
export function asksFor({ event, room, me, read, thread, now }: AlertQuestion): boolean {
  if (event.kind !== 'message' || event.deleted) return false;
  if (event.text === '' && !event.files?.length) return false;
  if (event.author === me || now - event.time > fresh) return false;
  if (!event.thread && event.seq <= read) return false;
  const level = room.level ?? usual(room.kind);
  if (room.quiet || level === 'none' || (event.thread && thread?.muted)) return false;
  return level === 'all' || addresses(event, me) || (!!event.thread && thread !== undefined);
}

/** The mark of the alert of a message: there is never more than one. */
export const tagOf = (event: Pick<RoomEvent, 'room' | 'seq'>): string =>
  `${event.room}-${event.seq}`;
