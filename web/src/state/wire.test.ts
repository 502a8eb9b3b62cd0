import { afterEach, expect, test, vi } from 'vitest';
import { memoryDraftStore } from '../lib/draftstore.ts';
import { TestClock } from '../lib/testclock.ts';

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
const { browserSocket } = await import('./browsersocket.ts');
const { Chat } = await import('./chat.svelte.ts');
const { Wire } = await import('./wire.svelte.ts');

const made: InstanceType<typeof Wire>[] = [];
afterEach(() => {
  for (const wire of made.splice(0)) wire.close();
  vi.useRealTimers();
});

/** The wire view of a page, and what it asked the server, which answers as the test says. */
function view(answer: (asked: readonly string[]) => Response) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.stubGlobal('WebSocket', BrowserWebSocket);
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, { method = 'GET' }: RequestInit = {}) => {
    if (!path.startsWith('/api/wire')) throw new TypeError('no network');
    asked.push(`${method} ${path}`);
    return answer(asked);
  });
  const chat = new Chat({
    you: { id: 'a', name: 'Ines', role: 'guest' },
    epoch: 'e',
    rooms: [],
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
  return { wire, asked, seconds: (n: number) => vi.advanceTimersByTimeAsync(1_000 * n) };
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
