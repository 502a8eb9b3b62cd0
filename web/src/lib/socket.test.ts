import { beforeEach, describe, expect, test } from 'vitest';
import { Connection, type ConnectionState } from './socket.ts';
import { TestClock } from './testclock.ts';
import { TestSocket } from './testsocket.ts';

const welcome = {
  welcome: {
    you: { id: 'a', name: 'Ines', role: 'guest' },
    epoch: 'e',
    time: 0,
    heartbeat: 25,
    limits: { text: 16384, frame: 131072, rooms: 500, resume: 10000 },
    version: '0',
  },
};
const heartbeat = { heartbeat: { time: 0, heads: {} } };

let clock: TestClock;
let sockets: TestSocket[];
let states: ConnectionState[];
let frames: string[];
let random: number;
let connection: Connection;
const socket = () => sockets.at(-1)!;
/** Loses the connection and waits until the next attempt. */
const fail = () => {
  socket().onclose?.({ code: 1006 });
  clock.advance((connection.state as { until: number }).until - clock.now());
};
const welcomed = () => {
  socket().onopen?.();
  socket().say(welcome);
};

beforeEach(() => {
  clock = new TestClock();
  sockets = [];
  states = [];
  frames = [];
  random = 1;
  connection = new Connection({
    connect(subprotocol) {
      expect(subprotocol).toBe('hubbub.v1');
      sockets.push(new TestSocket());
      return socket();
    },
    clock,
    random: () => random,
    onopen: () => connection.send('open', { name: 'lobby' }),
    onframe: (frame) => frames.push(frame.type),
    onstate: (state) => states.push(state),
  });
  connection.start();
});

test('hello goes first, and what follows does not wait for welcome', () => {
  expect(connection.send('fence', { n: 1 })).toBe(false);
  socket().onopen?.();
  expect(socket().sent).toEqual(['{"hello":{}}', '{"open":{"name":"lobby"}}']);
  expect(connection.state.phase).toBe('connecting');
  socket().say(welcome);
  expect(connection.state.phase).toBe('connected');
  expect(frames).toEqual(['welcome']);
});

test('what is no frame is ignored', () => {
  welcomed();
  socket().onmessage?.({ data: 'x' });
  socket().say({ unheard: {} });
  expect(frames).toEqual(['welcome']);
});

describe('coming back', () => {
  test('takes half a second first, doubles, and never more than thirty seconds', () => {
    const delays: number[] = [];
    for (let i = 0; i < 9; i++) {
      socket().onclose?.({ code: 1006 });
      const state = connection.state as { until: number };
      delays.push(state.until - clock.now());
      clock.advance(delays.at(-1)!);
    }
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    expect(sockets).toHaveLength(10);
  });

  test('is spread by chance', () => {
    random = 0;
    for (let i = 0; i < 4; i++) fail();
    socket().onclose?.({ code: 1006 });
    expect(connection.state).toEqual({ phase: 'waiting', until: clock.now() + 4000 });
  });

  test('begins at half a second again once a connection has lasted', () => {
    for (let i = 0; i < 5; i++) fail();
    welcomed();
    socket().onclose?.({ code: 1006 });
    expect(connection.state).toMatchObject({ until: clock.now() + 16000 });
    clock.advance(16000);
    welcomed();
    clock.advance(5000);
    socket().onclose?.({ code: 1006 });
    expect(connection.state).toMatchObject({ until: clock.now() + 500 });
  });

  test('happens at once when asked', () => {
    socket().onclose?.({ code: 1006 });
    connection.wake();
    expect(sockets).toHaveLength(2);
    clock.advance(5000);
    expect(sockets).toHaveLength(2);
  });

  test('waits as long as goodbye says', () => {
    welcomed();
    socket().say({ goodbye: { reason: 'restart', retry_after: 1.4 } });
    expect(socket().closed).toBe(true);
    expect(connection.state).toEqual({ phase: 'waiting', until: clock.now() + 1400 });
    clock.advance(1400);
    expect(sockets).toHaveLength(2);
  });

  test('ends when the server does not know us', () => {
    socket().onopen?.();
    socket().say({ error: { code: 'unauthorized', message: 'no', frame: 'hello' } });
    socket().onclose?.({ code: 4401 });
    expect(connection.state).toEqual({ phase: 'stopped', unauthorized: true });
    clock.advance(60000);
    expect(sockets).toHaveLength(1);
  });

  test('ends when we stop', () => {
    welcomed();
    connection.stop();
    expect(socket().closed).toBe(true);
    clock.advance(120000);
    expect(sockets).toHaveLength(1);
  });
});

describe('a greeting that is lost', () => {
  test('on the way there is noticed by what the server says to the rest', () => {
    socket().onopen?.();
    socket().say({ error: { code: 'hello_first', message: 'say hello first', frame: 'open' } });
    expect(connection.state.phase).toBe('waiting');
    expect(frames).toEqual([]);
  });

  test('on the way back is noticed by what comes after it', () => {
    socket().onopen?.();
    socket().say({ draft: { room: 'r', text: '', time: 0 } });
    expect(connection.state.phase).toBe('connecting');
    socket().say({ sent: { room: 'r', id: 'i', seq: 1, time: 0 } });
    expect(connection.state.phase).toBe('waiting');
    clock.advance(500);
    welcomed();
    expect(connection.state.phase).toBe('connected');
  });

  test('and comes twice is harmless', () => {
    welcomed();
    socket().say(welcome);
    socket().say({
      error: { code: 'bad_frame', message: 'hello was said already', frame: 'hello' },
    });
    expect(connection.state.phase).toBe('connected');
    expect(sockets).toHaveLength(1);
  });
});

test('a goodbye that is lost is an end like others, and one that comes twice is one', () => {
  welcomed();
  clock.advance(5000);
  socket().onclose?.({ code: 1012 });
  expect(connection.state).toEqual({ phase: 'waiting', until: clock.now() + 500 });
  clock.advance(500);
  welcomed();
  const goodbye = { goodbye: { reason: 'restart', retry_after: 1.4 } };
  const old = socket();
  old.say(goodbye);
  old.say(goodbye);
  expect(connection.state).toEqual({ phase: 'waiting', until: clock.now() + 1400 });
});

describe('asking', () => {
  test('numbers its questions, over connections too', () => {
    expect(connection.probe()).toBeUndefined();
    welcomed();
    expect(connection.probe()).toBe(1);
    fail();
    welcomed();
    expect(connection.probe()).toBe(2);
    expect(socket().sent.at(-1)).toBe('{"fence":{"n":2}}');
  });

  test('again gives a silent connection no more time', () => {
    welcomed();
    for (let n = 0; n < 5; n++) {
      connection.probe(10_000);
      clock.advance(2000);
    }
    expect(connection.state.phase).toBe('waiting');
  });

  test('once the answer was lost and something else came, is possible again', () => {
    welcomed();
    connection.probe();
    socket().say(heartbeat);
    clock.advance(10_000);
    expect(connection.state.phase).toBe('connected');
    expect(connection.probe()).toBe(2);
    clock.advance(4000);
    expect(connection.state.phase).toBe('waiting');
  });
});

describe('a silent connection', () => {
  test('is given up after two heartbeats', () => {
    welcomed();
    clock.advance(40000);
    socket().say(heartbeat);
    clock.advance(49999);
    expect(connection.state.phase).toBe('connected');
    clock.advance(1);
    expect(connection.state.phase).toBe('waiting');
    expect(socket().closed).toBe(true);
  });

  test('is given up after ten seconds without a handshake', () => {
    clock.advance(10000);
    expect(connection.state.phase).toBe('waiting');
  });

  test('that is probed is given up after four seconds', () => {
    welcomed();
    connection.wake();
    expect(socket().sent.at(-1)).toBe('{"fence":{"n":1}}');
    clock.advance(4000);
    expect(connection.state.phase).toBe('waiting');
  });

  test('that answers a probe stays', () => {
    welcomed();
    connection.probe();
    socket().say({ fence: { n: 1 } });
    clock.advance(30000);
    expect(connection.state.phase).toBe('connected');
  });

  test('is given up at once after a long sleep', () => {
    welcomed();
    clock.sleep(3600_000);
    connection.wake();
    expect(connection.state.phase).toBe('waiting');
  });
});

test('a socket that was given up is not heard any more', () => {
  welcomed();
  const old = socket();
  clock.advance(50000);
  old.say(heartbeat);
  old.onclose?.({ code: 1006 });
  expect(frames).toEqual(['welcome']);
  expect(states.map((state) => state.phase)).toEqual(['connecting', 'connected', 'waiting']);
});
