// What a person sees and does.
import { WebSocket } from 'ws';
import { once } from 'node:events';
import { accessible, expect, type Hubbub, test } from './hubbub.ts';

/** Says many things in plain text, and returns when all are stored. */
async function script(hubbub: Hubbub, path: string, texts: string[]): Promise<void> {
  const socket = new WebSocket(hubbub.socket + path);
  await once(socket, 'open');
  for (const text of texts) socket.send(text);
  socket.close(); // is answered after everything before it
  await once(socket, 'close');
}

const numbered = (n: number, word = 'message') => Array.from({ length: n }, (_, i) => `${word} ${i + 1}`);

test('the first visit asks for a name, and explains a bad one', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const tomas = await someone('ines');
  const page = tomas.page;
  const said: string[] = [];
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  await page.goto(hubbub.url);
  await expect(page.getByLabel('Your name')).toBeFocused();
  expect(said, 'the console of a first visit').toEqual([]);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).not.toBeEmpty();
  await page.getByLabel('Your name').fill('ines');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText(/somebody else/i);
  await page.getByLabel('Your name').fill('Tomás');
  await page.getByRole('button', { name: 'Come in' }).click();
  await expect(tomas.composer).toBeVisible();
  await page.reload();
  await expect(tomas.composer).toBeVisible(); // known from now on
});

test('my message is there at once, pending, and becomes sent without a blink', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const held: (() => void)[] = [];
  let hold = false;
  await ines.page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => (hold ? held.push(() => socket.send(message)) : socket.send(message)));
    socket.onMessage((message) => server.send(message));
  });
  await ines.enter();
  hold = true;
  await ines.say('hello');
  const row = ines.text('hello');
  await expect(row).toHaveAttribute('data-state', 'pending');
  await row.evaluate((node) => ((node as HTMLElement & { mark?: boolean }).mark = true));
  const before = await row.boundingBox();
  hold = false;
  for (const pass of held) pass();
  await expect(row).toHaveAttribute('data-state', 'sent');
  expect(await row.evaluate((node) => (node as HTMLElement & { mark?: boolean }).mark)).toBe(true);
  expect(await row.boundingBox()).toEqual(before);
  await expect(ines.rows).toHaveCount(1);
  expect(hubbub.url).toBeTruthy();
});

test('rows group by author, days are divided, texts stay whole', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { viewport: { width: 800, height: 2400 } });
  await ines.enter();
  const odd = ['<b>not bold</b> & <script>alert(1)</script>', '  spaces   stay  inside', 'שלום עולם', 'e\u0301 👩‍👩‍👧‍👦 日本語', 'x'.repeat(3000)];
  await script(hubbub, '/?name=robot', odd);
  await ines.say('two\nlines');
  await expect(ines.page.locator('[data-state="sent"]')).toHaveCount(odd.length + 1);
  expect((await ines.shown()).map((r) => r.text)).toEqual([...odd, 'two\nlines']);
  await expect(ines.page.locator('article .name')).toHaveText(['robot', 'Ines']);
  await expect(ines.page.getByText('Today', { exact: true })).toHaveCount(1);
  const overflow = await ines.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
});

test('rooms: found, made, joined by address, counted, and switched by keyboard', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await ines.page.keyboard.press('Control+k');
  const box = ines.page.getByRole('combobox', { name: 'Find or create a room' });
  await expect(box).toBeFocused();
  await box.fill('two words!');
  await expect(ines.page.getByText(/letters and digits/)).toBeVisible();
  await box.fill('Kitchen');
  await expect(ines.page.getByRole('option', { name: 'Create #kitchen' })).toBeVisible();
  await box.press('Enter');
  await expect(ines.page).toHaveURL(/\/r\/kitchen$/);
  await expect(ines.page.getByRole('heading', { name: 'kitchen' })).toBeVisible();
  await expect(ines.composer).toBeFocused();
  await ines.say('anyone here?');

  await tomas.enter('/r/kitchen');
  await expect(tomas.text('anyone here?')).toBeVisible();

  // What is said where one is not looking is counted, in the list and the title.
  await ines.page.keyboard.press('Alt+ArrowDown');
  await expect(ines.page).toHaveURL(/\/r\/lobby$/);
  await tomas.say('yes', 'me');
  const link = ines.page.locator('[data-room="kitchen"]').first();
  await expect(link).toContainText('2');
  await expect(ines.page).toHaveTitle(/^\(2\)/);
  await ines.page.keyboard.press('Alt+ArrowUp');
  await expect(ines.page.locator('[data-new]')).toBeVisible(); // the line before what is new
  await expect(link).not.toContainText('2');
  await expect(ines.page).not.toHaveTitle(/^\(/);
  await ines.page.goBack();
  await expect(ines.page).toHaveURL(/\/r\/lobby$/);

  await tomas.page.goto(`${hubbub.url}/r/..%2Fodd`);
  await expect(tomas.page.locator('main, body').first()).toContainText(/room/i);
});

test('older history comes while scrolling up, and nothing jumps', async ({ hubbub, someone }) => {
  await script(hubbub, '/', numbered(400));
  const ines = await someone('Ines');
  await ines.enter();
  await expect(ines.text('message 400')).toBeInViewport();
  const log = ines.page.getByRole('log');
  await log.hover();
  // Going up line by line, a row that stays on the screen may move only by what was scrolled.
  let seenFirst = false;
  for (let step = 0; step < 400 && !seenFirst; step++) {
    const before = await middle(ines);
    await ines.page.mouse.wheel(0, -200);
    const after = await settledAt(ines, before.id);
    if (after !== undefined) {
      const moved = after - before.top;
      expect(moved, `row ${before.seq} in step ${step}`).toBeGreaterThanOrEqual(-3);
      expect(moved, `row ${before.seq} in step ${step}`).toBeLessThanOrEqual(203);
    }
    seenFirst = (await ines.text('message 1').count()) > 0 && (await ines.text('message 1').isVisible());
  }
  expect(seenFirst).toBe(true);

  // New messages do not move what is read; a pill counts them and leads there.
  const before = await middle(ines);
  await script(hubbub, '/', ['news 1', 'news 2']);
  const pill = ines.page.getByRole('button', { name: '2 new messages' });
  await expect(pill).toBeVisible();
  expect(await settledAt(ines, before.id)).toBe(before.top);
  await pill.click();
  await expect(ines.text('news 2')).toBeInViewport();
});

/** The row in the middle of the screen. */
async function middle(who: Someone): Promise<{ id: string; seq: string; top: number }> {
  return who.page.evaluate(() => {
    const log = document.querySelector('[role=log]') as HTMLElement;
    const box = log.getBoundingClientRect();
    for (const row of log.querySelectorAll<HTMLElement>('article[data-id]')) {
      const top = row.getBoundingClientRect().top;
      if (top >= box.top + box.height / 3) return { id: row.dataset.id ?? '', seq: row.dataset.seq ?? '', top };
    }
    return { id: '', seq: '', top: 0 };
  });
}

/** Where a row is once it has stopped moving; undefined if it is not drawn any more. */
async function settledAt(who: Someone, id: string): Promise<number | undefined> {
  return who.page.evaluate(async (wanted) => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const top = () => document.querySelector(`article[data-id="${wanted}"]`)?.getBoundingClientRect().top;
    let last = top();
    for (let still = 0; still < 6; ) {
      await frame();
      const now = top();
      still = now === last ? still + 1 : 0;
      last = now;
    }
    return last;
  }, id);
}

test('the composer: keys, limits, drafts', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const { page, composer } = ines;
  await composer.pressSequentially('one');
  await composer.press('Shift+Enter');
  await composer.pressSequentially('two');
  await expect(composer).toHaveValue('one\ntwo');
  // Enter that ends a composition of an input method does not send.
  await composer.dispatchEvent('keydown', { key: 'Enter', isComposing: true, keyCode: 229 });
  await expect(composer).toHaveValue('one\ntwo');
  await composer.press('Enter');
  await expect(composer).toHaveValue('');
  await expect(ines.rows).toHaveCount(1);

  await composer.fill('   \n ');
  await composer.press('Enter');
  await expect(ines.rows).toHaveCount(1);
  await composer.fill('é'.repeat(8193)); // 16,386 bytes
  await expect(page.getByText(/too long by 2 bytes/i)).toBeVisible();
  await composer.press('Enter');
  await expect(composer).not.toHaveValue('');
  await composer.fill('é'.repeat(8192));
  await composer.press('Enter');
  await expect(ines.text('é'.repeat(8192))).toHaveAttribute('data-state', 'sent');

  await composer.fill('half a thought');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('elsewhere');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Message #elsewhere' })).toHaveValue('');
  await expect(page.locator('[data-room="lobby"]').first()).toContainText('draft');
  await page.reload();
  await page.locator('[data-room="lobby"]').first().click();
  await expect(page.getByRole('textbox', { name: 'Message #lobby' })).toHaveValue('half a thought');
});

test('a message that the server refuses keeps its text and says why', async ({ someone }) => {
  const ines = await someone('Ines');
  let refuse = true;
  await ines.page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => socket.send(message));
    socket.onMessage((message) => {
      const send = (JSON.parse(String(message)) as { send?: { room: string; id: string } }).send;
      if (!send || !refuse) return server.send(message);
      const { room, id } = send;
      socket.send(JSON.stringify({ error: { code: 'internal', message: 'something went wrong here; please try again', frame: 'send', room, id } }));
    });
  });
  await ines.enter();
  await ines.say('precious words');
  const row = ines.text('precious words');
  await expect(row).toHaveAttribute('data-state', 'failed');
  await expect(row).toContainText(/something went wrong here/i);
  refuse = false;
  await row.getByRole('button', { name: /again|retry/i }).click();
  await expect(row).toHaveAttribute('data-state', 'sent');
});

test('one who types is named, and is not any more when they send', async ({ someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  const before = await ines.composer.boundingBox();
  await tomas.composer.pressSequentially('hm');
  await expect(ines.page.getByText('Tomás is typing')).toBeVisible();
  expect(await ines.composer.boundingBox()).toEqual(before);
  await tomas.composer.press('Enter');
  await expect(ines.page.getByText('Tomás is typing')).toHaveCount(0);
});

test('a screen reader hears each new message once, and never the backlog', async ({ hubbub, someone }) => {
  await script(hubbub, '/?name=robot', numbered(60, 'old'));
  const ines = await someone('Ines');
  await ines.page.addInitScript(() => {
    const heard: string[] = [];
    Object.assign(window, { heard });
    new MutationObserver((changes) => {
      for (const c of changes) {
        for (const node of c.addedNodes) {
          const live = (c.target as Element).closest?.('[aria-live], [role=log], [role=status], [role=alert]');
          if (live && live.getAttribute('aria-live') !== 'off') heard.push(node.textContent ?? '');
        }
      }
    }).observe(document, { childList: true, subtree: true });
  });
  await ines.enter();
  await expect(ines.text('old 60')).toBeVisible();
  await script(hubbub, '/?name=robot', ['new 1', 'new 2']);
  await expect(ines.text('new 2')).toBeVisible();
  const said = () => ines.page.evaluate(() => (window as unknown as { heard: string[] }).heard);
  await expect.poll(async () => (await said()).filter((t) => t.includes('new 2')).length).toBe(1);
  const heard = await said();
  expect(heard.filter((t) => t.includes('new 1'))).toHaveLength(1);
  expect(heard.filter((t) => t.includes('old'))).toEqual([]);
  await expect(ines.page.getByRole('log')).toHaveAttribute('aria-live', 'off');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 320, height: 640 }]) {
    test(`nothing is lost at ${viewport.width} pixels, ${colorScheme}: accessible, within the window, by keyboard`, async ({ hubbub, someone }) => {
      await script(hubbub, '/?name=robot', ['hello', 'a-very-long-word-'.repeat(20), 'اهلا وسهلا', '# no heading']);
      const ines = await someone('Ines', { viewport, colorScheme, bypassCSP: true });
      const { page } = ines;
      await page.goto(hubbub.url);
      await expect(page.getByLabel('Your name')).toBeFocused();
      await accessible(ines, 'the name');
      await page.keyboard.type('Ines');
      await page.keyboard.press('Enter');
      await expect(ines.text('hello')).toBeVisible();
      await accessible(ines, 'the room');
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
      expect(await wide()).toBe(true);
      await expect(ines.composer).toBeInViewport({ ratio: 1 });
      await expect(page.getByRole('button', { name: 'Send' })).toBeInViewport({ ratio: 1 });

      await ines.composer.focus();
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('combobox')).toBeFocused();
      await page.keyboard.type('kitchen');
      await expect(page.getByRole('option', { name: /kitchen/ })).toBeVisible();
      await accessible(ines, 'the dialog');
      expect(await wide()).toBe(true);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
      await expect(ines.composer).toBeFocused();

      if (viewport.width < 400) {
        await page.getByRole('button', { name: /^Rooms/ }).click();
        await expect(page.getByRole('navigation', { name: 'Rooms' })).toBeInViewport();
        // The list covers the room, which is hidden then, with its heading.
        await accessible(ines, 'the rooms', ['landmark-one-main', 'page-has-heading-one']);
        await page.goBack(); // leads out of the list
        await expect(ines.composer).toBeInViewport();
      }
    });
  }
}
