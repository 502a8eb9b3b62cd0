// Rooms, who may do what in them, and what is done about those who disturb.
import { connect, createServer, type Server } from 'node:net';
import type { Locator, Page } from '@playwright/test';
import { accessible, ask, becomeOwner, expect, type Hubbub, password, phone, settings, type Someone, test } from './hubbub.ts';

/** A link that makes members. */
async function memberLink(owner: Someone): Promise<string> {
  const wish = { role: 'member', room: 'lobby', uses: 0, expires: 3600, note: 'for the team' };
  const { invite } = await ask<{ invite: { link: string } }>(owner.page, 'POST', '/api/invites', wish);
  return invite.link;
}

async function comeIn(who: Someone, link: string): Promise<void> {
  await who.page.goto(link);
  await who.page.getByLabel('Your name').fill(who.name);
  await who.page.keyboard.press('Enter');
  await expect(who.composer).toBeVisible();
}

/** Comes in with an account. */
async function becomeMember(who: Someone, link: string): Promise<void> {
  await comeIn(who, link);
  await ask(who.page, 'PUT', '/api/me/password', { current: '', password });
}

async function createRoom({ page }: Someone, name: string, kind: 'Public' | 'Private', ...people: string[]): Promise<void> {
  await page.getByRole('button', { name: 'Create a room' }).click();
  await page.getByRole('radio', { name: kind }).check();
  await page.getByLabel('Name', { exact: true }).fill(name);
  for (const person of people) await page.getByRole('checkbox', { name: person }).check();
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('heading', { name })).toBeVisible();
}

/** Opens the panel of the room on screen. */
async function panel({ page }: Someone, tab: string): Promise<void> {
  await page.getByRole('button', { name: /^About this room/ }).click();
  await page.getByRole('tab', { name: new RegExp(`^${tab}`) }).click();
}

async function close({ page }: Someone): Promise<void> {
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

/** Waits until nothing is open before the room, and the way back is over, which would end the next one. */
async function closed(page: Page): Promise<void> {
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect.poll(() => page.evaluate(() => (history.state as { panel?: string } | null)?.panel ?? 'rooms')).toBe('rooms');
}

/** Does something to a member, in the panel of the room. */
async function treat({ page }: Someone, name: string, item: string): Promise<void> {
  await page.getByRole('button', { name: `What to do with ${name}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

const onList = (who: Someone, room: string): Locator => who.page.locator(`nav [data-room="${room}"]`);
const notice = (who: Someone, words: string): Locator => who.page.locator('[data-notice]').filter({ hasText: words });

/** Another way to the same server, from another address. */
async function otherAddress(hubbub: Hubbub, address: string): Promise<{ url: string; server: Server }> {
  const { port } = new URL(hubbub.url);
  const server = createServer((from) => {
    const to = connect({ host: '127.0.0.1', port: Number(port), localAddress: address });
    const end = () => {
      from.destroy();
      to.destroy();
    };
    from.on('error', end).on('close', end);
    to.on('error', end).on('close', end);
    from.pipe(to).pipe(from);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: mine } = server.address() as { port: number };
  return { url: `http://localhost:${mine}`, server };
}

test('a private room, a troublemaker who is slowed down, muted, removed and banned by address, and comes back', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);
  const mia = await someone('Mia');
  await becomeMember(mia, await memberLink(owner));

  // The owner makes a private room and a moderator; the moderator invites.
  await createRoom(owner, 'Moving house', 'Private', 'Mia');
  await expect(owner.page).toHaveURL(/\/p\/[^/]+$/);
  await expect(notice(owner, 'You added Mia')).toBeVisible();
  await panel(owner, 'Members');
  await treat(owner, 'Mia', 'Make moderator');
  await expect(owner.page.locator('[data-member="Mia"]')).toContainText('moderator');
  await close(owner);

  await onList(mia, 'Moving house').click();
  await expect(notice(mia, 'Olga made you a moderator')).toBeVisible();
  await panel(mia, 'About');
  await mia.page.getByRole('button', { name: 'Make an invite link' }).click();
  const link = new URL(await mia.page.getByLabel('Link', { exact: true }).inputValue());
  await close(mia);

  // The troublemaker comes by that link, from elsewhere.
  const elsewhere = await otherAddress(open, '127.0.0.7');
  const gil = await someone('Gil');
  await gil.page.goto(elsewhere.url + link.pathname + link.hash);
  await gil.page.getByLabel('Your name').fill('Gil');
  await gil.page.keyboard.press('Enter');
  await expect(gil.page.getByRole('heading', { name: 'Moving house' })).toBeVisible();
  await expect(gil.page).toHaveURL(/\/p\/[^/]+$/);
  await expect(notice(mia, 'Gil joined')).toBeVisible();
  await gil.say('buy my boxes');
  await expect(mia.text('buy my boxes')).toBeVisible();

  // Slow mode: what Gil writes next stays in the composer until its time has come.
  await panel(mia, 'Settings');
  await mia.page.getByLabel(/Slow mode/).selectOption('5 seconds');
  await close(mia);
  await expect(notice(gil, 'Mia began slow mode')).toBeVisible();
  const send = gil.page.getByRole('button', { name: 'Send', exact: true });
  await gil.composer.fill('cheap boxes');
  await expect(send).toBeEnabled(); // five seconds after the message before
  await send.click();
  await expect(mia.text('cheap boxes')).toBeVisible();
  await gil.composer.fill('last boxes');
  await expect(gil.page.getByRole('button', { name: /^Send in/ })).toBeDisabled();
  await gil.composer.press('Enter');
  await expect(gil.composer).toHaveValue('last boxes');
  await expect(send).toBeEnabled();
  await gil.composer.press('Enter');
  await expect(mia.text('last boxes')).toBeVisible();

  // Muted, with a reason and an end.
  await panel(mia, 'Members');
  await treat(mia, 'Gil', 'Mute…');
  await mia.page.getByLabel('How long').selectOption('for an hour');
  await mia.page.getByLabel(/^Why/).fill('advertising');
  await mia.page.getByRole('button', { name: 'Mute', exact: true }).click();
  await expect(mia.page.locator('[data-member="Gil"]')).toContainText('muted until');
  await expect(gil.page.getByText(/^You are muted in this room until/)).toBeVisible();
  await expect(gil.composer).toHaveCount(0);
  await expect(notice(gil, 'advertising')).toBeVisible();

  // Removed: the open tab loses the room at once, and its address leads nowhere.
  await treat(mia, 'Gil', 'Remove…');
  await mia.page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(mia.page.locator('[data-member="Gil"]')).toHaveCount(0);
  await expect(gil.page.getByRole('heading', { name: 'You were removed from Moving house by Mia' })).toBeVisible();
  await expect(gil.rows).toHaveCount(0);
  await expect(onList(gil, 'Moving house')).toHaveCount(0);
  await gil.page.reload();
  await expect(gil.page.getByRole('heading', { name: 'There is no such room, or it is not for you' })).toBeVisible();
  await close(mia);

  // The owner keeps the address out of the place.
  await settings(owner.page, 'People');
  await owner.page.getByRole('button', { name: 'Addresses of Gil' }).click();
  await expect(owner.page.getByRole('list', { name: 'Addresses of Gil' })).toContainText('127.0.0.7');
  await owner.page.getByRole('button', { name: /^Ban 127\.0\.0\.7/ }).click();
  await owner.page.getByRole('button', { name: 'Yes' }).click();
  await expect(owner.page.getByText(/is banned for a week/)).toBeVisible();
  await expect(gil.page.locator('[data-connection]')).not.toContainText('connected', { timeout: 10_000 });
  expect((await gil.page.goto(elsewhere.url))?.status()).toBe(403);

  // What was done stands in the logs, of the place and of the room.
  await owner.page.getByRole('tab', { name: 'Changes' }).click();
  const changes = owner.page.getByRole('list', { name: /^What was changed/ });
  await expect(changes).toContainText('You banned the addresses 127.0.0.7');
  await close(owner);
  await panel(owner, 'Changes');
  for (const words of ['Mia removed Gil', 'Mia muted Gil until', 'Mia began slow mode', 'You made Mia a moderator', 'You added Mia']) {
    await expect(changes).toContainText(words);
  }
  await close(owner);

  // And is undone.
  await settings(owner.page, 'Bans');
  await owner.page.getByRole('button', { name: /^Lift the ban of 127\.0\.0\.7/ }).click();
  await expect(owner.page.getByText('The ban is lifted.')).toBeVisible();
  await gil.page.goto(elsewhere.url);
  await expect(gil.page.locator('[data-connection]')).toContainText('connected');
  await close(owner);
  await panel(owner, 'Members');
  await owner.page.getByRole('button', { name: 'Add people' }).click();
  await owner.page.getByRole('checkbox', { name: 'Gil' }).check();
  await owner.page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(onList(gil, 'Moving house')).toBeVisible();
  elsewhere.server.close();
});

test('a private room’s address gives nothing to a stranger', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);
  await createRoom(owner, 'Secret', 'Private');
  await owner.say('nobody must know');
  await expect(owner.text('nobody must know')).toHaveAttribute('data-state', 'sent');
  const { pathname } = new URL(owner.page.url());

  const mia = await someone('Mia');
  await comeIn(mia, open.links.join ?? '');
  const heard: string[] = [];
  mia.page.on('response', async (response) => heard.push(await response.text().catch(() => '')));
  mia.page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => heard.push(String(payload))));
  const missing = mia.page.getByRole('heading', { name: 'There is no such room, or it is not for you' });
  for (const path of [pathname, '/p/k3v9x2m7qp4d']) {
    await mia.page.goto(open.url + path);
    await expect(missing).toBeVisible();
  }
  await mia.page.keyboard.press('Control+k');
  await mia.page.getByRole('combobox').fill('secret');
  await expect(mia.page.getByRole('option', { name: 'Create #secret' })).toBeVisible();
  await expect(mia.page.getByRole('option')).toHaveCount(1);
  expect(heard.filter((text) => /Secret|nobody must know/.test(text))).toEqual([]);
});

test('27. leaving, archiving, renaming a room updates every list at once', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);
  const mia = await someone('Mia', phone);
  await becomeMember(mia, await memberLink(owner));
  await createRoom(owner, 'kitchen', 'Public', 'Mia');
  await mia.page.goto(`${open.url}/r/kitchen`);
  await expect(mia.page.getByRole('heading', { name: 'kitchen' })).toBeVisible();

  await panel(owner, 'Settings');
  await owner.page.getByLabel('Name', { exact: true }).fill('cooking');
  await owner.page.getByLabel('Topic').fill('What is for dinner');
  await owner.page.getByRole('checkbox', { name: /^Guests wait/ }).check();
  await expect(owner.page.getByText('Saved.')).toBeVisible();
  await owner.page.getByRole('button', { name: 'Save' }).click();
  await expect(owner.page.getByText('Saved.')).toBeVisible();
  for (const who of [owner, mia]) {
    await expect(who.page).toHaveURL(/\/r\/cooking$/);
    await expect(who.page.getByRole('heading', { name: 'cooking', includeHidden: true }).first()).toBeAttached();
    await expect(onList(who, 'cooking')).toBeAttached();
    await expect(onList(who, 'kitchen')).toHaveCount(0);
  }
  await expect(mia.page.getByTitle('What is for dinner')).toBeVisible();

  await owner.page.getByRole('button', { name: 'Archive this room' }).click();
  await owner.page.getByRole('button', { name: 'Archive', exact: true }).click();
  await expect(mia.page.getByText(/^This room is archived/)).toBeVisible();
  await close(owner);
  await owner.page.goBack(); // out of the history of the panel, not to the old name
  await expect(owner.page).not.toHaveURL(/kitchen/);
  await owner.page.goto(`${open.url}/r/lobby`);
  await owner.page.getByRole('button', { name: /^Archived/ }).click();
  await onList(owner, 'cooking').click();
  await owner.page.getByRole('button', { name: 'Restore it' }).click();
  await expect(mia.composer).toBeVisible();
  await mia.say('soup');
  await expect(owner.text('soup')).toBeVisible();

  // Who leaves can come back by the same page.
  await panel(mia, 'About');
  await mia.page.getByRole('button', { name: 'Leave this room' }).click();
  await mia.page.getByRole('button', { name: 'Leave', exact: true }).click();
  await expect(mia.page.getByRole('heading', { name: 'You left #cooking' })).toBeVisible();
  await expect(onList(mia, 'cooking')).toHaveCount(0);
  await mia.page.getByRole('button', { name: 'Join again' }).click();
  await expect(mia.text('soup')).toBeVisible();
});

test('guests wait until they are let in', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);
  await createRoom(owner, 'workshop', 'Public');
  await owner.say('hello inside');
  await panel(owner, 'Settings');
  await owner.page.getByRole('checkbox', { name: /^Guests wait/ }).check();
  await expect(owner.page.getByText('Saved.')).toBeVisible();
  await close(owner);

  const gil = await someone('Gil');
  await comeIn(gil, open.links.join ?? '');
  await gil.page.goto(`${open.url}/r/workshop`);
  await expect(gil.page.getByRole('heading', { name: 'You are waiting to be let in' })).toBeVisible();
  await expect(gil.rows).toHaveCount(0);
  await panel(owner, 'Moderation');
  await owner.page.getByRole('button', { name: 'Let in: Gil' }).click();
  await expect(gil.text('hello inside')).toBeVisible();
  await close(owner);
  await expect(notice(owner, 'You let Gil in')).toBeVisible();
});

test('messages are reported, deleted by whom they belong to or by moderators, and people talk in private', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);
  const mia = await someone('Mia');
  await becomeMember(mia, await memberLink(owner));
  await owner.page.goto(`${open.url}/r/lobby`);
  await mia.say('a rude word', 'a typo');
  await expect(owner.text('a typo')).toBeVisible();

  const menu = (who: Someone, text: string) => who.text(text).getByRole('button', { name: /^More about the message/ });
  await menu(mia, 'a typo').focus(); // by keyboard alone
  await mia.page.keyboard.press('Enter');
  await expect(mia.page.getByRole('menuitem', { name: 'Reply in a thread' })).toBeFocused();
  await mia.page.keyboard.press('End');
  await mia.page.keyboard.press('Enter');
  await mia.page.getByRole('button', { name: 'Delete', exact: true }).click();
  for (const who of [mia, owner]) {
    await expect(who.text('This message was deleted.')).toBeVisible();
    await expect(who.text('a typo')).toHaveCount(0);
  }

  await menu(owner, 'a rude word').click();
  await owner.page.getByRole('menuitem', { name: 'Report…' }).click();
  await owner.page.getByLabel('What is wrong with it?').fill('not nice');
  await owner.page.getByRole('button', { name: 'Report', exact: true }).click();
  await expect(owner.page.getByRole('dialog')).toHaveCount(0);
  await panel(owner, 'Moderation');
  await expect(owner.page.locator('[data-report]')).toContainText('not nice');
  await expect(owner.page.locator('[data-report]')).toContainText('a rude word');
  await owner.page.getByRole('button', { name: 'Delete the message' }).click();
  await expect(owner.page.getByText('Nothing was reported.')).toBeVisible();
  await close(owner);
  await expect(mia.text('This message was deleted by a moderator.')).toBeVisible();

  // A conversation is bold and counted on the other's list.
  await owner.page.keyboard.press('Control+k');
  await owner.page.getByRole('combobox').fill('mi');
  await owner.page.getByRole('option', { name: 'Message Mia' }).click();
  await expect(owner.page.getByRole('heading', { name: 'Mia' })).toBeVisible();
  await owner.say('was that needed?', 'let us talk');
  await expect(onList(mia, 'Olga')).toContainText('2');
  await onList(mia, 'Olga').click();
  await expect(mia.text('let us talk')).toBeVisible();
  await expect(onList(mia, 'Olga')).not.toContainText('2');
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 320, height: 640 }]) {
    test(`rooms and rights at ${viewport.width} pixels, ${colorScheme}: accessible, within the window`, async ({ open, someone }) => {
      const owner = await someone('Olga', { viewport, colorScheme, bypassCSP: true });
      const { page } = owner;
      const small = viewport.width < 400;
      const fine = async (where: string) => {
        await expect(page.getByText('Loading…')).toHaveCount(0);
        await accessible(owner, where);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), where).toBe(true);
      };
      /** What is on the list of rooms, which is a screen of its own on a phone. */
      const fromList = async (name: string) => {
        if (small) await page.getByRole('button', { name: /^Rooms/ }).click();
        await page.getByRole('button', { name }).click();
      };
      await becomeOwner(owner, open);
      const mia = await someone('Mia');
      await becomeMember(mia, await memberLink(owner));
      await mia.say('hello there', 'and this');
      await expect(owner.text('and this')).toBeVisible();

      await fromList('Create a room');
      await fine('creating a room');
      await page.getByLabel('Name', { exact: true }).fill('workshop');
      await page.getByLabel(/^What it is about/).fill('A topic that is far too long for the head of a room on a small screen, and then some');
      await page.getByRole('checkbox', { name: 'Mia' }).check();
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await expect(notice(owner, 'You added Mia')).toBeVisible();
      await fine('a room with notices');
      await fromList('Message somebody');
      await fine('starting a conversation');
      await page.keyboard.press('Escape');
      if (small) await page.goBack();

      for (const tab of ['About', 'Members', 'Settings', 'Moderation', 'Changes']) {
        await panel(owner, tab);
        await fine(tab);
        if (tab === 'Members') {
          const more = page.getByRole('button', { name: 'What to do with Mia' });
          await more.click();
          await fine('the menu of a member');
          await page.keyboard.press('Escape'); // closes the menu, not what is behind it
          await expect(page.getByRole('menu')).toHaveCount(0);
          await expect(more).toBeFocused();
          await more.click();
          await page.getByRole('menuitem', { name: 'Ban…' }).click();
          await fine('a ban');
        }
        await close(owner);
      }
      await settings(page, 'Profile');
      for (const tab of ['People', 'Bans', 'Bots', 'Changes']) {
        await page.getByRole('tab', { name: tab, exact: true }).click();
        if (tab === 'People') await page.getByRole('button', { name: 'Addresses of Mia' }).click();
        if (tab === 'Bots') {
          await page.getByLabel('Name of a new bot').fill('robot');
          await page.getByRole('button', { name: 'Make the bot' }).click();
          await page.getByRole('button', { name: 'New token' }).click();
          await page.getByLabel('What the token is for').fill('builds');
          await fine('a new token');
          await page.getByRole('button', { name: 'Make the token' }).click();
          await expect(page.locator('[data-secret]')).toContainText('hbb_');
        }
        await fine(tab);
      }
      await close(owner);
      await closed(page);

      await page.goto(`${open.url}/r/lobby`);
      const row = owner.text('hello there');
      await row.hover();
      await row.getByRole('button', { name: /^More about the message/ }).click();
      await fine('the menu of a message');
      await page.getByRole('menuitem', { name: 'Delete…' }).click();
      await fine('deleting a message');
      await page.getByRole('button', { name: 'Keep' }).click();
      await expect(row.getByRole('button', { name: /^More about the message/ })).toBeFocused();
      await row.getByRole('button', { name: /^More about the message/ }).click();
      await page.getByRole('menuitem', { name: 'Report…' }).click();
      await fine('reporting a message');
      await page.keyboard.press('Escape');
      await closed(page);
      await page.goto(`${open.url}/p/k3v9x2m7qp4d`);
      await expect(page.getByRole('heading', { name: /^There is no such room/ })).toBeVisible();
      await fine('no such room');
    });
  }
}
