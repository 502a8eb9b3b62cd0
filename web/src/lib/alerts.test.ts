import { expect, test } from 'vitest';
import { asksFor, tagOf, type AlertQuestion } from './alerts.ts';
import type { RoomEvent } from './wire.ts';

const event: RoomEvent = {
  room: 'r',
  seq: 10,
  kind: 'message',
  id: 'id',
  author: 'tomas',
  name: 'Tomás',
  time: 1_000_000,
  text: 'hello',
};
const named = { ...event, mentions: [{ id: 'me', name: 'Ines' }] };
const question: AlertQuestion = {
  event: named,
  room: { kind: 'public' },
  me: 'me',
  read: 9,
  thread: undefined,
  now: 1_001_000,
};
const asks = (more: Partial<AlertQuestion>) => asksFor({ ...question, ...more });

test('without a choice it is mentions in rooms and everything in conversations', () => {
  expect(asks({})).toBe(true);
  expect(asks({ event })).toBe(false);
  expect(asks({ event, room: { kind: 'direct' } })).toBe(true);
  expect(asks({ event: { ...event, everyone: 'channel' } })).toBe(true);
});

test('a choice counts, and a muted room asks for nothing', () => {
  expect(asks({ event, room: { kind: 'private', level: 'all' } })).toBe(true);
  expect(asks({ event, room: { kind: 'direct', level: 'mentions' } })).toBe(false);
  expect(asks({ room: { kind: 'direct', level: 'none' } })).toBe(false);
  expect(asks({ room: { kind: 'public', level: 'all', quiet: true } })).toBe(false);
});

test('what is read, my own, deleted, old or no message asks for nothing', () => {
  expect(asks({ read: 10 })).toBe(false);
  expect(asks({ event: { ...named, author: 'me' } })).toBe(false);
  expect(asks({ event: { ...named, deleted: true } })).toBe(false);
  expect(asks({ now: 1_700_000 })).toBe(false);
  expect(asks({ event: { ...named, kind: 'edit' } })).toBe(false);
  expect(asks({ event: { ...named, text: '' } })).toBe(false);
});

test('a thread that is followed is heard, unless it is muted', () => {
  const reply = { ...event, thread: 4 };
  expect(asks({ event: reply, read: 20 })).toBe(false);
  expect(asks({ event: reply, read: 20, thread: {} })).toBe(true);
  expect(asks({ event: { ...named, thread: 4 }, thread: { muted: true } })).toBe(false);
});

test('a picture without words asks like any message', () => {
  const files = [{ id: 'f', name: 'a.png', type: 'image/png', size: 9 }];
  expect(asks({ event: { ...named, text: '', files } })).toBe(true);
});

test('a message has one tag', () => {
  expect(tagOf(event)).toBe('r-10');
});
