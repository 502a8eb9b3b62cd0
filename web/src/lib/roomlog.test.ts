import { beforeEach, describe, expect, test } from 'vitest';
import { RoomLog } from './roomlog.ts';
import { message } from './testevent.ts';

const opened = (after: number, epoch = 'e') => ({
  room: 'r',
  name: 'lobby',
  kind: 'public' as const,
  epoch,
  after,
  head: 100,
  read: 0,
});
const seqs = (log: RoomLog) => log.events.map((event) => event.seq);

let log: RoomLog;
beforeEach(() => {
  log = new RoomLog();
  log.opened(opened(10));
});

test('an unknown room is opened for a first look', () => {
  expect(new RoomLog().place()).toEqual({ last: 50 });
});

describe('events', () => {
  test('the next is taken, a repeat dropped, a gap refused', () => {
    expect(log.add(message(11))).toBe('next');
    expect(log.add(message(12))).toBe('next');
    expect(log.add(message(12))).toBe('known');
    expect(log.add(message(3))).toBe('known');
    expect(log.add(message(14))).toBe('gap');
    expect(seqs(log)).toEqual([11, 12]);
    expect(log.place()).toEqual({ epoch: 'e', after: 12 });
  });

  test('nothing is taken before the room is open', () => {
    expect(new RoomLog().add(message(1))).toBe('gap');
  });

  test('opening again at our own place keeps the window', () => {
    log.add(message(11));
    log.opened(opened(11));
    expect(seqs(log)).toEqual([11]);
    log.opened(opened(8));
    expect(log.add(message(9))).toBe('known');
    expect(log.add(message(12))).toBe('next');
  });

  test('another epoch, or a later place, begins a new window', () => {
    log.add(message(11));
    log.opened(opened(40));
    expect(log.events).toEqual([]);
    expect(log.add(message(41))).toBe('next');
    log.opened(opened(2, 'f'));
    expect(log.events).toEqual([]);
    expect(log.place()).toEqual({ epoch: 'f', after: 2 });
  });

  test('after a reset the room is loaded anew', () => {
    log.add(message(11));
    log.reset();
    expect(log.events).toEqual([]);
    expect(log.has('id-11')).toBe(false);
    expect(log.place()).toEqual({ last: 50 });
  });

  test('an unknown kind is counted', () => {
    expect(log.add(message(11, { kind: 'wave' }))).toBe('next');
    expect(log.position).toBe(11);
  });
});

describe('edits and deletions', () => {
  test('change their target, in the order of the log', () => {
    log.add(message(11));
    log.add(message(12, { kind: 'edit', target: 11, text: 'better' }));
    expect(log.events[0]).toMatchObject({ text: 'better', revised: 12 });
    log.add(message(13, { kind: 'delete', target: 11, text: '' }));
    expect(log.events[0]).toMatchObject({ text: '', revised: 13, deleted: true });
  });

  test('replace the target by a new object', () => {
    log.add(message(11));
    const before = log.events[0];
    log.add(message(12, { kind: 'edit', target: 11, text: 'better' }));
    expect(log.events[0]).not.toBe(before);
  });

  test('of something unknown change nothing', () => {
    log.add(message(11));
    log.add(message(12, { kind: 'edit', target: 4, text: 'x' }));
    expect(log.events[0]).toMatchObject({ text: 'text 11' });
  });

  test('do not undo a later revision that history brought', () => {
    log.add(message(11));
    log.prepend([message(9, { text: 'third', revised: 13 }), message(10)], 'e');
    log.add(message(12, { kind: 'edit', target: 9, text: 'second' }));
    expect(log.events[0]).toMatchObject({ text: 'third', revised: 13 });
  });

  test('reach a page that was read before them', () => {
    log.add(message(11, { kind: 'edit', target: 10, text: 'new' }));
    log.prepend([message(9), message(10, { text: 'old' })], 'e');
    expect(log.events[1]).toMatchObject({ seq: 10, text: 'new', revised: 11 });
  });
});

describe('what a moderator deletes', () => {
  const about = { id: 'a', name: 'Ines' };

  test('says so', () => {
    log.add(message(11));
    log.add(message(12, { kind: 'delete', author: 'm', target: 11, text: '', about }));
    expect(log.events[0]).toMatchObject({ deleted: true, text: '', about });
  });

  test('says so in a page of history too, where the deletion is at hand', () => {
    log.add(message(11, { kind: 'delete', author: 'm', target: 10, text: '', about }));
    log.prepend([message(10, { text: '', deleted: true, revised: 11 })], 'e');
    expect(log.events[0]).toMatchObject({ deleted: true, about });
  });
});

describe('erasing', () => {
  test('drops the words up to a place, of edits too, and nothing else', () => {
    log.add(message(11));
    log.add(message(12));
    log.add(message(13, { kind: 'edit', target: 11, text: 'better' }));
    log.add(message(14, { kind: 'topic', text: 'bread' }));
    log.add(message(15, { kind: 'erase', text: '', target: 11 }));
    expect(log.events.map((event) => event.text)).toEqual(['', 'text 12', '', 'bread', '']);
    expect(log.floor).toBe(11);
  });

  test('drops files and where links lead, with or without words', () => {
    const files = [{ id: 'f', name: 'a.png', type: 'image/png', size: 9 }];
    log.add(message(11, { text: '', files }));
    log.add(message(12, { files, previews: [{ url: 'https://example.org' }] }));
    log.add(message(13, { files }));
    log.add(message(14, { kind: 'erase', text: '', target: 12 }));
    expect(log.events.map((event) => event.files?.length)).toEqual([
      undefined,
      undefined,
      1,
      undefined,
    ]);
    expect(log.events[1]?.previews).toBeUndefined();
  });

  test('reaches what history brings later', () => {
    log.add(message(11, { kind: 'erase', text: '', target: 9 }));
    log.prepend([message(9), message(10)], 'e');
    expect(log.events.map((event) => event.text)).toEqual(['', 'text 10', '']);
  });

  test('is where the room begins', () => {
    log.opened({ ...opened(10), floor: 10 });
    expect(log.complete).toBe(true);
    log.add(message(11));
    expect(log.complete).toBe(true);
  });
});

describe('older history', () => {
  test('goes in front when it ends where the window begins', () => {
    log.add(message(11));
    expect(log.prepend([message(9), message(10)], 'e')).toBe(true);
    expect(seqs(log)).toEqual([9, 10, 11]);
    expect(log.has('id-9')).toBe(true);
  });

  test('fits an empty window too', () => {
    expect(log.prepend([message(9), message(10)], 'e')).toBe(true);
    expect(log.position).toBe(10);
    expect(log.add(message(11))).toBe('next');
  });

  test.each([
    ['a hole before the window', [message(8), message(9)], 'e'],
    ['a hole inside', [message(8), message(10)], 'e'],
    ['an overlap', [message(10), message(11)], 'e'],
    ['another epoch', [message(10)], 'f'],
    ['nothing', [], 'e'],
  ])('%s is refused', (_, page, epoch) => {
    log.add(message(11));
    expect(log.prepend(page, epoch)).toBe(false);
    expect(seqs(log)).toEqual([11]);
  });

  test('is complete at the first event', () => {
    expect(log.complete).toBe(false);
    log.prepend(
      Array.from({ length: 10 }, (_, i) => message(i + 1)),
      'e',
    );
    expect(log.complete).toBe(true);
  });

  test('an empty room is complete', () => {
    const empty = new RoomLog();
    expect(empty.complete).toBe(false);
    empty.opened(opened(0));
    expect(empty.complete).toBe(true);
  });

  test('can be trimmed and loaded again', () => {
    for (let seq = 11; seq <= 20; seq++) log.add(message(seq));
    log.trim(3);
    expect(seqs(log)).toEqual([18, 19, 20]);
    expect(log.has('id-11')).toBe(false);
    expect(log.prepend([message(17)], 'e')).toBe(true);
  });
});

test('the newest name of an author wins, wherever it comes from', () => {
  log.add(message(11, { name: 'Inès' }));
  log.prepend([message(10, { name: 'Ines' })], 'e');
  expect(log.nameOf('a')).toBe('Inès');
  log.add(message(12, { name: 'Inés' }));
  expect(log.nameOf('a')).toBe('Inés');
  expect(log.nameOf('nobody')).toBeUndefined();
});
