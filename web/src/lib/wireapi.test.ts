import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { UnreachableError } from './request.ts';
import { wireApi } from './wireapi.ts';

/** What the server does once it has begun to report. */
let report: (answer: ServerResponse) => void;
const server = createServer((_, answer) => {
  answer.write('{"kind":"beat"}\n');
  report(answer);
});
const ask = globalThis.fetch;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  vi.stubGlobal('fetch', (path: string, how: RequestInit) =>
    ask(`http://127.0.0.1:${port}${path}`, how),
  );
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('ends a report that says nothing more, and not one that does', async () => {
  let open: ServerResponse | undefined;
  report = (answer) => (open = answer);
  const records = wireApi.records('w', new AbortController().signal);
  expect((await records.next()).value).toEqual({ kind: 'beat' });
  const left = once(open!, 'close');
  vi.advanceTimersByTime(39_000);
  open!.write('{"kind":"skipped","count":1}\n');
  expect((await records.next()).value).toEqual({ kind: 'skipped', count: 1 });
  vi.advanceTimersByTime(39_000);
  const next = records.next();
  vi.advanceTimersByTime(2_000);
  await expect(next).rejects.toThrow(UnreachableError);
  // The watch can be read again.
  await left;
});

it('knows a report that breaks off from one that is refused', async () => {
  let open: ServerResponse | undefined;
  report = (answer) => (open = answer);
  const records = wireApi.records('w', new AbortController().signal);
  await records.next();
  open?.destroy();
  await expect(records.next()).rejects.toThrow(UnreachableError);
});
