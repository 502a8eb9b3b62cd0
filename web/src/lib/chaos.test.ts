import { beforeEach, describe, expect, test } from 'vitest';
import { Chaos, mulberry32, type Faults, type LaneFaults } from './chaos.ts';
import { TestClock } from './testclock.ts';
import { TestSocket } from './testsocket.ts';

const none: LaneFaults = { delay: 0, jitter: 0, drop: 0, double: 0 };

let clock: TestClock;
let chaos: Chaos;
let fates: string[];

function make(faults: Partial<Faults>, seed = 4711): Chaos {
  fates = [];
  chaos = new Chaos({
    clock,
    seed,
    faults: { client: none, server: none, cut: 0, ...faults },
    onfate: (from, text, fate) => fates.push(`${from} ${text} ${fate}`),
    onchange: () => {},
  });
  return chaos;
}

/** A connection through it, and what comes to the page. */
function connect() {
  const real = new TestSocket();
  const socket = chaos.through(real);
  const heard: string[] = [];
  socket.onopen = () => heard.push('open');
  socket.onmessage = ({ data }) => heard.push(String(data));
  socket.onclose = ({ code }) => heard.push(`close ${code}`);
  real.onopen?.();
  return { real, socket, heard };
}

const numbered = (n: number) => Array.from({ length: n }, (_, i) => String(i + 1));

beforeEach(() => {
  clock = new TestClock();
});

test('the dice are those of mulberry32', () => {
  const dice = mulberry32(1);
  expect([dice(), dice()]).toEqual([0.6270739405881613, 0.002735721180215478]);
});

test('without a fault everything passes at once', () => {
  make({});
  const { real, socket, heard } = connect();
  socket.send('a');
  real.onmessage?.({ data: 'b' });
  expect(real.sent).toEqual(['a']);
  expect(heard).toEqual(['open', 'b']);
  real.onclose?.({ code: 1012 });
  expect(heard.at(-1)).toBe('close 1012');
});

describe('what is late', () => {
  test('comes after its delay, and keeps its order whatever the jitter says', () => {
    make({ client: { ...none, delay: 100, jitter: 400 } });
    const { real, socket } = connect();
    for (const text of numbered(50)) socket.send(text);
    clock.advance(99);
    expect(real.sent).toEqual([]);
    clock.advance(401);
    expect(real.sent).toEqual(numbered(50));
  });

  test('holds up what is behind it, and the end of the connection too', () => {
    make({ server: { ...none, delay: 1000 } });
    const { real, heard } = connect();
    real.onmessage?.({ data: 'a' });
    chaos.faults = { ...chaos.faults, server: none };
    real.onmessage?.({ data: 'b' });
    real.onclose?.({ code: 1012 });
    expect(heard).toEqual(['open']);
    clock.advance(1000);
    expect(heard).toEqual(['open', 'a', 'b', 'close 1012']);
    expect(fates).toEqual(['server a delayed', 'server b delayed']);
  });

  test('goes out before the page closes', () => {
    make({ client: { ...none, delay: 1000 } });
    const { real, socket } = connect();
    socket.send('a');
    socket.close();
    expect(real.closed).toBe(false);
    clock.advance(1000);
    expect(real.sent).toEqual(['a']);
    expect(real.closed).toBe(true);
  });
});

/** What becomes of so many frames of the page. */
function lot(seed: number, between: () => void = () => {}): string[] {
  make({ client: { ...none, drop: 20, double: 20 } }, seed);
  const { real, socket } = connect();
  for (const text of numbered(200)) {
    socket.send(text);
    between();
  }
  return real.sent;
}

describe('the seed', () => {
  test('decides the same each time, whatever happens between, and another one otherwise', () => {
    const first = lot(4711);
    expect(lot(4711, () => clock.advance(77))).toEqual(first);
    expect(lot(4712)).not.toEqual(first);
  });

  test('decides for each direction by itself', () => {
    const alone = lot(4711);
    make({
      client: { ...none, drop: 20, double: 20 },
      server: { ...none, drop: 20, double: 20 },
    });
    const { real, socket, heard } = connect();
    for (const text of numbered(200)) {
      real.onmessage?.({ data: text });
      socket.send(text);
    }
    expect(real.sent).toEqual(alone);
    expect(heard.slice(1)).not.toEqual(alone);
  });

  test('goes on over connections', () => {
    const alone = lot(4711);
    make({ client: { ...none, drop: 20, double: 20 } });
    const [one, two] = [connect(), connect()];
    for (const text of numbered(200)) (Number(text) <= 100 ? one : two).socket.send(text);
    expect([...one.real.sent, ...two.real.sent]).toEqual(alone);
  });
});

test('about so many are lost and doubled as was asked for, the others pass once and in order, and all is told', () => {
  const sent = lot(1);
  const once = [...new Set(sent)];
  const dropped = numbered(200).filter((text) => !once.includes(text));
  const doubled = sent.filter((text, i) => text === sent[i - 1]);
  expect(once).toEqual(numbered(200).filter((text) => once.includes(text)));
  for (const part of [dropped, doubled]) {
    expect(part.length).toBeGreaterThan(20);
    expect(part.length).toBeLessThan(60);
  }
  expect(sent).toHaveLength(once.length + doubled.length);
  expect(fates).toHaveLength(dropped.length + doubled.length);
  expect(fates).toContain(`client ${dropped[0]} dropped`);
  expect(fates).toContain(`client ${doubled[0]} doubled`);
  const { client } = chaos.deeds;
  expect(client).toEqual({
    passed: once.length,
    dropped: dropped.length,
    doubled: doubled.length,
  });
});

describe('a cut', () => {
  test('ends each connection after its time, with what is on its way', () => {
    make({ client: { ...none, delay: 5000 }, server: { ...none, delay: 5000 }, cut: 3 });
    const { real, socket, heard } = connect();
    socket.send('a');
    real.onmessage?.({ data: 'b' });
    clock.advance(2999);
    expect(real.closed).toBe(false);
    clock.advance(1);
    expect(real.closed).toBe(true);
    expect(heard).toEqual(['open', 'close 1006']);
    clock.advance(10_000);
    expect(real.sent).toEqual([]);
    expect(chaos.cuts).toBe(1);
    connect();
    clock.advance(3000);
    expect(chaos.cuts).toBe(2);
  });

  test('does not come to a connection that is gone', () => {
    make({ cut: 3 });
    const { real, socket, heard } = connect();
    socket.close();
    expect(real.closed).toBe(true);
    clock.advance(10_000);
    expect(chaos.cuts).toBe(0);
    expect(heard).toEqual(['open']);
  });
});

describe('sleep', () => {
  test('lets nothing pass either way, then everything at once and in order', () => {
    make({ client: { ...none, delay: 100 } });
    const { real, socket, heard } = connect();
    socket.send('a');
    chaos.sleep(5000);
    socket.send('b');
    for (const data of ['x', 'y']) real.onmessage?.({ data });
    clock.advance(4999);
    expect(real.sent).toEqual([]);
    expect(heard).toEqual(['open']);
    clock.advance(1);
    expect(real.sent).toEqual(['a', 'b']);
    expect(heard).toEqual(['open', 'x', 'y']);
    expect(chaos.asleepUntil).toBe(0);
  });

  test('holds a new connection too', () => {
    make({});
    chaos.sleep(5000);
    const { heard } = connect();
    expect(heard).toEqual([]);
    clock.advance(5000);
    expect(heard).toEqual(['open']);
  });
});

test('at the end what was held passes at once, and nothing is broken any more', () => {
  make({
    client: { ...none, delay: 60_000, drop: 0 },
    server: { ...none, delay: 60_000 },
    cut: 3,
  });
  const { real, socket, heard } = connect();
  socket.send('a');
  real.onmessage?.({ data: 'x' });
  chaos.sleep(30_000);
  chaos.faults = { ...chaos.faults, client: { ...none, drop: 100 } };
  chaos.end();
  expect(real.sent).toEqual(['a']);
  expect(heard).toEqual(['open', 'x']);
  for (const text of numbered(20)) socket.send(text);
  expect(real.sent).toEqual(['a', ...numbered(20)]);
  clock.advance(60_000);
  expect(chaos.cuts).toBe(0);
  const next = new TestSocket();
  expect(chaos.through(next)).toBe(next);
  chaos.sleep(1000);
  socket.send('b');
  expect(real.sent.at(-1)).toBe('b');
});
