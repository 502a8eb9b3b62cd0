// The acceptance list: sending, and what the connection does.
import { between, numbered, script, settled, tall } from './eyes.ts';
import { expect, test } from './hubbub.ts';

test('1. my message appears within one frame, before the server answers; it keeps its place and does not blink when confirmed', async ({ someone }) => {
  const ines = await someone('Ines');
  const line = await between(ines);
  await ines.enter();
  await ines.say('before it');
  await expect(ines.text('before it')).toHaveAttribute('data-state', 'sent');
  line.hold = true;
  await ines.composer.fill('hello');
  // The row is there when the frame after Enter is painted.
  const within = await ines.page.evaluate(
    () =>
      new Promise<boolean>((resolve) => {
        const there = () => [...document.querySelectorAll('article [data-text]')].some((one) => one.textContent === 'hello');
        addEventListener('keydown', () => requestAnimationFrame(() => setTimeout(() => resolve(there()))), { once: true });
        const field = document.querySelector('main textarea') as HTMLElement;
        field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
      }),
  );
  expect(within).toBe(true);
  const row = ines.text('hello');
  await expect(row).toHaveAttribute('data-state', 'pending');
  await expect(row).toBeInViewport();

  // From here on nothing may take the row away or move it.
  await row.evaluate((node) => {
    const seen = { gone: 0, tops: new Set<number>() };
    Object.assign(window, { seen });
    const look = () => {
      if (!node.isConnected) seen.gone++;
      seen.tops.add(Math.round(node.getBoundingClientRect().top));
      requestAnimationFrame(look);
    };
    look();
  });
  line.release();
  await expect(row).toHaveAttribute('data-state', 'sent');
  await settled(ines);
  const seen = await ines.page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const { gone, tops } = (window as unknown as { seen: { gone: number; tops: Set<number> } }).seen;
    return { gone, places: tops.size };
  });
  expect(seen).toEqual({ gone: 0, places: 1 });
  await expect(ines.rows).toHaveCount(2);
});

test('2. pull the network, type three messages: three rows, dimmed, in order; restored, all go out once, in order, without a click', async ({ someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await ines.say('before');
  const colour = (text: string) => ines.text(text).locator('[data-text]').evaluate((node) => getComputedStyle(node).color);
  await expect(ines.text('before')).toHaveAttribute('data-state', 'sent');
  const usual = await colour('before');
  await ines.page.context().setOffline(true);
  await ines.say('one', 'two', 'three');
  await expect(ines.page.locator('article[data-state="pending"]')).toHaveCount(3);
  expect((await ines.shown()).map((row) => row.text)).toEqual(['before', 'one', 'two', 'three']);
  await expect.poll(() => colour('three'), 'paler than what was sent').not.toBe(usual);
  await expect(ines.text('three')).toContainText('sending');
  await expect(ines.composer).toBeEnabled();
  await expect(ines.composer).toBeFocused();
  await ines.composer.fill('and a fourth thought');
  await ines.page.context().setOffline(false);
  await expect(tomas.rows).toHaveCount(4);
  await settled(ines);
  expect((await tomas.shown()).map((row) => row.text)).toEqual(['before', 'one', 'two', 'three']);
  expect(await ines.shown()).toEqual(await tomas.shown());
  await expect(ines.composer).toHaveValue('and a fourth thought');
});

test('3. close the browser while offline; reopen: the three are still queued, and go out', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await hubbub.stop(); // nothing can go out now, whatever a browser does while it closes
  await expect(ines.page.locator('[data-connection]')).toContainText('no connection');
  await ines.say('one', 'two', 'three');
  await expect(ines.page.locator('[data-state="pending"]')).toHaveCount(3);
  const context = ines.page.context();
  await ines.page.close();
  await hubbub.start();
  await settled(tomas);
  expect(await tomas.shown()).toEqual([]);
  const page = await context.newPage();
  await page.goto(hubbub.url);
  await expect(tomas.rows).toHaveCount(3);
  expect((await tomas.shown()).map((row) => row.text)).toEqual(['one', 'two', 'three']);
  await expect(page.locator('article[data-state="sent"]')).toHaveCount(3);
});

test('4. the reply is lost after the server stored it: no double on any screen; a double click on Send sends one', async ({ someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await tomas.enter();
  // The first connection swallows what the server answers to a send, and then breaks.
  let swallow = true;
  await ines.page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    let deaf = false;
    socket.onMessage((message) => {
      server.send(message);
      if (swallow && String(message).includes('"send"')) deaf = true;
    });
    server.onMessage((message) => {
      if (!deaf) return socket.send(message);
      if (swallow && String(message).includes('"sent"')) {
        swallow = false;
        void socket.close({ code: 4000, reason: 'cut' });
      }
    });
  });
  await ines.enter();
  await ines.say('only once');
  await expect(tomas.text('only once')).toHaveCount(1);
  await settled(ines);
  expect(swallow).toBe(false);

  await ines.composer.fill('clicked twice');
  await ines.page.getByRole('button', { name: 'Send', exact: true }).dblclick();
  await ines.say('and this');
  await expect(tomas.text('and this')).toBeVisible();
  const said = ['only once', 'clicked twice', 'and this'];
  for (const who of [tomas, ines]) {
    await settled(who);
    expect((await who.shown()).map((row) => row.text)).toEqual(said);
  }
  expect(await tomas.shown()).toEqual(await ines.shown());
});

test('5. two tabs: a message sent in one shows once in the other', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const second = await ines.page.context().newPage();
  await second.goto(hubbub.url);
  await expect(second.locator('[data-connection]')).toContainText('connected');
  await ines.say('hello');
  await expect(second.locator('article[data-id]')).toHaveCount(1);
  await second.getByRole('textbox', { name: 'Message #lobby' }).fill('from the other');
  await second.keyboard.press('Enter');
  for (const rows of [ines.rows, second.locator('article[data-id]')]) {
    await expect(rows).toHaveCount(2);
    await expect(rows.nth(0)).toContainText('hello');
    await expect(rows.nth(1)).toContainText('from the other');
    await expect(rows.nth(1)).toHaveAttribute('data-state', 'sent');
  }
  await settled(ines);
  await expect(ines.rows).toHaveCount(2);
});

test('6. a failed send says why and offers retry and discard; text is never lost', async ({ someone }) => {
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
  await ines.say('precious words', 'idle words');
  for (const text of ['precious words', 'idle words']) {
    await expect(ines.text(text)).toHaveAttribute('data-state', 'failed');
    await expect(ines.text(text)).toContainText(/something went wrong here/i);
  }
  await ines.page.reload(); // what failed is still there
  await expect(ines.text('precious words')).toHaveAttribute('data-state', 'failed');
  refuse = false;
  await ines.text('precious words').getByRole('button', { name: 'Try again' }).or(ines.text('precious words').getByRole('button', { name: 'Retry' })).click();
  await expect(ines.text('precious words')).toHaveAttribute('data-state', 'sent');
  await ines.text('idle words').getByRole('button', { name: 'Discard' }).click();
  await expect(ines.text('idle words')).toHaveCount(0);
  await ines.page.reload();
  await expect(ines.text('precious words')).toBeVisible();
  await expect(ines.rows).toHaveCount(1);
});

test('7. a quiet banner appears after a few seconds without a link, not on a blip; it shows a countdown and “retry now”', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const line = await between(ines);
  await ines.page.addInitScript(() => {
    const banners: number[] = [];
    Object.assign(window, { banners });
    new MutationObserver(() => document.querySelector('[data-banner]') && banners.push(performance.now())).observe(document, { childList: true, subtree: true });
  });
  await ines.enter();
  const seen = () => ines.page.evaluate(() => (window as unknown as { banners: number[] }).banners);
  line.cut();
  await expect.poll(() => line.connections).toBe(2);
  await settled(ines);
  await ines.say('after a blip');
  await expect(ines.text('after a blip')).toHaveAttribute('data-state', 'sent');
  expect(await seen(), 'no banner on a blip').toEqual([]);

  await hubbub.stop();
  await expect(ines.page.locator('[data-connection]')).toContainText('no connection');
  const lost = await ines.page.evaluate(() => performance.now());
  const banner = ines.page.locator('[data-banner]');
  await expect(banner).toContainText('No connection.');
  expect((await seen())[0] - lost, 'not at once').toBeGreaterThan(1_500);
  await expect(banner).toContainText(/\d+ s/);
  const seconds = async () => Number(/(\d+)\s*s/.exec(await banner.innerText())?.[1] ?? -1);
  const first = await seconds();
  await expect.poll(seconds, 'it counts down, or tries').not.toBe(first);
  await expect(ines.composer).toBeEnabled();
  await hubbub.start();
  await expect(async () => {
    if (await banner.isVisible()) await ines.page.getByRole('button', { name: 'Retry now' }).click({ timeout: 1_000 });
    await expect(banner).toHaveCount(0, { timeout: 2_000 });
  }).toPass();
  await settled(ines);
});

test('8. lid closed for an hour: on opening, everything missed is there, in order, with no reload', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', tall);
  const line = await between(ines);
  await ines.page.clock.install();
  await ines.enter();
  await ines.say('good night');
  await settled(ines);
  await ines.page.evaluate(() => Object.assign(window, { same: true }));
  line.deaf = true; // the device sleeps: nothing comes through, and nobody has said so
  const missed = numbered(120, 'missed');
  await script(hubbub, '/?name=robot', missed);
  expect(await ines.shown()).toHaveLength(1);
  await ines.page.clock.fastForward('01:00:00');
  await expect(ines.text('missed 120')).toBeVisible({ timeout: 30_000 });
  await expect.poll(async () => (await ines.shown()).map((row) => row.text)).toEqual(['good night', ...missed]);
  expect(line.connections).toBeGreaterThan(1);
  expect(await ines.page.evaluate(() => 'same' in window)).toBe(true);
  await ines.say('good morning');
  await expect(ines.text('good morning')).toHaveAttribute('data-state', 'sent');
});

test('9. server restart: clients return spread out, nobody logs in again', async ({ hubbub, someone }) => {
  const people = [];
  const told: number[] = [];
  for (const name of ['Ines', 'Tomás', 'Yuki']) {
    const who = await someone(name);
    who.page.on('websocket', (socket) =>
      socket.on('framereceived', ({ payload }) => {
        const { goodbye } = JSON.parse(String(payload)) as { goodbye?: { retry_after: number } };
        if (goodbye) told.push(goodbye.retry_after);
      }),
    );
    await who.enter();
    people.push(who);
  }
  await people[0].say('before');
  await expect(people[2].text('before')).toBeVisible();
  await hubbub.stop('SIGTERM');
  await expect.poll(() => told.length).toBe(3);
  expect(new Set(told).size, `each is told another time: ${told.join(', ')}`).toBe(3);
  await hubbub.start();
  for (const who of people) {
    await who.say(`${who.name} is back`);
    await settled(who);
  }
  for (const who of people) {
    await expect(who.rows).toHaveCount(4);
    await expect(who.page.getByRole('button', { name: 'Come in' })).toHaveCount(0);
  }
});

test('10. a wrong clock on my device does not reorder messages', async ({ hubbub, someone }) => {
  const early = await someone('Ines');
  const late = await someone('Tomás');
  const right = await someone('Yuki');
  await early.page.clock.install({ time: Date.now() - 5 * 3600_000 });
  await late.page.clock.install({ time: Date.now() + 3 * 3600_000 });
  const people = [early, late, right];
  for (const who of people) await who.enter();
  const said = [];
  for (let turn = 0; turn < 3; turn++) {
    for (const who of people) {
      said.push(`${who.name} ${turn}`);
      await who.say(`${who.name} ${turn}`);
      for (const other of people) await expect(other.text(`${who.name} ${turn}`)).toBeVisible();
    }
  }
  // Not even while it is on its way.
  await early.page.context().setOffline(true);
  await early.say('last');
  await expect(early.text('last')).toHaveAttribute('data-state', 'pending');
  expect((await early.shown()).map((row) => row.text)).toEqual([...said, 'last']);
  await early.page.context().setOffline(false);
  await expect(right.text('last')).toBeVisible();
  for (const who of people) {
    await settled(who);
    expect((await who.shown()).map((row) => row.text)).toEqual([...said, 'last']);
  }
  expect(hubbub.url).toBeTruthy();
});

test('11. too long is refused before sending, with a count; rate-limited says how long to wait and keeps the text', async ({ hubbub, someone }) => {
  await hubbub.stop();
  await hubbub.start('--message-rate', '1,2');
  const ines = await someone('Ines');
  await ines.enter();
  const { page, composer } = ines;
  const send = page.getByRole('button', { name: 'Send', exact: true });
  await composer.fill('é'.repeat(8193)); // 16,386 bytes
  await expect(page.getByText(/too long by 2 bytes/i)).toBeVisible();
  await expect(send).toBeDisabled();
  await composer.press('Enter');
  await expect(composer).not.toHaveValue('');
  await expect(ines.rows).toHaveCount(0);
  await composer.fill('é'.repeat(8192));
  await composer.press('Enter');
  await expect(ines.text('é'.repeat(8192))).toHaveAttribute('data-state', 'sent');

  const said = numbered(8, 'quick');
  await ines.say(...said);
  const wait = page.getByText(/\b\d+ s(econds)?\b/).first();
  await expect(wait, 'how long to wait').toBeVisible();
  expect((await ines.shown()).slice(1).map((row) => row.text)).toEqual(said);
  await expect(ines.text('quick 8')).toHaveAttribute('data-state', 'sent', { timeout: 40_000 });
  expect((await ines.shown()).slice(1).map((row) => row.text)).toEqual(said);
});
