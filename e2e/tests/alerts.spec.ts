// Alerts: which there are, where, and how often.
import type { Page } from '@playwright/test';
import { attentive, look } from './eyes.ts';
import { ask, choose, expect, settings, Someone, test } from './hubbub.ts';

interface Shown {
  tag: string;
  title: string;
  body: string;
}

/** The alerts that the service worker shows. */
const alertsOf = (page: Page): Promise<Shown[]> =>
  page.evaluate(async () => {
    const worker = await navigator.serviceWorker.getRegistration();
    return ((await worker?.getNotifications()) ?? []).map(({ tag, title, body }) => ({ tag, title, body }));
  });

/** Has more time pass in pages than a message waits for before it alerts. What would alert has done so then. */
async function settle(...pages: Page[]): Promise<void> {
  for (const page of pages) {
    await page.clock.runFor(2_000);
    await ask(page, 'GET', '/api/me'); // behind what the page asked before it would alert
  }
}

async function turnOn(who: Someone): Promise<void> {
  const { page } = who;
  await settings(page, 'Alerts');
  await page.getByRole('button', { name: 'Turn on alerts' }).click();
  await expect(page.locator('[data-alerts]')).toHaveAttribute('data-alerts', /page|push/, { timeout: 30_000 });
  await page.getByRole('button', { name: 'Close' }).click();
}

/** Pushes what a push service would bring. */
async function pusher(page: Page, origin: string): Promise<(payload: unknown) => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  const found = new Promise<string>((resolve) =>
    session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const ours = registrations.find(({ scopeURL, isDeleted }) => scopeURL.startsWith(origin) && !isDeleted);
      if (ours) resolve(ours.registrationId);
    }),
  );
  await session.send('ServiceWorker.enable');
  const registrationId = await found;
  return async (payload) => {
    await session.send('ServiceWorker.deliverPushMessage', { origin, registrationId, data: JSON.stringify(payload) });
  };
}

/** Clicks on an alert. There is nothing on the screen to click on, so the worker is told. */
async function click(page: Page, tag: string): Promise<void> {
  const [worker] = page.context().serviceWorkers();
  await worker?.evaluate(async (wanted) => {
    type Worker = { registration: ServiceWorkerRegistration; dispatchEvent: (event: Event) => void; NotificationEvent: new (type: string, init: object) => Event };
    const self = globalThis as unknown as Worker;
    const [notification] = await self.registration.getNotifications({ tag: wanted });
    self.dispatchEvent(new self.NotificationEvent('notificationclick', { notification }));
  }, tag);
}

test('25. one alert per message, also after a reconnect; none while I look at it; a click goes to that message', async ({ someone }) => {
  const ines = await someone('Ines', { serviceWorkers: 'allow', permissions: ['notifications'] });
  const { page } = ines;
  await attentive(page);
  await ines.enter('/r/kitchen');
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe('activated');
  // Nobody asked for them: there are none.
  const tomas = await someone('Tomás');
  await tomas.enter('/r/kitchen');
  await turnOn(ines);
  // A second tab: still one alert for each message.
  const tab = await page.context().newPage();
  await attentive(tab);
  await tab.goto(`${ines.hubbub.url}/r/music`);
  const second = new Someone('Ines', tab, ines.hubbub);
  await expect(tab.locator('[data-connection]')).toContainText('connected');
  await look(second, false);

  // While I look, nothing alerts.
  await tomas.say('@Ines do you see this?');
  await expect(ines.text('@Ines do you see this?')).toBeVisible();

  // Looking away: mentions alert, other messages do not. Alerts come in their order, so what came before has none.
  await look(ines, false);
  await tomas.say('not for anybody', '@Ines the **soup** is ready');
  await expect.poll(() => alertsOf(page)).toEqual([{ tag: expect.stringMatching(/^\w+-\d+$/), title: 'Tomás · #kitchen', body: '@Ines the soup is ready' }]);
  await expect(page).toHaveTitle('(2) hubbub');

  // Its room wants to be heard of, whatever is said.
  await page.getByRole('button', { name: /^About this room/ }).click();
  const level = page.getByLabel('Alert me of');
  await expect(level).toHaveValue('default');
  await expect(level.getByRole('option', { name: 'the usual: mentions' })).toHaveCount(1);
  await level.selectOption('all messages');
  await expect(level).toHaveValue('all');
  await page.getByRole('button', { name: 'Close' }).click();
  await tomas.say('for everybody');
  await expect.poll(async () => (await alertsOf(page)).map(({ body }) => body).sort()).toEqual(['@Ines the soup is ready', 'for everybody']);

  // What is deleted, or read elsewhere, alerts of nothing any more.
  await choose(tomas, 'for everybody', 'Delete…');
  await tomas.page.getByRole('button', { name: 'Delete' }).click();
  await expect.poll(async () => (await alertsOf(page)).map(({ body }) => body)).toEqual(['@Ines the soup is ready']);

  // What was missed alerts once when the connection is back, and not again after a reload.
  await page.context().setOffline(true);
  await tomas.say('@Ines missed');
  await expect(tomas.text('@Ines missed')).toHaveAttribute('data-state', 'sent');
  await page.context().setOffline(false);
  await expect.poll(async () => (await alertsOf(page)).map(({ body }) => body).sort(), { timeout: 40_000 }).toEqual(['@Ines missed', '@Ines the soup is ready']);
  const closeAll = () => page.evaluate(async () => (await (await navigator.serviceWorker.getRegistration())?.getNotifications())?.forEach((n) => n.close()));
  await closeAll();
  await page.reload();
  await look(ines, false);
  await expect(page.locator('[data-connection]')).toContainText('connected');
  await tomas.say('@Ines after that');
  await expect.poll(async () => (await alertsOf(page)).map(({ body }) => body)).toEqual(['@Ines after that']);
  await closeAll();

  // Do not disturb: nothing, until it ends.
  await page.getByRole('button', { name: 'Alerts', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Pause alerts for an hour' }).click();
  const paused = page.getByRole('button', { name: /^Alerts, paused until/ });
  await expect(paused).toBeVisible();
  await page.clock.install();
  await tomas.say('@Ines are you asleep?');
  await expect(ines.text('@Ines are you asleep?')).toBeVisible();
  await settle(page);
  expect(await alertsOf(page)).toEqual([]);
  await paused.click();
  await page.getByRole('menuitem', { name: 'Let alerts come again' }).click();
  await expect(page.getByRole('button', { name: 'Alerts', exact: true })).toBeVisible();
  await tomas.say('@Ines good morning');
  await expect.poll(async () => (await alertsOf(page)).map(({ body }) => body)).toEqual(['@Ines good morning']);
  await closeAll();

  // What the server pushes is shown by the service worker, once, and a click leads to it in the page that is open.
  const { id } = (await ask<{ rooms: { id: string; name: string }[] }>(page, 'GET', '/api/me/rooms')).rooms.find(({ name }) => name === 'kitchen') ?? { id: '' };
  const seq = Number(await ines.text('@Ines the soup is ready').getAttribute('data-seq'));
  const pushed = { tag: `${id}-${seq}`, room: { id, name: 'kitchen', kind: 'public' }, seq, author: { id: 'x', name: 'Tomás' }, text: 'the soup is ready', time: Date.now(), url: `/r/kitchen/${seq}` };
  const push = await pusher(page, ines.hubbub.url);
  await page.bringToFront();
  await push(pushed);
  await push(pushed);
  // Headless pages all count as focused to the worker, where it would not show what somebody sees.
  await second.page.goto('about:blank');
  await page.goto('about:blank');
  await push(pushed);
  await push({ ...pushed, as: 'Chef' });
  await page.goto(`${ines.hubbub.url}/r/music`);
  await expect.poll(() => alertsOf(page)).toEqual([{ tag: pushed.tag, title: 'Chef · #kitchen', body: 'the soup is ready' }]);
  await click(page, pushed.tag);
  await expect(page).toHaveURL(/\/r\/kitchen(\/\d+)?$/);
  await expect(ines.text('@Ines the soup is ready')).toBeInViewport();
  expect(await alertsOf(page)).toEqual([]);
});

test('25. the settings say what stands in the way; the browser asks only when somebody wants alerts', async ({ someone }) => {
  const states: [string, () => void, RegExp][] = [
    ['off', () => undefined, /alerts of nothing/],
    ['denied', () => Object.defineProperty(Notification, 'permission', { get: () => 'denied' }), /permissions of this page/],
    ['unsupported', () => void Reflect.deleteProperty(window, 'Notification'), /home screen/],
    ['insecure', () => Object.defineProperty(window, 'isSecureContext', { value: false }), /HTTPS/],
  ];
  for (const [state, make, words] of states) {
    const ines = await someone(`Ines-${state}`);
    await ines.page.addInitScript(() => {
      const asked = { times: 0 };
      Object.assign(window, { asked });
      Notification.requestPermission = async () => {
        asked.times++;
        Object.defineProperty(Notification, 'permission', { get: () => 'denied', configurable: true });
        return 'denied';
      };
      Object.defineProperty(Notification, 'permission', { get: () => 'default', configurable: true });
    });
    await ines.page.addInitScript(make);
    await ines.enter();
    await settings(ines.page, 'Alerts');
    const says = ines.page.locator('[data-alerts]');
    await expect(says).toHaveAttribute('data-alerts', state);
    await expect(says).toHaveText(words);
    const times = () => ines.page.evaluate(() => (window as unknown as { asked: { times: number } }).asked.times);
    expect(await times()).toBe(0);
    const button = ines.page.getByRole('button', { name: 'Turn on alerts' });
    await expect(button).toHaveCount(state === 'off' ? 1 : 0);
    if (state !== 'off') continue;
    // Whoever says no to the browser is told where that can be changed.
    await button.click();
    await expect(says).toHaveAttribute('data-alerts', 'denied');
    expect(await times()).toBe(1);
  }
});

test('25. without a service worker the page alerts, in one of its tabs, and a click leads to the message', async ({ someone }) => {
  const ines = await someone('Ines', { permissions: ['notifications'] });
  const { page } = ines;
  const fake = async (tab: Page) => {
    await attentive(tab);
    await tab.addInitScript(() => {
      class Fake extends EventTarget {
        static permission = 'granted';
        static all: Fake[] = [];
        static requestPermission = async () => 'granted';
        onclick: (() => void) | undefined;
        closed = false;
        constructor(
          readonly title: string,
          readonly options: { body: string },
        ) {
          super();
          Fake.all.push(this);
        }
        close(): void {
          this.closed = true;
        }
      }
      Object.assign(window, { Notification: Fake });
    });
  };
  type Faked = { Notification: { all: { title: string; options: { body: string }; closed: boolean; onclick?: () => void }[] } };
  const shown = async (...tabs: Page[]) => {
    const all = await Promise.all(tabs.map((tab) => tab.evaluate(() => (window as unknown as Faked).Notification.all.filter((n) => !n.closed).map((n) => `${n.title}: ${n.options.body}`))));
    return all.flat();
  };
  await fake(page);
  await ines.enter('/r/kitchen');
  await turnOn(ines);
  const tab = await page.context().newPage();
  await fake(tab);
  await tab.goto(`${ines.hubbub.url}/r/music`);
  await expect(tab.locator('[data-connection]')).toContainText('connected');
  const second = new Someone('Ines', tab, ines.hubbub);
  const tomas = await someone('Tomás');
  await tomas.enter('/r/kitchen');

  // While I look at one tab, the other does not alert either.
  await look(ines, false);
  for (const one of [page, tab]) await one.clock.install();
  await tomas.say('@Ines while you look');
  await expect(ines.text('@Ines while you look')).toBeVisible();
  await settle(page, tab);
  await look(second, false);
  await tomas.say('@Ines once');
  await expect.poll(() => shown(page, tab)).toEqual(['Tomás · #kitchen: @Ines once']);
  await tomas.say('@Ines and once more');
  await expect.poll(async () => (await shown(page, tab)).sort()).toEqual(['Tomás · #kitchen: @Ines and once more', 'Tomás · #kitchen: @Ines once']);

  // A click leads there, wherever the tab was. Either tab may have shown one of them, or both.
  for (const one of [page, tab]) {
    await one.evaluate(() => (window as unknown as Faked).Notification.all.filter((n) => !n.closed).forEach((n) => n.onclick?.()));
  }
  const led = page.url().includes('/r/kitchen/') ? page : tab;
  await expect(led.locator('article').filter({ hasText: '@Ines once' })).toBeInViewport();
  await expect.poll(() => shown(page, tab)).toEqual([]);
});

test('25. where there is a push service the browser is subscribed with the key of the server, and is not any more when alerts are turned off', async ({ someone }) => {
  const ines = await someone('Ines', { serviceWorkers: 'allow', permissions: ['notifications'] });
  const { page } = ines;
  await attentive(page);
  // No push service can be reached here: this one is made up, but for its keys.
  await page.addInitScript(() => {
    const made = { key: '', subscription: null as unknown };
    Object.assign(window, { made });
    const text = (bytes: ArrayBuffer | Uint8Array) =>
      btoa(String.fromCodePoint(...new Uint8Array(bytes)))
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replaceAll('=', '');
    PushManager.prototype.getSubscription = async () => made.subscription as PushSubscription | null;
    PushManager.prototype.subscribe = async (options) => {
      made.key = String(options?.applicationServerKey);
      const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
      const keys = { p256dh: text(await crypto.subtle.exportKey('raw', pair.publicKey)), auth: text(crypto.getRandomValues(new Uint8Array(16))) };
      const endpoint = 'https://push.example.org/somebody';
      made.subscription = { endpoint, toJSON: () => ({ endpoint, expirationTime: null, keys }), unsubscribe: async () => ((made.subscription = null), true) };
      return made.subscription as PushSubscription;
    };
  });
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/me/push')) asked.push(`${request.method()} ${JSON.parse(request.postData() ?? '{}').endpoint ?? ''}`.trim());
  });
  await ines.enter('/r/kitchen');
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe('activated');
  expect(asked).toEqual([]);
  await settings(page, 'Alerts');
  await page.getByRole('button', { name: 'Turn on alerts' }).click();
  const says = page.locator('[data-alerts]');
  await expect(says).toHaveAttribute('data-alerts', 'push');
  await expect(says).toContainText('also come while this page is closed');
  expect(asked).toEqual(['GET', 'POST https://push.example.org/somebody']);
  const { key } = await ask<{ key: string }>(page, 'GET', '/api/me/push');
  expect(await page.evaluate(() => (window as unknown as { made: { key: string } }).made.key)).toBe(key);

  // The page itself alerts of nothing then: the service does.
  await page.getByRole('button', { name: 'Close' }).click();
  await look(ines, false);
  const tomas = await someone('Tomás');
  await tomas.enter('/r/kitchen');
  await page.clock.install();
  await tomas.say('@Ines hello');
  await expect(page).toHaveTitle('(1) hubbub');
  await settle(page);
  expect(await alertsOf(page)).toEqual([]);

  await settings(page, 'Alerts');
  await page.getByRole('button', { name: 'Turn off alerts' }).click();
  await expect(says).toHaveAttribute('data-alerts', 'off');
  expect(asked.at(-1)).toBe('DELETE https://push.example.org/somebody');
  expect(await page.evaluate(() => (window as unknown as { made: { subscription: unknown } }).made.subscription)).toBeNull();
});
