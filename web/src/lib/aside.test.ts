import { expect, test } from 'vitest';
import { Aside, type Reader } from './aside.ts';
import type { RoomEvent } from './wire.ts';

const head = 1_000;
const event = (seq: number): RoomEvent => ({
  room: 'r',
  seq,
  kind: seq % 10 === 0 ? 'react' : 'message',
  id: `id-${seq}`,
  author: 'a',
  name: 'Ana',
  time: seq,
  text: '',
});

function room(epoch = () => 'e') {
  const asked: string[] = [];
  const read: Reader = async (place, limit) => {
    asked.push(JSON.stringify(place));
    const last =
      'before' in place ? Math.min(head, place.before - 1) : Math.min(head, place.after + limit);
    const first = 'before' in place ? Math.max(1, place.before - limit) : place.after + 1;
    const events = [];
    for (let seq = first; seq <= last; seq++) events.push(event(seq));
    return { epoch: epoch(), head, events };
  };
  return { aside: new Aside(read), asked };
}

const whole = (aside: Aside) =>
  aside.events.every((one, i) => one.seq === aside.start + i) &&
  aside.events.length === aside.end - aside.start + 1;

test('opens around a message and grows both ways without holes', async () => {
  const { aside } = room();
  expect(await aside.open(501)).toBe(true);
  expect([aside.start, aside.end]).toEqual([472, 531]);
  await aside.older();
  await aside.newer();
  expect([aside.start, aside.end]).toEqual([372, 631]);
  expect(whole(aside)).toBe(true);
});

test('stops at both ends of the room', async () => {
  const { aside } = room();
  expect(await aside.open(3)).toBe(true);
  expect(aside.start).toBe(1);
  await aside.older();
  expect(aside.start).toBe(1);
  expect(await aside.open(999)).toBe(true);
  await aside.newer();
  expect(aside.end).toBe(head);
});

test('what is no message, or not there, is not found', async () => {
  const { aside } = room();
  expect(await aside.open(501)).toBe(true);
  expect(await aside.open(510)).toBe(false);
  expect(await aside.open(5_000)).toBe(false);
});

test('asks once at a time, and mixes no epochs', async () => {
  let epoch = 'e';
  const { aside, asked } = room(() => epoch);
  await aside.open(501);
  await Promise.all([aside.newer(), aside.newer(), aside.older()]);
  expect(asked.length).toBe(2);
  epoch = 'f';
  const before = aside.end;
  await aside.newer();
  expect(aside.end).toBe(before);
});
