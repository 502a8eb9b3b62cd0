import { describe, expect, it } from 'vitest';
import { mostEntries, mostText, WireLog, type Entry, type FrameRecord } from './wirelog.ts';

const frames = (log: WireLog) => log.all().filter((entry) => entry.kind === 'frame');

const handshake = (conn: number, target: string) => ({
  kind: 'handshake' as const,
  conn,
  at: 5,
  dialect: 'hubbub.v1',
  request: `GET ${target} HTTP/1.1\r\n\r\n`,
  response: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  exact: true,
  remote: '127.0.0.1:5',
});

function report(
  from: FrameRecord['from'],
  more: Partial<FrameRecord>,
): FrameRecord & { kind: 'frame' } {
  const common = {
    conn: 7,
    at: 9,
    n: 1,
    fin: true,
    rsv1: false,
    opcode: 1,
    head: '8102',
    length: 2,
  };
  return { kind: 'frame', from, ...common, ...more };
}

function begun(): WireLog {
  const log = new WireLog(() => 1);
  log.dialled();
  log.take(handshake(7, '/?wire=•••&dial=1'));
  return log;
}

describe('the log of the wire', () => {
  it('joins what the server reports to what the page saw, whichever comes first', () => {
    const log = begun();
    log.passedText('client', 'a');
    log.take(report('client', { message: 1 }));
    log.take(report('server', { message: 1, n: 3 }));
    log.passedText('server', 'b');
    expect(frames(log)).toMatchObject([
      { from: 'client', text: 'a', dial: 1, conn: 7, reports: [{ n: 1 }] },
      { from: 'server', text: 'b', dial: 1, conn: 7, reports: [{ n: 3 }] },
    ]);
    expect(log.frames).toBe(2);
    expect(log.all()[0]).toMatchObject({ kind: 'dial', handshake: { conn: 7 } });
  });

  it('does not count what the switch did: that never passed, or passes beside it', () => {
    const log = begun();
    log.broken('client', 'a', 'dropped');
    log.broken('server', 'b', 'delayed');
    log.passedText('server', 'b');
    expect(log.frames).toBe(1);
    expect(frames(log)).toMatchObject([{ fate: 'dropped' }, { fate: 'delayed' }, { text: 'b' }]);
  });

  it('puts the frames of a fragmented text into one entry', () => {
    const log = begun();
    log.take(report('client', { message: 1, conn: 9, fin: false, text: 'hel' }));
    log.take(report('client', { message: 1, conn: 9, n: 2, opcode: 0, text: 'lo' }));
    expect(frames(log)).toMatchObject([{ conn: 9, text: 'hello', reports: [{ n: 1 }, { n: 2 }] }]);
  });

  it('knows late frames and the end of a connection from those of the next one', () => {
    const log = begun();
    log.passedText('server', 'old 1');
    log.dialled();
    log.passedText('server', 'new 1', 2);
    log.passedText('server', 'old 2', 1);
    log.closed(1005, '', 1);
    log.take(report('server', { message: 2 }));
    expect(frames(log)).toMatchObject([
      { text: 'old 1', dial: 1, message: 1 },
      { text: 'new 1', dial: 2, message: 1 },
      { text: 'old 2', dial: 1, message: 2, reports: [{ message: 2 }] },
    ]);
    expect(log.all().at(-1)).toMatchObject({ kind: 'end', dial: 1 });
  });

  it('keeps control frames and those of other connections apart', () => {
    const log = begun();
    log.take(report('server', { opcode: 9, bytes: '' }));
    log.take(handshake(8, '/rooms/lobby?wire=•••'));
    log.take(report('client', { conn: 8, message: 1, text: 'hi' }));
    log.take({ kind: 'end', conn: 8, at: 3 });
    log.take({ kind: 'end', conn: 7, at: 3 });
    log.take({ kind: 'skipped', count: 3 });
    log.take({ kind: 'beat' });
    const kinds = log.all().map((entry: Entry) => [entry.kind, entry.dial, entry.conn]);
    expect(kinds).toEqual([
      ['dial', 1, 7],
      ['frame', 1, 7],
      ['dial', undefined, 8],
      ['frame', undefined, 8],
      ['end', undefined, 8],
      ['skipped', undefined, undefined],
    ]);
  });

  it('believes nobody who says to be a connection of this page', () => {
    const log = begun();
    log.take({ ...handshake(8, '/?wire=•••&dial=1'), dialect: 'plain' });
    log.take(handshake(9, '/?wire=•••&dial=1'));
    log.dialled();
    log.take({ ...handshake(10, '/?wire=•••&dial=2'), dialect: 'plain' });
    const dials = log.all().map(({ dial, conn }) => [dial, conn]);
    expect(dials).toEqual([
      [1, 7],
      [undefined, 8],
      [undefined, 9],
      [2, undefined],
      [undefined, 10],
    ]);
  });

  it('joins nothing to what had the same number before the server started again', () => {
    const log = begun();
    log.take({ ...handshake(8, '/?wire=•••'), dialect: 'plain' });
    log.take(report('client', { conn: 8, message: 1, text: 'before' }));
    log.take({ ...handshake(8, '/?wire=•••'), dialect: 'plain' });
    log.take(report('client', { conn: 8, message: 1, text: 'after' }));
    log.take({ ...handshake(7, '/?wire=•••'), dialect: 'plain' });
    log.take(report('client', { conn: 7, message: 1, text: 'other' }));
    expect(frames(log)).toMatchObject([{ text: 'before' }, { text: 'after' }, { text: 'other' }]);
    expect(frames(log).at(-1)).not.toHaveProperty('dial');
  });

  it('keeps the last thousand, and still joins their reports', () => {
    const log = begun();
    for (let i = 0; i < 25 * mostEntries; i++) log.passedText('server', `${i}`);
    expect(log.all()).toHaveLength(mostEntries);
    expect(log.frames).toBe(25 * mostEntries);
    log.take(report('server', { message: 25 * mostEntries }));
    expect(log.all().at(-1)).toMatchObject({ text: `${25 * mostEntries - 1}`, reports: [{}] });
    // One that is gone is told by itself.
    log.take(report('server', { message: 1 }));
    expect(log.all().at(-1)).toMatchObject({ message: 1, reports: [{}] });
    expect(log.all().at(-1)).not.toHaveProperty('text');
    log.clear();
    expect(log.all()).toEqual([]);
  });

  it('keeps fewer where they are long', () => {
    const log = begun();
    const long = 'x'.repeat(mostText / 8);
    for (let i = 0; i < 40; i++) log.passedText('server', long);
    const kept = log.all().length;
    expect(kept).toBeGreaterThan(1);
    expect(kept).toBeLessThanOrEqual(8);
  });
});
