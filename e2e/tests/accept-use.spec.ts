// The acceptance list: writing, rooms, and using the page by keyboard, by ear, small and on a phone.
import type { Page } from '@playwright/test';
import { focused, focusShows, numbered, script, settled } from './eyes.ts';
import { accessible, expect, phone, type Someone, test } from './hubbub.ts';

const beside = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

test('19. Enter sends, Shift+Enter breaks; Enter during Japanese, Chinese or Korean composition does not send', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const { page, composer } = ines;
  await composer.pressSequentially('one');
  await composer.press('Shift+Enter');
  await composer.pressSequentially('two');
  await expect(composer).toHaveValue('one\ntwo');
  await composer.press('Enter');
  await expect(composer).toHaveValue('');
  await expect(ines.text('one\ntwo')).toBeVisible();

  const devtools = await page.context().newCDPSession(page);
  for (const [typed, meant] of [['にほん', '日本'], ['zhong', '中'], ['하', '한']]) {
    await devtools.send('Input.imeSetComposition', { text: typed, selectionStart: typed.length, selectionEnd: typed.length });
    await expect(composer).toHaveValue(typed);
    // What a browser says for the Enter that takes the word over, and Safari right after it.
    await composer.dispatchEvent('keydown', { key: 'Enter', isComposing: true });
    await composer.dispatchEvent('keydown', { key: 'Enter', keyCode: 229 });
    await devtools.send('Input.insertText', { text: meant });
    await expect(composer).toHaveValue(meant);
    await expect(ines.text(meant)).toHaveCount(0);
    await composer.press('Enter');
    await expect(ines.text(meant)).toBeVisible();
  }
  await expect(ines.rows).toHaveCount(4);
  await composer.fill('   \n ');
  await composer.press('Enter');
  await expect(ines.rows).toHaveCount(4);
});

test('20. Up edits my last message; Esc leaves it as it was', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await ines.say('my first', 'my last');
  const field = ines.page.getByRole('textbox', { name: 'Edit your message' });
  await script(hubbub, '/?name=robot', ['answer']);
  await expect(ines.text('answer')).toBeInViewport();
  await ines.composer.press('ArrowUp');
  await expect(field).toBeFocused();
  await expect(ines.text('answer')).toBeInViewport({ ratio: 1 });
  await expect(ines.page.locator('[data-latest]'), 'the end is still on screen').toHaveCount(0);
  await ines.page.keyboard.press('Escape');
  await script(hubbub, '/?name=robot', numbered(60, 'others'));
  await expect(ines.text('others 60')).toBeInViewport();
  await ines.composer.press('ArrowUp');
  await expect(field).toBeFocused();
  await expect(field, 'also far up it is on screen').toBeInViewport({ ratio: 1 });
  await expect(field).toHaveValue('my last');
  await field.pressSequentially(' wish');
  await ines.page.keyboard.press('Escape');
  await expect(field).toHaveCount(0);
  await expect(ines.composer).toBeFocused();
  await expect(ines.text('others 60'), 'back at the end').toBeInViewport();
  await ines.composer.press('ArrowUp');
  await expect(field).toHaveValue('my last');
  await field.pressSequentially(' word');
  await field.press('Enter');
  await expect(ines.composer).toBeFocused();
  await ines.composer.press('ArrowUp');
  await expect(field).toHaveValue('my last word');
  await ines.page.keyboard.press('Escape');
  await ines.composer.fill('not empty');
  await ines.composer.press('ArrowUp');
  await expect(field).toHaveCount(0);
});

test('23. Ctrl+K finds a room or person by any part; bold for unread, a number for mentions', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter('/r/kitchen-build');
  await tomas.enter('/r/kitchen-build');
  await ines.page.goto(`${hubbub.url}/r/lobby`);
  await expect(ines.composer).toBeVisible();
  const box = ines.page.getByRole('combobox');
  for (const part of ['build', 'CHEN-b']) {
    await ines.page.keyboard.press('Control+k');
    await box.fill(part);
    await expect(ines.page.getByRole('option', { name: /kitchen-build/ })).toBeVisible();
    await ines.page.keyboard.press('Escape');
  }
  await ines.page.keyboard.press('Control+k');
  await box.fill('omá');
  await expect(ines.page.getByRole('option', { name: /Tomás/ })).toBeVisible();
  await ines.page.keyboard.press('Escape');

  const link = ines.page.locator('nav [data-room="kitchen-build"]');
  const weight = () => link.locator('.name').evaluate((node) => Number(getComputedStyle(node).fontWeight));
  const usual = await weight();
  await tomas.say('to whom it may concern');
  await expect.poll(weight, 'bold').toBeGreaterThan(usual);
  await expect(link.locator('.count')).toHaveCount(0);
  await tomas.say('@Ines are you there?');
  await expect(link.locator('.count')).toContainText('1');
  await link.click();
  await expect(ines.text('@Ines are you there?')).toBeVisible();
  await expect(link.locator('.count')).toHaveCount(0);
  expect(await weight()).toBeGreaterThanOrEqual(usual);
});

test('23. muted stays quiet', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter('/r/kitchen');
  await tomas.enter('/r/kitchen');
  const link = (page = ines.page) => page.locator('nav [data-room="kitchen"]');
  const weight = () => link().locator('.name').evaluate((node) => Number(getComputedStyle(node).fontWeight));
  const tab = await ines.page.context().newPage();
  await tab.goto(hubbub.url);
  await ines.page.getByTitle('About this room').click();
  await ines.page.getByRole('button', { name: 'Mute this room' }).click();
  await expect(ines.page.getByText('You have muted this room: it asks for nothing on your list.')).toBeVisible();
  await ines.page.keyboard.press('Escape');
  for (const page of [ines.page, tab]) await expect(link(page)).toContainText('muted');
  await expect(link(tomas.page), 'nobody else notices').not.toContainText('muted');

  await ines.page.goto(`${hubbub.url}/r/lobby`);
  await expect(ines.composer).toBeVisible();
  await expect(link()).toContainText('muted');
  const usual = await weight();
  await tomas.say('nothing that matters', '@Ines are you there?');
  await expect(tomas.text('@Ines are you there?')).toHaveAttribute('data-state', 'sent');
  await tomas.page.goto(`${hubbub.url}/r/lobby`);
  await tomas.say('after that'); // came later, so the others are there as well
  await expect(ines.text('after that')).toBeVisible();
  for (const page of [ines.page, tab]) {
    await expect(link(page).locator('.count')).toHaveCount(0);
    await expect(link(page)).not.toContainText('unread');
    await expect(page).not.toHaveTitle(/\d/);
  }
  expect(await weight(), 'not bold').toBe(usual);
  await ines.page.keyboard.press('Alt+Shift+ArrowDown');
  await ines.page.keyboard.press('Alt+Shift+ArrowUp');
  await expect(ines.page, 'it is passed over by the keys for what is unread').toHaveURL(/\/r\/lobby$/);

  await link().click();
  await expect(ines.page.locator('[data-new]'), 'where I was is still known').toBeVisible();
  await ines.page.getByTitle('About this room').click();
  await ines.page.getByRole('button', { name: 'Unmute this room' }).click();
  await ines.page.keyboard.press('Escape');
  await expect(link()).not.toContainText('muted');
  await ines.page.goto(`${hubbub.url}/r/lobby`);
  await expect(ines.composer).toBeVisible();
  await tomas.page.goto(`${hubbub.url}/r/kitchen`);
  await tomas.say('@Ines again');
  await expect(link(tab).locator('.count')).toContainText('1');
});

test('27. an empty room explains itself and shows the invite link', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { permissions: ['clipboard-read', 'clipboard-write'] });
  await ines.enter('/r/kitchen');
  const room = ines.page.locator('main');
  await expect(room.getByRole('heading', { name: /^Nothing here yet/ })).toBeVisible();
  await expect(room).toContainText('Say something, or send the link');
  await expect(room).toContainText(`${new URL(hubbub.url).host}/r/kitchen`);
  await room.getByRole('button', { name: /Copy link/ }).last().click();
  await expect.poll(() => ines.page.evaluate(() => navigator.clipboard.readText())).toBe(`${hubbub.url}/r/kitchen`);
  await ines.say('not empty any more');
  await expect(room.getByRole('heading', { name: /^Nothing here yet/ })).toHaveCount(0);
});

test('29. everything works by keyboard; focus is visible and returns after a dialog', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const { page } = ines;
  await page.goto(hubbub.url);
  await expect(page.getByLabel('Your name')).toBeFocused();
  await page.keyboard.type('Ines');
  await page.keyboard.press('Enter');
  await expect(ines.composer).toBeFocused();
  await page.keyboard.type('hello');
  await page.keyboard.press('Enter');
  await expect(ines.text('hello')).toHaveAttribute('data-state', 'sent');
  await focusShows(ines);

  /** Goes on with Tab until something has the focus, which must be seen all the way. */
  const tabTo = async (name: RegExp, back = false) => {
    for (let n = 0; n < 40; n++) {
      await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
      const at = await focused(ines);
      if (at !== '') await focusShows(ines); // after the last one the browser has it
      if (name.test(at)) return;
    }
    throw new Error(`Tab does not lead to ${name}`);
  };

  // A reaction.
  await tabTo(/^React to the message of Ines/, true);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByRole('searchbox')).toBeFocused();
  await closeAndPress(page);
  await expect(page.getByRole('dialog').getByRole('searchbox')).toBeFocused();
  await page.keyboard.type('tada');
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-reaction="🎉"]')).toBeVisible();
  await expect.poll(() => focused(ines)).toBe('React to the message of Ines');

  // A thread, and out of it.
  await tabTo(/^Reply in a thread$/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Reply in the thread' })).toBeFocused();
  await page.keyboard.type('inside');
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-thread-panel] article[data-state="sent"]')).toHaveCount(2);
  await tabTo(/^Close the thread$/, true);
  await page.keyboard.press('Enter');
  await expect.poll(() => focused(ines)).toBe('Reply in a thread');

  // The menu, and a dialog that it opens.
  await tabTo(/^More about the message/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect.poll(() => focused(ines)).toMatch(/^More about the message/);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  await closeAndPress(page);
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  await page.getByRole('button', { name: /^More about the message/ }).click();
  await expect(page.locator('[role=menu]')).toHaveCount(0);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem').first()).toBeFocused();
  for (let n = 0; n < 12 && (await focused(ines)) !== 'Details…'; n++) await page.keyboard.press('ArrowDown');
  expect(await focused(ines)).toBe('Details…');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Message' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect.poll(() => focused(ines)).toMatch(/^More about the message/);

  // An edit.
  await ines.composer.focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.type(' there');
  await page.keyboard.press('Enter');
  await expect(ines.text('hello there')).toContainText('edited');
  await expect(ines.composer).toBeFocused();

  // Another room, the settings, and back to where one wrote.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('kitchen');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/r\/kitchen$/);
  await expect(ines.composer).toBeFocused();
  await page.keyboard.press('Alt+ArrowDown');
  await expect(page).toHaveURL(/\/r\/lobby$/);
  await tabTo(/settings$/, true);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await focusShows(ines);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect.poll(() => focused(ines)).toMatch(/settings$/);
});

test('29. a screen reader hears each new message once and never the backlog', async ({ hubbub, someone }) => {
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
  await script(hubbub, '/?name=robot', ['new 1', 'new **2**']);
  await expect(ines.page.locator('article strong')).toBeVisible();
  const said = () => ines.page.evaluate(() => (window as unknown as { heard: string[] }).heard);
  await expect.poll(async () => (await said()).filter((text) => text === 'robot: new 2').length).toBe(1);
  await ines.page.locator('main').getByRole('log').hover();
  await ines.page.mouse.wheel(0, -2_000);
  await expect(ines.text('old 1')).toBeInViewport();
  const heard = await said();
  expect(heard.filter((text) => text.includes('new 1'))).toHaveLength(1);
  expect(heard.filter((text) => text.includes('old'))).toEqual([]);
  await expect(ines.page.locator('main').getByRole('log')).toHaveAttribute('aria-live', 'off');
});

/** Esc and Enter, before the page hears that what was open has closed. */
async function closeAndPress(page: Page): Promise<void> {
  await page.evaluate(() => {
    document.querySelector<HTMLElement>(':popover-open')?.hidePopover();
    (document.activeElement as HTMLElement).click();
  });
}

/** Something of everything that a room shows. */
async function furnish(who: Someone): Promise<void> {
  await who.say('hello', 'a-very-long-word-'.repeat(20), 'اهلا وسهلا', '# a head\n\n| a | b | c |\n|---|---|---|\n| `one` | two | three |\n\n```js\nlet a = "b"; // c\n```', '> quoted\n\n- [x] done\n- <https://example.com/>');
  await settled(who);
}

const screens = [
  { what: '1280 pixels', viewport: { width: 1280, height: 800 } },
  { what: '200 % zoom', viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
  { what: '320 pixels', viewport: { width: 320, height: 640 } },
];
for (const { what, ...screen } of screens) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`30. ${what} lose nothing; ${colorScheme} meets AA contrast`, async ({ hubbub, someone }) => {
      const ines = await someone('Ines', { ...screen, colorScheme, bypassCSP: true });
      const { page } = ines;
      const small = screen.viewport.width <= 720;
      const fine = async (where: string, not: string[] = []) => {
        await expect(page.getByText('Loading…')).toHaveCount(0);
        await accessible(ines, where, not);
        expect(await beside(page), `${where} is wider than the window`).toBeLessThanOrEqual(0);
      };
      await page.goto(hubbub.url);
      await expect(page.getByLabel('Your name')).toBeFocused();
      await fine('the name');
      await page.keyboard.type('Ines');
      await page.keyboard.press('Enter');
      await expect(ines.composer).toBeVisible();
      await fine('an empty room');
      await furnish(ines);
      await fine('the room');
      await expect(ines.composer).toBeInViewport({ ratio: 1 });
      await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeInViewport({ ratio: 1 });

      const row = ines.text('اهلا وسهلا');
      await row.hover();
      await row.getByRole('button', { name: /^React to/ }).click();
      await page.getByRole('dialog').getByRole('searchbox').fill('tada');
      await expect(page.getByRole('dialog').getByRole('option').or(page.getByRole('dialog').getByRole('gridcell')).first()).toBeVisible();
      await fine('the emoji');
      await page.keyboard.press('Enter');
      await row.getByRole('button', { name: /^Reply to/ }).click();
      await ines.say('an answer');
      await expect(ines.text('an answer')).toHaveAttribute('data-state', 'sent');
      await ines.text('an answer').hover();
      await ines.text('an answer').getByRole('button', { name: /^More about/ }).click();
      await expect(page.getByRole('menuitem', { name: 'Delete…' })).toBeInViewport({ ratio: 1 });
      await fine('the menu of a message');
      await page.getByRole('menuitem', { name: 'Reply in a thread' }).click();
      const field = page.getByRole('textbox', { name: 'Reply in the thread' });
      await field.fill('inside');
      await field.press('Enter');
      await expect(page.locator('[data-thread-panel] article[data-state="sent"]')).toHaveCount(2);
      await expect(field).toBeInViewport({ ratio: 1 });
      await expect(page.getByRole('button', { name: 'Close the thread' })).toBeInViewport({ ratio: 1 });
      await fine('a thread', small ? ['landmark-one-main', 'page-has-heading-one'] : []);
      await page.goBack();
      await ines.composer.press('ArrowUp');
      await expect(page.getByRole('button', { name: 'Save' })).toBeInViewport({ ratio: 1 });
      await fine('an edit');
      await page.keyboard.press('Escape');

      await page.keyboard.press('Control+k');
      await expect(page.getByRole('combobox')).toBeFocused();
      await page.keyboard.type('kitchen');
      await expect(page.getByRole('option', { name: /kitchen/ }).first()).toBeVisible();
      await fine('the dialog');
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);

      if (small) {
        await page.getByRole('button', { name: /^Rooms/ }).click();
        await expect(page.getByRole('navigation', { name: 'Rooms' })).toBeInViewport();
        // The list covers the room, which is hidden then, with its heading.
        await fine('the rooms', ['landmark-one-main', 'page-has-heading-one']);
        await page.goBack();
        await expect(ines.composer).toBeInViewport();
      }
      await page.getByRole('button', { name: /^About this room/ }).click();
      await fine('about the room');
      await page.getByRole('tab', { name: 'Pinned' }).click();
      await fine('what is pinned');
    });
  }
}

test('30. reduced motion is respected', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { reducedMotion: 'reduce' });
  await script(hubbub, '/?name=robot', numbered(60));
  await ines.enter();
  await expect(ines.text('message 60')).toBeInViewport();
  await ines.page.context().setOffline(true);
  await ines.say('calm');
  await expect(ines.text('calm'), 'what one says is on screen').toBeInViewport({ ratio: 1 });
  await ines.page.context().setOffline(false);
  await expect(ines.text('calm')).toHaveAttribute('data-state', 'sent');
  await ines.text('calm').hover();
  await ines.text('calm').getByRole('button', { name: /^More about/ }).click();
  const moving = await ines.page.evaluate(() => {
    const long = (value: string) => value.split(',').some((part) => parseFloat(part) > 0.001);
    return [...document.querySelectorAll('*')].filter((node) => {
      const { animationDuration, animationName, transitionDuration } = getComputedStyle(node);
      return (animationName !== 'none' && long(animationDuration)) || long(transitionDuration);
    }).length;
  });
  expect(moving).toBe(0);
});

test('31. on a phone the composer stays above the keyboard, and back leaves the room', async ({ hubbub, someone }) => {
  await script(hubbub, '/?name=robot', numbered(40));
  const ines = await someone('Ines', phone);
  const { page } = ines;
  await ines.enter();
  await expect(ines.text('message 40')).toBeInViewport({ ratio: 1 });
  // A keyboard makes the page lower, as it asks browsers to.
  await expect(page.locator('meta[name=viewport]')).toHaveAttribute('content', /interactive-widget=resizes-content/);
  await ines.composer.tap();
  await page.setViewportSize({ width: 390, height: 480 });
  await expect(ines.composer).toBeInViewport({ ratio: 1 });
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeInViewport({ ratio: 1 });
  await expect(ines.text('message 40'), 'and what one answers').toBeInViewport({ ratio: 1 });
  await ines.composer.fill('from the phone');
  await page.getByRole('button', { name: 'Send', exact: true }).tap();
  await expect(ines.composer, 'the keyboard stays').toBeFocused();
  await expect(ines.text('from the phone')).toBeInViewport({ ratio: 1 });
  await page.setViewportSize(phone.viewport);

  // What one can do with a message comes when it is touched, and covers nothing before.
  const row = ines.text('from the phone');
  const react = row.getByRole('button', { name: /^React to/ });
  await expect(row).toHaveAttribute('data-state', 'sent');
  await ines.composer.evaluate((node) => node.blur());
  const opacity = () => row.locator('.tools').evaluate((node) => getComputedStyle(node).opacity);
  await row.locator('[data-text]').tap();
  await expect.poll(opacity).toBe('1');
  const size = await react.boundingBox();
  expect(Math.min(size?.width ?? 0, size?.height ?? 0)).toBeGreaterThanOrEqual(40);
  await row.getByRole('button', { name: 'Reply in a thread' }).tap();
  const panel = page.locator('[data-thread-panel]');
  await expect(panel).toBeVisible();
  await expect(page.locator('main')).toBeHidden();
  await page.goBack();
  await expect(panel).toHaveCount(0);
  await expect(ines.composer).toBeVisible();

  // Into another room by the list, and back out of it.
  await page.getByRole('button', { name: /^Rooms/ }).tap();
  await page.getByRole('button', { name: /^Jump to/ }).tap();
  await page.getByRole('combobox').fill('kitchen');
  await page.getByRole('option', { name: /kitchen/ }).first().tap();
  await expect(page).toHaveURL(/\/r\/kitchen$/);
  await expect(ines.composer).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('navigation', { name: 'Rooms' }).or(page.getByRole('heading', { name: 'lobby' })).first()).toBeVisible();
  await expect(page).toHaveURL(/\/(r\/lobby)?$/);
});
