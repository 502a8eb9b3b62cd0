import { beforeEach, expect, test, vi } from 'vitest';
import { TestClock } from '../lib/testclock.ts';
import type { RoomEvent, RoomInfo } from '../lib/wire.ts';
import { OpenRooms } from './openrooms.ts';
import { Room } from './room.svelte.ts';
import type { RoomList } from './roomlist.svelte.ts';

// The page's words ask the browser for its languages.
vi.hoisted(() => {
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('document', { documentElement: {} });
  vi.stubGlobal('localStorage', { getItem: () => null });
});

const info = (id: string): RoomInfo => ({
  id,
  name: id,
  kind: 'public',
  created: 0,
  members: 2,
  head: 0,
  read: 0,
  unread: 0,
  mentions: 0,
});
const event = (seq: number): RoomEvent => ({
  room: 'r',
  seq,
  kind: 'message',
  id: `id-${seq}`,
  author: 'a',
  name: 'Ines',
  time: 0,
  text: '',
});

let clock: TestClock;
let sent: string[];
let fences: number;
let rooms: Map<string, Room>;
let open: OpenRooms;
const room = () => rooms.get('r')!;
const opens = () => sent.filter((type) => type === 'open r').length;
/** The server answers an `open`, and the log reaches a place. */
const answer = (to: number) => {
  room().opening = false;
  room().log.begin('e', to);
};

beforeEach(() => {
  clock = new TestClock();
  sent = [];
  fences = 0;
  rooms = new Map(['r', 's'].map((id) => [id, new Room(info(id), 'a', clock)]));
  const list = { current: undefined, all: [...rooms.values()], get: (id: string) => rooms.get(id) };
  open = new OpenRooms(
    list as unknown as RoomList,
    {
      send(type, body) {
        sent.push(`${type} ${(body as { room: string }).room}`);
        return true;
      },
      probe: () => ++fences,
    },
    clock,
  );
  open.add(room());
});

test('an open, or its answer, that is lost is sent again once the server has answered all before', () => {
  clock.advance(2000);
  expect(fences).toBe(1);
  expect(open.answered(1)).toBe(true);
  expect(opens()).toBe(2);
  expect(open.answered(1)).toBe(false);
  expect(opens()).toBe(2);
});

test('one that was answered is not asked about', () => {
  answer(3);
  clock.advance(60_000);
  expect(fences).toBe(0);
  expect(opens()).toBe(1);
});

test('a question that is lost is asked again, until there is an answer', () => {
  clock.advance(6000);
  expect(fences).toBe(3);
  expect(open.answered(3)).toBe(true);
  clock.advance(2000);
  expect(open.answered(4)).toBe(true);
  expect(opens()).toBe(3);
  answer(3);
  clock.advance(60_000);
  expect(fences).toBe(4);
});

test('what is opened after the question waits for its own', () => {
  clock.advance(2000);
  open.add(rooms.get('s')!);
  open.answered(1);
  expect(sent).toEqual(['open r', 'open s', 'open r']);
});

test('nothing is asked on a connection that is lost', () => {
  open.clear();
  clock.advance(60_000);
  expect(fences).toBe(0);
});

test('the last event of a room that is lost comes after the next heartbeat', () => {
  answer(6);
  open.check({ r: 7 });
  expect(fences).toBe(1);
  expect(opens()).toBe(1);
  expect(open.answered(1)).toBe(true);
  expect(opens()).toBe(2);
});

test('one that was only on its way does not open the room again', () => {
  answer(6);
  open.check({ r: 7 });
  room().log.add(event(7));
  expect(open.answered(1)).toBe(false);
  open.check({ r: 7 });
  expect(opens()).toBe(1);
});

test('if the answer is lost too, the heartbeat after that opens the room', () => {
  answer(6);
  open.check({ r: 7 });
  open.check({ r: 7 });
  expect(opens()).toBe(2);
});

test('what the server does not have open is opened, and what only the server has is closed', () => {
  answer(6);
  open.check({ s: 4 });
  expect(sent).toEqual(['open r', 'open r', 'close s']);
});

test('what is being opened is not opened because a heartbeat does not know it', () => {
  open.check({});
  expect(opens()).toBe(1);
});
