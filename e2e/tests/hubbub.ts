// The real program, and people with real browsers.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, expect, type Page, test as base } from '@playwright/test';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A hubbub in a process of its own, on a port and in a folder of its own. */
export class Hubbub {
  readonly data = mkdtempSync(join(tmpdir(), 'hubbub-e2e-'));
  url = '';
  /** What the start printed: the link for the owner, and the one that lets people in. */
  links: { own?: string; join?: string } = {};
  private process?: ChildProcess;

  async start(...more: string[]): Promise<void> {
    const listen = this.url === '' ? '127.0.0.1:0' : `127.0.0.1:${new URL(this.url).port}`;
    const child = spawn(join(root, 'bin/hubbub'), ['serve', '--listen', listen, '--data', this.data, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
    });
    this.process = child;
    for await (const line of createInterface(child.stdout)) {
      const found = /^\s+(open|own|join|stop)\s+(\S+)/.exec(line);
      if (found?.[1] === 'open') this.url = found[2];
      else if (found?.[1] === 'own') this.links.own = found[2];
      else if (found?.[1] === 'join') this.links.join = found[2];
      else if (found?.[1] === 'stop') {
        child.stdout.resume();
        return;
      }
    }
    throw new Error('hubbub did not start');
  }

  /** Ends the process, by default as a crash does. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  get socket(): string {
    return this.url.replace('http', 'ws');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.data, { recursive: true });
  }
}

/** Somebody with a browser of their own. */
export class Someone {
  constructor(
    readonly name: string,
    readonly page: Page,
    readonly hubbub: Hubbub,
  ) {}

  get composer() {
    return this.page.getByRole('textbox', { name: /^Message / });
  }

  get rows() {
    return this.page.locator('article[data-id]');
  }

  text(text: string) {
    return this.rows.filter({ has: this.page.locator('[data-text]').getByText(text, { exact: true }) });
  }

  async enter(path = '/'): Promise<void> {
    await this.page.goto(this.hubbub.url + path);
    await this.page.getByLabel('Your name').fill(this.name);
    await this.page.keyboard.press('Enter');
    await expect(this.composer).toBeVisible();
    await expect(this.page.locator('[data-connection]')).toContainText('connected');
  }

  async say(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await this.composer.fill(text);
      await this.composer.press('Enter');
    }
  }

  /** What is on the screen now, in order. */
  async shown(): Promise<{ id: string; seq: number; state: string; text: string }[]> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('article[data-id]')].map((a) => ({
        id: a.dataset.id ?? '',
        seq: Number(a.dataset.seq ?? 0),
        state: a.dataset.state ?? '',
        text: a.querySelector('[data-text]')?.textContent ?? '',
      })),
    );
  }
}

/** Chooses from the menu of a message. */
export async function choose(who: Someone, text: string, item: string): Promise<void> {
  const row = who.text(text);
  await row.hover();
  await row.getByRole('button', { name: /^More about/ }).click();
  await who.page.getByRole('menuitem', { name: item }).click();
}

/** Asks the server as the person whose page it is. */
export function ask<T>(page: Page, method: string, path: string, body?: unknown): Promise<T> {
  return page.evaluate(
    async ([how, where, what]) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(where, { method: how, headers, ...(what === undefined ? {} : { body: JSON.stringify(what) }) });
      if (!response.ok) throw new Error(`${how} ${where}: ${await response.text()}`);
      return (await response.json()) as never;
    },
    [method, path, body] as const,
  );
}

/** Asks axe about the page as it is, but for advice that does not fit what is open. */
export async function accessible(who: Someone, where: string, not: string[] = []): Promise<void> {
  const problems = await who.page.evaluate(
    async ([source, ...off]) => {
      if (!('axe' in window)) (0, eval)(source);
      type Axe = { run: (options: object) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
      const { axe } = window as unknown as { axe: Axe };
      const rules = Object.fromEntries(off.map((rule) => [rule, { enabled: false }]));
      return (await axe.run({ rules })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
    },
    [axe, ...not],
  );
  expect(problems, where).toEqual([]);
}

const axe = readFileSync(join(root, 'e2e/node_modules/axe-core/axe.min.js'), 'utf8');

interface Fixtures {
  hubbub: Hubbub;
  /** A hubbub that others on the network reach too. */
  open: Hubbub;
  someone: (name: string, options?: BrowserContextOptions) => Promise<Someone>;
}

export const test = base.extend<Fixtures>({
  hubbub: async ({}, use) => {
    const hubbub = new Hubbub();
    await hubbub.start();
    await use(hubbub);
    await hubbub.remove();
  },
  open: async ({}, use) => {
    const port = await freePort();
    const hubbub = new Hubbub();
    hubbub.url = `http://localhost:${port}`;
    // A name and not an address, so that there can be passkeys without HTTPS.
    await hubbub.start('--lan', '--public-url', `http://localhost:${port}`);
    await use(hubbub);
    await hubbub.remove();
  },
  someone: async ({ browser, hubbub }, use, info) => {
    const complaints: string[] = [];
    const pages: Page[] = [];
    await use(async (name, options) => {
      const page = await newPage(browser, complaints, { ...info.project.use, ...options });
      pages.push(page);
      return new Someone(name, page, hubbub);
    });
    // Pages that stay open look for their server for as long as the browser lives, and slow down what comes after.
    for (const page of pages) await page.context().close();
    expect(complaints, 'what the browser complained about').toEqual([]);
  },
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export const password = 'violet tugboat harbour 7';
export const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** Opens one's own settings, by way of the list of rooms on a phone. */
export async function settings(page: Page, tab: string): Promise<void> {
  const rooms = page.getByRole('button', { name: /^Rooms/ });
  if (await rooms.isVisible()) await rooms.click();
  await page.getByRole('button', { name: /, settings$/ }).click();
  await page.getByRole('tab', { name: tab, exact: true }).click();
}

/** Claims a place by the link that its start printed, and keeps it with a password. */
export async function becomeOwner(owner: Someone, hubbub: Hubbub): Promise<void> {
  const { page } = owner;
  await page.goto(hubbub.links.own ?? '');
  await expect(page.getByText('This place is yours to run.')).toBeVisible();
  expect(page.url(), 'the secret left the address').not.toContain('hbi_');
  await page.getByLabel('Your name').fill(owner.name);
  await page.keyboard.press('Enter');
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Set the password' }).click();
  await expect(page.getByText('The password is set.')).toBeVisible();
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(owner.composer).toBeVisible();
}

/** A page whose errors fail the test, except those of a network that was cut. */
async function newPage(browser: Browser, complaints: string[], options: BrowserContextOptions): Promise<Page> {
  const { locale, timezoneId } = options;
  const context = await browser.newContext({ locale, timezoneId, ...options });
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    if (message.text().includes('does not support the Push API in incognito mode')) return;
    if (/net::ERR_|WebSocket connection|status of (400|401|403|409|429|502)/.test(message.text())) return;
    // The recorder of traces fetches what the page shows of its own files; the page may not.
    if (/^Connecting to 'blob:/.test(message.text())) return;
    // A room that is not there is an answer; a file of the page that is not there is a mistake.
    if (message.text().includes('status of 404') && message.location().url.includes('/api/')) return;
    complaints.push(message.text());
  });
  return page;
}

/** One line of a history, as the checker reads it. */
export type Line = { what: 'meant' | 'acked' | 'showed' | 'reload'; client: string; room: string; author?: string; id?: string; seq?: number; hash?: string };

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** Has the history checker judge what was seen. The server must have stopped. */
export function check(hubbub: Hubbub, lines: Line[]): void {
  const file = join(hubbub.data, 'history.jsonl');
  writeFileSync(file, lines.map((line) => JSON.stringify(line) + '\n').join(''));
  const run = spawnSync(join(root, 'bin/chaos'), ['check', '--data', hubbub.data, '--complete', file], { encoding: 'utf8' });
  expect(run.status, run.stdout + run.stderr).toBe(0);
}

export { expect };
