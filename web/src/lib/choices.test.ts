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
  expect(shown('music')).toEqual([
    'mine music',
    'public musicians',
    'mine kitchen-music',
    'person Ana Música',
  ]);
});

test('a name nobody has can be created', () => {
  expect(shown('musi')).toEqual([
    'mine music',
    'public musicians',
    'mine kitchen-music',
    'person Ana Música',
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
  expect(shown('mús')).toContain('person Ana Música');
});

test('the wire view comes behind what one may mean, and before a room of that name', () => {
  const shown = (typed: string, name?: string) =>
    choicesFor(
      typed,
      [...mine, { id: '7', name: 'wires', kind: 'private', unread: 0 }],
      [],
      [],
      name,
    ).map(({ kind, name }) => `${kind} ${name}`);
  expect(shown('Wire', 'Wire view')).toEqual(['mine wires', 'wire Wire view', 'create wire']);
  expect(shown('view', 'Wire view')).toEqual(['wire Wire view', 'create view']);
  expect(shown('wire', 'wire')).toEqual(['mine wires', 'wire wire', 'create wire']);
  expect(shown('leit', 'Blick auf die Leitung')[0]).toBe('wire Blick auf die Leitung');
  for (const typed of ['w', 'ire']) expect(shown(typed, 'Wire view').join()).not.toContain('view');
  expect(shown('view')).toEqual(['create view']);
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

const names = (typed: string, ...all: string[]) =>
  choicesFor(
    typed,
    all.map((name): MyRoom => ({ id: name, name, kind: 'private', unread: 0 })),
    [],
    [],
  )
    .filter(({ kind }) => kind === 'mine')
    .map(({ name }) => name);

test('accents, case and width make no difference', () => {
  expect(names('musica', 'Ana Música')).toEqual(['Ana Música']);
  expect(names('MÜLL', 'muller', 'Müller')).toEqual(['muller', 'Müller']);
  expect(names('lodz', 'Łódź')).toEqual(['Łódź']);
  expect(names('ａｂ', 'abc')).toEqual(['abc']);
});

test('words in another order, with others between, with a slip', () => {
  expect(names('build kitchen', 'kitchen-build', 'kitchen')).toEqual(['kitchen-build']);
  expect(names('moving paris', 'moving to paris')).toEqual(['moving to paris']);
  expect(names('kitchne', 'kitchen', 'chicken')).toEqual(['kitchen']);
  expect(names('ktchen', 'kitchen')).toEqual(['kitchen']);
  expect(names('xyz', 'kitchen')).toEqual([]);
  expect(names('k', 'kitchen', 'ben')).toEqual(['kitchen']);
});

test('every script', () => {
  expect(names('厨房', '新厨房计划')).toEqual(['新厨房计划']);
  expect(names('кухн', 'Новая кухня')).toEqual(['Новая кухня']);
  expect(names('кухня новая', 'Новая кухня')).toEqual(['Новая кухня']);
  expect(names('кузня', 'кухня')).toEqual(['кухня']);
  expect(names('مطبخ', 'مشروع مطبخ')).toEqual(['مشروع مطبخ']);
  expect(names('ελλαδα', 'Ελλάδα')).toEqual(['Ελλάδα']);
  expect(names('하', '한국')).toEqual(['한국']);
  expect(names('🎉', '🎉 party')).toEqual(['🎉 party']);
});

test('what fits comes before what may be meant', () => {
  expect(names('kitchen', 'kitchon', 'old kitchen', 'kitchens')).toEqual([
    'kitchens',
    'old kitchen',
    'kitchon',
  ]);
});

test('signs are no pattern', () => {
  for (const typed of ['(', '[a', '\\', 'a.b', '.*', '-a', '"a"', '$', 'a|b']) names(typed, 'ab');
  expect(names('a.b', 'axb')).toEqual([]);
});

test('two thousand names take no time', () => {
  const many = Array.from({ length: 2_000 }, (_, i) => `room-${i}-of-somebody`);
  names('warm', ...many);
  const begun = performance.now();
  names('somebody roon 17', ...many);
  expect(performance.now() - begun).toBeLessThan(250);
});
