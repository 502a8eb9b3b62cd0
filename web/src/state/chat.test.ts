import { expect, test, vi } from 'vitest';
import { memoryDraftStore } from '../lib/draftstore.ts';
import type { Socket } from '../lib/socket.ts';
import { TestClock } from '../lib/testclock.ts';
import type { RoomInfo } from '../lib/wire.ts';

// What the page asks of its browser when it is loaded.
vi.hoisted(() => {
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('localStorage', { getItem: () => null });
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('isSecureContext', false);
  vi.stubGlobal('document', { documentElement: {}, visibilityState: 'visible' });
  vi.stubGlobal('location', { href: 'http://x/', protocol: 'http:', host: 'x' });
});
const { Chat } = await import('./chat.svelte.ts');
const { OpenThread } = await import('./thread.svelte.ts');

const info: RoomInfo = {
  id: 'r',
  name: 'lobby',
  kind: 'public',
  created: 0,
  members: 2,
  head: 7,
  read: 7,
  unread: 0,
  mentions: 0,
};
const you = { id: 'a', name: 'Ines', role: 'guest' as const };
const limits = { text: 16384, frame: 131072, rooms: 500, resume: 10000 };

/** A chat with a connection that says what the test says. */
function chat(...others: RoomInfo[]) {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    return Promise.reject(new Error('no network'));
  });
  const clock = new TestClock();
  const sent: Record<string, unknown>[] = [];
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (data) => sent.push(JSON.parse(data) as Record<string, unknown>),
    close: () => {},
  };
  let ids = 0;
  const made = new Chat({
    you,
    epoch: 'e',
    rooms: [info, ...others],
    clock,
    store: memoryDraftStore(),
    snapshot: undefined,
    newId: () => `draft-${++ids}`,
    connect: () => socket,
    tell: () => {},
    texts: undefined,
    onstranger: () => {},
    onannounce: () => {},
    onmoved: () => {},
    onlisted: () => {},
    when: String,
  });
  const say = (frame: unknown) => socket.onmessage?.({ data: JSON.stringify(frame) });
  const room = made.rooms.get('r')!;
  const opened = (after: number, head: number) =>
    say({ opened: { ...info, room: 'r', epoch: 'e', after, head } });
  const event = (seq: number, id = `id-${seq}`) =>
    say({
      event: {
        room: 'r',
        seq,
        id,
        kind: 'message',
        author: 'b',
        name: 'Tomás',
        time: seq,
        text: '',
      },
    });
  made.start();
  socket.onopen?.();
  say({ welcome: { you, epoch: 'e', time: 0, heartbeat: 25, limits, version: '0' } });
  opened(7, 7);
  const opens = () => sent.filter((frame) => 'open' in frame).length;
  const seqs = () => room.log.events.map(({ seq }) => seq);
  return { made, room, clock, sent, say, opened, event, opens, seqs, asked };
}

test('an event that is lost comes again with the next one, and events that come twice are one', () => {
  const { event, opens, opened, seqs } = chat();
  event(9);
  expect(opens()).toBe(2);
  expect(seqs()).toEqual([]);
  opened(7, 9);
  for (const seq of [8, 8, 9, 9, 8]) event(seq);
  expect(seqs()).toEqual([8, 9]);
  expect(opens()).toBe(2);
});

test('the last event of a room that is lost comes after the next heartbeat and a fence', () => {
  const { say, sent, opens } = chat();
  say({ heartbeat: { time: 0, heads: { r: 8 } } });
  expect(sent.at(-1)).toEqual({ fence: { n: 1 } });
  say({ fence: { n: 1 } });
  expect(opens()).toBe(2);
  say({ fence: { n: 1 } });
  expect(opens()).toBe(2);
});

test('a place that is told twice, and late, is not taken for another history', () => {
  const { room, event, opened, seqs } = chat();
  event(8);
  opened(7, 7);
  expect(room.head).toBe(8);
  expect(room.read).toBe(7);
  expect(seqs()).toEqual([8]);
});

test('an open whose answer is lost is sent again', () => {
  const { event, opens, clock, sent, say } = chat();
  event(9);
  clock.advance(2000);
  expect(sent.at(-1)).toEqual({ fence: { n: 1 } });
  say({ fence: { n: 1 } });
  expect(opens()).toBe(3);
});

test('a message without an answer is sent again once a fence is answered', async () => {
  const { made, room, clock, sent, say } = chat();
  await made.writing.outbox.load();
  made.writing.send(room, 'hello');
  clock.advance(2000);
  say({ fence: { n: 1 } });
  const sends = sent.filter((frame) => 'send' in frame);
  expect(sends).toHaveLength(2);
  expect(sends[1]).toEqual(sends[0]);
});

test('a reset that comes twice loads the room anew, once or twice', () => {
  const { say, opened, event, seqs } = chat();
  for (let n = 0; n < 2; n++)
    say({ reset: { room: 'r', epoch: 'e', head: 90, reason: 'too_far_behind' } });
  opened(88, 90);
  event(89);
  event(90);
  opened(88, 90);
  event(89);
  event(90);
  event(91);
  expect(seqs()).toEqual([89, 90, 91]);
});

test('once something was lost, what has no number is asked for', () => {
  const { event, asked } = chat();
  const before = asked.length;
  event(9);
  expect(asked.slice(before)).toContain('/api/me/rooms');
});

test('what was read in two threads with one number, in two rooms, is said once more of both', () => {
  const { made, sent, say } = chat({ ...info, id: 's', name: 'kitchen' });
  const reads = ['r', 's'].map((id) => {
    const thread = new OpenThread(made.rooms.get(id)!, 1);
    const reply = { id, kind: 'message' as const, author: 'b', name: 'Tomás', time: 0, text: '' };
    thread.events = [{ ...reply, room: id, seq: 3, thread: 1 }];
    made.threads.read(thread);
    return { read: { room: id, seq: 3, thread: 1 } };
  });
  const read = () => sent.filter((frame) => 'read' in frame);
  expect(read()).toEqual(reads);
  say({ heartbeat: { time: 0, heads: { r: 7 } } });
  expect(read()).toEqual([...reads, ...reads]);
});
