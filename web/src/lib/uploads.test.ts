import { beforeEach, describe, expect, test } from 'vitest';
import { TestClock } from './testclock.ts';
import { Uploads, type Heard, type Upload } from './uploads.ts';

class Wire {
  starts = 0;
  stops = 0;
  drops = 0;
  readonly heard: Heard;

  constructor(heard: Heard) {
    this.heard = heard;
  }

  start = () => void this.starts++;
  stop = () => void this.stops++;
  drop = () => void this.drops++;
}

let clock: TestClock;
let uploads: Uploads;
let wires: Record<string, Wire>;
let states: Record<string, Upload>;

const add = (key: string) =>
  uploads.add(key, 100, (heard) => {
    const wire = new Wire(heard);
    wires[key] = wire;
    return wire;
  });

beforeEach(() => {
  clock = new TestClock();
  wires = {};
  states = {};
  uploads = new Uploads({ clock, onchange: (upload) => (states[upload.key] = upload) });
});

describe('uploads', () => {
  test('two go at a time, the others wait for them', () => {
    for (const key of ['a', 'b', 'c']) add(key);
    expect([wires['a']?.starts, wires['b']?.starts, wires['c']?.starts]).toEqual([1, 1, 0]);
    expect(states['c']?.state).toBe('waiting');
    wires['b']?.heard.progress(40);
    expect(states['b']).toMatchObject({ state: 'going', sent: 40 });
    wires['b']?.heard.done('id-b');
    expect(states['b']).toMatchObject({ state: 'done', id: 'id-b', sent: 100 });
    expect(wires['c']?.starts).toBe(1);
  });

  test('what was cut goes on by itself, more patiently each time, and at once with a connection', () => {
    add('a');
    wires['a']?.heard.progress(40);
    wires['a']?.heard.failed({ passing: true });
    expect(states['a']).toMatchObject({ state: 'cut', sent: 40 });
    clock.advance(1_000);
    expect(wires['a']?.starts).toBe(2);
    wires['a']?.heard.failed({ passing: true });
    clock.advance(1_999);
    expect(wires['a']?.starts).toBe(2);
    clock.advance(1);
    expect(wires['a']?.starts).toBe(3);
    wires['a']?.heard.failed({ passing: true });
    uploads.connected();
    expect(wires['a']?.starts).toBe(4);
    clock.advance(60_000);
    expect(wires['a']?.starts, 'the wait is over too').toBe(4);
  });

  test('a cut one gives its place to others, and takes no third', () => {
    for (const key of ['a', 'b', 'c']) add(key);
    wires['a']?.heard.failed({ passing: true });
    expect(states['c']?.state).toBe('going');
    clock.advance(1_000);
    expect(states['a']?.state).toBe('waiting');
    wires['c']?.heard.done('id-c');
    expect(states['a']?.state).toBe('going');
  });

  test('one that stands still since the connection was lost is begun again where it was', () => {
    add('a');
    add('b');
    clock.advance(5_000);
    wires['b']?.heard.progress(10);
    uploads.connected();
    expect(wires['a']).toMatchObject({ starts: 2, stops: 1 });
    expect(wires['b']).toMatchObject({ starts: 1, stops: 0 });
  });

  test('a refusal stays until somebody tries again', () => {
    add('a');
    wires['a']?.heard.failed({ passing: false, code: 'too_large', message: 'too large' });
    expect(states['a']).toMatchObject({ state: 'failed', problem: { code: 'too_large' } });
    uploads.connected();
    clock.advance(60_000);
    expect(wires['a']?.starts).toBe(1);
    uploads.retry('a');
    expect(states['a']?.state).toBe('going');
    expect(states['a']?.problem).toBeUndefined();
  });

  test('what was removed is given up at the server and not heard any more', () => {
    for (const key of ['a', 'b', 'c']) add(key);
    uploads.remove('a', true);
    expect(wires['a']).toMatchObject({ stops: 1, drops: 1 });
    expect(wires['c']?.starts).toBe(1);
    const before = states['a'];
    wires['a']?.heard.done('late');
    expect(states['a']).toBe(before);
  });

  test('what was sent with a message is only forgotten', () => {
    add('a');
    wires['a']?.heard.done('id-a');
    uploads.remove('a', false);
    expect(wires['a']).toMatchObject({ stops: 0, drops: 0 });
    expect(uploads.get('a')).toBeUndefined();
  });

  test('nothing goes on after the end', () => {
    add('a');
    wires['a']?.heard.failed({ passing: true });
    uploads.stop();
    clock.advance(60_000);
    expect(wires['a']?.starts).toBe(1);
  });
});
