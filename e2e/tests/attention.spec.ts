// What asks for attention: counts, drafts, alerts, who is here. On all of somebody's devices.
import { join } from 'node:path';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { BrowserContextOptions, Page } from '@playwright/test';
import { accessible, ask, becomeOwner, expect, settings, Someone, test } from './hubbub.ts';

type Meet = (name: string, options?: BrowserContextOptions) => Promise<Someone>;

/** Another device of somebody: the same person in a browser of its own. */
async function another(of: Someone, someone: Meet, path = '/', options: BrowserContextOptions = {}): Promise<Someone> {
  const { cookies } = await of.page.context().storageState();
  const device = await someone(of.name, { ...options, storageState: { cookies, origins: [] } });
  await device.page.goto(of.hubbub.url + path);
  await expect(device.page.locator('[data-connection]')).toContainText('connected');
  return device;
}

const icon = (page: Page) => page.evaluate(() => decodeURIComponent(document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href ?? ''));
const room = (who: Someone, name: string) => who.page.locator(`nav [data-room="${name}"]`);

/** Chooses from the menu of a message. */
async function choose(who: Someone, text: string, item: string): Promise<void> {
  const row = who.text(text);
  await row.hover();
  await row.getByRole('button', { name: /^More about/ }).click();
  await who.page.getByRole('menuitem', { name: item }).click();
}

test('24. title and icon show the count; read on one device is read on all; mark as unread; mark all read', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.page.addInitScript(() => {
    const told: number[] = [];
    Object.assign(window, { told });
    Object.assign(navigator, { setAppBadge: async (n: number) => void told.push(n), clearAppBadge: async () => void told.push(0) });
  });
  await ines.enter('/r/kitchen');
  const phone = await another(ines, someone, '/r/kitchen');
  const tomas = await someone('Tomás');
  await tomas.enter('/r/kitchen');
  for (const device of [ines, phone]) await device.page.goto(`${ines.hubbub.url}/r/music`);
  await expect(ines.composer).toBeVisible();
  await tomas.say('one', 'two', 'three');

  for (const device of [ines, phone]) {
    await expect(device.page).toHaveTitle('(3) hubbub');
    await expect.poll(() => icon(device.page)).toContain('>3</text>');
    await expect(room(device, 'kitchen')).toContainText('3 unread');
  }
  expect(await ines.page.evaluate(() => (window as unknown as { told: number[] }).told.at(-1))).toBe(3);
  // What is drawn on the icon is drawn by the browser too, whatever the page's policy says.
  const drawn = await ines.page.evaluate(async () => {
    const image = new Image(32, 32);
    image.src = document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href ?? '';
    await image.decode();
    return image.naturalWidth > 0;
  });
  expect(drawn).toBe(true);

  // Read here, it is read there.
  await room(phone, 'kitchen').click();
  for (const device of [ines, phone]) {
    await expect(device.page).toHaveTitle('hubbub');
    await expect.poll(() => icon(device.page)).toMatch(/favicon\.svg$/);
  }
  expect(await ines.page.evaluate(() => (window as unknown as { told: number[] }).told.at(-1))).toBe(0);

  // Marked as unread from a message on, it is unread everywhere, and stays so where it is on screen.
  await choose(phone, 'two', 'Mark as unread from here');
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('(2) hubbub');
  await expect(phone.page.getByText('New', { exact: true })).toBeVisible();
  await tomas.say('four');
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('(3) hubbub');
  await room(ines, 'kitchen').click();
  await expect(ines.page).toHaveTitle('hubbub');
  await expect(phone.page).toHaveTitle('hubbub');

  // A device that was away hears of it when it comes back.
  await phone.page.goto(`${ines.hubbub.url}/r/music`);
  await expect(phone.composer).toBeVisible();
  await phone.page.context().setOffline(true);
  await choose(ines, 'three', 'Mark as unread from here');
  await expect(ines.page).toHaveTitle('(2) hubbub');
  await phone.page.context().setOffline(false);
  await expect(phone.page).toHaveTitle('(2) hubbub', { timeout: 40_000 });

  // All at once, by the button or by a key.
  await tomas.page.goto(`${ines.hubbub.url}/r/music`);
  await tomas.say('la la la');
  await room(ines, 'music').click();
  await room(phone, 'kitchen').click();
  await expect(ines.page).toHaveTitle('hubbub');
  await choose(ines, 'la la la', 'Mark as unread from here');
  await expect(phone.page).toHaveTitle('(1) hubbub');
  await phone.page.getByRole('button', { name: 'Mark all as read' }).click();
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('hubbub');
  await expect(ines.page.getByText('New', { exact: true })).toBeVisible();
  await choose(ines, 'la la la', 'Mark as unread from here');
  await expect(phone.page).toHaveTitle('(1) hubbub');
  await ines.page.keyboard.press('Shift+Escape');
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('hubbub');
  await expect(ines.page.getByText('New', { exact: true })).toHaveCount(0);
  await expect(ines.page.getByRole('button', { name: 'Mark all as read' })).toHaveCount(0);
  await accessible(ines, 'the room');

  // Without a connection it says that it did not work.
  await choose(phone, 'three', 'Mark as unread from here');
  await expect(phone.page).toHaveTitle('(2) hubbub');
  await phone.page.context().setOffline(true);
  await phone.page.getByRole('button', { name: 'Mark all as read' }).click();
  await expect(phone.page.locator('[data-complaint]')).toHaveText('The server cannot be reached.');
  await expect(phone.page.locator('[data-announcer]')).toContainText('The server cannot be reached.');
  if (process.env.SHOTS) await phone.page.screenshot({ path: join(process.env.SHOTS, 'complaint.png') });
});

test('21. the draft survives a room change and a reload; the sidebar marks it; all devices have it, and none overwrites what is typed', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter('/r/kitchen');
  const phone = await another(ines, someone, '/r/music');
  await ines.page.goto(`${ines.hubbub.url}/r/music`);
  await room(ines, 'kitchen').click();
  await ines.composer.pressSequentially('half a thought');

  // The other device marks it, and has it there.
  await expect(room(phone, 'kitchen')).toContainText('draft');
  await room(phone, 'kitchen').click();
  await expect(phone.composer).toHaveValue('half a thought');
  await expect(room(ines, 'kitchen')).not.toContainText('draft');
  await room(ines, 'music').click();
  await expect(ines.page.getByRole('textbox', { name: 'Message #music' })).toHaveValue('');
  await expect(room(ines, 'kitchen')).toContainText('draft');
  await ines.page.reload();
  await room(ines, 'kitchen').click();
  await expect(ines.composer).toHaveValue('half a thought');

  // It is written on there, and comes back here while it stands on the screen.
  await phone.composer.pressSequentially(', and more');
  await expect(ines.composer).toHaveValue('half a thought, and more');
  // What is being typed is not taken from under the fingers; it is what both have in the end.
  await ines.composer.fill('typed here');
  await phone.composer.fill('typed there');
  await expect(ines.composer).toHaveValue('typed here');
  await ines.composer.pressSequentially('!');
  await expect(ines.composer).toHaveValue('typed here!');
  await expect.poll(async () => (await Promise.all([ines, phone].map((d) => d.composer.inputValue()))).every((v, _, all) => v === all[0]), { timeout: 25_000 }).toBe(true);

  // Without a connection it is kept, over a reload too, and told later.
  await phone.page.context().setOffline(true);
  await phone.composer.fill('written on the train');
  await expect(phone.page.locator('[data-banner]')).toBeVisible({ timeout: 40_000 });
  await expect(ines.composer).not.toHaveValue('written on the train');
  await phone.page.context().setOffline(false);
  await expect(ines.composer).toHaveValue('written on the train', { timeout: 40_000 });

  // Sent here, it is gone everywhere.
  await ines.composer.press('Enter');
  await expect(phone.text('written on the train')).toBeVisible();
  await expect(phone.composer).toHaveValue('');
  await room(phone, 'music').click();
  await expect(room(phone, 'kitchen')).not.toContainText('draft');
  await phone.page.reload();
  await expect(room(phone, 'kitchen')).toBeVisible();
  await expect(room(phone, 'kitchen')).not.toContainText('draft');
  // Also where a device was closed meanwhile.
  await ines.composer.fill('soon sent');
  await expect(room(phone, 'kitchen')).toContainText('draft');
  await phone.page.goto('about:blank');
  await ines.composer.press('Enter');
  await expect(ines.text('soon sent')).toHaveAttribute('data-state', 'sent');
  await phone.page.goto(`${ines.hubbub.url}/r/music`);
  await expect(phone.page.locator('[data-connection]')).toContainText('connected');
  await expect(room(phone, 'kitchen')).not.toContainText('draft');
});

/** Browsers under test all have the focus; this one says what we want. */
const attentive = (page: Page) =>
  page.addInitScript(() => {
    const looks = { at: true };
    Object.assign(window, { looks });
    document.hasFocus = () => looks.at;
  });

/** Looks at a page, or away from it. */
async function look(who: Someone, at: boolean): Promise<void> {
  await who.page.evaluate((on) => {
    (window as unknown as { looks: { at: boolean } }).looks.at = on;
    window.dispatchEvent(new Event(on ? 'focus' : 'blur'));
  }, at);
}

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

  // A click leads there, wherever the tab was.
  for (const one of [page, tab]) {
    await one.evaluate(() => (window as unknown as Faked).Notification.all.at(-1)?.onclick?.());
  }
  const led = page.url().includes('/r/kitchen/') ? page : tab;
  await expect(led.locator('article').filter({ hasText: '@Ines once' })).toBeInViewport();
  expect(await shown(page, tab)).toEqual([]);
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

test('26. presence is right within a minute after a hard drop', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter('/r/kitchen');
  // Tomás comes by way of a line that can be cut as a cable is: nobody is told.
  const line = await cable(new URL(hubbub.url).port);
  const far = Object.assign(Object.create(hubbub), { url: line.url });
  const tomas = new Someone('Tomás', (await someone('Tomás')).page, far);
  await attentive(tomas.page);
  await tomas.enter('/r/kitchen');
  await tomas.say('hello');
  const face = ines.text('hello').locator('[data-presence]');
  await expect(face).toHaveAttribute('data-presence', 'online');

  // A conversation shows it on the list, in words too.
  await ines.page.getByRole('button', { name: /^About this room/ }).click();
  await ines.page.getByRole('tab', { name: 'Members' }).click();
  const member = ines.page.locator('[data-member="Tomás"]');
  await expect(member.locator('[data-presence=online]')).toBeVisible();
  await expect(member).toContainText(', here now');
  await member.getByRole('button', { name: 'What to do with Tomás' }).click();
  await ines.page.getByRole('menuitem', { name: 'Message' }).click();
  const talk = room(ines, 'Tomás');
  await expect(talk.locator('[data-presence=online]')).toBeVisible();
  await expect(talk).toContainText('here now');

  // Looking away is another shape and another word.
  await look(tomas, false);
  await expect(talk.locator('[data-presence=away]')).toBeVisible();
  await expect(talk).toContainText('away');
  await accessible(ines, 'a conversation');
  await look(tomas, true);
  await expect(talk.locator('[data-presence=online]')).toBeVisible();

  const cut = Date.now();
  line.cut();
  await expect(talk.locator('[data-presence]')).toHaveCount(0, { timeout: 60_000 });
  await expect(talk).not.toContainText('here now');
  expect(Date.now() - cut).toBeLessThan(60_000);
  await room(ines, 'kitchen').click();
  await expect(ines.text('hello').locator('[data-presence]')).toHaveCount(0);

  // Whoever comes back is there again; whoever closes the page is gone at once.
  line.mend();
  await expect(talk.locator('[data-presence=online]')).toBeVisible({ timeout: 60_000 });
  await tomas.page.close();
  await expect(talk.locator('[data-presence]')).toHaveCount(0, { timeout: 10_000 });
  line.close();
});

test('26. typing shows names, goes within seconds, moves nothing', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const others = [];
  for (const name of ['Tomás', 'Aiko']) {
    const other = await someone(name);
    await other.enter();
    others.push(other);
  }
  await ines.say('one', 'two');
  await expect(ines.text('two')).toHaveAttribute('data-state', 'sent');
  const places = () =>
    ines.page.evaluate(() => [...document.querySelectorAll('article[data-id], form, textarea')].map((element) => element.getBoundingClientRect().toJSON() as object));
  const before = await places();
  for (const other of others) await other.composer.pressSequentially('hm');
  const line = ines.page.getByText('Tomás and Aiko are typing…');
  await expect(line).toBeVisible();
  const shown = Date.now();
  expect(await places()).toEqual(before);
  await expect(ines.page.getByText(/typing…/)).toHaveCount(0, { timeout: 8_000 });
  expect(Date.now() - shown).toBeLessThan(8_000);
  expect(await places()).toEqual(before);
  // It also goes with the message, at once.
  await others[0]?.composer.pressSequentially('!');
  await expect(ines.page.getByText('Tomás is typing…')).toBeVisible();
  await others[0]?.composer.press('Enter');
  await expect(ines.page.getByText(/typing…/)).toHaveCount(0, { timeout: 2_000 });
});

/** A cable to the server that can be pulled out: nothing comes through it any more, and neither end hears of it. */
async function cable(port: string) {
  const ends: [Socket, Socket][] = [];
  let cut = false;
  const server = createServer((near) => {
    if (cut) return void near.destroy();
    const to = connect(Number(port), '127.0.0.1');
    ends.push([near, to]);
    for (const [from, into] of [[near, to], [to, near]] as const) {
      from.on('data', (data) => void (cut || into.write(data)));
      from.on('close', () => void (cut || into.destroy()));
      from.on('error', () => undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => (cut = true),
    mend: () => {
      cut = false;
      for (const [near] of ends.splice(0)) near.destroy();
    },
    close: () => {
      server.close();
      for (const [near, to] of ends) {
        near.destroy();
        to.destroy();
      }
    },
  };
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [320, 1280]) {
    test(`what asks for attention is whole at ${width} pixels, ${colorScheme}`, async ({ hubbub, someone }) => {
      const ines = await someone('Ines', { colorScheme, viewport: { width, height: 720 } });
      const { page } = ines;
      await becomeOwner(ines, hubbub);
      const tomas = await someone('Tomás');
      await tomas.page.goto(hubbub.url.replace('localhost', '127.0.0.1'));
      await tomas.enter();
      await tomas.say('@Ines good morning');
      const look = async (where: string, not: string[] = []) => {
        await accessible(ines, where, not);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), where).toBe(true);
        if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${where.replaceAll(' ', '-')}-${width}-${colorScheme}.png`) });
      };
      await look('the room');
      const { rooms } = await ask<{ rooms: { id: string }[] }>(page, 'GET', '/api/me/rooms');
      const { people } = await ask<{ people: { id: string; name: string }[] }>(page, 'GET', '/api/people');
      await ask(page, 'POST', '/api/direct', { people: [people.find(({ name }) => name === 'Tomás')?.id] });
      await ask(page, 'POST', `/api/rooms/${rooms[0]?.id}/hooks`, { kind: 'in', name: 'Continuous integration' });
      await ask(page, 'POST', `/api/rooms/${rooms[0]?.id}/hooks`, { kind: 'out', name: 'Archive', url: 'http://127.0.0.1:9/a/rather/long/address/without/any/space', events: 'all' });
      await tomas.say('one more');
      await ask(page, 'POST', `/api/me/rooms/${rooms[0]?.id}/unread`, { seq: 1 });
      const list = page.getByRole('button', { name: /^Rooms/ });
      if (await list.isVisible()) await list.click();
      await expect(page.getByRole('link', { name: /Tomás/ })).toBeVisible();
      // On a phone the list stands in the room's place.
      const alone = width === 320 ? ['landmark-one-main', 'page-has-heading-one'] : [];
      await look('the list of rooms', alone);
      await page.getByRole('button', { name: 'Alerts', exact: true }).click();
      await look('the menu of alerts', alone);
      await page.getByRole('menuitem', { name: 'Pause alerts for an hour' }).click();
      await expect(page.getByRole('button', { name: /^Alerts, paused until/ })).toBeVisible();
      await page.getByRole('button', { name: /^Alerts, paused until/ }).click();
      await page.getByRole('menuitem', { name: 'Settings for alerts…' }).click();
      await page.getByLabel('Every day at certain hours').check();
      await expect(page.getByLabel('from', { exact: true })).toHaveValue('22:00');
      await look('the settings of alerts');
      await page.getByLabel('Every day at certain hours').scrollIntoViewIfNeeded();
      await look('the quiet hours');
      await page.getByRole('button', { name: 'Close' }).click();
      if (width === 320) await page.getByRole('button', { name: 'Back to the room' }).click();
      await page.getByRole('button', { name: /^About this room/ }).click();
      await page.getByLabel('Alert me of').scrollIntoViewIfNeeded();
      await look('the alerts of a room');
      await page.getByRole('tab', { name: 'Members' }).click();
      await expect(page.locator('[data-member="Tomás"] [data-presence]')).toBeVisible();
      await look('the members');
      await page.getByRole('tab', { name: 'Hooks' }).click();
      await expect(page.locator('[data-hook="Archive"] [data-state=failing]')).toBeVisible();
      await page.locator('[data-hook="Archive"] summary').click();
      await look('the hooks');
      await page.getByRole('button', { name: 'Tell a program what is said' }).click();
      await look('a new hook');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Close' }).click();
      await look('the room afterwards');
    });
  }
}
