import { expect, test } from 'vitest';
import {
  countsOf,
  goals,
  handshakeOf,
  latestOf,
  messageOf,
  nextPing,
  reached,
  resumedOf,
  stepAt,
  steps,
  storedOf,
} from './tour.ts';
import type { Goal, Passed } from './tour.ts';
import { WireLog, type FrameRecord, type WireRecord } from './wirelog.ts';

/** A page's connection, as the page and the server saw it. */
class Line {
  readonly log: WireLog;
  private now = 1_000;
  private conn = 6;
  private dial = 0;
  private sent = 0;
  private heard = 0;

  constructor() {
    this.log = new WireLog(() => this.now++);
  }

  get last(): number {
    return this.log.all().at(-1)?.n ?? 0;
  }

  passed(since = 0, more: Partial<Passed> = {}): Passed {
    return { entries: this.log.all(), since, room: 'k3v9', reports: true, ...more };
  }

  begin({ reports = true } = {}): void {
    this.dial = this.log.dialled();
    this.conn++;
    this.sent = this.heard = 0;
    if (reports) {
      this.log.take({
        kind: 'handshake',
        conn: this.conn,
        at: this.now,
        dialect: 'hubbub.v1',
        request: `GET /?wire=•••&dial=${this.dial} HTTP/1.1\r\nHost: localhost:3000\r\n\r\n`,
        response: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
        exact: true,
        remote: '127.0.0.1:51234',
      });
    }
    this.log.opened('hubbub.v1', '');
  }

  says(body: object, report: Partial<FrameRecord> | false = {}): void {
    const message = ++this.sent;
    this.log.passedText('client', JSON.stringify(body));
    if (report) this.frame({ from: 'client', message, mask: 'a1b2c3d4', ...report });
  }

  hears(body: object): void {
    const message = ++this.heard;
    this.log.passedText('server', JSON.stringify(body));
    this.frame({ from: 'server', message });
  }

  control(from: 'client' | 'server', opcode: number): void {
    this.frame({ from, opcode });
  }

  private frame(more: Partial<FrameRecord>): void {
    this.log.take({
      kind: 'frame',
      conn: this.conn,
      at: this.now++,
      n: 1,
      fin: true,
      rsv1: false,
      opcode: 1,
      head: '8105',
      length: 5,
      ...more,
    } as WireRecord);
  }
}

const send = { send: { room: 'k3v9', id: 'a', text: 'Hello' } };

test('there are ten steps, and an address beyond them leads to the nearest', () => {
  expect(steps).toHaveLength(10);
  expect([stepAt(1), stepAt(3), stepAt(10), stepAt(0), stepAt(77)]).toEqual([
    'upgrade',
    'accept',
    'slow',
    'upgrade',
    'slow',
  ]);
});

test('the handshake is that of the newest connection of this page', () => {
  const line = new Line();
  line.begin();
  line.begin();
  line.log.take({
    kind: 'handshake',
    conn: 99,
    at: 1,
    dialect: 'plain',
    request: 'GET /?wire=••• HTTP/1.1\r\n\r\n',
    response: '',
    exact: true,
    remote: '127.0.0.1:1',
  });
  expect(handshakeOf(line.log.all())?.request).toContain('dial=2');
});

test('a handshake counts if it was seen in the step', () => {
  const line = new Line();
  line.begin();
  expect(reached('request', line.passed())).toBe(true);
  const { last } = line;
  expect(reached('request', line.passed(last))).toBe(false);
  line.begin();
  expect(reached('request', line.passed(last))).toBe(true);
  expect(reached('welcome', line.passed(last))).toBe(false);
  line.hears({ welcome: {} });
  expect(reached('welcome', line.passed(last))).toBe(true);
});

test('without reports, what the browser says of a handshake is enough', () => {
  const line = new Line();
  line.begin({ reports: false });
  expect(reached('switched', line.passed(0))).toBe(false);
  expect(reached('switched', line.passed(0, { reports: false }))).toBe(true);
});

test('a message counts when its last frame was reported', () => {
  const line = new Line();
  line.begin();
  line.says({ typing: { room: 'k3v9' } });
  expect(reached('framed', line.passed())).toBe(false);
  line.says(send, false);
  expect(reached('framed', line.passed())).toBe(false);
  expect(reached('framed', line.passed(0, { reports: false }))).toBe(true);
  line.says(send, { fin: false });
  expect(reached('framed', line.passed())).toBe(false);
  line.says(send);
  expect(reached('framed', line.passed())).toBe(true);
  expect(reached('masked', line.passed())).toBe(true);
  expect(messageOf(line.passed())?.body['text']).toBe('Hello');
});

test('what a switch has dropped did not pass', () => {
  const line = new Line();
  line.begin();
  line.log.broken('client', JSON.stringify(send), 'dropped');
  expect(storedOf(line.passed())).toBeUndefined();
});

test('a ping is answered by the pong behind it', () => {
  const line = new Line();
  line.begin();
  line.control('client', 10);
  line.control('server', 9);
  expect([reached('ping', line.passed()), reached('pong', line.passed())]).toEqual([true, false]);
  line.control('client', 10);
  expect(reached('pong', line.passed())).toBe(true);
  expect(reached('ping', line.passed(line.last))).toBe(false);
});

test('a message is stored when its own number came', () => {
  const line = new Line();
  line.begin();
  line.says(send);
  line.hears({ sent: { room: 'k3v9', id: 'other', seq: 41 } });
  expect(reached('stored', line.passed())).toBe(false);
  line.hears({ sent: { room: 'k3v9', id: 'a', seq: 42 } });
  expect(reached('stored', line.passed())).toBe(true);
  expect(storedOf(line.passed())?.sent?.body['seq']).toBe(42);
});

test('a cut is one when the connection ended, and over when the next one is welcome', () => {
  const line = new Line();
  line.begin();
  line.hears({ welcome: {} });
  const { last } = line;
  expect(reached('closed', line.passed(last))).toBe(false);
  line.log.closed(1005, '');
  expect(reached('goodbye', line.passed(last))).toBe(false);
  expect([reached('closed', line.passed(last)), reached('back', line.passed(last))]).toEqual([
    true,
    false,
  ]);
  line.begin();
  expect(reached('back', line.passed(last))).toBe(false);
  line.hears({ welcome: {} });
  expect(reached('back', line.passed(last))).toBe(true);
});

test('what was missed are the events between the place and the head', () => {
  const line = new Line();
  line.begin();
  line.says({ open: { room: 'k3v9', last: 50 } });
  line.says({ open: { room: 'other', epoch: 'e', after: 1 } });
  expect(reached('asked', line.passed())).toBe(false);
  line.says({ open: { room: 'k3v9', epoch: 'e', after: 41 } });
  expect([reached('asked', line.passed()), reached('missed', line.passed())]).toEqual([
    true,
    false,
  ]);
  line.hears({ opened: { room: 'k3v9', epoch: 'e', after: 41, head: 43 } });
  line.hears({ event: { room: 'other', seq: 42 } });
  expect(reached('missed', line.passed())).toBe(false);
  for (const seq of [42, 43, 44]) line.hears({ event: { room: 'k3v9', seq } });
  const { after, missed } = resumedOf(line.passed()) ?? { after: 0, missed: [] };
  expect(after).toBe(41);
  expect(missed.map((told) => told.body['seq'])).toEqual([42, 43]);
});

test('frames that are no JSON, or of another connection, fulfil nothing', () => {
  const line = new Line();
  line.begin();
  line.log.passedText('client', '{"send":');
  line.log.passedText('client', '{"send":7}');
  line.log.take({
    kind: 'frame',
    conn: 99,
    at: 1,
    from: 'client',
    n: 1,
    message: 1,
    fin: true,
    rsv1: false,
    opcode: 1,
    head: '8185a1b2c3d4',
    mask: 'a1b2c3d4',
    length: 5,
    text: JSON.stringify(send),
  });
  const all: readonly Goal[] = Object.values(goals).flat();
  const met = all.filter((goal) => reached(goal, line.passed(1)));
  expect(met).toEqual([]);
});

test('opcodes are counted on the newest connection', () => {
  const line = new Line();
  line.begin();
  line.control('server', 9);
  line.begin();
  line.hears({ welcome: { heartbeat: 25 } });
  line.says(send);
  line.control('server', 9);
  line.control('client', 10);
  expect([...countsOf(line.log.all())].sort(([a], [b]) => a - b)).toEqual([
    [1, 2],
    [9, 1],
    [10, 1],
  ]);
  expect(latestOf(line.log.all())?.text).toContain('Hello');
});

test('the next ping comes a heartbeat after the last one, or after the welcome', () => {
  const line = new Line();
  line.begin();
  expect(nextPing(line.log.all())).toBeUndefined();
  line.hears({ welcome: { heartbeat: 25 } });
  const welcomed = line.log.all().at(-1)?.at ?? 0;
  expect(nextPing(line.log.all())).toBe(welcomed + 25_000);
  line.hears({ heartbeat: { time: 0, heads: {} } });
  const beaten = line.log.all().at(-1)?.at ?? 0;
  expect(beaten).toBeGreaterThan(welcomed);
  expect(nextPing(line.log.all())).toBe(beaten + 25_000);
});

test('a goodbye is said with its code', () => {
  const line = new Line();
  line.begin();
  line.log.closed(1000, 'done');
  expect(reached('goodbye', line.passed())).toBe(true);
});
