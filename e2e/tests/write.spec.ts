// Writing: what the composer completes, what commands do, and which keys there are.
import { type Locator, type Page } from '@playwright/test';
import WebSocket from 'ws';
import { accessible, ask, expect, type Hubbub, password, type Someone, test } from './hubbub.ts';

/** People who are in the lobby, without a browser. */
async function crowd(hubbub: Hubbub, names: string[]): Promise<void> {
  for (const name of names) {
    const json = { 'content-type': 'application/json' };
    const made = await fetch(`${hubbub.url}/api/guests`, { method: 'POST', headers: json, body: JSON.stringify({ name, token: true }) });
    const { token } = (await made.json()) as { token: string };
    const headers = { ...json, authorization: `Bearer ${token}` };
    const joined = await fetch(`${hubbub.url}/api/rooms`, { method: 'POST', headers, body: JSON.stringify({ name: 'lobby' }) });
    expect(joined.status, name).toBe(200);
  }
}

/** Keeps the name with a password: an account may call everybody. */
const keepName = ({ page }: Someone) => ask(page, 'PUT', '/api/me/password', { current: '', password });

const list = ({ page }: Someone): Locator => page.getByRole('listbox', { name: 'Suggestions' });
const suggestion = (who: Someone, name: string): Locator => who.page.locator(`[data-suggestion="${name}"]`);
const note = ({ page }: Someone): Locator => page.locator('main [data-note]');
const onList = (who: Someone, room: string): Locator => who.page.locator(`nav [data-room="${room}"]`);
const chosen = async (who: Someone): Promise<string | null> => {
  const id = await who.composer.getAttribute('aria-activedescendant');
  return id === null ? null : who.page.locator(`[id="${id}"]`).getAttribute('data-suggestion');
};

test('people, rooms, emoji and commands are completed by keyboard', async ({ hubbub, someone }) => {
  await crowd(hubbub, ['Ana Música', 'Anabel', 'Ben']);
  const mia = await someone('Mia');
  await mia.enter();
  await keepName(mia);
  await mia.page.reload();
  const { composer } = mia;

  // People of the room, by any part of the name and without its accents.
  await composer.pressSequentially('hi @');
  await expect(suggestion(mia, 'Ben')).toBeVisible();
  await expect(suggestion(mia, '@channel')).toContainText('calls all who have this room');
  await expect(suggestion(mia, 'Mia')).toHaveCount(0);
  await composer.pressSequentially('musica');
  await expect(list(mia).getByRole('option')).toContainText(['Ana Música']);
  await composer.press('Tab');
  await expect(composer).toHaveValue('hi @Ana Música ');
  await expect(list(mia)).toHaveCount(0);

  // The arrows go around, and the field knows what is chosen.
  await composer.pressSequentially('and @ana');
  await expect(list(mia).getByRole('option')).toHaveCount(2);
  const first = await chosen(mia);
  await composer.press('ArrowDown');
  await expect.poll(() => chosen(mia)).not.toBe(first);
  await composer.press('ArrowDown');
  await expect.poll(() => chosen(mia)).toBe(first);
  await composer.press('ArrowUp');
  const second = await chosen(mia);
  await composer.press('Enter');
  await expect(composer).toHaveValue(`hi @Ana Música and @${second} `);

  // Rooms: those one has, then those there are.
  await composer.fill('');
  await ask(mia.page, 'POST', '/api/rooms', { name: 'kitchen-build' });
  await composer.pressSequentially('see #kit');
  await expect(suggestion(mia, 'kitchen-build')).toBeVisible();
  await composer.press('Enter');
  await expect(composer).toHaveValue('see #kitchen-build ');

  // Emoji, after two letters, in the skin that was chosen.
  await mia.page.evaluate(() => localStorage.setItem('hubbub.emoji.tone', '3'));
  await composer.pressSequentially(':w');
  await expect(list(mia)).toHaveCount(0);
  await composer.pressSequentially('ave');
  await expect(suggestion(mia, ':wave:')).toBeVisible();
  await composer.press('Tab');
  await expect(composer).toHaveValue('see #kitchen-build 👋🏽 ');
  await composer.press('Enter');
  await expect(mia.rows.last()).toContainText('👋🏽');

  // Commands, only at the beginning.
  await composer.pressSequentially('/sh');
  await expect(suggestion(mia, '/shrug [TEXT]')).toBeVisible();
  await composer.press('Tab');
  await expect(composer).toHaveValue('/shrug ');
  await composer.fill('either /');
  await expect(list(mia)).toHaveCount(0);
  await composer.fill('');

  // The mouse does it, too, and what is written behind the caret stays.
  await composer.fill('@, come!');
  await composer.press('Home');
  await composer.press('ArrowRight');
  await suggestion(mia, 'Ben').click();
  await expect(composer).toHaveValue('@Ben , come!');
  await expect(composer).toBeFocused();
});

test('Esc closes the list and keeps the text; mail and code are left alone', async ({ hubbub, someone }) => {
  await crowd(hubbub, ['Ben']);
  const mia = await someone('Mia');
  await mia.enter();
  const { composer } = mia;
  await composer.pressSequentially('hi @b');
  await expect(suggestion(mia, 'Ben')).toBeVisible();
  await composer.press('Escape');
  await expect(list(mia)).toHaveCount(0);
  await composer.pressSequentially('e');
  await expect(composer).toHaveValue('hi @be');
  await expect(list(mia)).toHaveCount(0);
  // Another word, another chance.
  await composer.pressSequentially(' or @b');
  await expect(suggestion(mia, 'Ben')).toBeVisible();

  for (const text of ['mail me@b', 'code `@b', '10:30']) {
    await composer.fill('');
    await composer.pressSequentially(text);
    await expect(list(mia), text).toHaveCount(0);
  }
  // What is written in full is sent by the first Enter.
  await composer.fill('');
  await composer.pressSequentially('@ben');
  await expect(suggestion(mia, 'Ben')).toBeVisible();
  await composer.press('Enter');
  await expect(mia.rows).toHaveCount(1);
  await expect(composer).toHaveValue('');
});

test('what is composed in another script neither opens the list nor is sent by its Enter', async ({ hubbub, someone }) => {
  await crowd(hubbub, ['日本']);
  const mia = await someone('Mia');
  await mia.enter();
  const { composer } = mia;
  await composer.focus();
  await composer.evaluate((field: HTMLTextAreaElement) => {
    field.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }));
    field.value = '@日';
    field.setSelectionRange(2, 2);
    field.dispatchEvent(new InputEvent('input', { bubbles: true, isComposing: true }));
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 13, isComposing: true, bubbles: true, cancelable: true }));
  });
  await expect(composer).toHaveValue('@日');
  await expect(list(mia)).toHaveCount(0);
  await composer.evaluate((field: HTMLTextAreaElement) => {
    field.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: '日' }));
    // Safari's order: the Enter comes after the end.
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }));
  });
  await expect(suggestion(mia, '日本')).toBeVisible();
  await expect(composer).toHaveValue('@日');
  await expect(mia.rows).toHaveCount(0);
  await composer.press('Enter');
  await expect(composer).toHaveValue('@日本 ');
});

test('the emoji button inserts at the caret', async ({ someone }) => {
  const mia = await someone('Mia');
  await mia.enter();
  await mia.composer.fill('ab');
  await mia.composer.press('ArrowLeft');
  await mia.page.getByRole('button', { name: 'Insert an emoji' }).click();
  await mia.page.getByRole('searchbox', { name: 'Search emoji' }).fill('rocket');
  await mia.page.keyboard.press('Enter');
  await expect(mia.composer).toHaveValue('a🚀b');
  await expect(mia.composer).toBeFocused();
  await mia.page.keyboard.type('!');
  await expect(mia.composer).toHaveValue('a🚀!b');
});

test('commands that write: /me, /shrug, // and what is no command', async ({ someone }) => {
  const [mia, ben] = [await someone('Mia'), await someone('Ben')];
  await mia.enter();
  await ben.enter();
  const said: string[] = [];
  const plain = new WebSocket(mia.hubbub.socket);
  plain.on('message', (data) => said.push(String(data)));
  await new Promise((resolve) => plain.once('open', resolve));

  await mia.say('/me waves at **all**');
  await expect(ben.rows.last().locator('[data-text]')).toHaveText(/^\s*Mia\s+waves at all\s*$/);
  await expect(ben.page.locator('[data-announcer]')).toContainText('Mia waves at all');
  await mia.say('/shrug who knows');
  await expect(ben.rows.last()).toContainText('who knows ¯\\_(ツ)_/¯');
  await mia.say('//join us');
  await expect(ben.text('/join us')).toBeVisible();
  await mia.say('/etc/hosts is a file');
  await expect(ben.text('/etc/hosts is a file')).toBeVisible();
  await expect.poll(() => said[0]).toBe('/me waves at **all**');
  plain.close();

  // An answer quotes what was done.
  await ben.rows.first().hover();
  await ben.page.getByRole('button', { name: 'Reply to Mia' }).first().click();
  await expect(ben.page.locator('[data-replying]')).toContainText('waves at all');
  await expect(ben.page.locator('[data-replying]')).not.toContainText('/me');

  await mia.say('/frobnicate the room');
  await expect(note(mia)).toContainText('There is no command /frobnicate.');
  await expect(mia.composer).toHaveValue('/frobnicate the room');
  await mia.say('/me');
  await expect(note(mia)).toContainText('/me TEXT');
  await expect(mia.composer).toHaveValue('/me');
  await mia.composer.press('Escape');
  await expect(note(mia)).toHaveText('');
  await expect(mia.composer).toHaveValue('/me');
  await expect(mia.rows).toHaveCount(4);
});

test('commands that do: /join, /topic, /invite, /mute, /msg, /nick, /search, /leave, /help', async ({ hubbub, someone }) => {
  await crowd(hubbub, ['Ana Música']);
  const [mia, ben] = [await someone('Mia'), await someone('Ben')];
  await mia.enter();
  await ben.enter();
  await keepName(mia);
  await mia.page.reload();
  await expect(mia.composer).toBeVisible();

  await mia.say('/join # Kitchen build');
  await expect(mia.page.getByRole('heading', { name: 'kitchen-build' })).toBeVisible();
  await expect(mia.composer).toHaveValue('');
  await mia.say('/topic what the oven does');
  await expect(mia.page.locator('[data-notice]').filter({ hasText: 'what the oven does' })).toBeVisible();

  await mia.say('/invite Nobody');
  await expect(note(mia)).toHaveText('Nobody here is called Nobody.');
  await expect(mia.composer).toHaveValue('/invite Nobody');
  await mia.say('/invite @ben');
  await expect(note(mia)).toHaveText('Ben has this room on the list now.');
  await expect(onList(ben, 'kitchen-build')).toBeVisible();

  await mia.say('/mute');
  await expect(note(mia)).toHaveText('It is written like this: /mute NAME [10m | 1h | 1d]');
  await mia.say('/mute Ben forever');
  await expect(note(mia)).toHaveText('It is written like this: /mute NAME [10m | 1h | 1d]');
  await mia.say('/mute Ben 10m');
  await expect(note(mia)).toHaveText('Ben is muted in this room.');
  await onList(ben, 'kitchen-build').click();
  await expect(ben.page.locator('[data-refusal]')).toBeVisible();

  // What the server refuses is said in words, and the text stays.
  await onList(ben, 'lobby').click();
  await ben.say('/mute Mia 1h');
  await expect(note(ben)).not.toHaveText('');
  await expect(ben.composer).toHaveValue('/mute Mia 1h');
  await ben.composer.fill('');

  // A name may hold spaces.
  await mia.say('/msg Ana Música hello there');
  await expect(mia.page).toHaveURL(/\/p\//);
  await expect(mia.text('hello there')).toBeVisible();
  await mia.say('/msg Ben hi');
  await expect(mia.text('hi')).toBeVisible();
  await expect(onList(ben, 'Mia')).toContainText('1');

  await mia.say('/nick Mía');
  await expect(note(mia)).toHaveText('You are called Mía now.');
  await expect(mia.page.getByRole('button', { name: /^Mía/ })).toBeVisible();

  await mia.say('/search hello there');
  await expect(mia.page.getByRole('textbox', { name: 'Search messages' })).toHaveValue('hello there');
  await expect(mia.page.locator('a[data-hit] mark').first()).toHaveText('hello');
  await mia.page.keyboard.press('Escape');
  await expect(mia.composer).toBeFocused();
  await onList(mia, 'kitchen-build').click();
  await expect(mia.page.getByRole('heading', { name: 'kitchen-build' })).toBeVisible();

  await mia.say('/help');
  await expect(mia.page.getByRole('dialog', { name: 'Help' })).toBeVisible();
  await mia.page.keyboard.press('Escape');

  await mia.say('/leave');
  await expect(onList(mia, 'kitchen-build')).toHaveCount(0);
});

test('who calls more than twenty people is asked first', async ({ hubbub, someone }) => {
  test.slow();
  const mia = await someone('Mia');
  await mia.enter();
  await keepName(mia);
  await mia.page.reload();
  await mia.say('@channel few');
  await expect(mia.rows).toHaveCount(1);
  await crowd(hubbub, Array.from({ length: 21 }, (_, i) => `Guest ${i}`));
  await mia.page.reload();
  await expect(mia.page.getByRole('button', { name: /^About this room/ })).toContainText('22');

  const question = mia.page.getByRole('dialog', { name: 'This calls 21 people' });
  await mia.say('@channel the oven is here');
  await expect(question).toBeVisible();
  await accessible(mia, 'the question');
  // No is what happens without thinking.
  await expect(question.getByRole('button', { name: 'Do not send' })).toBeFocused();
  await mia.page.keyboard.press('Enter');
  await expect(question).toHaveCount(0);
  await expect(mia.composer).toBeFocused();
  await expect(mia.composer).toHaveValue('@channel the oven is here');
  await expect(mia.rows).toHaveCount(1);

  await mia.composer.press('Enter');
  await mia.page.keyboard.press('Escape');
  await expect(question).toHaveCount(0);
  await expect(mia.composer).toHaveValue('@channel the oven is here');

  await mia.composer.press('Enter');
  await mia.page.keyboard.press('Tab');
  await mia.page.keyboard.press('Enter');
  await expect(mia.rows).toHaveCount(2);
  await expect(mia.composer).toHaveValue('');
  // In code it calls nobody.
  await mia.say('`@channel`');
  await expect(mia.rows).toHaveCount(3);
});

test('keys: rooms, unread rooms, Up edits, Esc cancels one thing, the help sheet', async ({ someone }) => {
  const [mia, ben] = [await someone('Mia'), await someone('Ben')];
  await ben.enter();
  await mia.enter();
  for (const name of ['alpha', 'beta', 'gamma']) await ask(mia.page, 'POST', '/api/rooms', { name });
  await ask(ben.page, 'POST', '/api/rooms', { name: 'gamma' });
  await expect(onList(mia, 'gamma')).toBeVisible();
  const at = (name: string) => expect(mia.page.getByRole('heading', { name, exact: true })).toBeVisible();

  await onList(mia, 'alpha').click();
  await at('alpha');
  await mia.page.keyboard.press('Alt+ArrowDown');
  await at('beta');
  await mia.page.keyboard.press('Alt+ArrowUp');
  await at('alpha');
  await onList(ben, 'gamma').click();
  await ben.say('over here');
  await expect(onList(mia, 'gamma')).toHaveClass(/unread/);
  await mia.page.keyboard.press('Alt+Shift+ArrowDown');
  await at('gamma');
  await expect(mia.text('over here')).toBeVisible();
  await mia.page.keyboard.press('Alt+Shift+ArrowUp');
  await at('gamma');

  // Up edits what one said last; Esc lets it be.
  await mia.say('first', 'secnd');
  await expect(mia.rows.last()).toHaveAttribute('data-state', 'sent');
  await mia.composer.press('ArrowUp');
  const edit = mia.page.getByRole('textbox', { name: 'Edit your message' });
  await expect(edit).toBeFocused();
  await expect(edit).toHaveValue('secnd');
  await mia.page.keyboard.press('Escape');
  await expect(edit).toHaveCount(0);
  await expect(mia.composer).toBeFocused();
  await mia.composer.press('ArrowUp');
  await edit.fill('second');
  // It completes as well.
  await edit.press('End');
  await edit.pressSequentially(' @be');
  await expect(suggestion(mia, 'Ben')).toBeVisible();
  await edit.press('Enter');
  await expect(edit).toHaveValue('second @Ben ');
  await edit.press('Enter');
  await expect(ben.rows.last()).toContainText('second @Ben');
  await expect(mia.composer).toBeFocused();

  // One thing at a time: the answer, then the thread.
  await mia.text('over here').hover();
  await mia.text('over here').getByRole('button', { name: 'Reply in a thread' }).click();
  const thread = mia.page.locator('[data-thread-panel]');
  const field = thread.getByRole('textbox', { name: 'Reply in the thread' });
  await field.fill('in here');
  await field.press('Enter');
  await expect(thread.locator('article[data-state=sent]')).toHaveCount(2);
  await field.press('ArrowUp');
  await expect(edit).toHaveValue('in here');
  await mia.page.keyboard.press('Escape');
  await expect(edit).toHaveCount(0);
  await expect(field).toBeFocused();
  await mia.text('first').hover();
  await mia.text('first').getByRole('button', { name: 'Reply to Mia' }).click();
  await expect(mia.page.locator('[data-replying]')).toBeVisible();
  await mia.composer.press('Escape');
  await expect(mia.page.locator('[data-replying]')).toHaveCount(0);
  await expect(thread).toBeVisible();
  await mia.page.keyboard.press('Escape');
  await expect(thread).toHaveCount(0);
  await expect(mia.composer).toBeFocused();

  // The help sheet, by key and from one's own place; Shift+Enter makes a line.
  const sheet = mia.page.getByRole('dialog', { name: 'Help' });
  await mia.page.keyboard.press('Control+/');
  await expect(sheet).toContainText('/mute NAME');
  await expect(sheet).toContainText('the next unread room');
  await expect(sheet).toContainText('**bold**');
  await mia.page.keyboard.press('Control+/');
  await expect(sheet).toHaveCount(0);
  await expect(mia.composer).toBeFocused();
  await mia.page.getByRole('button', { name: 'Keys and commands' }).click();
  await expect(sheet).toBeVisible();
  await mia.page.keyboard.press('Escape');
  await mia.composer.fill('one');
  await mia.composer.press('Shift+Enter');
  await mia.composer.pressSequentially('two');
  await expect(mia.composer).toHaveValue('one\ntwo');

  // What is not sent stays with its room, which says so.
  await mia.page.keyboard.press('Alt+ArrowDown');
  await expect(onList(mia, 'gamma')).toContainText('draft');
  await mia.page.reload();
  await expect(onList(mia, 'gamma')).toContainText('draft');
  await onList(mia, 'gamma').click();
  await expect(mia.composer).toHaveValue('one\ntwo');
});

test('Esc with nothing open marks the room as read', async ({ someone }) => {
  const [mia, ben] = [await someone('Mia'), await someone('Ben')];
  await mia.enter();
  await ben.enter();
  await ask(mia.page, 'POST', '/api/rooms', { name: 'beta' });
  await onList(mia, 'beta').click();
  await ben.say('news');
  await expect(onList(mia, 'lobby')).toHaveClass(/unread/);
  await onList(mia, 'lobby').click();
  await expect(mia.page.locator('[data-new]')).toBeVisible();
  await mia.composer.press('Escape');
  await expect(mia.page.locator('[data-new]')).toHaveCount(0);
  await expect(mia.page.locator('[data-connection]')).toBeVisible();
});

test('Up finds the last message that is mine far above', async ({ someone }) => {
  const [mia, ben] = [await someone('Mia'), await someone('Ben')];
  await mia.enter();
  await ben.enter();
  await mia.say('mine');
  await expect(ben.text('mine')).toBeVisible();
  await ben.say(...Array.from({ length: 60 }, (_, i) => `${i}: something that takes its place`));
  await expect(mia.text('59: something that takes its place')).toBeVisible();
  await expect(mia.text('mine')).toHaveCount(0);
  await mia.composer.press('ArrowUp');
  const edit = mia.page.getByRole('textbox', { name: 'Edit your message' });
  await expect(edit).toBeFocused();
  await edit.fill('still mine');
  await edit.press('Enter');
  const { rooms } = await ask<{ rooms: { id: string }[] }>(mia.page, 'GET', '/api/me/rooms');
  const first = () => ask<{ events: { text: string }[] }>(mia.page, 'GET', `/api/rooms/${rooms[0].id}/events?after=0&limit=1`);
  await expect.poll(async () => (await first()).events[0].text).toBe('still mine');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 320]) {
    test(`lists, notes and the help sheet are accessible: ${colorScheme}, ${width}`, async ({ hubbub, someone }) => {
      await crowd(hubbub, ['Ana Música', 'Ben', 'A very long name for any list']);
      const mia = await someone('Mia', { colorScheme, viewport: { width, height: 640 } });
      await mia.enter();
      for (const text of ['@', '#', ':smi', '/']) {
        await mia.composer.fill('');
        await mia.composer.pressSequentially(text);
        await expect(list(mia).getByRole('option').first(), text).toBeVisible();
        const box = await mia.page.locator('.box:popover-open').boundingBox();
        const field = await mia.composer.boundingBox();
        expect(box && field && box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= field.y, text).toBe(true);
        // A list that scrolls is moved by the keys of the field.
        await accessible(mia, `completing ${text}`, ['scrollable-region-focusable']);
      }
      await mia.say('/frobnicate');
      await expect(note(mia)).toContainText('/frobnicate');
      await accessible(mia, 'a note');
      await mia.say('/me waves');
      await expect(mia.rows.last()).toHaveAttribute('data-state', 'sent');
      await mia.page.keyboard.press('Control+/');
      await expect(mia.page.getByRole('dialog', { name: 'Help' })).toBeVisible();
      await accessible(mia, 'the help sheet');
      const wide = await mia.page.locator('dialog').evaluate((dialog) => [...dialog.querySelectorAll('*')].some((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'auto'));
      expect(wide, 'nothing scrolls sideways').toBe(false);
    });
  }
}
