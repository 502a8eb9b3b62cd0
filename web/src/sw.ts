/**
 * The service worker: it keeps the files of one build, so that the page opens at once and without a
 * connection. The page that is open always has all its files from the same build. It never touches what
 * is under /api, and sockets do not pass here at all. It imports nothing, as it is a script of its own.
 */
import { shell, version } from 'virtual:shell';

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  request: Request;
  respondWith(answer: Promise<Response>): void;
}
// The types of workers and of pages do not go together in one project.
interface Worker {
  registration: ServiceWorkerRegistration;
  clients: { claim(): Promise<void>; matchAll(): Promise<unknown[]> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', run: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', run: (event: Fetching) => void): void;
  addEventListener(type: 'message', run: (event: MessageEvent) => void): void;
}
const worker = self as unknown as Worker;

const prefix = 'hubbub-';
const name = prefix + version;
/** The addresses of the page's own, all of which are one document. */
const view = /^\/($|r\/|p\/|join$|link$|sign-in$|search$)/;

worker.addEventListener('install', (event) => event.waitUntil(keep()));
worker.addEventListener('activate', (event) => event.waitUntil(begin()));
worker.addEventListener('message', ({ data }) => {
  if (data === 'take over') void worker.skipWaiting();
});
worker.addEventListener('fetch', (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== 'GET' || origin !== location.origin) return;
  if (mode === 'navigate') {
    if (view.test(pathname)) event.respondWith(open(event.request));
  } else if (shell.includes(pathname)) event.respondWith(file(event.request));
});

/** All files or none: an installation that fails is tried again, and the version before goes on. */
async function keep(): Promise<void> {
  const cache = await caches.open(name);
  await cache.addAll(shell.map((path) => new Request(path, { cache: 'no-cache' })));
}

async function begin(): Promise<void> {
  for (const other of await caches.keys()) {
    if (other.startsWith(prefix) && other !== name) await caches.delete(other);
  }
  await worker.clients.claim();
}

async function open(request: Request): Promise<Response> {
  const { waiting } = worker.registration;
  if (waiting && (await worker.clients.matchAll()).length < 2) {
    // Somebody reloads the only page there is: this is the moment for the version that waits.
    const newest = await fetch(request).catch(() => undefined);
    if (newest?.ok) {
      waiting.postMessage('take over');
      return newest;
    }
  }
  return (await kept('/')) ?? fetch(request);
}

async function file(request: Request): Promise<Response> {
  const found = await kept(new URL(request.url).pathname);
  if (found) return found;
  // The browser threw files away, and the server has those of another build: better no worker than half a page.
  const answer = await fetch(request);
  if (answer.status === 404) await retire();
  return answer;
}

async function kept(path: string): Promise<Response | undefined> {
  return (await caches.open(name)).match(path, { ignoreVary: true });
}

async function retire(): Promise<void> {
  await caches.delete(name);
  await worker.registration.unregister();
}
