// Records docs/pictures/breaking.gif, two windows of which one has a connection that is broken on purpose: make pictures.
// It takes ImageMagick (Debian: imagemagick) to put the pictures together; without it nothing is recorded.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const convert = ['convert', '/usr/bin/convert', 'magick'].find((name) => /ImageMagick/.test(spawnSync(name, ['-version'], { encoding: 'utf8' }).stdout ?? ''));
if (!convert) {
  console.log('no recording: there is no ImageMagick (Debian: imagemagick)');
  process.exit(0);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hubbub-recording-'));
mkdirSync(join(folder, 'data'));
const server = spawn(join(root, 'bin/hubbub'), ['serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'data')], { stdio: ['ignore', 'pipe', 'inherit'] });
let url = '';
for await (const line of createInterface(server.stdout)) {
  const [, what, link] = /^\s+(open|stop)\s+(\S+)/.exec(line) ?? [];
  if (what === 'open') url = link;
  if (what === 'stop') break;
}
server.stdout.resume();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });

/** Both windows, next to each other. */
let count = 0;
async function picture(windows) {
  const names = [];
  for (const [n, window] of windows.entries()) {
    names.push(join(folder, `${String(count).padStart(3, '0')}-${n}.png`));
    await window.screenshot({ path: names[n] });
  }
  const both = join(folder, `frame-${String(count++).padStart(3, '0')}.png`);
  spawnSync(convert, [names[0], '-bordercolor', '#cfc7b8', '-border', '1', '(', names[1], '-border', '1', ')', '+append', '+repage', '-resize', '1000x', both]);
}

try {
  const context = await browser.newContext({ locale: 'en-GB', serviceWorkers: 'block', viewport: { width: 620, height: 640 }, colorScheme: 'light', reducedMotion: 'reduce' });
  const first = await context.newPage();
  await first.goto(url);
  await first.getByLabel('Your name').fill('Ines');
  await first.keyboard.press('Enter');
  await first.getByRole('textbox', { name: /^Message / }).waitFor();
  const second = await context.newPage();
  for (const window of [first, second]) {
    await window.goto(`${url}/r/lobby?wire=break`);
    await window.locator('[data-figure="lost"]', { hasText: '0' }).waitFor();
  }
  await first.getByLabel('Seed').fill('4711');
  await first.getByLabel('Seed').press('Tab');
  const windows = [first, second];
  const counter = (window) => window.locator('[data-counter]').evaluate((part) => part.scrollIntoView());
  await counter(second);
  await picture(windows);
  await first.getByRole('switch').click();
  await first.locator('[data-broken]').waitFor();
  await picture(windows);
  const say = async (window, text) => {
    const composer = window.getByRole('textbox', { name: /^Message / });
    await composer.fill(text);
    await composer.press('Enter');
  };
  for (let n = 1; n <= 12; n++) {
    await say(first, `over a bad line, ${n}`);
    if (n % 3 === 0) await say(second, `over a sound one, ${n / 3}`);
    if (n === 4) await counter(first);
    await picture(windows);
  }
  for (let n = 0; n < 12; n++) {
    await first.waitForTimeout(400); // so that something moves from picture to picture
    await picture(windows);
  }
  await first.locator('[data-broken] button').click();
  for (const window of windows) await window.locator('[data-figure="waiting"]', { hasText: /^0$/ }).waitFor({ timeout: 60_000 });
  for (let n = 0; n < 4; n++) await picture(windows);
  const to = join(root, 'docs/pictures/breaking.gif');
  spawnSync(convert, ['-delay', '45', '-loop', '0', join(folder, 'frame-*.png'), '-dither', 'None', '-colors', '64', '-layers', 'Optimize', to], { stdio: 'inherit' });
} finally {
  await browser.close();
  server.kill();
  rmSync(folder, { recursive: true });
}
