import { expect, test } from 'vitest';
import { choicesFor } from './choices.ts';

const mine = [
  { id: '1', name: 'kitchen-music', unread: 2 },
  { id: '2', name: 'music', unread: 0 },
];
const found = [
  { id: '2', name: 'music', head: 5 },
  { id: '3', name: 'musicians', head: 1 },
  { id: '4', name: 'stale', head: 1 },
];
const shown = (part: string) =>
  choicesFor(part, mine, found).map(({ kind, name }) => `${kind} ${name}`);

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

test('what cannot be a name is not offered', () => {
  expect(shown('mu/')).toEqual([]);
});

test('nothing typed shows everything', () => {
  expect(shown('')).toHaveLength(4);
});
