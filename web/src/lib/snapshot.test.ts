import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, test } from 'vitest';
import {
  freshen,
  Keeper,
  mostEvents,
  mostLogs,
  removeSnapshot,
  Snapshot,
  type KeptLog,
} from './snapshot.ts';
import { TestClock } from './testclock.ts';
import type { RoomEvent, RoomInfo, You } from './wire.ts';

const ana: You = { id: 'ana', name: 'Ana', role: 'member' };
const ben: You = { id: 'ben', name: 'Ben', role: 'member' };
const room = (id: string): RoomInfo => ({ id, name: id, kind: 'public', head: 1 });
const event = (id: string, seq: number): RoomEvent => ({
  room: id,
  seq,
  kind: 'message',
  id: `${id}-${seq}`,
  author: 'ana',
  name: 'Ana',
  time: seq,
  text: `${seq}`,
});
const log = (id: string, used = 1, count = 2): KeptLog => ({
  id,
  epoch: 'e',
  used,
  events: Array.from({ length: count }, (_, i) => event(id, i + 1)),
});
const person = (you: You, ...rooms: string[]) => ({ you, epoch: 'e', rooms: rooms.map(room) });

let snapshot: Snapshot;
let name: string;
let count = 0;
beforeEach(async () => {
  name = `snapshot-${count++}`;
  snapshot = await Snapshot.open(name);
});

describe('a snapshot', () => {
  it('begins with nothing', async () => {
    expect(await snapshot.read()).toBeUndefined();
  });

  it('keeps the person, the rooms and their newest messages over a reload', async () => {
    await snapshot.keepPerson(person(ana, 'a', 'b'));
    await snapshot.keepLog(log('a', 1, mostEvents + 5));
    snapshot.close();
    const last = await (await Snapshot.open(name)).read();
    expect(last?.you).toEqual(ana);
    expect(last?.rooms.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(
      last?.logs
        .get('a')
        ?.events.map(({ seq }) => seq)
        .at(0),
    ).toBe(6);
    expect(last?.logs.get('a')?.events).toHaveLength(mostEvents);
    expect(last?.logs.has('b')).toBe(false);
  });

  it('keeps the rooms that were looked at last', async () => {
    const ids = Array.from({ length: mostLogs + 2 }, (_, i) => `r${i}`);
    await snapshot.keepPerson(person(ana, ...ids));
    for (const [i, id] of ids.entries()) await snapshot.keepLog(log(id, i === 0 ? 1000 : i));
    const kept = [...((await snapshot.read())?.logs.keys() ?? [])].sort();
    expect(kept).toEqual(ids.filter((id) => id !== 'r1' && id !== 'r2').sort());
  });

  it('leaves nothing of a room that was left', async () => {
    await snapshot.keepPerson(person(ana, 'a', 'b'));
    await snapshot.keepLog(log('a'));
    await snapshot.forget('a');
    // A write that was on its way does not bring it back.
    await snapshot.keepLog(log('a'));
    const last = await snapshot.read();
    expect(last?.rooms.map(({ id }) => id)).toEqual(['b']);
    expect(last?.logs.size).toBe(0);
  });

  it('leaves nothing of rooms that went off the list, and of somebody else', async () => {
    await snapshot.keepPerson(person(ana, 'a', 'b'));
    await snapshot.keepLog(log('a'));
    await snapshot.keepLog(log('b'));
    await snapshot.keepPerson(person(ana, 'b'));
    expect([...((await snapshot.read())?.logs.keys() ?? [])]).toEqual(['b']);
    await snapshot.keepPerson(person(ben, 'b'));
    expect((await snapshot.read())?.logs.size).toBe(0);
  });

  it('leaves nothing at all when it is cleared or removed', async () => {
    await snapshot.keepPerson(person(ana, 'a'));
    await snapshot.keepLog(log('a'));
    await snapshot.clear();
    expect(await snapshot.read()).toBeUndefined();
    await snapshot.keepPerson(person(ana, 'a'));
    await removeSnapshot(name);
    await expect(snapshot.keepPerson(person(ana, 'a'))).rejects.toThrow();
    expect(await (await Snapshot.open(name)).read()).toBeUndefined();
  });

  it('does not show what is not whole', async () => {
    await snapshot.keepPerson(person(ana, 'a', 'b', 'c'));
    await snapshot.keepLog({ ...log('a'), events: [event('a', 1), event('a', 3)] });
    await snapshot.keepLog({ ...log('b'), epoch: 'another' });
    await snapshot.keepLog({ ...log('c'), events: [{ seq: 1 } as RoomEvent] });
    expect((await snapshot.read())?.logs.size).toBe(0);
    await snapshot.keepPerson({ ...person(ana), rooms: [{ id: 'a' } as RoomInfo] });
    expect(await snapshot.read()).toBeUndefined();
  });
});

test('what happened in rooms that nobody looked at is kept too', async () => {
  await snapshot.keepPerson(person(ana, 'a', 'b', 'c'));
  for (const id of ['a', 'b', 'c']) await snapshot.keepLog(log(id));
  const asked: [string, number][] = [];
  const heads = new Map([
    ['a', 2],
    ['b', 3],
  ]);
  await freshen(
    snapshot,
    (id) => heads.get(id),
    async (id, before) => {
      asked.push([id, before]);
      return { epoch: 'e', events: [{ ...event(id, 2), text: '', deleted: true }, event(id, 3)] };
    },
  );
  expect(asked).toEqual([['b', 4]]);
  const kept = (await snapshot.read())?.logs;
  expect(kept?.get('b')?.events.map(({ text }) => text)).toEqual(['', '3']);
  expect(kept?.get('a')?.events).toHaveLength(2);
});

describe('a keeper', () => {
  const flush = () => new Promise((resolve) => setTimeout(resolve, 20));

  it('writes a while after changes, once for many', async () => {
    const clock = new TestClock();
    let asked = 0;
    const keeper = new Keeper(snapshot, clock, {
      person: () => (asked++, person(ana, 'a', 'b')),
      log: (id) => (id === 'a' ? log('a') : undefined),
    });
    for (let i = 0; i < 100; i++) keeper.changed('a');
    keeper.changed('b');
    keeper.changed();
    expect(asked).toBe(0);
    clock.advance(2_000);
    await flush();
    expect(asked).toBe(1);
    expect([...((await snapshot.read())?.logs.keys() ?? [])]).toEqual(['a']);
  });

  it('drops a room at once, and writes nothing after the end', async () => {
    const clock = new TestClock();
    let rooms = ['a', 'b'];
    const keeper = new Keeper(snapshot, clock, { person: () => person(ana, ...rooms), log });
    keeper.changed('a');
    await keeper.write();
    rooms = ['b'];
    keeper.gone('a');
    await flush();
    expect((await snapshot.read())?.rooms.map(({ id }) => id)).toEqual(['b']);
    keeper.stop();
    await snapshot.clear();
    keeper.changed('b');
    clock.advance(10_000);
    await keeper.write();
    await flush();
    expect(await snapshot.read()).toBeUndefined();
  });
});
