// The wire view when something is wrong, in bad company, under load, and for everybody.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { accessible, ask, becomeOwner, expect, Someone, test } from './hubbub.ts';
import { shot } from './sending.ts';
import { comeIn, entry, frames, line, openWire, part, reachSockets, told, wireRow } from './wires.ts';

const large = { viewport: { width: 1280, height: 1300 } };

test('a connection made again goes on by number, and what nobody reports is said', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', large);
  await ines.enter();
  const { page } = ines;
  await openWire(ines);
  await ines.say('one', 'two');
  await expect(wireRow(ines, 'sent')).toHaveCount(2);

  await hubbub.stop();
  await expect(page.getByText('The server cannot be reached and reports nothing.')).toBeVisible();
  await expect(wireRow(ines, 'end').first()).toContainText('code 1006');
  await ines.say('three');
  await hubbub.start();
  await expect(page.locator('[data-wire-state=reported]')).toBeAttached();
  await expect(ines.text('three').and(page.locator('[data-state=sent]'))).toBeVisible();
  await expect(page.getByText('The server cannot be reached and reports nothing.')).toHaveCount(0);
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('open');
  // On each connection it asks for what it has not.
  await expect(frames(ines).last()).toContainText(/Goes on in #lobby behind number [23]:/);
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('handshake');
  await frames(ines).last().click();
  await expect(entry(ines).locator('[data-resumed]')).toContainText(/#lobby, behind number [23]/);
  await expect(entry(ines).locator('[data-head]')).toHaveCount(2);
  expect(Number(/Connection (\d+) of this page/.exec(await told(ines))?.[1])).toBeGreaterThan(1);

  // A server that knows nothing of all this.
  await page.route('**/api/wire', (route) => route.fulfill({ status: 404, json: { error: { code: 'not_found', message: 'no such page' } } }));
  await page.goto(`${hubbub.url}/wire`);
  await expect(page).toHaveURL(/\/r\/lobby\?wire$/);
  await expect(page.getByText('The server reports nothing of this connection')).toBeVisible();
  await ines.say('four');
  await expect(wireRow(ines, 'sent')).toHaveCount(1);
  await wireRow(ines, 'send').click();
  await expect(entry(ines).locator('[data-unreported]')).toContainText('The server has not reported this frame');
  await expect(entry(ines).locator('pre')).toContainText('"text": "four"');
  await page.keyboard.press('Escape');
  await wireRow(ines, 'handshake').click();
  await expect(entry(ines)).toContainText('The server has not reported this handshake');
  await expect(entry(ines)).toContainText('hubbub.v1');
});

test('the lines for other clients work as they stand on the screen', async ({ someone, browser }) => {
  const ines = await someone('Ines', large);
  await ines.enter();
  const { page } = ines;
  await openWire(ines);
  await part(ines, 'Other clients');
  await shot(ines, 'clients');
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-wire-'));
  symlinkSync(join(import.meta.dirname, '../node_modules'), join(folder, 'node_modules'));

  writeFileSync(join(folder, 'talk.mjs'), await line(ines, 'script'));
  const script = spawn(process.execPath, ['talk.mjs'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  let heard = '';
  script.stdout.on('data', (data) => (heard += data));
  await expect.poll(() => heard).toContain('connected');
  script.stdin.write('hello from the script\n');
  await expect(ines.text('hello from the script')).toBeVisible();
  await ines.say('hello script');
  await expect.poll(() => heard).toContain('hello script');

  writeFileSync(join(folder, 'talk.html'), await line(ines, 'page'));
  const other = await (await browser.newContext()).newPage();
  await other.goto(pathToFileURL(join(folder, 'talk.html')).href);
  await ines.say('hello page');
  // The page may have come in after that.
  await expect(page.getByText('2 other clients have connected.')).toBeVisible();
  await ines.say('hello again');
  await expect(other.locator('#heard li').last()).toHaveText('hello again');
  await other.getByPlaceholder('Say something').fill('hello from the page');
  await other.keyboard.press('Enter');
  await expect(ines.text('hello from the page')).toBeVisible();

  const terminal = (await line(ines, 'wscat')).replace('npx wscat', `"${process.execPath}" node_modules/wscat/bin/wscat`);
  const wscat = spawn('script', ['--quiet', '--flush', '--command', terminal, '/dev/null'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, HOME: folder } });
  let out = '';
  wscat.stdout.on('data', (data) => (out += data));
  await expect.poll(() => out).toContain('Connected');
  wscat.stdin.write('hello from the terminal\n');
  await expect(ines.text('hello from the terminal')).toBeVisible();
  await expect(page.getByText('3 other clients have connected.')).toBeVisible();
  expect(await line(ines, 'websocat')).toMatch(/^websocat 'ws:\/\/[^']+\/rooms\/lobby\?wire=[\w-]{22}'$/);

  // Their frames stand next to one's own, each by its connection.
  await part(ines, 'Frames');
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.getByRole('searchbox').fill('hello from the script');
  // When the script spoke nobody else was there.
  await expect(frames(ines)).toHaveText([/plain text\s+other client \d+/, /event\s+connection 1/]);
  await page.getByRole('searchbox').fill('hello from the terminal');
  await expect(frames(ines)).toHaveCount(4);
  await expect(wireRow(ines, 'plain text')).toHaveCount(3);
  for (const child of [script, wscat]) child.kill();
  await other.context().close();
  rmSync(folder, { recursive: true });
});

test('where one needs an invitation, a plain client is told so; in private there is none', async ({ open, browser }) => {
  const owner = new Someone('Mara', await (await browser.newContext(large)).newPage(), open);
  await becomeOwner(owner, open);
  await openWire(owner);
  await part(owner, 'Other clients');
  await expect(owner.page.locator('[data-invite]')).toContainText('&invite=');
  const [address] = /ws:[^']*/.exec(await line(owner, 'wscat')) ?? [''];
  const refused = new WebSocket(address);
  const [, response] = await once(refused, 'unexpected-response');
  expect(response.statusCode).toBe(403);
  const secret = new URL(open.links.join ?? '').hash.slice(1);
  const entering = new WebSocket(`${address}&invite=${secret}`);
  await once(entering, 'open');
  entering.send('with an invitation');
  await expect(owner.text('with an invitation')).toBeVisible();
  await owner.page.getByRole('button', { name: 'Show their frames' }).click();
  await wireRow(owner, 'handshake').click();
  await expect(entry(owner)).toContainText('invite=•••');
  expect(await told(owner)).not.toContain(secret);
  entering.close();

  const { room } = await ask<{ room: { id: string } }>(owner.page, 'POST', '/api/rooms', { name: 'Quiet', kind: 'private' });
  await owner.page.goto(`${open.url}/p/${room.id}?wire=client`);
  await expect(owner.page.locator('[data-private]')).toContainText('There is no plain client for this room');
  await expect(owner.page.locator('[data-client]')).toHaveCount(0);
  await owner.page.context().close();
});

test('what is written to break it is only shown', async ({ someone }) => {
  const ines = await someone('Ines', large);
  const { page } = ines;
  await reachSockets(ines);
  await ines.enter();
  const strays: string[] = [];
  page.on('dialog', (dialog) => (strays.push(dialog.message()), dialog.dismiss()));
  page.on('request', (request) => /evil/.test(request.url()) && strays.push(request.url()));
  await openWire(ines);

  const pre = entry(ines).locator('pre');
  const html = '<img src=//evil.example/x onerror=alert(1)><script>alert(2)</script>';
  await ines.say(html);
  await expect(wireRow(ines, 'sent')).toHaveCount(1);
  await wireRow(ines, 'send').click();
  await expect(pre).toContainText(`"text": "${html}"`);
  await expect(entry(ines).locator('img, script')).toHaveCount(0);
  await page.keyboard.press('Escape');

  // A kind that is markup, letters that turn the text around, and a megabyte.
  await comeIn(ines, JSON.stringify({ '<b>wave</b>\u202e': { room: '\u202e<i>', text: 'a\u202eb\u0000' } }));
  await expect(wireRow(ines, '<b>wave</b>\\u202e')).toContainText('which this page does not know');
  await wireRow(ines, '<b>wave</b>\\u202e').click();
  await expect(pre).toContainText('a\\u202eb');
  await expect(entry(ines).locator('[data-escaped]')).toBeVisible();
  expect(await told(ines)).not.toMatch(/[\u202e\u0000]/);
  await page.keyboard.press('Escape');

  await comeIn(ines, JSON.stringify({ blob: 'x'.repeat(1 << 20) }));
  await wireRow(ines, 'blob').click();
  await expect(entry(ines).locator('[data-cut]')).toContainText('Shown are 8,192 of 1,048');
  const shown = async () => (await pre.innerText()).length;
  expect(await shown()).toBe(8192);
  await page.getByRole('button', { name: 'Show more of it' }).click();
  await expect.poll(shown).toBe(4 * 8192);
  await page.keyboard.press('Escape');

  // From others: bytes that are no text, and text that is no UTF-8.
  await part(ines, 'Other clients');
  const address = new URL(/ws:[^']*/.exec(await line(ines, 'wscat'))?.[0] ?? '');
  await part(ines, 'Frames');
  const binary = new WebSocket(address);
  await once(binary, 'open');
  binary.send(Buffer.from([0, 255, 60, 98, 62]));
  await once(binary, 'close');
  await wireRow(ines, 'binary').click();
  await expect(pre).toHaveText('00 ff 3c 62 3e');
  await page.keyboard.press('Escape');
  await expect(wireRow(ines, 'close').filter({ hasText: '1003' }).first()).toBeVisible();

  const raw = connect(Number(address.port), address.hostname);
  raw.write(`GET ${address.pathname}${address.search} HTTP/1.1\r\nHost: ${address.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Odd: <b>bold</b>\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  await once(raw, 'data');
  raw.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
  await expect(wireRow(ines, 'close').filter({ hasText: '1007' }).first()).toBeVisible();
  await frames(ines).filter({ hasText: /c3 28|not known/ }).last().click();
  await expect(pre).toHaveText('c3 28');
  raw.destroy();

  expect(strays).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
});

test('ten thousand frames a second leave the page usable', async ({ someone }) => {
  const ines = await someone('Ines');
  const { page } = ines;
  await reachSockets(ines);
  await ines.enter();
  await openWire(ines);
  // By the clock, so that a page that falls behind has to catch up.
  await page.evaluate(() => {
    const flood = { passed: 0, stop: 0 };
    Object.assign(window, { flood });
    const socket = (window as unknown as { sockets: WebSocket[] }).sockets.at(-1);
    const begun = performance.now();
    flood.stop = window.setInterval(() => {
      for (const due = (performance.now() - begun) * 10; flood.passed < due; ) {
        socket?.dispatchEvent(new MessageEvent('message', { data: `{"fence":{"n":${1e6 + flood.passed++}}}` }));
      }
    }, 5);
  });
  const passed = () => page.evaluate(() => (window as unknown as { flood: { passed: number } }).flood.passed);
  await expect(page.getByText('1,000 entries')).toBeVisible();
  for (const text of ['in the flood', 'and again']) {
    await ines.composer.pressSequentially(text);
    await ines.composer.press('Enter');
    await expect(ines.text(text).and(page.locator('[data-state=sent]'))).toBeVisible();
  }
  // The list follows, and one can stop it.
  await expect(frames(ines).last()).toContainText('Everything before fence');
  await expect.poll(passed).toBeGreaterThan(20_000);
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.locator('[data-paused]')).toHaveText(/Paused\. [\d,]{6,} frames passed since\./);
  await page.evaluate(() => clearInterval((window as unknown as { flood: { stop: number } }).flood.stop));
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(frames(ines).last()).toContainText(String(1e6 + (await passed()) - 1));
  await expect(page.getByText('1,000 entries')).toBeVisible();
  expect(await frames(ines).count()).toBeLessThan(60);
});

test('by keyboard', async ({ someone }) => {
  const ines = await someone('Ines', { viewport: { width: 1280, height: 800 } });
  await ines.enter();
  const { page } = ines;
  await ines.say('hello');
  // It is fetched when it is wanted, which may fail.
  await page.route(/WirePanel/, (route) => route.abort());
  await page.keyboard.press('Control+Shift+Y');
  await expect(page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' })).toBeVisible();
  await shot(ines, 'failed');
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' })).toHaveCount(0);
  await page.unroute(/WirePanel/);
  await openWire(ines);
  // With its style, which is fetched apart.
  const tools = () => page.getByRole('button', { name: 'Pause' }).evaluate((tool) => getComputedStyle(tool).borderRadius);
  await expect.poll(tools).not.toBe('0px');
  const list = page.getByRole('listbox', { name: 'Frames, oldest first' });
  await list.focus();
  await page.keyboard.press('Home');
  const active = async () => {
    const id = await list.getAttribute('aria-activedescendant');
    return page.locator(`[id="${id}"]`);
  };
  await expect(await active()).toContainText('handshake');
  // A ping of the server may pass before what the page says first.
  const said = list.getByRole('option').filter({ hasText: 'to the server hello' });
  const place = Number(await said.first().getAttribute('aria-posinset'));
  for (let at = 2; at <= place; at++) {
    await page.keyboard.press('ArrowDown');
    await expect(await active()).toHaveAttribute('aria-posinset', String(at));
    await expect(await active()).toHaveAttribute('aria-selected', 'true');
  }
  await expect(await active()).toContainText('hello');
  await page.keyboard.press('Enter');
  await expect(entry(ines).getByRole('heading', { name: 'hello' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(list).toBeFocused();
  await expect(await active()).toContainText('hello');
  await page.keyboard.press('End');
  await expect(await active()).not.toContainText('hello');
  await page.keyboard.press('Control+Shift+Y');
  await expect(list).toHaveCount(0);
  await expect(page).toHaveURL(/\/r\/lobby$/);
  await expect(ines.composer).toBeFocused();
  await fromAbout(ines);
  await expect(list).toBeVisible();
  await expect(page).toHaveURL(/\/r\/lobby\?wire$/);

  // A thread stands beside it, whichever came first, and each of them goes alone.
  const thread = page.locator('[data-thread-panel]');
  const reply = () => ines.text('hello').getByRole('button', { name: 'Reply in a thread' });
  await ines.text('hello').hover();
  await reply().click();
  for (const [width, height] of [[390, 844], [1000, 700], [1280, 800]]) {
    await page.setViewportSize({ width, height });
    await expect(thread.getByRole('textbox')).toBeInViewport({ ratio: 1 });
    await expect(page.getByRole('button', { name: 'Close the wire view' })).toBeInViewport({ ratio: 1 });
    await shot(ines, `thread-${width}`);
  }
  await thread.locator('article[data-seq]').click({ position: { x: 2, y: 2 } });
  await expect(page.getByText('What passed of message 1')).toBeVisible();
  await page.keyboard.press('Control+Shift+Y');
  await expect(list).toHaveCount(0);
  await expect(thread).toBeVisible();
  await fromAbout(ines);
  await expect(list).toBeVisible();
  await thread.getByRole('textbox').press('Escape');
  await expect(thread).toHaveCount(0);
  await expect(ines.text('hello')).toBeInViewport({ ratio: 1 });
  await expect(list).toBeVisible();
  await expect(page).toHaveURL(/\/r\/lobby\?wire$/);
  await page.reload();
  await expect(list).toBeVisible();
  await page.getByRole('button', { name: 'Close the wire view' }).click();
  await expect(list).toHaveCount(0);
  await expect(page).toHaveURL(/\/r\/lobby$/);

  // In the finder it stands before a room that would be made.
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Find or create a room' }).fill('wire');
  await expect(page.getByRole('listbox', { name: 'Rooms and people' }).getByRole('option')).toHaveText(['Wire view', 'Create #wire']);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(list).toBeVisible();
  await expect(page).toHaveURL(/\/r\/lobby\?wire$/);
  await page.getByRole('button', { name: 'Close the wire view' }).click();
  await expect(list).toHaveCount(0);
  // Nothing of all that is left in the history.
  await page.goBack();
  await expect(page).toHaveURL('about:blank');
});

async function fromAbout({ page }: Someone): Promise<void> {
  await page.getByRole('button', { name: /^About this room/ }).click();
  await page.getByRole('button', { name: 'Open the wire view' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 320]) {
    test(`it is accessible, and fits: ${colorScheme}, ${width}`, async ({ someone }) => {
      const locale = colorScheme === 'dark' ? 'de' : 'en-GB';
      const ines = await someone('Ines', { colorScheme, locale, reducedMotion: 'reduce', viewport: { width, height: 780 } });
      const { page } = ines;
      await page.goto(ines.hubbub.url);
      await page.locator('input').first().fill('Ines');
      await page.keyboard.press('Enter');
      await page.locator('main textarea').waitFor();
      await page.goto(`${ines.hubbub.url}/wire`);
      await expect(page.locator('[data-wire-state=reported]')).toBeAttached();
      await page.locator('main textarea').fill('Hallo, hello');
      await page.keyboard.press('Enter');
      await expect(wireRow(ines, 'sent')).toHaveCount(1);
      const name = (what: string) => `${what}-${locale}-${width}`;
      const look = async (what: string) => {
        await accessible(ines, what);
        await shot(ines, name(what));
        expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), what).toBeLessThanOrEqual(0);
      };
      await look('list');
      await page.locator('[data-wire] [aria-expanded]').click();
      await look('filter');
      await page.locator('[data-wire] [aria-expanded]').click();
      await wireRow(ines, 'sent').click();
      await look('frame');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Home');
      await page.keyboard.press('Enter');
      await page.locator('[data-head] summary').first().click();
      await look('handshake');
      await page.getByRole('tab').last().click();
      await page.locator('[data-client=script]').waitFor();
      await look('clients');
      await page.getByRole('tab').first().click();
      await entry(ines).press('Escape');
      await page.keyboard.press('End');
      await wireRow(ines, 'sent').click();
      await entry(ines).locator('.line .button').nth(1).click();
      await page.locator('[data-stored]').waitFor();
      await look('passport');
    });
  }
}
