import { expect, test } from 'vitest';
import { choicesFor, type MyRoom } from './choices.ts';

const ana = { id: 'a', name: 'Ana Música' };
const mine: MyRoom[] = [
  { id: '1', name: 'kitchen-music', kind: 'public', unread: 2 },
  { id: '2', name: 'music', kind: 'public', unread: 0 },
  { id: '5', name: 'budget', kind: 'private', unread: 0 },
  { id: '6', name: 'Musa', kind: 'direct', unread: 1, people: [{ id: 'm' }] },
];
const found = [
  { id: '2', name: 'music', head: 5 },
  { id: '3', name: 'musicians', head: 1 },
  { id: '4', name: 'stale', head: 1 },
];
const people = [ana, { id: 'm', name: 'Musa' }, { id: 'b', name: 'Ben' }];
const shown = (typed: string) =>
  choicesFor(typed, mine, found, people).map(({ kind, name }) => `${kind} ${name}`);

test('the exact name comes first, then what begins with it, each room once', () => {
  expect(shown('music')).toEqual(['mine music', 'public musicians', 'mine kitchen-music']);
});

test('a name nobody has can be created', () => {
  expect(shown('musi')).toEqual([
    'mine music',
    'public musicians',
    'mine kitchen-music',
    'create musi',
  ]);
  expect(shown('garden')).toEqual(['create garden']);
});

test('a public room can have the name of a private one', () => {
  expect(shown('budget')).toEqual(['mine budget', 'create budget']);
});

test('people are found by any part, unless their conversation is', () => {
  expect(shown('ana m')).toEqual(['person Ana Música', 'create ana-m']);
  expect(shown('Mus')).toContain('mine Musa');
  expect(shown('Mus')).not.toContain('person Musa');
  expect(shown('mús')).toEqual(['person Ana Música', 'create mús']);
});

test('what cannot be a name is not offered', () => {
  expect(shown('mu/')).toEqual([]);
});

test('nothing typed shows the rooms, and nobody', () => {
  expect(shown('')).toHaveLength(6);
});

test('a long list is cut', () => {
  const many = Array.from({ length: 500 }, (_, i): MyRoom => ({
    id: `x${i}`,
    name: `room-${i}`,
    kind: 'public',
    unread: 0,
  }));
  expect(choicesFor('room', many, [], [])).toHaveLength(101);
});
