// Takes the picture of the README: node e2e/screenshot.mjs, after `make build`.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const root = fileURLToPath(new URL('..', import.meta.url));
const data = mkdtempSync(join(tmpdir(), 'hubbub-picture-'));
const server = spawn(join(root, 'bin/hubbub'), ['--listen', '127.0.0.1:0', '--data', data], { stdio: ['ignore', 'pipe', 'inherit'] });
let url = '';
for await (const line of createInterface(server.stdout)) {
  url = /open\s+(http:\S+)/.exec(line)?.[1] ?? '';
  if (url) break;
}
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });

async function enter(name, path, options) {
  const page = await (await browser.newContext({ locale: 'en-GB', ...options })).newPage();
  await page.goto(url + path);
  await page.getByLabel('Your name').fill(name);
  await page.keyboard.press('Enter');
  const composer = page.getByRole('textbox', { name: /^Message #/ });
  await composer.waitFor();
  return {
    page,
    say: async (text) => {
      await composer.fill(text);
      await composer.press('Enter');
      await page.getByText(text, { exact: true }).last().waitFor();
    },
  };
}

const ines = await enter('Ines', '/r/music');
await ines.page.goto(url + '/r/kitchen-build');
const tomas = await enter('Tomás', '/r/kitchen-build');
const yuki = await enter('Yuki', '/r/kitchen-build');
const mara = await enter('Mara', '/r/music', { viewport: { width: 1180, height: 720 }, deviceScaleFactor: 2 });
await mara.page.goto(url + '/r/kitchen-build');
await ines.page.getByRole('textbox', { name: 'Message #kitchen-build' }).waitFor();
await ines.say('The oven arrived. I measured twice: it fits with 4 mm to spare 🎉');
await ines.say('Photo comes when I have light again.');
await tomas.say('Great! Shall I bring the silicone tomorrow, or is there some left under the sink?');
await yuki.say('シリコンはまだあります。明日の朝、行きますね。');
await mara.say('Then only bread is missing. I am on the 9:14 train.');
await ines.page.goto(url + '/r/music');
await ines.page.getByRole('textbox', { name: 'Message #music' }).waitFor();
await ines.say('New record, Saturday?');
await mara.page.locator('[data-room="music"]', { hasText: '1' }).first().waitFor();
await tomas.page.getByRole('textbox', { name: /^Message #/ }).pressSequentially('Br', { delay: 30 });
await mara.page.getByText('Tomás is typing').waitFor();
await mara.page.screenshot({ path: join(root, 'docs/desktop.png') });
await browser.close();
server.kill();
server.once('exit', () => rmSync(data, { recursive: true }));
