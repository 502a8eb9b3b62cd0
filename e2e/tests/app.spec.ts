// The page as an app: in another language, in another direction, installed, and without its server.
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { expect, settings, test } from './hubbub.ts';

const days = 'Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag';
const german = { locale: 'de-DE', timezoneId: 'Europe/Berlin' };
/** With the service worker, which other tests do without. */
const kept = { serviceWorkers: 'allow' } as const;

test('speaks German to who reads German: words, plurals, dates and refusals', async ({ someone }) => {
  const ines = await someone('Ines', german);
  const { page } = ines;
  await page.goto(ines.hubbub.url);
  await expect(page.locator('html')).toHaveAttribute('lang', 'de-DE');
  await page.getByRole('button', { name: 'Hereinkommen' }).click();
  await expect(page.getByRole('alert')).toHaveText('Gib bitte einen Namen ein.');
  await page.getByLabel('Dein Name').fill('Ines');
  await page.keyboard.press('Enter');
  const composer = page.getByRole('textbox', { name: 'Nachricht an #lobby' });
  await composer.fill('Guten Morgen');
  await composer.press('Enter');
  await expect(page.getByText('Heute', { exact: true })).toBeVisible();
  const said = page.locator('article[data-state="sent"] time').first();
  await expect(said).toHaveAttribute('title', new RegExp(`^(${days}), \\d+\\. [A-Z]\\S+ 20\\d\\d`));
  await expect(page.getByRole('button', { name: 'Über diesen Raum, 1 Person', exact: true })).toBeVisible();

  const tomas = await someone('Tomás');
  await tomas.enter();
  await page.getByRole('button', { name: /^Über diesen Raum/ }).click();
  await page.getByRole('tab', { name: 'Mitglieder' }).click();
  await expect(page.getByRole('status').getByText('2 Personen')).toBeVisible();
  await page.getByRole('button', { name: 'Schließen' }).click();

  // The refusals of the server are English sentences; the page has German ones for their codes.
  await page.getByRole('button', { name: /, Einstellungen$/ }).click();
  await page.getByLabel('Dein Name').fill('Tomás');
  await page.getByRole('button', { name: 'Speichern' }).click();
  await expect(page.getByText('So heißt schon jemand, oder der Name ist nicht frei.')).toBeVisible();

  const shares = page.getByRole('checkbox', { name: /^Anderen zeigen, was ich gelesen habe/ });
  await expect(shares).toBeChecked();
  await shares.uncheck();
  await expect(shares).not.toBeChecked();

  // Another language is there at once, and stays.
  await page.getByLabel('Sprache').selectOption({ label: 'English' });
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(ines.composer).toHaveAttribute('placeholder', 'Write to #lobby');
  await expect(said).toHaveAttribute('title', /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, November|day, [A-Z]/);
  await page.reload();
  await expect(page.getByRole('textbox', { name: 'Message #lobby' })).toBeVisible();
  await settings(page, 'Profile');
  await expect(page.getByRole('checkbox', { name: /^Show others what I have read/ })).not.toBeChecked();
});

for (const width of [320, 1280]) {
  test(`from right to left nothing sticks out at ${width} pixels`, async ({ someone }) => {
    const layla = await someone('ليلى', { viewport: { width, height: 720 } });
    const { page } = layla;
    await layla.enter();
    await layla.say('مرحبا بالجميع', 'هذا نص طويل بما يكفي ليملأ أكثر من سطر واحد في الشاشات الصغيرة، مع كلمة English بداخله.', '**مهم** `code` https://example.com/a/rather/long/address/that/has/no/spaces/at/all');
    await page.evaluate(() => (document.documentElement.dir = 'rtl'));
    await within(page, 'the room');
    if (width === 320) {
      await page.getByRole('button', { name: /^Rooms/ }).click();
      await within(page, 'the list of rooms');
      await page.goBack();
    }
    await page.getByRole('button', { name: /^About this room/ }).click();
    for (const tab of ['About', 'Members']) {
      await page.getByRole('tab', { name: tab }).click();
      await within(page, tab);
    }
    await page.getByRole('button', { name: 'Close' }).click();
    await settings(page, 'Profile');
    await within(page, 'the settings');
  });
}

test('light and dark are a choice, which stays', async ({ someone }) => {
  const ines = await someone('Ines', { colorScheme: 'light' });
  const { page } = ines;
  await ines.enter();
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await paper()).toBe('rgb(252, 250, 246)');
  await settings(page, 'Profile');
  await page.getByLabel('Theme').selectOption('Dark');
  expect(await paper()).toBe('rgb(24, 22, 19)');
  await page.reload();
  await expect(ines.composer).toBeVisible();
  expect(await paper()).toBe('rgb(24, 22, 19)');
});

test('can be installed', async ({ someone }) => {
  const ines = await someone('Ines', kept);
  const { page } = ines;
  await ines.enter();
  const found = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=manifest]');
    const answer = await fetch(link?.href ?? '');
    const manifest = await answer.json();
    const icons = await Promise.all(
      manifest.icons.map(async (icon: { src: string }) => {
        const image = new Image();
        image.src = icon.src;
        await image.decode();
        return { ...icon, found: `${image.naturalWidth}x${image.naturalHeight}` };
      }),
    );
    return { type: answer.headers.get('content-type'), manifest, icons };
  });
  expect(found.type).toBe('application/manifest+json');
  expect(found.manifest).toMatchObject({ name: 'hubbub', start_url: '/', display: 'standalone' });
  for (const icon of found.icons.filter(({ sizes }) => sizes !== 'any')) expect(icon.found, icon.src).toBe(icon.sizes);
  const raster = found.icons.map(({ sizes, purpose = 'any' }) => `${sizes} ${purpose}`);
  expect(raster).toEqual(expect.arrayContaining(['192x192 any', '512x512 any', '512x512 maskable']));
  await installed(page);
  // Chromium's own opinion; that nothing was installed by a person yet is none of ours.
  const session = await page.context().newCDPSession(page);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  const ours = installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito');
  expect(ours).toEqual([]);
});

test('opens without its server to what was there last, and what is written then goes out once', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', kept);
  const tomas = await someone('Tomás');
  const { page } = ines;
  await ines.enter('/r/kitchen');
  await tomas.enter('/r/kitchen');
  await tomas.say('soup is ready');
  await expect(ines.text('soup is ready')).toBeVisible();
  await holds(page, 'soup is ready');
  await ines.page.goto(`${hubbub.url}/r/music`);
  await expect(ines.composer).toBeVisible();
  await ines.say('la la la');
  await expect(ines.text('la la la')).toHaveAttribute('data-state', 'sent');
  await installed(page);
  await holds(page, 'la la la', 'soup is ready');

  await hubbub.stop();
  await page.reload();
  await expect(ines.text('la la la')).toBeVisible();
  await expect(page.locator('[data-banner]')).toContainText('No connection.');
  await page.getByRole('link', { name: 'kitchen' }).click();
  await expect(ines.text('soup is ready')).toBeVisible();
  await ines.say('is there any left?');
  await expect(ines.text('is there any left?')).toHaveAttribute('data-state', 'pending');
  // Once more, as if the app was closed and opened.
  await page.goto(`${hubbub.url}/wire/tour-3`);
  await expect(page.getByRole('heading', { name: 'Proof that it understood' })).toBeVisible();
  await page.goto('about:blank');
  await page.goto(`${hubbub.url}/r/kitchen`);
  await expect(ines.text('is there any left?')).toHaveAttribute('data-state', 'pending');

  await hubbub.start();
  await expect(ines.text('is there any left?')).toHaveAttribute('data-state', 'sent', { timeout: 40_000 });
  await expect(tomas.text('is there any left?')).toBeVisible({ timeout: 40_000 });
  for (const who of [ines, tomas]) {
    const texts = (await who.shown()).map(({ text }) => text);
    expect(texts).toEqual(['soup is ready', 'is there any left?']);
  }
});

test('a room one was removed from is not kept', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', kept);
  const { page } = ines;
  await ines.enter('/r/kitchen');
  await ines.say('a secret of the kitchen');
  await holds(page, 'a secret of the kitchen');
  await page.getByRole('button', { name: /^About this room/ }).click();
  await page.getByRole('button', { name: 'Leave this room' }).click();
  await page.getByRole('button', { name: 'Leave', exact: true }).click();
  await expect(page.getByText('You left #kitchen')).toBeVisible();
  await expect.poll(() => everything(page)).not.toContain('a secret of the kitchen');
  await installed(page);
  await hubbub.stop();
  await page.reload();
  await expect(page.getByText('The server cannot be reached.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'kitchen' })).toHaveCount(0);
});

test('says that a new version is there, and goes over to it', async ({ hubbub, someone }) => {
  let version = '';
  const passes = createServer((from, to) => {
    const headers = { ...from.headers, 'accept-encoding': 'identity' };
    const out = request(hubbub.url + from.url, { method: from.method, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () => {
        let body = Buffer.concat(parts);
        if (from.url === '/sw.js' && version !== '') body = Buffer.from(String(body).replace(/(version\\":\\")\w+/, `$1${version}`));
        const { etag, 'content-length': _, ...rest } = answer.headers;
        to.writeHead(answer.statusCode ?? 500, { ...rest, 'content-length': body.length });
        to.end(from.method === 'HEAD' ? undefined : body);
      });
    });
    out.on('error', () => to.destroy());
    from.pipe(out);
  });
  await new Promise<void>((resolve) => passes.listen(0, '127.0.0.1', resolve));
  const ines = await someone('Ines', kept);
  const { page } = ines;
  await page.goto(`http://127.0.0.1:${(passes.address() as AddressInfo).port}/`);
  await expect(page.getByLabel('Your name')).toBeVisible();
  await installed(page);
  await page.getByLabel('Your name').fill('Ines');

  version = 'a0a0a0a0a0a0';
  await page.evaluate(async () => void (await (await navigator.serviceWorker.getRegistration())?.update()));
  await expect(page.getByText('A new version is there.')).toBeVisible();
  // Nothing is taken from under the hands of who is typing.
  await expect(page.getByLabel('Your name')).toHaveValue('Ines');
  await page.getByRole('button', { name: 'Reload' }).click();
  await expect(page.getByLabel('Your name')).toHaveValue('');
  await expect(page.getByText('A new version is there.')).toBeHidden();
  await expect.poll(() => cacheNames(page)).toEqual([`hubbub-${version}`]);

  // Who reloads the only page gets the newest without being asked.
  version = 'b1b1b1b1b1b1';
  await page.evaluate(async () => void (await (await navigator.serviceWorker.getRegistration())?.update()));
  await expect(page.getByText('A new version is there.')).toBeVisible();
  await page.reload();
  await expect.poll(() => cacheNames(page)).toEqual([`hubbub-${version}`]);
  passes.close();
  passes.closeAllConnections();
});

test('leaves nothing behind when somebody signs out', async ({ someone }) => {
  const ines = await someone('Ines', { ...german, ...kept });
  const { page } = ines;
  await page.goto(ines.hubbub.url);
  await page.getByLabel('Dein Name').fill('Ines');
  await page.keyboard.press('Enter');
  const composer = page.getByRole('textbox', { name: /^Nachricht an / });
  await composer.fill('nur für uns');
  await composer.press('Enter');
  await composer.fill('noch nicht fertig');
  await installed(page);
  await holds(page, 'nur für uns');
  await page.getByRole('button', { name: /, Einstellungen$/ }).click();
  await page.getByLabel('Aussehen').selectOption('Dunkel');
  await page.getByRole('tab', { name: 'Geräte' }).click();
  await page.getByRole('button', { name: 'Hier abmelden' }).click();
  await expect(page.getByLabel('Dein Name')).toBeVisible();
  expect(await page.evaluate(() => ({ ...localStorage }))).toEqual({});
  expect(await page.evaluate(() => ({ ...sessionStorage }))).toEqual({});
  expect(await everything(page)).toBe('[]');
  const cached = await page.evaluate(async () => {
    const names = await caches.keys();
    const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return all.flat().map(({ url }) => new URL(url).pathname);
  });
  expect(cached.filter((path) => !/^\/(assets\/|icons\/|$|favicon\.svg|manifest\.webmanifest)/.test(path))).toEqual([]);
});

/** The caches of the page, which may be just reloading. */
function cacheNames(page: Page): Promise<string[]> {
  return page.evaluate(() => window.caches.keys()).catch(() => []);
}

/** Waits until the page is kept by its service worker. */
async function installed(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe('activated');
}

/** All that the databases of the page hold. */
function everything(page: Page, only?: string): Promise<string> {
  return page.evaluate(async (only) => {
    const values: unknown[] = [];
    for (const { name = '' } of await indexedDB.databases()) {
      if (only && name !== only) continue;
      const db = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = reject;
      });
      for (const store of db.objectStoreNames) {
        const all = db.transaction(store).objectStore(store).getAll();
        values.push(...(await new Promise<unknown[]>((resolve) => (all.onsuccess = () => resolve(all.result)))));
      }
      db.close();
    }
    return JSON.stringify(values);
  }, only);
}

/** What was there last holds this, not only what waits to be sent. */
async function holds(page: Page, ...texts: string[]): Promise<void> {
  for (const text of texts) await expect.poll(() => everything(page, 'hubbub.last')).toContain(text);
}

/** Nothing that can be seen is beside the window, unless it lies in something that scrolls. */
async function within(page: Page, where: string): Promise<void> {
  const outside = await page.evaluate(() => {
    const scrolls = (element: Element | null): boolean =>
      !!element && (/auto|scroll|hidden/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const found = [...document.querySelectorAll('body *')].filter((element) => {
      const { left, right, width, height } = element.getBoundingClientRect();
      if (width < 2 || height < 2 || element.closest('.unseen')) return false;
      if (!(element as HTMLElement).checkVisibility({ visibilityProperty: true })) return false;
      return (left < -1 || right > innerWidth + 1) && !scrolls(element.parentElement?.closest('body *') ?? null);
    });
    const wide = document.documentElement.scrollWidth > innerWidth ? ['the page itself'] : [];
    return [...wide, ...found.map((element) => element.outerHTML.slice(0, 120))];
  });
  expect(outside, where).toEqual([]);
}
