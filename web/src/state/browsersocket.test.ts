import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { browserSocket, line, type Watched } from './browsersocket.ts';

/** The browser's side, which Node does not have. */
class BrowserWebSocket {
  static last: BrowserWebSocket;
  readonly protocol = 'hubbub.v1';
  readonly extensions = 'permessage-deflate';
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number; reason: string }) => void) | null = null;
  readonly texts: string[] = [];
  readonly address: string;

  constructor(address: string) {
    this.address = address;
    BrowserWebSocket.last = this;
  }

  send(text: string): void {
    this.texts.push(text);
  }

  close(): void {}
}

const seen: unknown[] = [];
const watched = (n: number): Watched => ({
  query: `?n=${n}`,
  opened: (...what) => seen.push(['opened', n, ...what]),
  sent: (...what) => seen.push(['sent', n, ...what]),
  received: (...what) => seen.push(['received', n, ...what]),
  closed: (...what) => seen.push(['closed', n, ...what]),
});

beforeEach(() => {
  seen.length = 0;
  vi.stubGlobal('WebSocket', BrowserWebSocket);
  vi.stubGlobal('location', { protocol: 'https:', host: 'chat.example.org' });
});

afterEach(() => {
  line.watcher = undefined;
  vi.unstubAllGlobals();
});

function pass(): unknown[] {
  const socket = browserSocket('hubbub.v1');
  const heard: unknown[] = [];
  socket.onopen = () => heard.push('opened');
  socket.onmessage = ({ data }) => heard.push(data);
  socket.onclose = ({ code }) => heard.push(code);
  const real = BrowserWebSocket.last;
  real.onopen?.();
  socket.send('out');
  real.onmessage?.({ data: 'in' });
  real.onclose?.({ code: 1001, reason: 'bye' });
  return heard;
}

it('tells nobody while nobody watches', () => {
  expect(line).toEqual({});
  expect(pass()).toEqual(['opened', 'in', 1001]);
  expect(BrowserWebSocket.last.address).toBe('wss://chat.example.org/');
  expect(BrowserWebSocket.last.texts).toEqual(['out']);
  expect(seen).toEqual([]);
});

it('tells who watches everything, with the connection it passed on', () => {
  let n = 0;
  line.watcher = { dialled: () => watched(++n) };
  expect(pass()).toEqual(['opened', 'in', 1001]);
  expect(BrowserWebSocket.last.address).toBe('wss://chat.example.org/?n=1');
  expect(seen).toEqual([
    ['opened', 1, 'hubbub.v1', 'permessage-deflate'],
    ['sent', 1, 'out'],
    ['received', 1, 'in'],
    ['closed', 1, 1001, 'bye'],
  ]);
  pass();
  expect(seen[4]).toEqual(['opened', 2, 'hubbub.v1', 'permessage-deflate']);
});

it('tells no more once they stop, also on a connection that goes on', () => {
  line.watcher = { dialled: () => watched(1) };
  const socket = browserSocket('hubbub.v1');
  line.watcher = undefined;
  socket.send('out');
  BrowserWebSocket.last.onmessage?.({ data: 'in' });
  // Nor does somebody who begins to watch hear of a connection from its middle.
  line.watcher = { dialled: () => watched(2) };
  socket.send('out');
  BrowserWebSocket.last.onclose?.({ code: 1000, reason: '' });
  expect(seen).toEqual([]);
});
