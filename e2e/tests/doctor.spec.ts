// The page that looks at the way to its server: straight, through nginx as it comes, and when nobody answers.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { accessible, expect, Hubbub, Someone, test } from './hubbub.ts';

const nginx = ['/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path));

/** nginx with nothing but an address to pass things on to, and some lines more. */
class Nginx {
  readonly folder = mkdtempSync(join(tmpdir(), 'hubbub-nginx-'));
  private process?: ChildProcess;

  constructor(
    readonly port: number,
    readonly upstream: string,
  ) {}

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  async start(lines = ''): Promise<void> {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${this.folder}/${name};`);
    writeFileSync(
      join(this.folder, 'config'),
      `daemon off; master_process off; pid ${this.folder}/pid; events { }
       http { access_log off; ${temporary.join(' ')}
         server { listen 127.0.0.1:${this.port}; location / { proxy_pass ${this.upstream};\n${lines}\n} } }`,
    );
    this.process = spawn(nginx ?? '', ['-p', this.folder, '-c', join(this.folder, 'config'), '-e', join(this.folder, 'log')], { stdio: 'inherit' });
    await expect.poll(() => this.answers()).toBe(true);
  }

  private answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
  }

  async stop(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** What came of each check. */
const states = (page: Page) => page.locator('[data-check]').evaluateAll((all) => Object.fromEntries(all.map((e) => [e.getAttribute('data-check'), e.getAttribute('data-state')])));
const check = (page: Page, id: string) => page.locator(`[data-check=${id}]`);

/** Opens the doctor with a clock that can be put forward. */
async function open(page: Page, url: string): Promise<void> {
  await page.clock.install();
  await page.goto(`${url}/doctor`);
}

for (const [look, options] of Object.entries({
  'at 320 px, in the dark, in German': { locale: 'de-DE', viewport: { width: 320, height: 640 }, colorScheme: 'dark' as const },
  'on a large screen': { viewport: { width: 1280, height: 800 }, colorScheme: 'light' as const },
})) {
  test(`doctor: all is well without a proxy, for somebody who is not signed in, ${look}`, async ({ hubbub, someone }) => {
    const german = 'locale' in options;
    const who = await someone('Ines', options);
    const { page } = who;
    await open(page, hubbub.url);
    const silent = page.getByText(german ? /^Ein stiller Socket wird beobachtet: \d+ von 70 Sekunden/ : /^A silent socket is watched: \d+ of 70 seconds/);
    await expect(silent).toBeVisible();
    await expect(page.getByRole('progressbar')).toBeVisible();
    await accessible(who, 'while it runs');
    expect((await states(page)).idle).toBe('running');
    await page.clock.fastForward(75_000);
    await expect(page.getByRole('status').filter({ hasText: german ? 'Alles ist in Ordnung.' : 'All is well.' })).toBeVisible();
    expect(new Set(Object.values(await states(page)))).toEqual(new Set(['ok']));
    expect(Object.keys(await states(page))).toHaveLength(13);
    await expect(check(page, 'idle')).toContainText(german ? 'lebte 70 Sekunden, bis zum Ende' : 'lived 70 seconds, to the end');
    await expect(page).toHaveTitle(german ? /^Funktioniert der Weg/ : /^Does the way to hubbub work/);
    await expect(page.locator('html')).toHaveAttribute('lang', german ? 'de-DE' : 'en-GB');
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is cut off').toBe(true);
    await accessible(who, 'when it is done');
    // By the keyboard: to the mark, to the button, and once more.
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link').first()).toBeFocused();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(silent).toBeVisible();
    await expect(page.getByRole('button', { name: german ? 'Den Rest auslassen' : 'Leave out the rest' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('button', { name: german ? 'Noch einmal prüfen' : 'Test again' })).toBeFocused();
    await expect(check(page, 'idle')).toHaveAttribute('data-state', 'untested');
    await expect(check(page, 'idle')).toContainText(german ? 'Ausgelassen' : 'Left out');
    await page.getByRole('link', { name: german ? 'Zum Chat' : 'To the chat' }).last().click();
    await expect(page.getByLabel(german ? 'Dein Name' : 'Your name')).toBeVisible();
  });
}

test('doctor: nginx as it comes is found wrong, and right with the lines that are shown', async ({ someone }) => {
  if (process.env.HUBBUB_TEST_NEEDS === '1') expect(nginx, 'e2e/needs installs it').toBeTruthy();
  test.skip(!nginx, 'nginx is not installed');
  const port = await freePort();
  const hubbub = new Hubbub();
  await hubbub.start('--public-url', `http://localhost:${port}`, '--trusted-proxies', '127.0.0.1');
  const proxy = new Nginx(port, hubbub.url.replace('localhost', '127.0.0.1'));
  try {
    const ines = await someone('Ines', { viewport: { width: 320, height: 640 } });
    const { page } = ines;
    await proxy.start();
    await open(page, proxy.url);
    await expect(page.getByRole('status').filter({ hasText: /\d faults were found/ })).toBeVisible();
    expect(await states(page)).toMatchObject({
      reach: 'ok', http: 'fault', host: 'fault', origin: 'untested', forwarded: 'fault', upgrade: 'fault', socket: 'untested', buffering: 'fault', clock: 'ok', idle: 'untested',
    });
    await expect(check(page, 'host')).toContainText(`localhost:${port} was sent, 127.0.0.1:`);
    await expect(check(page, 'upgrade')).toContainText('Upgrade, Connection did not arrive (Connection arrived as: close)');
    expect(await check(page, 'upgrade').locator('[data-remedy]').count()).toBe(5);
    await page.getByLabel('Show the lines for').selectOption('nginx');
    await expect(check(page, 'upgrade').locator('[data-remedy]')).toHaveCount(1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing is cut off').toBe(true);
    await accessible(ines, 'with faults');
    await page.emulateMedia({ colorScheme: 'dark' });
    await accessible(ines, 'with faults, in the dark');
    const copy = check(page, 'upgrade').getByRole('button', { name: 'Copy: nginx, in location / { }' });
    await copy.focus();
    await page.keyboard.press('Enter');
    await expect(check(page, 'upgrade').getByRole('status')).toHaveText('Copied');
    const lines = await page.locator('[data-remedy=nginx] pre').allTextContents();
    expect(lines.join('\n')).toContain('proxy_buffering off;');
    await proxy.stop();
    await proxy.start([...new Set(lines.join('\n').split('\n'))].join('\n'));
    await page.getByRole('button', { name: 'Test again' }).click();
    await expect(page.getByText(/^A silent socket is watched/)).toBeVisible();
    await page.clock.fastForward(75_000);
    await expect(page.getByRole('status').filter({ hasText: 'All is well.' })).toBeVisible();
    // A proxy that cuts silent sockets, which one sees by waiting.
    await proxy.stop();
    await proxy.start([...new Set(lines.join('\n').split('\n'))].join('\n') + '\nproxy_read_timeout 3s;');
    await page.getByRole('button', { name: 'Test again' }).click();
    await expect(check(page, 'idle')).toHaveAttribute('data-state', 'fault');
    await expect(check(page, 'idle')).toContainText('hubbub is silent for up to 25 seconds');
    await expect(check(page, 'idle').locator('[data-remedy=nginx] pre')).toContainText('proxy_read_timeout 1h;');
    // Nothing behind it.
    await hubbub.stop();
    await page.getByRole('button', { name: 'Test again' }).click();
    await expect(check(page, 'reach')).toContainText('A proxy answers with 502');
  } finally {
    await proxy.remove();
    await hubbub.remove();
  }
});

test('doctor: nobody answers, or the device is offline', async ({ hubbub, someone }) => {
  const { page } = (await someone('Ines')) as Someone;
  await open(page, hubbub.url);
  await expect(page.getByText(/^A silent socket is watched/)).toBeVisible();
  await page.context().setOffline(true);
  await page.getByRole('button', { name: 'Leave out the rest' }).click();
  await page.getByRole('button', { name: 'Test again' }).click();
  await expect(page.getByRole('alert')).toHaveText('This device is offline. Test again when it is not.');
  await expect(check(page, 'reach')).toHaveAttribute('data-state', 'fault');
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Test again' }).click();
  await expect(page.getByText(/^A silent socket is watched/)).toBeVisible();
  await expect(page.getByRole('alert')).toBeHidden();
  // The server ends while the silent socket is watched, and stays away.
  await hubbub.stop();
  await expect(check(page, 'idle')).toHaveAttribute('data-state', 'fault');
  await page.getByRole('button', { name: 'Test again' }).click();
  await expect(check(page, 'reach')).toContainText('Nothing answers at localhost');
  await expect(check(page, 'idle')).toContainText('Not before a hubbub answers');
  expect(Object.values(await states(page)).filter((state) => state === 'untested')).toHaveLength(12);
});
