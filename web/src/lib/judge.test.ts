import { describe, expect, test } from 'vitest';
import {
  Glances,
  Intentions,
  judge,
  type Account,
  type Place,
  type Stored,
  type Verdict,
} from './judge.ts';
import type { Draft } from './draftstore.ts';

const from = 10;
const stored = (seq: number, more: Partial<Stored> = {}): Stored => ({
  seq,
  id: `id-${seq}`,
  kind: 'message',
  ...more,
});
const places = (...seqs: number[]): Place[] => seqs.map((seq) => ({ seq, id: `id-${seq}` }));
const log = [11, 12, 13, 14].map((seq) => stored(seq));

/** What rows on a screen leave behind. */
const seen = (...rows: Place[][]) => {
  const glances = new Glances();
  for (const one of rows) glances.look(one);
  return { pairs: glances.pairs, twice: glances.twice };
};

/** A window on which all is well, but for what is said. */
const account = (more: Partial<Account> = {}): Account => ({
  window: 'A',
  meant: [
    { id: 'id-11', sent: 11 },
    { id: 'id-13', sent: 13 },
  ],
  refused: 0,
  position: 14,
  log: places(11, 12, 13, 14),
  ...seen(places(9, 10, 11, 12, 13, 14)),
  ...more,
});

const wrong = ({ lost, doubled, disordered, strange }: Verdict) => ({
  lost,
  doubled,
  disordered,
  strange,
});
const nothing = { lost: 0, doubled: 0, disordered: 0, strange: 0 };

test('where all is well nothing is wrong, and what is there is counted', () => {
  expect(judge(from, log, [account(), account({ window: 'B', meant: [] })])).toEqual({
    ...nothing,
    meant: 2,
    stored: 4,
    refused: 0,
    drawn: 6,
    unsent: 0,
    unshown: 0,
    first: [],
  });
});

describe('lost', () => {
  test('is what was acknowledged and is not in the log, or not where it was said to be', () => {
    const gone = judge(from, log.slice(0, 2), [
      account({ position: 12, log: places(11, 12), ...seen() }),
    ]);
    expect(gone.first).toEqual([{ is: 'lost', what: 'unstored', window: 'A', id: 'id-13' }]);
    expect(wrong(gone)).toEqual({ ...nothing, lost: 1 });
    const moved = account({ meant: [{ id: 'id-11', sent: 12 }] });
    expect(wrong(judge(from, log, [moved]))).toEqual({ ...nothing, lost: 1 });
    const unseen = account({ meant: [{ id: 'id-15', sent: 0 }] });
    expect(wrong(judge(from, log, [unseen]))).toEqual({ ...nothing, lost: 1 });
  });

  test('is a number that the log leaves out', () => {
    const holed = judge(from, [log[0]!, log[2]!], []);
    expect(holed.first).toEqual([{ is: 'lost', what: 'hole', seq: 12 }]);
    expect(wrong(judge(from, log.slice(1), []))).toEqual({ ...nothing, lost: 1 });
  });

  test('is a message between two rows that stand right behind each other', () => {
    const verdict = judge(from, log, [account(seen(places(10, 11, 14)))]);
    expect(verdict.first.map((finding) => 'seq' in finding && finding.seq)).toEqual([12, 13]);
    expect(wrong(verdict)).toEqual({ ...nothing, lost: 2 });
  });

  test('is not what has no row: a reaction, a reply in a thread', () => {
    const others = [
      stored(11),
      stored(12, { kind: 'react' }),
      stored(13, { thread: 11 }),
      stored(14),
    ];
    expect(wrong(judge(from, others, [account(seen(places(11, 14)))]))).toEqual(nothing);
  });

  test("is what a window's log leaves out", () => {
    expect(wrong(judge(from, log, [account({ log: places(11, 13, 14) })]))).toEqual({
      ...nothing,
      lost: 1,
    });
  });

  test('is not what was not acknowledged yet: that is on its way', () => {
    const meant = [{ id: 'id-11', sent: 11 }, { id: 'id-13' }, { id: 'id-15' }];
    const verdict = judge(from, log, [account({ meant })]);
    expect(wrong(verdict)).toEqual(nothing);
    expect(verdict.unsent).toBe(1);
  });
});

describe('doubled', () => {
  test('is an id that the log has twice', () => {
    const verdict = judge(from, [...log, stored(15, { id: 'id-12' })], []);
    expect(verdict.first).toEqual([{ is: 'doubled', what: 'storedTwice', seq: 15, before: 12 }]);
  });

  test('is a row that is on a screen twice, wherever', () => {
    for (const rows of [places(11, 12, 12, 13), places(11, 12, 13, 11)]) {
      expect(wrong(judge(from, log, [account(seen(rows))]))).toEqual({ ...nothing, doubled: 1 });
    }
  });

  test("is what a window's log has twice", () => {
    const twice = account({ log: places(11, 12, 12, 13, 14) });
    expect(wrong(judge(from, log, [twice]))).toEqual({ ...nothing, doubled: 1 });
  });
});

describe('out of order', () => {
  test('is what was written later and stands before, by one window', () => {
    const meant = [
      { id: 'id-13', sent: 13 },
      { id: 'id-11', sent: 11 },
    ];
    const verdict = judge(from, log, [account({ meant })]);
    expect(verdict.first).toEqual([
      { is: 'disordered', what: 'overtook', window: 'A', seq: 13, before: 11 },
    ]);
    const one = account({ meant: [meant[0]!] });
    const other = account({ window: 'B', meant: [meant[1]!] });
    expect(wrong(judge(from, log, [one, other]))).toEqual(nothing);
  });

  test('is a row above one that came before it', () => {
    const verdict = judge(from, log, [account(seen(places(11, 13, 12)))]);
    expect(verdict.disordered).toBe(1);
  });

  test("is a window's log that goes back", () => {
    const verdict = judge(from, log, [account({ log: places(11, 13, 12), position: 12 })]);
    expect(verdict.disordered).toBe(1);
  });
});

test('strange is a row whose place in the log holds something else, or nothing', () => {
  const other = [{ seq: 11, id: 'other' }, ...places(12)];
  expect(wrong(judge(from, log, [account(seen(other))]))).toEqual({ ...nothing, strange: 1 });
  const beyond = account({ log: places(11, 12, 13, 14, 15), position: 15 });
  expect(wrong(judge(from, log, [beyond]))).toEqual({ ...nothing, strange: 1 });
});

test('what a window does not have yet is on its way, unless the window is gone', () => {
  const behind = { window: 'B', meant: [], position: 12, log: places(11, 12), ...seen() };
  expect(judge(from, log, [account(), account(behind)])).toMatchObject({ ...nothing, unshown: 2 });
  expect(judge(from, log, [account({ ...behind, gone: true })]).unshown).toBe(0);
});

test('only the first few of what is wrong are told, and all are counted', () => {
  const verdict = judge(from, [stored(111)], []);
  expect(verdict.lost).toBe(100);
  expect(verdict.first).toHaveLength(8);
});

test('rows of a screen that is scrolled come together', () => {
  const glances = seen(places(11, 12, 13), places(12, 13, 14));
  expect(glances.pairs).toHaveLength(3);
  expect(wrong(judge(from, log, [account(glances)]))).toEqual(nothing);
});

describe('what was meant', () => {
  const draft = (id: string, more: Partial<Draft> = {}): Draft => ({
    id,
    room: 'r',
    author: 'a',
    text: '',
    created: 0,
    order: 0,
    ...more,
  });
  const failed = { code: 'muted', message: 'no' };

  test('is what the outbox took in for the room, in its order, with its places', () => {
    const all = new Intentions('r');
    all.hear({ type: 'draft', draft: draft('one') });
    all.hear({ type: 'draft', draft: draft('two') });
    all.hear({ type: 'draft', draft: draft('other', { room: 's' }) });
    all.hear({ type: 'sent', id: 'one', seq: 7, time: 0 });
    all.hear({ type: 'sent', id: 'unheard', seq: 8, time: 0 });
    expect(all.all()).toEqual([{ id: 'one', sent: 7 }, { id: 'two' }]);
  });

  test('is not what was refused, or taken back; what is tried again comes last', () => {
    const all = new Intentions('r');
    for (const id of ['one', 'two', 'three']) all.hear({ type: 'draft', draft: draft(id) });
    all.hear({ type: 'draft', draft: draft('one', { failed }) });
    all.hear({ type: 'gone', id: 'two' });
    expect(all.all()).toEqual([{ id: 'three' }]);
    expect(all.refused).toBe(1);
    all.hear({ type: 'draft', draft: draft('one') });
    expect(all.all()).toEqual([{ id: 'three' }, { id: 'one' }]);
    expect(all.refused).toBe(0);
  });
});
