import { afterEach, expect, test, vi } from 'vitest';
import { memoryDraftStore } from '../lib/draftstore.ts';
import { TestClock } from '../lib/testclock.ts';
import type { RoomInfo } from '../lib/wire.ts';

/** The browser's side, which Node does not have. */
class BrowserWebSocket {
  static all: BrowserWebSocket[] = [];
  readonly protocol = 'hubbub.v1';
  readonly extensions = '';
  onopen: (() => void) | null = null;
  onclose: ((close: { code: number; reason: string }) => void) | null = null;

  constructor() {
    BrowserWebSocket.all.push(this);
  }

  send(): void {}
  close(): void {}
}

// What the page asks of its browser when it is loaded.
vi.hoisted(() => {
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('localStorage', { getItem: () => null });
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('isSecureContext', false);
  vi.stubGlobal('document', { documentElement: {}, visibilityState: 'visible' });
  vi.stubGlobal('location', { href: 'http://x/', protocol: 'http:', host: 'x' });
  vi.stubGlobal('requestAnimationFrame', () => 0);
});
const { browserSocket, line } = await import('./browsersocket.ts');
const { Chat } = await import('./chat.svelte.ts');
const { Tour } = await import('./tour.svelte.ts');
const { Wire } = await import('./wire.svelte.ts');

const made: InstanceType<typeof Wire>[] = [];
afterEach(() => {
  for (const wire of made.splice(0)) wire.close();
  vi.useRealTimers();
});

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

/** The wire view of a page, and what it asked the server, which answers as the test says. */
function view(
  answer: (asked: readonly string[], signal?: AbortSignal | null) => Response | Promise<Response>,
) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('WebSocket', BrowserWebSocket);
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, { method = 'GET', signal }: RequestInit = {}) => {
    if (!/^.api.(wire|rooms.r.messages)/.test(path)) throw new TypeError('no network');
    asked.push(`${method} ${path}`);
    return answer(asked, signal);
  });
  const chat = new Chat({
    you: { id: 'a', name: 'Ines', role: 'guest' },
    epoch: 'e',
    rooms: [info],
    clock: new TestClock(),
    store: memoryDraftStore(),
    snapshot: undefined,
    newId: () => 'draft',
    connect: browserSocket,
    tell: () => {},
    texts: undefined,
    onstranger: () => {},
    onannounce: () => {},
    onmoved: () => {},
    onlisted: () => {},
    when: String,
  });
  chat.start();
  const wire = new Wire(chat);
  made.push(wire);
  void wire.open();
  return { chat, wire, asked, seconds: (n: number) => vi.advanceTimersByTimeAsync(1_000 * n) };
}

const refused = (status: number) =>
  Response.json({ error: { code: 'not_found', message: 'no' } }, { status });

test('a server that reports nothing is asked less and less often, and at once where there is a connection again', async () => {
  const { wire, asked, seconds } = view(() => refused(404));
  await seconds(61);
  // After 2, 4, 8 and 16 seconds more; 32 are not over.
  expect(asked).toEqual(Array(5).fill('POST /api/wire'));
  await seconds(5 * 60);
  expect(asked.length).toBe(10);
  BrowserWebSocket.all.at(-1)?.onopen?.();
  await seconds(0);
  expect(asked.length).toBe(11);
  expect(wire.problem).toBeDefined();
  wire.close();
  await seconds(300);
  expect(asked.length).toBe(11);
});

test.each([404, 409])(
  'a watch that answers %s gives way to another without a word',
  async (status) => {
    const problems: unknown[] = [];
    const { wire, asked, seconds } = view((all) => {
      problems.push(made[0]?.problem);
      if (all.at(-1)?.startsWith('POST')) return Response.json({ id: `w${all.length}` });
      return all.length === 3 ? refused(status) : new Response('{"kind":"beat"}\n');
    });
    const way = ['POST /api/wire', 'GET /api/wire/w1', 'GET /api/wire/w1', 'POST /api/wire'];
    await expect.poll(() => seconds(2).then(() => asked[4])).toBe('GET /api/wire/w4');
    expect(asked.slice(0, 4)).toEqual(way);
    expect(wire.query).toBe('?wire=w4');
    expect(problems.filter(Boolean)).toEqual([]);
  },
);

test('a cut of the tour ends with the view, though the server does not answer', async () => {
  const { chat, wire, asked, seconds } = view((all, signal) => {
    if (all.at(-1) === 'POST /api/wire') return refused(404);
    return new Promise((_, reject) => signal?.addEventListener('abort', reject));
  });
  chat.show(chat.rooms.get('r'));
  const tour = new Tour(wire, chat);
  await seconds(1);
  const cut = tour.miss();
  BrowserWebSocket.all.at(-1)?.onclose?.({ code: 1006, reason: '' });
  const before = BrowserWebSocket.all.length;
  expect(line.down).toBe(true);
  wire.close();
  expect(line.down).toBe(false);
  expect(BrowserWebSocket.all.length).toBe(before + 1);
  await cut;
  expect(asked.filter((path) => path.endsWith('/messages'))).toHaveLength(1);
});
