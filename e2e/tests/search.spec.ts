// The search: what somebody finds who types, and what nobody finds who may not.
import type { Page } from '@playwright/test';
import { focused, focusShows, script, settled } from './eyes.ts';
import { accessible, ask, expect, phone, type Someone, test } from './hubbub.ts';

const field = (who: Someone) => who.page.getByRole('textbox', { name: 'Search messages' });
const hits = (who: Someone) => who.page.locator('a[data-hit]');
const status = (who: Someone) => who.page.locator('main [role=status]').first();
const marks = (who: Someone) => hits(who).first().locator('mark');

async function room(page: Page, name: string, more: object = {}): Promise<string> {
  const made = await ask<{ room: { id: string } }>(page, 'POST', '/api/rooms', { name, ...more });
  return made.room.id;
}

async function say(page: Page, where: string, text: string, more: object = {}): Promise<number> {
  const said = await ask<{ event: { seq: number } }>(page, 'POST', `/api/rooms/${where}/messages`, { text, ...more });
  return said.event.seq;
}

/** What was said last can be found. */
async function indexed(page: Page, word: string): Promise<void> {
  const found = () => ask<{ hits: unknown[] }>(page, 'GET', `/api/search?q=${encodeURIComponent(word)}`);
  await expect.poll(async () => (await found()).hits.length, { intervals: [300] }).toBeGreaterThan(0);
}

test('28. results come while typing with the term marked; operators combine; the URL can be shared; CJK, accents, one letter and punctuation find their message', async ({
  hubbub,
  someone,
}) => {
  const [ines, tom] = [await someone('Ines'), await someone('Tom')];
  const { page } = ines;
  await ines.enter();
  await tom.enter();
  const kitchen = await room(page, 'kitchen');
  const garden = await room(page, 'garden');
  await room(tom.page, 'kitchen');
  await room(tom.page, 'garden');
  await say(page, kitchen, 'The **oven** arrived, see https://example.com/oven');
  await say(page, garden, 'an oven in the garden');
  await say(tom.page, kitchen, 'my oven is older');
  await say(page, kitchen, '京都で会いましょう');
  await say(page, kitchen, 'Grüße an Tomás aus der Straße');
  await say(page, garden, 'C++ -> :) foo.bar()');
  await say(page, garden, 'x');
  for (let n = 0; n < 30; n++) await say(page, garden, `${'long ago '.repeat(40)} needle ${n}`);
  await indexed(page, 'needle 29');

  // While typing: each letter brings results, and what was typed is marked.
  await page.keyboard.press('Control+Shift+F');
  await expect(field(ines)).toBeFocused();
  const heard: string[] = [];
  page.on('request', (request) => request.url().includes('/api/search') && heard.push(request.url()));
  await page.keyboard.type('ov', { delay: 30 });
  await expect(hits(ines)).toHaveCount(3);
  await expect(marks(ines)).toHaveText('ov');
  await page.keyboard.type('en');
  await expect(marks(ines)).toHaveText('oven');
  await expect(hits(ines).first()).toContainText('my oven is older');
  await expect(hits(ines).first()).toContainText('Tom');
  await expect(hits(ines).first()).toContainText('#kitchen');
  await expect(status(ines)).toHaveText('3 messages');
  await expect(hits(ines).last().locator('mark'), 'twice in one message, and no stars').toHaveText(['oven', 'oven']);
  await expect(hits(ines).last()).toContainText('The oven arrived');
  expect(heard.length, 'one question for what is typed fast').toBeLessThanOrEqual(3);

  // Operators combine.
  await page.keyboard.type(' in:kitchen -from:tom');
  await expect(status(ines)).toHaveText('1 message');
  await page.keyboard.type(' has:link after:2020');
  await expect(status(ines)).toHaveText('1 message');
  await page.keyboard.type(' "see');
  await expect(status(ines)).toHaveText('1 message');
  await expect(marks(ines)).toHaveText(['oven', 'see', 'oven']);

  // Names are completed.
  await field(ines).fill('oven from:');
  await page.getByRole('group', { name: 'Suggestions' }).getByRole('button', { name: 'Tom' }).click();
  await expect(field(ines)).toHaveValue('oven from:Tom ');
  await page.keyboard.type('in:kit');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(field(ines)).toHaveValue('oven from:Tom in:kitchen ');
  await expect(field(ines)).toBeFocused();
  await expect(hits(ines)).toHaveCount(1);
  await field(ines).fill('oven in:kitchen -from:tom has:link after:2020 "see');

  // The address is the search, for somebody else too.
  await expect(page).toHaveURL(/\/search\?q=oven\+in%3Akitchen\+-from%3Atom\+has%3Alink\+after%3A2020\+%22see$/);
  await tom.page.goto(page.url());
  await expect(field(tom)).toHaveValue('oven in:kitchen -from:tom has:link after:2020 "see');
  await expect(hits(tom)).toHaveCount(1);
  await tom.page.getByRole('button', { name: 'Best' }).click();
  await expect(tom.page).toHaveURL(/&sort=best$/);
  await expect(tom.page.getByRole('button', { name: 'Best' })).toHaveAttribute('aria-pressed', 'true');

  // Every script, and what is hardly a word.
  for (const [typed, found, marked] of [
    ['京', '京都で会いましょう', '京'],
    ['会いま', '京都で会いましょう', '会いま'],
    ['tomas', 'Grüße an Tomás', 'Tomás'],
    ['STRASSE', 'Straße', 'Straße'],
    ['x', 'x', 'x'],
    ['C++', 'C++ -> :)', 'C++'],
    ['->', 'C++ -> :)', '->'],
    [':)', 'C++ -> :)', ':)'],
    ['foo.bar()', 'foo.bar()', 'foo.bar()'],
  ]) {
    await field(ines).fill(typed);
    await expect(marks(ines), typed).toHaveText([marked]);
    await expect(hits(ines), typed).toHaveCount(1);
    await expect(hits(ines).first(), typed).toContainText(found);
  }

  // Page after page; a hit leads to its message, and back leads to the same place.
  await field(ines).fill('needle');
  await expect(status(ines)).toHaveText('The first 20 messages');
  await expect(hits(ines).first()).toContainText('…ago long ago');
  await hits(ines).last().scrollIntoViewIfNeeded();
  await expect(status(ines)).toHaveText('30 messages');
  const hit = hits(ines).nth(25);
  await hit.click();
  await expect(page).toHaveURL(/\/r\/garden\/\d+$/);
  await expect(page.locator('article[data-id]').filter({ hasText: 'needle 4' })).toBeFocused();
  await page.goBack();
  await expect(page).toHaveURL(/\/search\?q=needle$/);
  await expect(hit).toBeFocused();
  await expect(hit).toBeInViewport();
  await page.goForward();
  await expect(page).toHaveURL(/\/r\/garden\/\d+$/);
});

test('a search leads into threads and from rooms, and follows what happens to messages', async ({ hubbub, someone }) => {
  const [ines, tom] = [await someone('Ines'), await someone('Tom')];
  const { page } = ines;
  await ines.enter('/r/kitchen');
  await tom.enter('/r/kitchen');
  const kitchen = await room(page, 'kitchen');
  const root = await say(tom.page, kitchen, 'who tests the oven?');
  await say(tom.page, kitchen, 'I test the oven', { thread: root });
  const wrong = await say(tom.page, kitchen, 'the oven is broken');
  const other = await say(tom.page, kitchen, 'the oven is late');
  await indexed(page, 'late');

  await ines.say('/search oven');
  await expect(field(ines)).toHaveValue('oven');
  await expect(hits(ines)).toHaveCount(4);
  await ask(tom.page, 'DELETE', `/api/rooms/${kitchen}/messages/${wrong}`);
  await expect(hits(ines).filter({ hasText: 'broken' })).toHaveCount(0);
  await expect(hits(ines).filter({ hasText: 'a deleted message' })).toHaveCount(1);
  await ask(tom.page, 'PATCH', `/api/rooms/${kitchen}/messages/${other}`, { text: 'the stove is late' });
  await expect(hits(ines).filter({ hasText: 'late' })).toHaveCount(0);
  await expect(hits(ines), 'neither is found any more').toHaveCount(2);

  await hits(ines).filter({ hasText: 'in a thread' }).click();
  await expect(page.locator('[data-thread-panel] article[data-id]').filter({ hasText: 'I test the oven' })).toBeInViewport();

  // From the header of a room the search is about that room; Escape leaves it.
  await page.getByRole('button', { name: 'Close the thread' }).click();
  await page.getByRole('button', { name: 'Search in this room' }).click();
  await expect(field(ines)).toHaveValue('in:kitchen ');
  await page.keyboard.type('oven');
  await expect(hits(ines)).toHaveCount(2);
  await page.keyboard.press('Escape');
  await expect(ines.composer).toBeVisible();
  await expect(page).toHaveURL(/\/r\/kitchen/);
  await expect(ines.composer, 'what was a command is no draft').toHaveValue('');
});

test('what is said in private is found by nobody else, and goes with the room', async ({ hubbub, someone }) => {
  const [ines, tom] = [await someone('Ines'), await someone('Tom')];
  await ines.enter();
  await tom.enter();
  for (const who of [ines, tom]) await ask(who.page, 'PUT', '/api/me/password', { password: 'violet tugboat harbour 7' });
  const secret = await room(ines.page, 'plans', { kind: 'private' });
  await say(ines.page, secret, 'the kingfisher lands at dawn');
  await indexed(ines.page, 'kingfisher');
  for (const [who, count] of [
    [ines, 1],
    [tom, 0],
  ] as const) {
    for (const q of ['kingfisher', 'in:plans', 'from:ines', 'kingf -zzz', '"kingfisher lands"']) {
      await who.page.goto(`${hubbub.url}/search?q=${encodeURIComponent(q)}`);
      await expect(status(who), `${who.name}: ${q}`).toHaveText(count === 1 ? '1 message' : /^No message has all of that|^$/);
      await expect(hits(who), `${who.name}: ${q}`).toHaveCount(count);
    }
  }
  // Let in, and put out again: what was found goes at once.
  const { people } = await ask<{ people: { id: string; name: string }[] }>(tom.page, 'GET', '/api/people');
  const id = people.find(({ name }) => name === 'Tom')?.id;
  await ask(ines.page, 'PUT', `/api/rooms/${secret}/members/${id}`);
  await field(tom).fill('kingfisher');
  await expect(hits(tom)).toHaveCount(1);
  await ask(ines.page, 'DELETE', `/api/rooms/${secret}/members/${id}`);
  await expect(hits(tom)).toHaveCount(0);
});

test('no query is an error, however it is written', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const { page } = ines;
  await script(hubbub, '/?name=robot', ['an oven', 'say "hello']);
  await ines.enter();
  await indexed(page, 'hello');
  const refused: number[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/api/search') && response.status() !== 200) refused.push(response.status());
  });
  await page.goto(`${hubbub.url}/search`);
  const signs = Array.from({ length: 128 - 32 }, (_, i) => String.fromCharCode(32 + i)).filter((c) => /[^\p{L}\p{N}]/u.test(c));
  for (const q of [
    ...['from:', 'in:', 'before:', 'has:', 'is:', '-', '-from:', 'from:"', 'before:never', 'on:2026-99-99', 'has:cake', '::', 'in::x'],
    ...['"', '"oven', '""', '“', '"oven" "', 'oven"hello', "'; DROP TABLE messages; --", '<img src=x onerror=alert(1)>', '\\', '%', '\u200b', '\u202e', '\ud83c'],
    ...signs,
    signs.join(''),
    signs.join(' '),
    'AND OR NOT NEAR(oven, 5) *',
  ]) {
    const answered = page.waitForResponse((response) => response.url().includes('/api/search'), { timeout: 5_000 }).catch(() => undefined);
    await field(ines).fill(q);
    if (q.trim() !== '') await answered;
    await expect(page.locator('.viewport'), q).toHaveAttribute('aria-busy', 'false');
    await expect(page.getByRole('alert'), q).toHaveCount(0);
    await expect(field(ines)).toHaveValue(q.toWellFormed());
  }
  await field(ines).fill('from: oven');
  await expect(page.getByText('from: is not finished, and does nothing yet.')).toBeVisible();
  await expect(hits(ines)).toHaveCount(1);
  await field(ines).fill(`oven ${'-nothing '.repeat(1_111)}`);
  await expect(page.getByText('A search has 256 characters and 16 parts. What is more is left out.')).toBeVisible();
  await expect(hits(ines)).toHaveCount(1);
  await field(ines).fill('oven'.repeat(2_500));
  await expect(status(ines)).toHaveText('No message has all of that.');
  expect(refused).toEqual([]);
});

test('a search without a connection waits for one', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await script(hubbub, '/?name=robot', ['an oven']);
  await ines.enter();
  await indexed(ines.page, 'oven');
  await ines.page.goto(`${hubbub.url}/search`);
  await expect(field(ines)).toBeFocused();
  await ines.page.context().setOffline(true);
  await expect(ines.page.locator('[data-connection]')).not.toContainText('connected');
  await field(ines).fill('oven');
  await expect(status(ines)).toHaveText('There is no connection. The search goes on when there is one.');
  await expect(ines.page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await ines.page.context().setOffline(false);
  await expect(hits(ines)).toHaveCount(1);
});

test('on a phone the search is a screen of its own, and its keyboard goes when it is done', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', phone);
  const { page } = ines;
  await script(hubbub, '/?name=robot', ['an oven']);
  await ines.enter();
  await indexed(page, 'oven');
  await page.getByRole('button', { name: /^Rooms/ }).tap();
  await page.getByRole('button', { name: 'Search', exact: true }).tap();
  await field(ines).fill('oven');
  await field(ines).press('Enter');
  await expect(field(ines)).not.toBeFocused();
  await hits(ines).first().tap();
  await expect(ines.text('an oven')).toBeInViewport();
  await page.goBack();
  await expect(hits(ines)).toHaveCount(1);
  await page.getByRole('button', { name: 'Leave the search' }).tap();
  await expect(ines.composer).toBeVisible();
});

for (const width of [1280, 320]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`the search works by keyboard and for readers: ${width} pixels, ${colorScheme}`, async ({ hubbub, someone }) => {
      const ines = await someone('Ines', { viewport: { width, height: 640 }, colorScheme, bypassCSP: true });
      const { page } = ines;
      const fine = async (where: string) => {
        await accessible(ines, where);
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wider, `${where} is wider than the window`).toBeLessThanOrEqual(0);
      };
      await script(hubbub, '/?name=robot', ['an oven', 'the oven '.repeat(60), 'oven'.repeat(60), 'فرن oven جديد']);
      await ines.enter();
      await settled(ines);
      await indexed(page, 'oven');
      await page.keyboard.press('Control+Shift+F');
      await expect(field(ines)).toBeFocused();
      await focusShows(ines);
      await fine('the empty search');

      // An example by keyboard, whose placeholder is there to be written over.
      const example = page.getByRole('button', { name: 'Add "exact words" to the search' });
      await example.focus();
      await focusShows(ines);
      await page.keyboard.press('Enter');
      await expect(field(ines)).toBeFocused();
      await page.keyboard.type('an oven');
      await expect(field(ines)).toHaveValue('"an oven"');
      await expect(hits(ines)).toHaveCount(1);

      await page.keyboard.press('Control+Shift+F');
      await page.keyboard.type('oven');
      await expect(status(ines)).toHaveText('4 messages');
      await fine('what was found');
      await page.keyboard.press('ArrowDown');
      await expect(hits(ines).first()).toBeFocused();
      await focusShows(ines);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('End');
      await expect(hits(ines).last()).toBeFocused();
      await page.keyboard.press('Home');
      await page.keyboard.press('ArrowUp');
      await expect(field(ines)).toBeFocused();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Escape');
      await expect(field(ines)).toBeFocused();

      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await expect(page).toHaveURL(/\/r\/lobby\/4$/);
      await expect(page.locator('article[data-seq="4"]')).toBeFocused();
      await page.goBack();
      await expect(hits(ines).first()).toBeFocused();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+a');
      await page.keyboard.type('nothing of this');
      await expect(status(ines)).toHaveText('No message has all of that.');
      await fine('nothing found');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('heading', { name: 'lobby' })).toBeVisible();
      await expect.poll(() => focused(ines)).not.toBe('');
      await page.keyboard.press('Control+/');
      await expect(page.getByRole('dialog', { name: 'Help' })).toContainText('search messages');
    });
  }
}
