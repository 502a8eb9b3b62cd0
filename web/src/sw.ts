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
interface Pushed extends Extendable {
  data: { json(): unknown } | null;
}
interface Clicked extends Extendable {
  notification: Notification;
}
interface Resubscribed extends Extendable {
  oldSubscription: PushSubscription | null;
  newSubscription: PushSubscription | null;
}
interface Tab {
  url: string;
  focused: boolean;
  visibilityState: DocumentVisibilityState;
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}
// The types of workers and of pages do not go together in one project.
interface Worker {
  registration: ServiceWorkerRegistration;
  clients: {
    claim(): Promise<void>;
    matchAll(which?: { type: 'window'; includeUncontrolled: boolean }): Promise<Tab[]>;
    openWindow(url: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', run: (event: Extendable) => void): void;
  addEventListener(type: 'fetch', run: (event: Fetching) => void): void;
  addEventListener(type: 'message', run: (event: MessageEvent) => void): void;
  addEventListener(type: 'push', run: (event: Pushed) => void): void;
  addEventListener(type: 'notificationclick', run: (event: Clicked) => void): void;
  addEventListener(type: 'pushsubscriptionchange', run: (event: Resubscribed) => void): void;
}
const worker = self as unknown as Worker;

const prefix = 'hubbub-';
const name = prefix + version;
/** Milliseconds after which a page that was asked for is there. */
const answered = 500;
/** The addresses of the page's own, all of which are one document. */
const view = /^\/($|r\/|p\/|join$|link$|sign-in$|search$|doctor$|wire($|\/))/;

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

worker.addEventListener('push', (event) => event.waitUntil(alert(event.data)));
worker.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { url } = (event.notification.data ?? {}) as { url?: unknown };
  event.waitUntil(lead(typeof url === 'string' ? url : '/'));
});
worker.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(subscribe(event)));

/** What the server pushes: docs/protocol.md, section 6. */
interface Alert {
  tag: string;
  room: { id: string; name: string; kind: string };
  seq: number;
  thread?: number;
  author: { name: string };
  as?: string;
  text: string;
  time: number;
  url: string;
}

const tabs = () => worker.clients.matchAll({ type: 'window', includeUncontrolled: true });

/** Shows a message. Its tag is its own, so it is one alert however often it comes. */
async function alert(data: Pushed['data']): Promise<void> {
  const said = data?.json() as Alert | undefined;
  if (!said?.tag || (await tabs()).some((tab) => tab.focused)) return;
  const { room, seq, thread, time: timestamp, text: body, tag, url } = said;
  const where = room.kind === 'direct' ? '' : room.kind === 'public' ? `#${room.name}` : room.name;
  const title = [said.as ?? said.author.name, where].filter((part) => part !== '').join(' · ');
  const found = { room: room.id, seq, url, ...(thread ? { thread } : {}) };
  const options = { body, tag, timestamp, icon: '/icons/192.png', data: found };
  await worker.registration.showNotification(title, options);
}

/** Leads to a message: in a page that is open, or else in a new one. */
async function lead(url: string): Promise<void> {
  const { origin } = location;
  if (new URL(url, origin).origin !== origin) return;
  const all = (await tabs()).filter((tab) => new URL(tab.url).origin === origin);
  const tab = all.find(({ visibilityState }) => visibilityState === 'visible') ?? all[0];
  if (!tab) return void (await worker.clients.openWindow(url));
  tab.postMessage({ lead: url });
  await tab.focus();
}

/** The browser has another address for alerts now. */
async function subscribe({ oldSubscription, newSubscription }: Resubscribed): Promise<void> {
  const key = oldSubscription?.options.applicationServerKey;
  const { pushManager } = worker.registration;
  const now =
    newSubscription ??
    (key && (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })));
  if (!now) return;
  const { endpoint, keys } = now.toJSON();
  await fetch('/api/me/push', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ endpoint, keys }),
  });
}

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
      // Not at once: Chromium forgets it now and then while this worker still answers.
      setTimeout(() => waiting.postMessage('take over'), answered);
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
