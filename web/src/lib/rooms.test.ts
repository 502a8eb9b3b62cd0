import { describe, expect, test } from 'vitest';
import {
  asking,
  count,
  labelOf,
  mutedUntil,
  parseKeep,
  project,
  recount,
  sections,
  stepIn,
  titleOf,
} from './rooms.ts';
import { english } from './testwords.ts';
import type { RoomEvent, RoomInfo } from './wire.ts';

const room: RoomInfo = {
  id: 'r',
  name: 'kitchen',
  kind: 'public',
  head: 9,
  you: { state: 'member', can: ['read', 'send'] },
};
const event = (kind: string, more: Partial<RoomEvent> = {}): RoomEvent => ({
  room: 'r',
  seq: 10,
  kind,
  id: 'id',
  author: 'a',
  name: 'Ines',
  time: 1000,
  text: '',
  ...more,
});
const after = (kind: string, more: Partial<RoomEvent> = {}, from = room) =>
  project(from, event(kind, more), 'me');

describe('a room after an event', () => {
  test('has its new name and topic', () => {
    expect(after('name', { text: 'cooking' }).name).toBe('cooking');
    const described = after('topic', { text: 'What to cook' });
    expect(described.topic).toBe('What to cook');
    expect(after('topic', { text: '' }, described)).not.toHaveProperty('topic');
  });

  test('is archived, and restored', () => {
    const archived = after('archive');
    expect(archived.archived).toBe(true);
    expect(after('restore', {}, archived)).not.toHaveProperty('archived');
  });

  test.each([
    ['slow', '30', 'slow', 30],
    ['read_only', 'on', 'read_only', true],
    ['guests_wait', 'on', 'guests_wait', true],
    ['keep', '30 days, 1000 messages', 'keep', { days: 30, messages: 1000 }],
  ] as const)('takes %s and lets go of it', (kind, text, field, value) => {
    const set = after(kind, { text });
    expect(set[field]).toEqual(value);
    const off = kind === 'slow' ? '0' : 'off';
    expect(after(kind, { text: off }, set)).not.toHaveProperty(field);
  });

  test('has a floor that only rises', () => {
    const erased = after('erase', { target: 7 });
    expect(erased.floor).toBe(7);
    expect(after('erase', { target: 3 }, erased).floor).toBe(7);
  });

  test('knows what concerns me', () => {
    const about = { id: 'me', name: 'Mara' };
    const muted = after('mute', { about, until: 5000 });
    expect(muted.you?.muted).toBe(5000);
    expect(after('mute', { about }).you?.muted).toBe(-1);
    expect(after('unmute', { about }, muted).you).not.toHaveProperty('muted');
    const moderator = after('moderator', { about });
    expect(moderator.you?.moderator).toBe(true);
    expect(after('dismiss', { about }, moderator).you).not.toHaveProperty('moderator');
  });

  test('is the same object when nothing changes', () => {
    expect(after('message', { text: 'hi' })).toBe(room);
    expect(after('mute', { about: { id: 'b', name: 'Ben' } })).toBe(room);
    expect(after('wave')).toBe(room);
  });
});

describe('unread', () => {
  const none = { messages: 0, mentions: 0 };
  const mentions = [{ id: 'me', name: 'Mara' }];

  test('is what others say', () => {
    expect(count(none, event('message'), 'me')).toEqual({ messages: 1, mentions: 0 });
    expect(count(none, event('message', { mentions }), 'me')).toEqual({ messages: 1, mentions: 1 });
  });

  test('is not what I say, what is deleted, or what is no message', () => {
    expect(count(none, event('message', { author: 'me' }), 'me')).toBe(none);
    expect(count(none, event('message', { deleted: true }), 'me')).toBe(none);
    for (const kind of ['edit', 'delete', 'topic', 'add', 'wave']) {
      expect(count(none, event(kind), 'me')).toBe(none);
    }
  });

  test('is counted again behind a read mark that the window reaches', () => {
    const events = [
      event('message', { seq: 4 }),
      event('message', { seq: 5, mentions }),
      event('topic', { seq: 6 }),
      event('message', { seq: 7, author: 'me' }),
    ];
    expect(recount(events, 4, 3, 'me')).toEqual({ messages: 2, mentions: 1 });
    expect(recount(events, 4, 4, 'me')).toEqual({ messages: 1, mentions: 1 });
    expect(recount(events, 4, 7, 'me')).toEqual(none);
    expect(recount(events, 4, 2, 'me')).toBeUndefined();
  });
});

describe('names', () => {
  const people = [
    { id: 'a', name: 'Ana' },
    { id: 'b', name: 'Ben' },
  ];

  test('a conversation is called after the others', () => {
    expect(titleOf({ kind: 'direct', name: '', people }, english)).toBe('Ana and Ben');
    expect(titleOf({ kind: 'direct', name: '' }, english)).toBe('Nobody else');
  });

  test('a public room is told by its #', () => {
    expect(labelOf(room, english)).toBe('#kitchen');
    expect(labelOf({ kind: 'private', name: 'budget' }, english)).toBe('budget');
  });
});

describe('what asks for attention', () => {
  const unread = { messages: 5, mentions: 2 };
  const nothing = { messages: 0, mentions: 0 };

  test('is what is unread, and in a conversation all of it', () => {
    expect(asking({ kind: 'public' }, unread)).toEqual(unread);
    expect(asking({ kind: 'private', quiet: false }, unread)).toEqual(unread);
    expect(asking({ kind: 'direct' }, unread)).toEqual({ messages: 5, mentions: 5 });
  });

  test.each(['public', 'private', 'direct'] as const)('is nothing in what I muted: %s', (kind) => {
    expect(asking({ kind, quiet: true }, unread)).toEqual(nothing);
  });

  test('stays so whatever is said and done in the room', () => {
    const quiet = { ...room, quiet: true };
    expect(after('topic', { text: 'What to cook' }, quiet).quiet).toBe(true);
    expect(after('message', { text: 'hi' }, quiet).quiet).toBe(true);
  });
});

test('the list has its parts, each by name', () => {
  const listed = (id: string, more: Partial<RoomInfo>) => ({ info: { ...room, id, ...more } });
  const parts = sections(
    [
      listed('1', { name: 'music' }),
      listed('2', { name: 'Budget', kind: 'private' }),
      listed('3', { kind: 'direct', name: '', people: [{ id: 'a', name: 'Ana' }] }),
      listed('4', { name: 'old', archived: true }),
      listed('5', { name: 'room-10' }),
      listed('6', { name: 'room-9' }),
    ],
    english,
  );
  const ids = (rooms: { info: RoomInfo }[]) => rooms.map(({ info }) => info.id);
  expect(ids(parts.rooms)).toEqual(['2', '1', '6', '5']);
  expect(ids(parts.direct)).toEqual(['3']);
  expect(ids(parts.archived)).toEqual(['4']);
});

test.each([
  ['30 days', { days: 30 }],
  ['1000 messages', { messages: 1000 }],
  ['1 days, 5 messages', { days: 1, messages: 5 }],
  ['off', {}],
])('to keep “%s” is understood', (text, keep) => {
  expect(parseKeep(text)).toEqual(keep);
});

test('a mute ends by itself, and does not hold a moderator', () => {
  const muted = (until: number, can: 'moderate' | 'read' = 'read'): RoomInfo => ({
    ...room,
    you: { state: 'member', muted: until, can: [can] },
  });
  expect(mutedUntil(muted(2000), 1999)).toBe(2000);
  expect(mutedUntil(muted(2000), 2000)).toBe(false);
  expect(mutedUntil(muted(-1), 2000)).toBe(-1);
  expect(mutedUntil(muted(-1, 'moderate'), 2000)).toBe(false);
  expect(mutedUntil(room, 0)).toBe(false);
});

test('the next room, around the ends of the list', () => {
  const list = ['a', 'b', 'c', 'd'];
  const any = () => true;
  expect(stepIn(list, 'b', 1, any)).toBe('c');
  expect(stepIn(list, 'a', -1, any)).toBe('d');
  expect(stepIn(list, 'd', 1, any)).toBe('a');
  expect(stepIn(list, undefined, 1, any)).toBe('a');
  expect(stepIn(list, undefined, -1, any)).toBe('d');
  expect(stepIn(list, 'b', 1, (one) => one === 'a')).toBe('a');
  expect(stepIn(list, 'b', -1, (one) => one === 'd')).toBe('d');
  expect(stepIn(list, 'b', 1, (one) => one === 'b')).toBeUndefined();
  expect(stepIn(['a'], 'a', 1, any)).toBeUndefined();
  expect(stepIn([], undefined, 1, any)).toBeUndefined();
});
