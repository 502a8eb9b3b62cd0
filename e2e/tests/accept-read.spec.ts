// The acceptance list: reading.
import { focused, middle, numbered, script, settled, settledAt, tall } from './eyes.ts';
import { accessible, expect, type Someone, test } from './hubbub.ts';

const log = (who: Someone) => who.page.locator('main').getByRole('log');
const pin = (who: Someone) => who.page.locator('[data-latest]');

/** Hovers over a message and uses one of its tools. */
async function tool(who: Someone, text: string, name: string | RegExp): Promise<void> {
  const row = who.text(text);
  await row.hover();
  await row.getByRole('button', { name }).click();
}

test('12. opening a room lands on the first unread, with a “New” line that stays until I leave', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter('/r/kitchen');
  await script(hubbub, '/rooms/kitchen?name=robot', numbered(60, 'old'));
  await expect(ines.text('old 60')).toBeInViewport();
  const link = (room: string) => ines.page.locator(`nav [data-room="${room}"]`);
  await ines.page.goto(`${hubbub.url}/r/lobby`);
  await expect(link('kitchen')).toBeVisible();
  await script(hubbub, '/rooms/kitchen?name=robot', numbered(60, 'new'));
  await expect(link('kitchen')).toContainText('60');
  await link('kitchen').click();
  const line = ines.page.locator('[data-new]');
  await expect(line).toBeInViewport();
  await expect(ines.text('new 1')).toBeInViewport();
  await expect(ines.text('new 60')).not.toBeInViewport();
  const above = await line.boundingBox();
  const first = await ines.text('new 1').boundingBox();
  expect((first?.y ?? 0) - (above?.y ?? 0), 'the line stands right before it').toBeLessThan(60);
  await pin(ines).click();
  await expect(ines.text('new 60')).toBeInViewport();
  await script(hubbub, '/rooms/kitchen?name=robot', ['later']);
  await expect(ines.text('later')).toBeInViewport();
  await expect(link('kitchen')).not.toContainText('60');
  await log(ines).hover();
  await ines.page.mouse.wheel(0, -1_600);
  await expect(line, 'it stays, though all is read').toBeInViewport();
  await link('lobby').click();
  await expect(ines.page.getByRole('heading', { name: 'lobby' })).toBeVisible();
  await link('kitchen').click();
  await expect(ines.text('later')).toBeInViewport();
  await expect(line).toHaveCount(0);
});

test('13. scrolled up, new messages do not move what I read; a pill counts them; older history loads without moving the line under my eye', async ({ hubbub, someone }) => {
  await script(hubbub, '/', numbered(400));
  const ines = await someone('Ines');
  await ines.enter();
  await expect(ines.text('message 400')).toBeInViewport();
  await log(ines).hover();
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

  const before = await middle(ines);
  await script(hubbub, '/', ['news 1', 'news 2']);
  const pill = ines.page.getByRole('button', { name: '2 new messages' });
  await expect(pill).toBeVisible();
  expect(await settledAt(ines, before.id)).toBe(before.top);
  await pill.click();
  await expect(ines.text('news 2')).toBeInViewport();
  await expect(pin(ines)).toHaveCount(0);
  await log(ines).hover();
  await ines.page.mouse.wheel(0, -1_000);
  await expect(ines.page.getByRole('button', { name: 'Jump to latest' })).toBeVisible();
});

test('14. day dividers and times follow my zone and locale; rows group by author within five minutes and break at a new day', async ({ hubbub, someone }) => {
  // When it was said, as two pages are told: the clock of the server is that of today.
  const said = { one: '14:58', two: '14:59', three: '15:01', four: '15:07' };
  const told = (text: string) =>
    text.replace(/"time":\d+,"text":"(\w+)"/g, (all, word: string) => {
      const time = said[word as keyof typeof said];
      return time ? `"time":${Date.parse(`2026-03-05T${time}:00Z`)},"text":"${word}"` : all;
    });
  await script(hubbub, '/?name=robot', Object.keys(said));
  const places = {
    tokyo: { locale: 'de-DE', timezoneId: 'Asia/Tokyo', days: 2, heads: ['23:58', '00:01', '00:07'], day: /6\. März/ },
    york: { locale: 'en-US', timezoneId: 'America/New_York', days: 1, heads: ['9:58 AM', '10:07 AM'], day: /March 5/ },
  };
  for (const [name, { days, heads, day, ...where }] of Object.entries(places)) {
    const who = await someone(name, where);
    await who.page.routeWebSocket(/.*/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((message) => socket.send(told(String(message))));
      socket.onMessage((message) => server.send(message));
    });
    await who.page.route('**/events?**', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: told(await response.text()) });
    });
    await who.page.goto(hubbub.url);
    await who.page.getByRole('textbox').first().fill(name);
    await who.page.keyboard.press('Enter');
    await expect(who.text('four')).toBeVisible();
    await expect(who.page.locator('article .name')).toHaveCount(heads.length);
    const times = await who.page.locator('article p.by time').allInnerTexts();
    expect(times.map((time) => time.replace(/\s/g, ' '))).toEqual(heads);
    const dividers = who.page.locator('.divider:not(.new)');
    await expect(dividers).toHaveCount(days);
    await expect(dividers.last()).toContainText(day);
  }
});

test('15. edited shows “edited” and updates everywhere at once; deleted leaves a quiet stub', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  const tab = await ines.page.context().newPage();
  await tab.goto(hubbub.url);
  await ines.say('the oven arived');
  await tool(tomas, 'the oven arived', /^Reply to/);
  await expect(tomas.composer).toBeFocused();
  await tomas.say('at last');
  await tool(tomas, 'the oven arived', 'Reply in a thread');
  const panel = tomas.page.locator('[data-thread-panel]');
  await expect(panel.locator('article')).toHaveText([/the oven arived/]);
  await expect(ines.text('at last')).toContainText('the oven arived');

  await ines.composer.focus();
  await ines.page.keyboard.press('ArrowUp');
  await expect(ines.page.getByRole('textbox', { name: 'Edit your message' })).toBeFocused();
  await ines.page.keyboard.press('ControlOrMeta+A');
  await ines.page.keyboard.type('the oven **arrived**');
  await ines.page.keyboard.press('Enter');
  const places = [ines.page.locator('main'), tomas.page.locator('main'), panel, tab.locator('main')];
  for (const place of places) {
    const row = place.locator('article').filter({ hasText: 'the oven arrived' }).first();
    await expect(row.getByRole('button', { name: 'edited' })).toBeVisible();
    await expect(row.locator('strong')).toHaveText('arrived');
  }
  for (const who of [ines, tomas]) await expect(who.text('at last').locator('.quote')).toContainText('the oven arrived');

  await tool(ines, 'the oven arrived', /^More about the message/);
  await ines.page.getByRole('menuitem', { name: 'Delete…' }).click();
  await ines.page.getByRole('button', { name: 'Delete', exact: true }).click();
  for (const place of places) {
    await expect(place.locator('[data-text]').getByText('This message was deleted.')).toBeVisible();
    await expect(place.locator('[data-text]').getByText('the oven arrived')).toHaveCount(0);
  }
  for (const who of [ines, tomas]) await expect(who.text('at last').locator('.quote')).toContainText('a deleted message');
  await tomas.page.reload();
  await expect(tomas.text('This message was deleted.')).toBeVisible();
});

test('15. an edit that was overtaken on another device overwrites nothing until somebody says so', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await ines.say('first');
  await expect(ines.text('first')).toHaveAttribute('data-state', 'sent');
  const tab = await ines.page.context().newPage();
  await tab.goto(hubbub.url);
  const field = (page: typeof tab) => page.getByRole('textbox', { name: 'Edit your message' });
  for (const page of [ines.page, tab]) {
    await expect(page.locator('article')).toHaveCount(1);
    await page.getByRole('textbox', { name: /^Message / }).press('ArrowUp');
    await expect(field(page)).toHaveValue('first');
  }
  await field(tab).fill('second');
  await field(tab).press('Enter');
  await expect(tab.locator('[data-text]')).toHaveText('second');
  await expect(tab.getByRole('button', { name: 'edited' })).toBeVisible();
  await field(ines.page).fill('third');
  await field(ines.page).press('Enter');
  await expect(ines.page.locator('[data-failed]')).toContainText('changed meanwhile');
  await expect(ines.page.locator('[data-failed] q')).toHaveText('third');
  await expect(ines.page.locator('[data-text]')).toHaveText('second');
  await ines.page.locator('[data-failed]').getByRole('button').first().click();
  await expect(tab.locator('[data-text]')).toHaveText('third');
  await expect(ines.page.locator('[data-failed]')).toHaveCount(0);
});

test('16. a permalink opens at that message, highlighted, with context both ways', async ({ hubbub, someone }) => {
  await hubbub.stop();
  await hubbub.start('--limits', 'off');
  await script(hubbub, '/?name=robot', numbered(3_000));
  const ines = await someone('Ines');
  await ines.enter('/r/lobby/1500');
  const row = ines.text('message 1500');
  await expect(row).toBeInViewport();
  await expect(row).toHaveClass(/pointed/);
  await expect.poll(() => row.evaluate((node) => getComputedStyle(node).backgroundColor), 'highlighted').not.toBe('rgba(0, 0, 0, 0)');
  await expect(row).toBeFocused();
  for (const near of [1495, 1505]) await expect(ines.text(`message ${near}`)).toBeInViewport();
  const box = await row.boundingBox();
  const around = await log(ines).boundingBox();
  const middleOf = (one: typeof box) => (one?.y ?? 0) + (one?.height ?? 0) / 2;
  expect(Math.abs(middleOf(box) - middleOf(around)), 'in the middle of the screen').toBeLessThan(80);
  await expect(row, 'not for ever').not.toHaveClass(/pointed/);

  // It goes on both ways, and nothing jumps.
  await log(ines).hover();
  for (const by of [-400, 400]) {
    for (let step = 0; step < 25; step++) {
      const before = await middle(ines);
      await ines.page.mouse.wheel(0, by);
      const after = await settledAt(ines, before.id);
      if (after !== undefined) expect(Math.abs(before.top - after - by), `row ${before.seq}`).toBeLessThanOrEqual(3);
    }
    const { seq } = await middle(ines);
    if (by < 0) expect(Number(seq)).toBeLessThan(1_300);
    else expect(Number(seq)).toBeGreaterThan(1_450);
  }
  // What comes to a message there shows there.
  const there = ines.page.locator(`article[data-id="${(await middle(ines)).id}"]`);
  await there.hover();
  await there.getByRole('button', { name: /^React to/ }).click();
  await ines.page.getByRole('dialog').getByRole('searchbox').fill('tada');
  await ines.page.keyboard.press('Enter');
  await expect(there.locator('[data-reaction]')).toContainText('1');
  await script(hubbub, '/?name=robot', ['news']);
  await ines.page.getByRole('button', { name: '1 new message' }).click();
  await expect(ines.text('news')).toBeInViewport();
  await expect(ines.page).toHaveURL(/\/r\/lobby$/);

  // And from inside the page, by a link, and back.
  await ines.say(`look at ${hubbub.url}/r/lobby/7`);
  await expect(ines.rows.last()).toHaveAttribute('data-state', 'sent');
  await ines.page.goto(`${hubbub.url}/r/lobby/7`);
  await expect(ines.text('message 7')).toBeInViewport();
  await expect(ines.text('message 1')).toBeAttached();
});

test('16. a permalink to what is at the end anyway leaves the room there', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await ines.say('first', 'last');
  await expect(ines.text('last')).toHaveAttribute('data-state', 'sent');
  await ines.page.goto(`${hubbub.url}/r/lobby/${await ines.text('first').getAttribute('data-seq')}`);
  await expect(ines.text('first')).toBeFocused();
  await expect(pin(ines)).toHaveCount(0);
  await script(hubbub, '/?name=robot', numbered(30, 'news'));
  await expect(ines.text('news 30')).toBeInViewport({ ratio: 1 });
  await expect(pin(ines)).toHaveCount(0);
});

test('17. code keeps spaces, is highlighted, scrolls sideways, has copy', async ({ someone }) => {
  const ines = await someone('Ines', { permissions: ['clipboard-read', 'clipboard-write'], viewport: { width: 390, height: 844 } });
  await ines.enter();
  const code = `for line := range readings {\n\tpost("kitchen",   line) // ${'one message each '.repeat(8)}\n\n    done\n}`;
  await ines.say(`Look:\n\`\`\`go\n${code}\n\`\`\`\nand \`a  b\``);
  const block = ines.page.locator('article pre');
  await expect(block).toHaveText(code, { useInnerText: true });
  expect(await block.textContent()).toBe(code);
  await expect(block.locator('.keyword').first()).toHaveText('for');
  await expect(block.locator('.string')).toHaveText('"kitchen"');
  const paint = (what: string) => block.locator(what).first().evaluate((node) => getComputedStyle(node).color);
  expect(await paint('.keyword')).not.toBe(await paint('code'));
  const wide = await block.evaluate((node) => [node.scrollWidth, node.clientWidth]);
  expect(wide[0]).toBeGreaterThan(wide[1]);
  await block.focus();
  await ines.page.keyboard.press('ArrowRight');
  await expect.poll(() => block.evaluate((node) => node.scrollLeft)).toBeGreaterThan(0);
  expect(await ines.page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  await ines.page.locator('article figure').getByRole('button', { name: 'Copy' }).click();
  await expect(ines.page.locator('article figure')).toContainText('Copied');
  expect(await ines.page.evaluate(() => navigator.clipboard.readText())).toBe(code);
});

test('17. long words, right-to-left text, combining marks and emoji families render whole', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { viewport: { width: 800, height: 2_400 } });
  await ines.enter();
  const odd = ['<b>not bold</b> & <script>alert(1)</script>', '  spaces   stay  inside', 'שלום עולם', 'e\u0301 👩‍👩‍👧‍👦 日本語', 'x'.repeat(3_000), '👩‍👩‍👧‍👦', 'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!'];
  await script(hubbub, '/?name=robot', odd);
  await ines.say('two\nlines');
  await expect(ines.page.locator('[data-state="sent"]')).toHaveCount(odd.length + 1);
  expect((await ines.shown()).map((row) => row.text)).toEqual([...odd, 'two\nlines']);
  const look = await ines.page.evaluate(() => {
    const of = (text: string) => [...document.querySelectorAll<HTMLElement>('article [data-text] p')].find((p) => p.textContent === text) as HTMLElement;
    const width = (text: string) => {
      const range = document.createRange();
      range.selectNodeContents(of(text));
      return range.getBoundingClientRect();
    };
    const hebrew = width('שלום עולם');
    const family = width('👩‍👩‍👧‍👦');
    return {
      beside: document.documentElement.scrollWidth - innerWidth,
      hebrewAtTheRight: Math.abs(hebrew.right - of('שלום עולם').getBoundingClientRect().right) < 2,
      familyOneGlyph: family.width < family.height * 1.6,
      longWrapped: of('x'.repeat(3_000)).getBoundingClientRect().height > 400,
    };
  });
  expect(look).toEqual({ beside: 0, hebrewAtTheRight: true, familyOneGlyph: true, longWrapped: true });
});

test('18. ten thousand messages back still scrolls smoothly', async ({ hubbub, someone }) => {
  await hubbub.stop();
  await hubbub.start('--limits', 'off');
  await script(hubbub, '/?name=robot', numbered(10_000).map((text, i) => (i % 10 === 0 ? `${text} **and** \`more\`` : text)));
  const ines = await someone('Ines');
  await ines.enter();
  await expect(ines.text('message 10000')).toBeInViewport();
  await ines.page.goto(`${hubbub.url}/r/lobby/200`);
  await expect(ines.text('message 200')).toBeInViewport();
  await log(ines).hover();
  /** How long frames take while something is done. */
  const frames = async (act: () => Promise<unknown>) => {
    await ines.page.evaluate(() => {
      const watch = { frames: [] as number[], rows: 0, on: true };
      Object.assign(window, { watch });
      let last = performance.now();
      const look = (now: number) => {
        watch.frames.push(now - last);
        last = now;
        watch.rows = Math.max(watch.rows, document.querySelectorAll('article').length);
        if (watch.on) requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await act();
    return ines.page.evaluate(() => {
      const { watch } = window as unknown as { watch: { frames: number[]; rows: number; on: boolean } };
      watch.on = false;
      const sorted = watch.frames.slice(1).sort((a, b) => a - b);
      return { p95: sorted[Math.floor(sorted.length * 0.95)], worst: sorted.at(-1) ?? 0, rows: watch.rows };
    });
  };
  // A machine that is busy with other things is slow without any scrolling.
  const idle = await frames(async () => {
    for (let step = 0; step < 60; step++) await middle(ines);
  });
  const { p95, worst, rows } = await frames(async () => {
    for (const by of [300, -300, 300]) for (let step = 0; step < 60; step++) await ines.page.mouse.wheel(0, by);
  });
  expect(Math.abs(Number((await middle(ines)).seq) - 200)).toBeGreaterThan(100);
  console.log(`frames at rest: p95 ${idle.p95.toFixed(0)} ms, worst ${idle.worst.toFixed(0)} ms; scrolling: p95 ${p95.toFixed(0)} ms, worst ${worst.toFixed(0)} ms; rows ${rows}`);
  expect(rows, 'only what fits the window is drawn').toBeLessThan(150);
  expect(worst).toBeLessThan(500 + 5 * idle.worst);
});

test('a thread stands beside the room, and is told of in it', async ({ someone }) => {
  const ines = await someone('Ines', { bypassCSP: true });
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await ines.say('which oven?', 'and which pan?');
  await tool(tomas, 'which oven?', 'Reply in a thread');
  const panel = tomas.page.locator('[data-thread-panel]');
  const field = panel.getByRole('textbox', { name: 'Reply in the thread' });
  await expect(field).toBeFocused();
  await field.fill('the **small** one');
  await field.press('Enter');
  await expect(panel.locator('article[data-state="sent"]')).toHaveCount(2);
  await expect(tomas.page.locator('main').getByText('the small one')).toHaveCount(0);
  const link = ines.text('which oven?').getByRole('button', { name: 'Open the thread, 1 reply' });
  await expect(link).toContainText('1 new');
  await link.click();
  await expect(ines.page.locator('[data-thread-panel] [data-text]')).toHaveText(['which oven?', 'the small one']);
  await expect(link).not.toContainText('new');
  await accessible(ines, 'a thread');
  const [room, thread] = [await ines.page.locator('main').boundingBox(), await ines.page.locator('[data-thread-panel]').boundingBox()];
  expect((room?.x ?? 0) + (room?.width ?? 0)).toBeLessThanOrEqual((thread?.x ?? 0) + 1);
  await ines.page.goBack();
  await expect(ines.page.locator('[data-thread-panel]')).toHaveCount(0);
  await link.click();
  await ines.page.getByRole('button', { name: 'Close the thread' }).click();
  await expect(ines.page.locator('[data-thread-panel]')).toHaveCount(0);
  await expect.poll(() => focused(ines)).toBe('Open the thread, 1 reply');
});

test('reactions, pins and what a message once read like are seen by all', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { bypassCSP: true });
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await ines.say('the oven arrived');
  await tool(tomas, 'the oven arrived', /^React to/);
  await tomas.page.getByRole('dialog').getByRole('searchbox').fill('tada');
  await tomas.page.keyboard.press('Enter');
  const tally = ines.page.locator('[data-reaction="🎉"]');
  await expect(tally).toHaveAccessibleName('🎉 1: Tomás');
  await tally.click();
  await expect(tally).toHaveAttribute('aria-pressed', 'true');
  await expect(tomas.page.locator('[data-reaction="🎉"]')).toContainText('2');
  await tally.click();
  await expect(tomas.page.locator('[data-reaction="🎉"]')).toContainText('1');
  await tomas.page.locator('[data-reaction="🎉"]').click();
  await expect(tally).toHaveCount(0);

  await tool(ines, 'the oven arrived', /^More about the message/);
  await ines.page.getByRole('menuitem', { name: 'Pin' }).click();
  await expect(tomas.text('the oven arrived')).toContainText('pinned');
  await script(hubbub, '/?name=robot', numbered(200));
  await tomas.page.getByRole('button', { name: /^About this room/ }).click();
  await tomas.page.getByRole('tab', { name: 'Pinned' }).click();
  await tomas.page.getByRole('button', { name: 'Show in the room' }).click();
  await expect(tomas.text('the oven arrived')).toBeInViewport();
  await tool(tomas, 'the oven arrived', /^More about the message/);
  await tomas.page.getByRole('menuitem', { name: 'Unpin' }).click();
  await expect(tomas.text('the oven arrived')).not.toContainText('pinned');

  await ines.page.reload();
  await settled(ines);
  await ines.say('fist words');
  await expect(ines.text('fist words')).toHaveAttribute('data-state', 'sent');
  await ines.composer.press('ArrowUp');
  await ines.page.getByRole('textbox', { name: 'Edit your message' }).fill('first words');
  await ines.page.keyboard.press('Enter');
  await settled(ines);
  await ines.text('first words').getByRole('button', { name: 'edited' }).click();
  const details = ines.page.getByRole('dialog', { name: 'Message' });
  await expect(details).toBeVisible();
  await expect(details.locator('ol p')).toHaveText(['fist words', 'first words']);
  await accessible(ines, 'what a message once read like');
  await ines.page.keyboard.press('Escape');
  await expect(details).toHaveCount(0);
});
