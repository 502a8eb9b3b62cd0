// The guided tour of the wire view: ten steps on what passes on one's own connection.
import { createHash } from 'node:crypto';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { Locator, Page } from '@playwright/test';
import { focusShows } from './eyes.ts';
import { accessible, expect, test, type Someone } from './hubbub.ts';

const tour = (page: Page) => page.locator('[data-wire] article');
const heading = (page: Page) => tour(page).getByRole('heading', { level: 2 });
const goal = (page: Page, name: string) => page.locator(`[data-goal=${name}]`);
const news = (page: Page) => page.locator('[data-tour-news]');
const button = (page: Page, name: string | RegExp) => tour(page).getByRole('button', { name });
const steps = (page: Page) => tour(page).getByRole('navigation').getByRole('listitem').getByRole('button');

/** Goes to something by Tab alone, back or on, and sees where it is. */
async function tabTo(who: Someone, where: Locator, key = 'Tab'): Promise<void> {
  await expect(where).toBeEnabled();
  const there = () => where.evaluate((element) => element === document.activeElement);
  for (let i = 0; i < 80 && !(await there()); i++) await who.page.keyboard.press(key);
  await expect(where).toBeFocused();
  await focusShows(who);
}

async function press(who: Someone, where: Locator): Promise<void> {
  await tabTo(who, where);
  await who.page.keyboard.press('Enter');
}

/** It is ticked, and was said to those who listen. */
async function happens(page: Page, name: string, words: string, timeout = 30_000): Promise<void> {
  await expect(goal(page, name)).toHaveClass(/done/, { timeout });
  await expect(goal(page, name)).toContainText(words);
}

async function next(who: Someone, title: string): Promise<void> {
  await press(who, button(who.page, 'Next'));
  await expect(heading(who.page)).toHaveText(title);
  await expect(heading(who.page)).toBeFocused();
}

const shownKey = async (page: Page): Promise<string> =>
  /Sec-WebSocket-Key: (\S+)/.exec(await page.locator('[data-handshake=request]').innerText())?.[1] ?? '';

test('a walk through all ten steps by keyboard alone', async ({ someone }) => {
  const ines = await someone('Ines');
  const { page } = ines;
  await ines.enter('/wire/tour-1');
  await expect(page).toHaveURL(/\/r\/lobby\?wire=tour-1$/);
  await expect(heading(page)).toHaveText('It begins as HTTP');
  await expect(tour(page)).toContainText('Step 1 of 10');

  // 1. The request of this page, and another one with another key.
  await expect.poll(() => shownKey(page)).not.toBe('');
  const before = await shownKey(page);
  await press(ines, button(page, 'Connect again'));
  await happens(page, 'request', 'A new request is here.');
  await expect.poll(() => shownKey(page)).not.toBe(before);
  await expect(page.locator('[data-handshake=request] .lit').first()).toContainText('GET /');

  // 2. The answer.
  await next(ines, 'The server switches');
  await press(ines, button(page, 'Connect again'));
  await happens(page, 'switched', 'The server answered 101.');
  await happens(page, 'welcome', 'The first frames passed');
  // The server's report of the handshake may come behind the frames: what came last is said last.
  await expect(news(page)).toContainText(/The first frames passed: hello, and welcome\.|The server answered 101\./);
  await expect(page.locator('[data-handshake=response]')).toContainText('HTTP/1.1 101 Switching Protocols');

  // 3. The accept key, and what others compute.
  await next(ines, 'Proof that it understood');
  const key = await page.getByLabel('The key of the request').inputValue();
  await press(ines, button(page, 'Compute it'));
  await happens(page, 'computed', 'It is what the server sent.');
  const digest = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest();
  await expect(page.locator('[data-accept]')).toContainText(digest.toString('hex').replace(/..(?=.)/g, '$& '));
  await expect(page.locator('[data-accept] .result')).toHaveText([digest.toString('base64'), digest.toString('base64')]);
  await press(ines, button(page, 'Take the example of the RFC'));
  await expect(button(page, 'Take the key of this connection')).toBeFocused();
  await tabTo(ines, button(page, 'Compute it'), 'Shift+Tab');
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-accept] .result')).toHaveText('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');

  // 4. A frame of one's own message.
  await next(ines, 'A message becomes a frame');
  await expect(page.locator('[data-frame-of=latest]')).toBeVisible();
  await tabTo(ines, ines.composer, 'Shift+Tab');
  await page.keyboard.type('Hello from the keyboard');
  await page.keyboard.press('Enter');
  await happens(page, 'framed', 'The frame of your message is here.');
  await expect(page.locator('[data-frame-of=message]')).toHaveText('The frame of “Hello from the keyboard”');
  await expect(page.locator('[data-bits] dl')).toContainText(/opcode 0001\s*text\s*MASK 1\s*masked/);

  // 5. Its mask.
  await next(ines, 'What a page sends is masked');
  await press(ines, button(page, 'Write “Hello” for me'));
  await happens(page, 'masked', 'Your message passed, masked.');
  await expect(page.locator('[data-mask=plain], [data-mask=packed]')).toHaveText('The frame of “Hello”');
  await press(ines, button(page, 'Byte 6, bit by bit'));
  await expect(page.getByRole('figure', { name: 'Byte 6' })).toBeVisible();

  // 6. The next ping, whenever it comes.
  await next(ines, 'Text, and pings in between');
  await expect(page.locator('[data-opcode="1"]')).toHaveClass(/some/);
  await happens(page, 'ping', 'A ping came.', 60_000);
  await happens(page, 'pong', 'The browser answered with a pong.');
  await expect(page.locator('[data-opcode="9"] td').last()).toHaveText(/^[1-9]\d*$/);

  // 7. A message is on screen before it is stored.
  await next(ines, 'Stored, with a number');
  await press(ines, button(page, 'Write “Hello” and hold the answer for three seconds'));
  await expect(page.locator('article[data-state=pending]')).toHaveCount(1);
  await expect(page.locator('[data-stored]')).toContainText('The answer is held back.');
  await expect(goal(page, 'stored')).not.toHaveClass(/done/);
  await expect(page.locator('article[data-state=pending]')).toHaveCount(0);
  await happens(page, 'stored', 'Your message is stored, and has its number.');
  await expect(page.locator('[data-stored]')).toHaveText(/^Number 3\. The answer came \d+ ms after/);

  // 8. A cut.
  await next(ines, 'A cut');
  await press(ines, button(page, 'Cut the connection'));
  await happens(page, 'closed', 'The connection is gone.');
  await happens(page, 'back', 'The chat is back.');
  await expect(page.locator('[data-track]')).toContainText('a new connection');

  // 9. What came meanwhile comes by its number.
  await next(ines, 'Where were we?');
  await press(ines, button(page, 'Cut it, and store two messages meanwhile'));
  await happens(page, 'asked', 'The page opened the room by a number.');
  await happens(page, 'missed', 'What came meanwhile is here.');
  await expect(page.locator('[data-resumed]')).toHaveText('The page had everything up to number 3. 2 entries came meanwhile.');
  await expect(ines.text('While the line was cut: 2')).toBeVisible();

  // 10. A cursor that stands behind, and a goodbye.
  await next(ines, 'A slow reader, and goodbye');
  await press(ines, button(page, 'Read nothing for six seconds, while five messages come'));
  await happens(page, 'behind', 'The head went on, the cursor did not.');
  await expect(page.locator('[data-head="10"]')).toHaveAttribute('data-cursor', '5');
  await expect(ines.text('For a slow reader: 1')).toHaveCount(0);
  await happens(page, 'caughtUp', 'The cursor is at the head again.');
  await expect(page.locator('[data-head="10"]')).toHaveAttribute('data-cursor', '10');
  await expect(ines.rows.filter({ hasText: 'For a slow reader' })).toHaveCount(5);
  await press(ines, button(page, 'Say goodbye with code 1000'));
  await happens(page, 'goodbye', 'The connection was closed.');
  await expect(page.locator('[data-close=client]')).toContainText('1000: all is done');
  await expect(page.locator('[data-close=server]')).toContainText('1000: all is done');
  await expect(tour(page)).toContainText('That was all ten.');
  await expect(page.locator('[data-connection]')).toContainText('connected · nothing waiting');
});

test('a link leads to a step that works by itself, in German, on 320 px, without a complaint of axe', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { locale: 'de-DE', viewport: { width: 320, height: 700 }, permissions: ['clipboard-read', 'clipboard-write'] });
  const { page } = ines;
  await page.goto(`${hubbub.url}/wire/tour-3`);
  await page.getByLabel('Dein Name').fill('Ines');
  await page.keyboard.press('Enter');
  await expect(heading(page)).toHaveText('Der Beweis, dass er verstanden hat');
  await expect(page.getByLabel('Der Schlüssel der Anfrage')).toHaveValue(/==$/);
  await button(page, 'Ausrechnen').click();
  await happens(page, 'computed', 'Es ist, was der Server gesendet hat.');
  await button(page, 'Link zu diesem Schritt kopieren').click();
  await expect(tour(page).getByText('Kopiert')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(`${new URL(page.url()).origin}/wire/tour-3`);

  // Each step by its own link. The page is new each time, so nothing is there from the step before.
  for (const [n, title] of [
    [1, 'Am Anfang ist HTTP'],
    [9, 'Wo waren wir?'],
  ] as const) {
    await page.goto(`${hubbub.url}/wire/tour-${n}`);
    await expect(heading(page)).toHaveText(title);
  }
  await button(page, 'Trennen und inzwischen zwei Nachrichten speichern').click();
  await happens(page, 'missed', 'Was inzwischen kam, ist jetzt da.');

  for (let n = 1; n <= 10; n++) {
    await steps(page).nth(n - 1).click();
    await expect(tour(page)).toHaveAttribute('data-step', String(n));
    const wide = await tour(page).evaluate((article) => [article, ...article.querySelectorAll('*:not(.unseen)')].filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible').map((e) => e.className));
    expect(wide, `step ${n} is too wide`).toEqual([]);
    await accessible(ines, `step ${n}`);
  }
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const n of [1, 5, 9, 10]) {
    await steps(page).nth(n - 1).click();
    await accessible(ines, `step ${n}, dark`);
  }
});

test('the bytes that are shown are those that pass', async ({ hubbub, someone }) => {
  // Between page and server stands somebody who writes down what the page sends.
  let seen = '';
  const server = createServer((socket) => {
    const on = connect(Number(new URL(hubbub.url).port), '127.0.0.1');
    socket.on('data', (bytes) => (seen += bytes.toString('hex')));
    for (const [from, to] of [[socket, on], [on, socket]] as const) {
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const ines = await someone('Ines');
  const { page } = ines;
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/wire/tour-5`);
  await page.getByLabel('Your name').fill('Ines');
  await page.keyboard.press('Enter');
  // From here on the page is watched.
  await expect(page.locator('[data-mask]')).toHaveText('Meanwhile, the latest frame of this page');
  const row = async (name: string) => (await page.locator(`tr.${name} td`).allInnerTexts()).map((text) => text.slice(0, 2)).join('');

  // A short text, which stays as it is or nearly so, and one that is packed for sure.
  for (const text of ['Hello', 'so it is packed, '.repeat(40).trim()]) {
    await ines.say(text);
    await expect(page.locator('[data-mask]')).toHaveText(`The frame of “${text}”`);
    await expect(page.locator('[data-mask]')).toHaveAttribute('data-mask', /^(plain|packed)$/);
    const [key, wire] = [await row('key'), await row('wire')];
    expect(key.slice(0, 8)).toBe(key.slice(8));
    expect(seen).toContain(key.slice(0, 8) + wire);
  }
  await expect(page.locator('[data-mask=packed]')).toBeVisible();
  server.close();
});

test('where the server reports nothing, the tour says so and shows what the page knows', async ({ someone }) => {
  const ines = await someone('Ines');
  const { page } = ines;
  await page.route('**/api/wire', (route) => route.abort());
  await ines.enter('/wire/tour-2');
  await expect(page.locator('[data-none]')).toContainText('The server reports nothing');
  await expect(page.locator('[data-none]')).toContainText('“hubbub.v1” was agreed');
  await happens(page, 'switched', 'The server answered 101.');
  await steps(page).nth(4).click();
  await expect(page.locator('[data-none]')).toContainText('RFC 6455 masks “Hello”');
  await expect(page.locator('tr.wire td')).toHaveText(['7f', '9f', '4d', '51', '58']);
  await expect(goal(page, 'masked')).toContainText('only the server could tell');
  await steps(page).nth(6).click();
  await ines.say('Is anybody here?');
  await happens(page, 'stored', 'Your message is stored');
});
