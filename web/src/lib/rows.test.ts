import { describe, expect, test } from 'vitest';
import { plain } from './notices.ts';
import type { Outgoing } from './outbox.ts';
import { makeRows, type RowsInput } from './rows.ts';
import { english } from './testwords.ts';
import type { RoomEvent } from './wire.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const noon = 12 * 60 * minute;

const event = (seq: number, time: number, more: Partial<RoomEvent> = {}): RoomEvent => ({
  room: 'r',
  seq,
  kind: 'message',
  id: `id-${seq}`,
  author: 'a',
  name: 'Ines',
  time,
  text: `text ${seq}`,
  ...more,
});
const draft = (id: string, created: number, more: Partial<Outgoing> = {}): Outgoing => ({
  id,
  room: 'r',
  author: 'me',
  text: id,
  created,
  order: created,
  ...more,
});
const rows = (input: Partial<RowsInput>) =>
  makeRows({
    events: [],
    drafts: [],
    complete: false,
    fresh: undefined,
    skew: 0,
    me: 'Mara',
    guest: false,
    myId: 'me',
    floor: 0,
    when: String,
    words: english,
    nameOf: () => undefined,
    dayOf: (time) => Math.floor(time / day),
    ...input,
  });

describe('grouping', () => {
  const heads = (...events: RoomEvent[]) => rows({ events }).map((row) => row.heads);

  test('joins messages of one author within five minutes', () => {
    expect(heads(event(1, noon), event(2, noon + 5 * minute - 1))).toEqual([true, false]);
    expect(heads(event(1, noon), event(2, noon + 5 * minute))).toEqual([true, true]);
  });

  test('breaks where a program calls itself something else', () => {
    const bot = { author: 'b', name: 'CI', bot: true };
    const said = rows({
      events: [
        event(1, noon, bot),
        event(2, noon, { ...bot, as: 'Jenkins' }),
        event(3, noon, { ...bot, as: 'Jenkins' }),
        event(4, noon, bot),
      ],
    });
    expect(said.map(({ heads, name, via }) => [heads, name, via])).toEqual([
      [true, 'CI', undefined],
      [true, 'Jenkins', 'CI'],
      [false, 'Jenkins', 'CI'],
      [true, 'CI', undefined],
    ]);
  });

  test('breaks at another author', () => {
    expect(heads(event(1, noon), event(2, noon, { author: 'b' }))).toEqual([true, true]);
  });

  test('breaks at a new day', () => {
    const result = rows({ events: [event(1, day - 1), event(2, day)] });
    expect(result.map((row) => [row.heads, row.newDay])).toEqual([
      [true, true],
      [true, true],
    ]);
  });

  test('breaks at the first unread', () => {
    const events = [event(1, noon), event(2, noon), event(3, noon)];
    const result = rows({ events, fresh: 2 });
    expect(result.map((row) => [row.heads, row.fresh])).toEqual([
      [true, false],
      [true, true],
      [false, false],
    ]);
  });

  test('is not broken by events that are not shown', () => {
    const edit = event(2, noon, { kind: 'edit', target: 1 });
    expect(heads(event(1, noon), edit, event(3, noon))).toEqual([true, false]);
  });
});

test('the first unread is the first one shown at or after the mark', () => {
  const events = [event(1, noon), event(2, noon, { kind: 'edit', target: 1 }), event(3, noon)];
  expect(rows({ events, fresh: 2 }).find((row) => row.fresh)?.seq).toBe(3);
});

test('the first unread is not marked before it is loaded', () => {
  expect(rows({ events: [event(5, noon)], fresh: 2 })[0]?.fresh).toBe(false);
});

test('a revised message says so, and a deleted one only that', () => {
  const events = [
    event(1, noon, { revised: 5 }),
    event(2, noon, { revised: 6, deleted: true, text: '' }),
  ];
  expect(rows({ events })).toMatchObject([
    { edited: true, deleted: false },
    { edited: false, deleted: true },
  ]);
});

test('authors have their newest name', () => {
  expect(rows({ events: [event(1, noon)], nameOf: () => 'Inès' })[0]?.name).toBe('Inès');
});

test('only a complete window has the first message of the room', () => {
  const events = [event(1, noon), event(2, noon)];
  expect(rows({ events, complete: true }).map((row) => row.first)).toEqual([true, false]);
  expect(rows({ events }).map((row) => row.first)).toEqual([false, false]);
});

describe('what was changed in the room', () => {
  const said = (input: Partial<RowsInput>) =>
    rows(input).map((row) => (row.notice ? plain(row.notice, english) : row.text));
  const join = (seq: number, name: string, more: Partial<RoomEvent> = {}) =>
    event(seq, noon, { kind: 'join', author: name, name, text: '', ...more });

  test('stands between the messages, which do not group over it', () => {
    const events = [event(1, noon), event(2, noon, { kind: 'archive' }), event(3, noon)];
    expect(said({ events })).toEqual(['text 1', 'Ines archived the room', 'text 3']);
    expect(rows({ events }).map((row) => row.heads)).toEqual([true, true, true]);
  });

  test('folds, but not over a message, over another kind, or over midnight', () => {
    const events = [
      join(1, 'Ana'),
      join(2, 'Ben'),
      event(3, noon),
      join(4, 'Cem'),
      event(5, noon, { kind: 'topic', text: 'x', name: 'Ana' }),
      join(6, 'Dia'),
      join(7, 'Eli', { time: noon + day }),
    ];
    expect(said({ events })).toEqual([
      'Ana and Ben joined',
      'text 3',
      'Cem joined',
      'Ana changed the topic to “x”',
      'Dia joined',
      'Eli joined',
    ]);
  });

  test('folds over what is not shown', () => {
    const events = [join(1, 'Ana'), event(2, noon, { kind: 'edit', target: 1 }), join(3, 'Ben')];
    expect(said({ events })).toEqual(['Ana and Ben joined']);
  });

  test('keeps its name when older ones come before it', () => {
    const [later] = rows({ events: [join(2, 'Ben')] });
    const [both] = rows({ events: [join(1, 'Ana'), join(2, 'Ben')] });
    expect(both?.id).toBe(later?.id);
  });

  test('is never the first unread message', () => {
    const events = [join(1, 'Ana'), event(2, noon)];
    expect(rows({ events, fresh: 1 }).map((row) => row.fresh)).toEqual([false, true]);
  });

  test('may be where the room begins', () => {
    const events = [join(1, 'Ana'), event(2, noon)];
    expect(rows({ events, complete: true }).map((row) => row.first)).toEqual([true, false]);
  });
});

test('what was erased has no rows', () => {
  const events = [event(1, noon, { text: '' }), event(2, noon)];
  expect(rows({ events, floor: 1, complete: true })).toMatchObject([{ seq: 2, first: true }]);
});

test('a message that a moderator deleted says so', () => {
  const about = { id: 'a', name: 'Ines' };
  const events = [
    event(1, noon, { deleted: true, revised: 3, about }),
    event(2, noon, { deleted: true, revised: 4 }),
  ];
  expect(rows({ events }).map((row) => row.moderated)).toEqual([true, false]);
});

describe('drafts', () => {
  test('stand after the log, in their order, under their own id', () => {
    const result = rows({ events: [event(1, noon)], drafts: [draft('x', noon), draft('y', noon)] });
    expect(result.map((row) => [row.id, row.state])).toEqual([
      ['id-1', 'sent'],
      ['x', 'pending'],
      ['y', 'pending'],
    ]);
  });

  test('are shown once when the log has them already', () => {
    const result = rows({ events: [event(1, noon)], drafts: [draft('id-1', noon)] });
    expect(result).toHaveLength(1);
    expect(result[0]?.seq).toBe(1);
  });

  test('have the seq of their acknowledgement', () => {
    const drafts = [draft('x', noon, { sent: { seq: 9, time: noon + 1 } })];
    expect(rows({ drafts })[0]).toMatchObject({ state: 'sent', seq: 9, time: noon + 1 });
  });

  test('that were refused say why', () => {
    const failed = { code: 'too_long', message: 'too long' };
    expect(rows({ drafts: [draft('x', noon, { failed })] })[0]).toMatchObject({
      state: 'failed',
      failed: 'too long',
    });
  });

  test('are never older than what stands before them, however wrong the clock', () => {
    const drafts = [draft('x', noon - day), draft('y', noon + day)];
    const result = rows({ events: [event(1, noon)], drafts: drafts.slice(0, 1) });
    expect(result[1]).toMatchObject({ time: noon, newDay: false });
    const ahead = rows({ events: [event(1, noon)], drafts: drafts.slice(1), skew: -day });
    expect(ahead[1]).toMatchObject({ time: noon, newDay: false });
  });
});
