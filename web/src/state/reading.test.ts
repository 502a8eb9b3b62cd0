import { expect, test, vi } from 'vitest';
import { TestClock } from '../lib/testclock.ts';
import type { RoomInfo } from '../lib/wire.ts';
import { Reading } from './reading.svelte.ts';
import { Room } from './room.svelte.ts';

// The page's words ask the browser for its languages.
vi.hoisted(() => {
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('localStorage', { getItem: () => null });
});

const info: RoomInfo = {
  id: 'r',
  name: 'r',
  kind: 'public',
  created: 0,
  members: 2,
  head: 7,
  read: 3,
  unread: 4,
  mentions: 0,
};

function reader() {
  const clock = new TestClock();
  const sent: unknown[] = [];
  const send = (_: string, body: unknown) => sent.push(body) > 0;
  const reading = new Reading({ send }, clock, undefined);
  const room = new Room(info, 'a', clock);
  room.log.begin('e', 7);
  reading.sawNewest(room);
  clock.advance(1_000);
  return { clock, sent, reading, room };
}

test('what was read is said once more, as nobody answers it', () => {
  const { clock, sent, reading, room } = reader();
  expect(sent).toEqual([{ room: 'r', seq: 7 }]);
  clock.advance(25_000);
  reading.heard();
  expect(sent).toHaveLength(2);
  expect(sent[1]).toEqual({ room: 'r', seq: 7 });
  expect(room.ahead).toBe(true);
  clock.advance(25_000);
  reading.heard();
  clock.advance(25_000);
  reading.heard();
  expect(sent).toHaveLength(2);
  expect(room.ahead).toBe(false);
});

test('what was marked as unread elsewhere meanwhile is not said again', () => {
  const { clock, sent, reading, room } = reader();
  reading.take(room, 5);
  clock.advance(25_000);
  reading.heard();
  expect(sent).toHaveLength(1);
  expect(room.read).toBe(5);
});

test('a mark that comes twice is one', () => {
  const { reading, room } = reader();
  expect(reading.take(room, 9)).toBe(true);
  expect(reading.take(room, 9)).toBe(true);
  expect(room.read).toBe(9);
});
