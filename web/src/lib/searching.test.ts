import { expect, test } from 'vitest';
import { ApiError, UnreachableError } from './request.ts';
import type { Answer, Ask, Hit } from './searchapi.ts';
import { nothing, Searching, type Found } from './searching.ts';
import { TestClock } from './testclock.ts';
import type { RoomEvent } from './wire.ts';

const event = (seq: number, more: Partial<RoomEvent> = {}): RoomEvent => ({
  room: 'r',
  seq,
  kind: 'message',
  id: `id-${seq}`,
  author: 'a',
  name: 'Ana',
  time: seq,
  text: `oven ${seq}`,
  ...more,
});

const hit = (seq: number, room = 'r'): Hit => ({
  room: { id: room, name: 'kitchen', kind: 'public' },
  event: event(seq, { room }),
  marks: [[0, 4]],
});

const terms = { terms: [{ text: 'x' }] };
const answer = (hits: Hit[], more: Partial<Answer> = {}): Answer => ({
  query: terms,
  hits,
  ...more,
});

function setUp() {
  const clock = new TestClock();
  const asked: {
    ask: Ask;
    signal: AbortSignal;
    say: (a: Answer) => void;
    fail: (e: Error) => void;
  }[] = [];
  let found: Found = nothing;
  const searching = new Searching({
    ask: (ask, signal) =>
      new Promise((say, fail) => {
        asked.push({ ask, signal, say, fail });
      }),
    clock,
    onchange: (now) => (found = now),
  });
  /** The last question is answered. */
  const say = async (what: Answer | Error) => {
    const last = asked.at(-1);
    if (what instanceof Error) last?.fail(what);
    else last?.say(what);
    for (let n = 0; n < 10; n++) await Promise.resolve();
  };
  const seqs = () => found.hits.map(({ event: { seq } }) => seq);
  return { clock, asked, searching, say, seqs, found: () => found };
}

test('what is typed is asked for once nobody types for a moment', async () => {
  const { clock, asked, searching, say, seqs, found } = setUp();
  for (const q of ['o', 'ov', 'ove', 'oven']) {
    searching.type(q);
    clock.advance(60);
  }
  expect(asked).toEqual([]);
  expect(found().busy).toBe(true);
  clock.advance(40);
  expect(asked.map(({ ask }) => ask.q)).toEqual(['oven']);
  expect(asked[0]?.ask).toMatchObject({ sort: 'newest', limit: 20 });
  await say(answer([hit(2), hit(1)]));
  expect(seqs()).toEqual([2, 1]);
  expect(found()).toMatchObject({ busy: false, answered: true, more: false });
  searching.type('oven ');
  searching.now();
  expect(asked).toHaveLength(2);
  expect(seqs(), 'what was there stays until there is an answer').toEqual([2, 1]);
});

test('only the newest question has an answer', async () => {
  const { asked, searching, say, seqs } = setUp();
  searching.seek({ q: 'one', sort: 'newest' });
  searching.seek({ q: 'two', sort: 'best' });
  expect(asked.map(({ ask, signal }) => [ask.q, ask.sort, signal.aborted])).toEqual([
    ['one', 'newest', true],
    ['two', 'best', false],
  ]);
  await say(answer([hit(2)]));
  asked[0]?.say(answer([hit(1)]));
  await Promise.resolve();
  expect(seqs()).toEqual([2]);
});

test('an empty field asks nothing and shows nothing', async () => {
  const { clock, asked, searching, say, seqs, found } = setUp();
  searching.seek({ q: 'oven', sort: 'best' });
  await say(answer([hit(1)]));
  searching.type('  ');
  clock.advance(1_000);
  expect(asked).toHaveLength(1);
  expect(seqs()).toEqual([]);
  expect(found()).toMatchObject({ q: '  ', sort: 'best', answered: false, busy: false });
});

test('what is half typed is no question', async () => {
  const { searching, say, found } = setUp();
  searching.seek({ q: 'from:', sort: 'newest' });
  await say(answer([], { query: { open: ['from'] } }));
  expect(found()).toMatchObject({ answered: false, open: ['from'], busy: false });
});

test('pages follow each other, also those in which nothing is', async () => {
  const { asked, searching, say, seqs, found } = setUp();
  searching.seek({ q: 'oven', sort: 'newest' });
  await say(answer([], { next: 'a' }));
  expect(found().busy).toBe(true);
  await say(answer([hit(9), hit(8)], { next: 'b' }));
  expect(asked.map(({ ask }) => ask.before)).toEqual([undefined, 'a']);
  expect(found()).toMatchObject({ busy: false, more: true });
  void searching.more();
  void searching.more();
  expect(asked.at(-1)?.ask.before).toBe('b');
  await say(answer([hit(8), hit(7)]));
  expect(asked).toHaveLength(3);
  expect(seqs(), 'each once').toEqual([9, 8, 7]);
  expect(found().more).toBe(false);
  void searching.more();
  expect(asked).toHaveLength(3);
});

test('where nothing is found for long, somebody says whether to go on', async () => {
  const { asked, searching, say, found } = setUp();
  searching.seek({ q: 'rare', sort: 'newest' });
  for (let n = 1; n <= 5; n++) await say(answer([], { next: String(n) }));
  expect(asked).toHaveLength(5);
  expect(found()).toMatchObject({ busy: false, more: true, hits: [] });
  void searching.more();
  expect(asked.at(-1)?.ask.before).toBe('5');
});

test('who asks too much waits, and what cannot be reached is tried again when told', async () => {
  const { clock, asked, searching, say, seqs, found } = setUp();
  searching.seek({ q: 'oven', sort: 'newest' });
  await say(new ApiError(429, 'rate_limited', 'too much', 2));
  expect(found()).toMatchObject({ waiting: true, problem: undefined });
  clock.advance(1_000);
  searching.type('ovens');
  searching.now();
  clock.advance(999);
  expect(asked).toHaveLength(1);
  clock.advance(1);
  expect(asked).toHaveLength(2);
  await say(new UnreachableError());
  expect(found()).toMatchObject({ busy: false, waiting: false });
  expect(found().problem).toBeInstanceOf(UnreachableError);
  searching.again();
  await say(answer([hit(1)]));
  expect(seqs()).toEqual([1]);
  expect(found().problem).toBeUndefined();
});

test('a page that fails leaves what is there', async () => {
  const { searching, say, seqs, found } = setUp();
  searching.seek({ q: 'oven', sort: 'newest' });
  await say(answer([hit(1)], { next: 'a' }));
  void searching.more();
  await say(new UnreachableError());
  expect(seqs()).toEqual([1]);
  expect(found()).toMatchObject({ more: true, busy: false });
});

test('a query has at most 256 characters, each whole', async () => {
  const { asked, searching, found } = setUp();
  searching.seek({ q: '🎉'.repeat(300), sort: 'newest' });
  expect(asked[0]?.ask.q).toBe('🎉'.repeat(256));
  expect(found().cut).toBe(true);
  searching.seek({ q: 'a\ud83c', sort: 'newest' });
  expect(asked[1]?.ask.q).toBe('a\ufffd');
  expect(found().cut).toBe(false);
});

test('a message that is deleted loses its words at once, and one that is edited is asked for again', async () => {
  const { asked, searching, say, found } = setUp();
  searching.seek({ q: 'oven', sort: 'newest' });
  await say(answer([hit(3), hit(2), hit(1, 'other')]));
  searching.take(event(10, { kind: 'delete', target: 3, text: '' }));
  expect(found().hits[0]).toMatchObject({ event: { deleted: true, text: '' }, marks: [] });
  expect(asked).toHaveLength(1);
  searching.take(event(11, { kind: 'react', target: 1, text: '🎉' }));
  expect(found().hits[2]?.event.reactions, 'of another room').toBeUndefined();
  searching.take(event(12, { kind: 'edit', target: 2, text: 'stove' }));
  expect(found().hits[1]).toMatchObject({ event: { text: 'stove' }, marks: [] });
  expect(asked).toHaveLength(2);
  await say(answer([hit(1, 'other')]));
  expect(found().hits).toHaveLength(1);
  searching.forget('other');
  expect(found().hits).toEqual([]);
});
