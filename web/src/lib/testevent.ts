import type { RoomEvent } from './wire.ts';

/** A message for tests, of the room r. */
export const message = (seq: number, more: Partial<RoomEvent> = {}): RoomEvent => ({
  room: 'r',
  seq,
  kind: 'message',
  id: `id-${seq}`,
  author: 'a',
  name: 'Ana',
  time: seq * 1000,
  text: `text ${seq}`,
  ...more,
});
