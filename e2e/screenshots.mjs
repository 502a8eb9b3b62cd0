// Takes the pictures in docs/pictures, of every screen in both themes: make pictures.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const root = fileURLToPath(new URL('..', import.meta.url));
const to = join(root, 'docs/pictures');
mkdirSync(to, { recursive: true });
const data = mkdtempSync(join(tmpdir(), 'hubbub-picture-'));
const flags = ['serve', '--lan', '--listen', '127.0.0.1:3417', '--public-url', 'http://localhost:3417', '--data', data];
const server = spawn(join(root, 'bin/hubbub'), flags, { stdio: ['ignore', 'pipe', 'inherit'] });
const links = {};
for await (const line of createInterface(server.stdout)) {
  const [, what, link] = /^\s+(open|own|join|stop)\s+(\S+)/.exec(line) ?? [];
  links[what] = link;
  if (what === 'stop') break;
}
server.stdout.resume();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const desktop = { viewport: { width: 1180, height: 720 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

async function open(link, options = desktop) {
  const page = await (await browser.newContext({ locale: 'en-GB', serviceWorkers: 'block', ...options })).newPage();
  await page.goto(link);
  return page;
}

async function enter(name, link, options) {
  const page = await open(link, options);
  await page.getByLabel('Your name').fill(name);
  await page.keyboard.press('Enter');
  const composer = page.getByRole('textbox', { name: /^Message / });
  return {
    page,
    composer,
    row: (text) => page.locator('main article').filter({ hasText: text }).first(),
    go: async (room) => {
      await page.goto(`${links.open}/r/${room}`);
      await page.getByRole('textbox', { name: `Message #${room}` }).waitFor();
    },
    say: async (text) => {
      await composer.fill(text);
      await composer.press('Enter');
      await page.locator('main article').last().and(page.locator('[data-state="sent"]')).waitFor();
    },
    ask: (method, path, body) =>
      page.evaluate(
        async ([how, where, what]) =>
          (await fetch(where, { method: how, headers: { 'content-type': 'application/json' }, body: what && JSON.stringify(what) })).json(),
        [method, path, body],
      ),
  };
}

/** One screen in both themes, or a part of it. */
async function take(page, name, part) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50))));
    const path = join(to, `${name}-${colorScheme}.png`);
    await (part ? page.locator(part) : page).screenshot({ path });
  }
}

async function react(who, text, emoji) {
  await who.row(text).hover();
  await who.row(text).getByRole('button', { name: /^React to/ }).click();
  await who.page.getByRole('dialog').getByRole('searchbox').fill(emoji);
  await who.page.keyboard.press('Enter');
  await who.row(text).locator('[data-reaction]').first().waitFor();
  await who.page.keyboard.press('Escape');
}

try {
  const gate = await open(links.open);
  await gate.getByText('You need an invitation').waitFor();
  await take(gate, 'gate');

  const mara = await enter('Mara', links.own);
  await mara.page.getByLabel('New password').fill('violet tugboat harbour 7');
  await mara.page.getByRole('button', { name: 'Set the password' }).click();
  await mara.page.getByText('The password is set.').waitFor();
  await mara.page.getByRole('button', { name: 'Close' }).click();
  await mara.go('empty');
  await take(mara.page, 'empty-room');

  const ines = await enter('Ines', links.join);
  const tomas = await enter('Tomás', links.join);
  const yuki = await enter('Yuki', links.join);
  for (const who of [mara, ines, tomas, yuki]) {
    await who.composer.waitFor();
    await who.go('music');
    await who.go('kitchen-build');
  }
  await ines.say('The oven arrived. I measured twice: it fits with **4 mm** to spare 🎉');
  await ines.say('Photo comes when I have light again.');
  await react(mara, 'The oven arrived', 'tada');
  await react(tomas, 'The oven arrived', 'tada');
  await react(yuki, 'The oven arrived', 'eyes');
  await tomas.row('The oven arrived').hover();
  await tomas.row('The oven arrived').getByRole('button', { name: /^Reply to/ }).click();
  await tomas.say('Great. Here is the little script for the sensor, @Mara:\n\n```go\nfor line := range readings {\n\tpost("kitchen-build", line) // one message each\n}\n```');
  await yuki.say('シリコンはまだあります。明日の朝、行きますね。');
  await mara.say('Then only bread is missing. And thank you for `readings`, it just works.');
  await ines.row('Photo comes').hover();
  await ines.row('Photo comes').getByRole('button', { name: 'Reply in a thread' }).click();
  for (const [who, text] of [[ines, 'The fuse is out on that side.'], [yuki, 'I have a lamp, shall I bring it?'], [ines, 'Yes please!']]) {
    if (who !== ines) await who.page.locator('[data-thread]').first().click();
    const field = who.page.getByRole('textbox', { name: 'Reply in the thread' });
    await field.fill(text);
    await field.press('Enter');
    await who.page.locator('[data-thread-panel] article[data-state="sent"]').filter({ hasText: text }).waitFor();
  }
  await ines.go('music');
  await ines.say('New record, Saturday?');
  await mara.page.locator('[data-room="music"].unread').first().waitFor();
  await tomas.composer.pressSequentially('Br', { delay: 30 });
  await mara.page.getByText('Tomás is typing').waitFor();
  await take(mara.page, 'room');
  await mara.page.locator('[data-thread]').first().click();
  await mara.page.locator('[data-thread-panel] article').nth(3).waitFor();
  await mara.page.setViewportSize({ width: 1280, height: 720 });
  await take(mara.page, 'thread');
  await mara.page.goBack();
  await mara.page.setViewportSize(desktop.viewport);

  // What passed on the wire, of a message that was just said.
  await mara.page.setViewportSize({ width: 1280, height: 860 });
  await mara.page.keyboard.press('Control+Shift+Y');
  const passed = (kind) => mara.page.locator('[data-frames] [role=option]').filter({ has: mara.page.locator('.kind').getByText(kind, { exact: true }) });
  await passed('opened').first().waitFor();
  await mara.say('And everybody can see how it travels.');
  await passed('sent').first().waitFor();
  await take(mara.page, 'wire');
  await passed('send').first().click();
  await mara.page.getByRole('heading', { name: /^send/ }).waitFor();
  await take(mara.page, 'wire-frame');
  await mara.page.keyboard.press('Escape');
  await passed('handshake').first().click();
  await take(mara.page, 'wire-handshake');
  await mara.page.keyboard.press('Control+Shift+Y');
  await mara.page.setViewportSize(desktop.viewport);

  const row = mara.row('The oven arrived');
  await row.hover();
  await row.getByRole('button', { name: /^More about/ }).click();
  await take(mara.page, 'message-menu');
  await mara.page.getByRole('menuitem', { name: 'Pin' }).click();
  await mara.row('pinned').waitFor();
  await mara.page.keyboard.press('Control+k');
  await mara.page.getByRole('combobox').fill('m');
  await take(mara.page, 'switcher');
  await mara.page.keyboard.press('Escape');
  await mara.page.keyboard.press('Control+Shift+F');
  await mara.page.getByRole('textbox', { name: 'Search messages' }).waitFor();
  await take(mara.page, 'search-help');
  await mara.page.keyboard.type('the -fuse');
  await mara.page.getByText(/^\d messages$/).waitFor();
  await mara.page.locator('main mark').first().waitFor();
  await take(mara.page, 'search');
  await mara.page.keyboard.press('Escape');
  await mara.composer.waitFor();

  const panel = async (who, tab) => {
    await who.page.getByRole('button', { name: /^About this room/ }).click();
    await who.page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
    await who.page.waitForFunction(() => !document.body.textContent.includes('Loading…'));
  };
  // A hook that wrote something, and one that leads nowhere.
  const { rooms } = await mara.ask('GET', '/api/me/rooms');
  const hooks = `/api/rooms/${rooms.find((one) => one.name === 'kitchen-build').id}/hooks`;
  const { url } = await mara.ask('POST', hooks, { kind: 'in', name: 'CI' });
  await mara.ask('POST', hooks, { kind: 'out', name: 'Relay', url: 'https://relay.example.org/chat' });
  await mara.ask('POST', new URL(url).pathname, { text: '*Build 7*: all green' }).catch(() => {}); // it answers in plain text
  for (const tab of ['About', 'Pinned', 'Members', 'Settings', 'Moderation', 'Hooks', 'Changes']) {
    await panel(mara, tab);
    await take(mara.page, `room-${tab.toLowerCase()}`, 'dialog');
    await mara.page.getByRole('button', { name: 'Close' }).click();
  }
  await mara.page.getByRole('button', { name: /, settings$/ }).click();
  await mara.page.getByRole('tab').first().waitFor();
  for (const tab of await mara.page.getByRole('tab').allInnerTexts()) {
    await mara.page.getByRole('tab', { name: tab, exact: true }).click();
    await mara.page.waitForFunction(() => !document.body.textContent.includes('Loading…'));
    await take(mara.page, `settings-${tab.toLowerCase().replaceAll(/\W+/g, '-')}`, 'dialog');
  }
  await mara.page.keyboard.press('Escape');

  // A private room with what was done in it, and one in which guests wait.
  const { people } = await mara.ask('GET', '/api/people');
  const id = (name) => people.find((one) => one.name === name).id;
  const { room } = await mara.ask('POST', '/api/rooms', { name: 'Moving house', kind: 'private', topic: 'Boxes, vans, keys', people: [id('Tomás')] });
  await mara.ask('PUT', `/api/rooms/${room.id}/moderators/${id('Tomás')}`);
  await mara.ask('PUT', `/api/rooms/${room.id}/members/${id('Yuki')}`);
  await mara.ask('PATCH', `/api/rooms/${room.id}`, { slow: 30 });
  await mara.ask('PUT', `/api/rooms/${room.id}/mutes/${id('Yuki')}`, { for: 3600, reason: 'sleep well' });
  await mara.page.goto(`${links.open}/p/${room.id}`);
  await mara.page.locator('[data-notice]').filter({ hasText: 'sleep well' }).waitFor();
  await take(mara.page, 'system-lines');
  const waiting = await mara.ask('POST', '/api/rooms', { name: 'workshop' });
  await mara.ask('PATCH', `/api/rooms/${waiting.room.id}`, { guests_wait: true });
  await ines.page.goto(`${links.open}/r/workshop`);
  await ines.page.getByRole('heading', { name: 'You are waiting to be let in' }).waitFor();
  await take(ines.page, 'waiting');

  // Files: one that waits to be sent, some that were, and a picture by itself.
  await mara.go('kitchen-build');
  const [plan] = await Promise.all([mara.page.waitForEvent('filechooser'), mara.page.getByRole('button', { name: 'Add files' }).click()]);
  await plan.setFiles([
    { name: 'our room.png', mimeType: 'image/png', buffer: readFileSync(join(to, 'room-light.png')) },
    { name: 'oven plan.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4\n%%EOF\n') },
  ]);
  await mara.composer.fill('This is how it looked.');
  await take(mara.page, 'files-composer');
  await mara.composer.press('Enter');
  await mara.page.locator('main article [data-picture] img').first().waitFor();
  await take(mara.page, 'files');
  await mara.page.locator('main article [data-picture]').first().click();
  await mara.page.getByRole('dialog').locator('img').first().waitFor();
  await take(mara.page, 'picture');
  await mara.page.keyboard.press('Escape');

  // A phone.
  const small = await enter('Noor', links.join, phone);
  await small.composer.waitFor();
  await small.go('music');
  await small.go('kitchen-build');
  await small.page.locator('[data-thread]').first().waitFor();
  await small.say('On the train now, tunnel ahead.');
  await take(small.page, 'phone-room');
  await small.page.locator('[data-thread]').first().tap();
  await small.page.locator('[data-thread-panel] article').nth(3).waitFor();
  await take(small.page, 'phone-thread');
  await small.page.goBack();
  await small.page.getByRole('button', { name: /^Rooms/ }).tap();
  await take(small.page, 'phone-rooms');
  await small.page.goBack();
  await small.page.getByRole('button', { name: /^About this room/ }).tap();
  await take(small.page, 'phone-about');
  await small.page.goBack();
  await small.page.getByRole('button', { name: 'Search in this room' }).tap();
  await small.page.locator('main input:focus').waitFor();
  await small.page.keyboard.type('the');
  await small.page.locator('main mark').first().waitFor();
  await take(small.page, 'phone-search');
  await small.page.goBack();
  await small.composer.waitFor();

  // Without a server.
  await mara.go('kitchen-build');
  server.kill();
  await mara.page.locator('[data-banner]').waitFor();
  await mara.composer.fill('Nothing gets lost in here.');
  await mara.composer.press('Enter');
  await mara.row('Nothing gets lost').getByText('sending').waitFor();
  await mara.page.waitForFunction(() => {
    const log = document.querySelector('main [role=log]');
    return [...log.querySelectorAll('article')].at(-1).getBoundingClientRect().bottom <= log.getBoundingClientRect().bottom;
  });
  await take(mara.page, 'banner');
} finally {
  await browser.close();
  if (server.exitCode === null && server.signalCode === null) await new Promise((resolve) => (server.once('exit', resolve), server.kill()));
  rmSync(data, { recursive: true });
}
