// What asks for attention: counts, drafts, who is here. On all of somebody's devices.
import { join } from 'node:path';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { BrowserContextOptions, Page } from '@playwright/test';
import { attentive, look } from './eyes.ts';
import { accessible, ask, becomeOwner, choose, expect, Someone, test } from './hubbub.ts';

type Meet = (name: string, options?: BrowserContextOptions) => Promise<Someone>;

/** Another device of somebody: the same person in a browser of its own. */
async function another(of: Someone, someone: Meet, path = '/', options: BrowserContextOptions = {}): Promise<Someone> {
  const { cookies } = await of.page.context().storageState();
  const device = await someone(of.name, { ...options, storageState: { cookies, origins: [] } });
  await device.page.goto(of.hubbub.url + path);
  await expect(device.page.locator('[data-connection]')).toContainText('connected');
  return device;
}

const icon = (page: Page) => page.evaluate(() => decodeURIComponent(document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href ?? ''));
const room = (who: Someone, name: string) => who.page.locator(`nav [data-room="${name}"]`);

test('24. title and icon show the count; read on one device is read on all; mark as unread; mark all read', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.page.addInitScript(() => {
    const told: number[] = [];
    Object.assign(window, { told });
    Object.assign(navigator, { setAppBadge: async (n: number) => void told.push(n), clearAppBadge: async () => void told.push(0) });
  });
  await ines.enter('/r/kitchen');
  const phone = await another(ines, someone, '/r/kitchen');
  const tomas = await someone('Tomás');
  await tomas.enter('/r/kitchen');
  for (const device of [ines, phone]) await device.page.goto(`${ines.hubbub.url}/r/music`);
  await expect(ines.composer).toBeVisible();
  await tomas.say('one', 'two', 'three');

  for (const device of [ines, phone]) {
    await expect(device.page).toHaveTitle('(3) hubbub');
    await expect.poll(() => icon(device.page)).toContain('>3</text>');
    await expect(room(device, 'kitchen')).toContainText('3 unread');
  }
  expect(await ines.page.evaluate(() => (window as unknown as { told: number[] }).told.at(-1))).toBe(3);
  // What is drawn on the icon is drawn by the browser too, whatever the page's policy says.
  const drawn = await ines.page.evaluate(async () => {
    const image = new Image(32, 32);
    image.src = document.querySelector<HTMLLinkElement>('link[rel=icon]')?.href ?? '';
    await image.decode();
    return image.naturalWidth > 0;
  });
  expect(drawn).toBe(true);

  // Read here, it is read there.
  await room(phone, 'kitchen').click();
  for (const device of [ines, phone]) {
    await expect(device.page).toHaveTitle('hubbub');
    await expect.poll(() => icon(device.page)).toMatch(/favicon\.svg$/);
  }
  expect(await ines.page.evaluate(() => (window as unknown as { told: number[] }).told.at(-1))).toBe(0);

  // Marked as unread from a message on, it is unread everywhere, and stays so where it is on screen.
  await choose(phone, 'two', 'Mark as unread from here');
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('(2) hubbub');
  await expect(phone.page.getByText('New', { exact: true })).toBeVisible();
  await tomas.say('four');
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('(3) hubbub');
  await room(ines, 'kitchen').click();
  await expect(ines.page).toHaveTitle('hubbub');
  await expect(phone.page).toHaveTitle('hubbub');

  // A device that was away hears of it when it comes back.
  await phone.page.goto(`${ines.hubbub.url}/r/music`);
  await expect(phone.composer).toBeVisible();
  await phone.page.context().setOffline(true);
  await choose(ines, 'three', 'Mark as unread from here');
  await expect(ines.page).toHaveTitle('(2) hubbub');
  await phone.page.context().setOffline(false);
  await expect(phone.page).toHaveTitle('(2) hubbub', { timeout: 40_000 });

  // All at once, by the button or by a key.
  await tomas.page.goto(`${ines.hubbub.url}/r/music`);
  await tomas.say('la la la');
  await room(ines, 'music').click();
  await room(phone, 'kitchen').click();
  await expect(ines.page).toHaveTitle('hubbub');
  await choose(ines, 'la la la', 'Mark as unread from here');
  await expect(phone.page).toHaveTitle('(1) hubbub');
  await phone.page.getByRole('button', { name: 'Mark all as read' }).click();
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('hubbub');
  await expect(ines.page.getByText('New', { exact: true })).toBeVisible();
  await choose(ines, 'la la la', 'Mark as unread from here');
  await expect(phone.page).toHaveTitle('(1) hubbub');
  await ines.page.keyboard.press('Shift+Escape');
  for (const device of [ines, phone]) await expect(device.page).toHaveTitle('hubbub');
  await expect(ines.page.getByText('New', { exact: true })).toHaveCount(0);
  await expect(ines.page.getByRole('button', { name: 'Mark all as read' })).toHaveCount(0);
  await accessible(ines, 'the room');

  // Without a connection it says that it did not work.
  await choose(phone, 'three', 'Mark as unread from here');
  await expect(phone.page).toHaveTitle('(2) hubbub');
  await phone.page.context().setOffline(true);
  await phone.page.getByRole('button', { name: 'Mark all as read' }).click();
  await expect(phone.page.locator('[data-complaint]')).toHaveText('The server cannot be reached.');
  await expect(phone.page.locator('[data-announcer]')).toContainText('The server cannot be reached.');
  if (process.env.SHOTS) await phone.page.screenshot({ path: join(process.env.SHOTS, 'complaint.png') });
});

test('21. the draft survives a room change and a reload; the sidebar marks it; all devices have it, and none overwrites what is typed', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter('/r/kitchen');
  const phone = await another(ines, someone, '/r/music');
  await ines.page.goto(`${ines.hubbub.url}/r/music`);
  await room(ines, 'kitchen').click();
  await ines.composer.pressSequentially('half a thought');

  // The other device marks it, and has it there.
  await expect(room(phone, 'kitchen')).toContainText('draft');
  await room(phone, 'kitchen').click();
  await expect(phone.composer).toHaveValue('half a thought');
  await expect(room(ines, 'kitchen')).not.toContainText('draft');
  await room(ines, 'music').click();
  await expect(ines.page.getByRole('textbox', { name: 'Message #music' })).toHaveValue('');
  await expect(room(ines, 'kitchen')).toContainText('draft');
  await ines.page.reload();
  await room(ines, 'kitchen').click();
  await expect(ines.composer).toHaveValue('half a thought');

  // It is written on there, and comes back here while it stands on the screen.
  await phone.composer.pressSequentially(', and more');
  await expect(ines.composer).toHaveValue('half a thought, and more');
  // What is being typed is not taken from under the fingers; it is what both have in the end.
  await ines.composer.fill('typed here');
  await phone.composer.fill('typed there');
  await expect(ines.composer).toHaveValue('typed here');
  await ines.composer.pressSequentially('!');
  await expect(ines.composer).toHaveValue('typed here!');
  await expect.poll(async () => (await Promise.all([ines, phone].map((d) => d.composer.inputValue()))).every((v, _, all) => v === all[0]), { timeout: 25_000 }).toBe(true);

  // Without a connection it is kept, over a reload too, and told later.
  await phone.page.context().setOffline(true);
  await phone.composer.fill('written on the train');
  await expect(phone.page.locator('[data-banner]')).toBeVisible({ timeout: 40_000 });
  await expect(ines.composer).not.toHaveValue('written on the train');
  await phone.page.context().setOffline(false);
  await expect(ines.composer).toHaveValue('written on the train', { timeout: 40_000 });

  // Sent here, it is gone everywhere.
  await ines.composer.press('Enter');
  await expect(phone.text('written on the train')).toBeVisible();
  await expect(phone.composer).toHaveValue('');
  await room(phone, 'music').click();
  await expect(room(phone, 'kitchen')).not.toContainText('draft');
  await phone.page.reload();
  await expect(room(phone, 'kitchen')).toBeVisible();
  await expect(room(phone, 'kitchen')).not.toContainText('draft');
  // Also where a device was closed meanwhile.
  await ines.composer.fill('soon sent');
  await expect(room(phone, 'kitchen')).toContainText('draft');
  await phone.page.goto('about:blank');
  await ines.composer.press('Enter');
  await expect(ines.text('soon sent')).toHaveAttribute('data-state', 'sent');
  await phone.page.goto(`${ines.hubbub.url}/r/music`);
  await expect(phone.page.locator('[data-connection]')).toContainText('connected');
  await expect(room(phone, 'kitchen')).not.toContainText('draft');
});

test('26. presence is right within a minute after a hard drop', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter('/r/kitchen');
  // Tomás comes by way of a line that can be cut as a cable is: nobody is told.
  const line = await cable(new URL(hubbub.url).port);
  const far = Object.assign(Object.create(hubbub), { url: line.url });
  const tomas = new Someone('Tomás', (await someone('Tomás')).page, far);
  await attentive(tomas.page);
  await tomas.enter('/r/kitchen');
  await tomas.say('hello');
  const face = ines.text('hello').locator('[data-presence]');
  await expect(face).toHaveAttribute('data-presence', 'online');

  // A conversation shows it on the list, in words too.
  await ines.page.getByRole('button', { name: /^About this room/ }).click();
  await ines.page.getByRole('tab', { name: 'Members' }).click();
  const member = ines.page.locator('[data-member="Tomás"]');
  await expect(member.locator('[data-presence=online]')).toBeVisible();
  await expect(member).toContainText(', here now');
  await member.getByRole('button', { name: 'What to do with Tomás' }).click();
  await ines.page.getByRole('menuitem', { name: 'Message' }).click();
  const talk = room(ines, 'Tomás');
  await expect(talk.locator('[data-presence=online]')).toBeVisible();
  await expect(talk).toContainText('here now');

  // Looking away is another shape and another word.
  await look(tomas, false);
  await expect(talk.locator('[data-presence=away]')).toBeVisible();
  await expect(talk).toContainText('away');
  await accessible(ines, 'a conversation');
  await look(tomas, true);
  await expect(talk.locator('[data-presence=online]')).toBeVisible();

  const cut = Date.now();
  line.cut();
  await expect(talk.locator('[data-presence]')).toHaveCount(0, { timeout: 60_000 });
  await expect(talk).not.toContainText('here now');
  expect(Date.now() - cut).toBeLessThan(60_000);
  await room(ines, 'kitchen').click();
  await expect(ines.text('hello').locator('[data-presence]')).toHaveCount(0);

  // Whoever comes back is there again; whoever closes the page is gone at once.
  line.mend();
  await expect(talk.locator('[data-presence=online]')).toBeVisible({ timeout: 60_000 });
  await tomas.page.close();
  await expect(talk.locator('[data-presence]')).toHaveCount(0, { timeout: 10_000 });
  line.close();
});

test('26. typing shows names, goes within seconds, moves nothing', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const others = [];
  for (const name of ['Tomás', 'Aiko']) {
    const other = await someone(name);
    await other.enter();
    others.push(other);
  }
  await ines.say('one', 'two');
  await expect(ines.text('two')).toHaveAttribute('data-state', 'sent');
  const places = () =>
    ines.page.evaluate(() => [...document.querySelectorAll('article[data-id], form, textarea')].map((element) => element.getBoundingClientRect().toJSON() as object));
  const before = await places();
  for (const other of others) await other.composer.pressSequentially('hm');
  const line = ines.page.getByText('Tomás and Aiko are typing…');
  await expect(line).toBeVisible();
  const shown = Date.now();
  expect(await places()).toEqual(before);
  await expect(ines.page.getByText(/typing…/)).toHaveCount(0, { timeout: 8_000 });
  expect(Date.now() - shown).toBeLessThan(8_000);
  expect(await places()).toEqual(before);
  // It also goes with the message, at once.
  await others[0]?.composer.pressSequentially('!');
  await expect(ines.page.getByText('Tomás is typing…')).toBeVisible();
  await others[0]?.composer.press('Enter');
  await expect(ines.page.getByText(/typing…/)).toHaveCount(0, { timeout: 2_000 });
});

/** A cable to the server that can be pulled out: nothing comes through it any more, and neither end hears of it. */
async function cable(port: string) {
  const ends: [Socket, Socket][] = [];
  let cut = false;
  const server = createServer((near) => {
    if (cut) return void near.destroy();
    const to = connect(Number(port), '127.0.0.1');
    ends.push([near, to]);
    for (const [from, into] of [[near, to], [to, near]] as const) {
      from.on('data', (data) => void (cut || into.write(data)));
      from.on('close', () => void (cut || into.destroy()));
      from.on('error', () => undefined);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => (cut = true),
    mend: () => {
      cut = false;
      for (const [near] of ends.splice(0)) near.destroy();
    },
    close: () => {
      server.close();
      for (const [near, to] of ends) {
        near.destroy();
        to.destroy();
      }
    },
  };
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [320, 1280]) {
    test(`what asks for attention is whole at ${width} pixels, ${colorScheme}`, async ({ hubbub, someone }) => {
      const ines = await someone('Ines', { colorScheme, viewport: { width, height: 720 } });
      const { page } = ines;
      await becomeOwner(ines, hubbub);
      const tomas = await someone('Tomás');
      await tomas.page.goto(hubbub.url.replace('localhost', '127.0.0.1'));
      await tomas.enter();
      await tomas.say('@Ines good morning');
      const look = async (where: string, not: string[] = []) => {
        await accessible(ines, where, not);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), where).toBe(true);
        if (process.env.SHOTS) await page.screenshot({ path: join(process.env.SHOTS, `${where.replaceAll(' ', '-')}-${width}-${colorScheme}.png`) });
      };
      await look('the room');
      const { rooms } = await ask<{ rooms: { id: string }[] }>(page, 'GET', '/api/me/rooms');
      const { people } = await ask<{ people: { id: string; name: string }[] }>(page, 'GET', '/api/people');
      await ask(page, 'POST', '/api/direct', { people: [people.find(({ name }) => name === 'Tomás')?.id] });
      await ask(page, 'POST', `/api/rooms/${rooms[0]?.id}/hooks`, { kind: 'in', name: 'Continuous integration' });
      await ask(page, 'POST', `/api/rooms/${rooms[0]?.id}/hooks`, { kind: 'out', name: 'Archive', url: 'http://127.0.0.1:9/a/rather/long/address/without/any/space', events: 'all' });
      await tomas.say('one more');
      await ask(page, 'POST', `/api/me/rooms/${rooms[0]?.id}/unread`, { seq: 1 });
      const list = page.getByRole('button', { name: /^Rooms/ });
      if (await list.isVisible()) await list.click();
      await expect(page.getByRole('link', { name: /Tomás/ })).toBeVisible();
      // On a phone the list stands in the room's place.
      const alone = width === 320 ? ['landmark-one-main', 'page-has-heading-one'] : [];
      await look('the list of rooms', alone);
      await page.getByRole('button', { name: 'Alerts', exact: true }).click();
      await look('the menu of alerts', alone);
      await page.getByRole('menuitem', { name: 'Pause alerts for an hour' }).click();
      await expect(page.getByRole('button', { name: /^Alerts, paused until/ })).toBeVisible();
      await page.getByRole('button', { name: /^Alerts, paused until/ }).click();
      await page.getByRole('menuitem', { name: 'Settings for alerts…' }).click();
      await page.getByLabel('Every day at certain hours').check();
      await expect(page.getByLabel('from', { exact: true })).toHaveValue('22:00');
      await look('the settings of alerts');
      await page.getByLabel('Every day at certain hours').scrollIntoViewIfNeeded();
      await look('the quiet hours');
      await page.getByRole('button', { name: 'Close' }).click();
      if (width === 320) await page.getByRole('button', { name: 'Back to the room' }).click();
      await page.getByRole('button', { name: /^About this room/ }).click();
      await page.getByLabel('Alert me of').scrollIntoViewIfNeeded();
      await look('the alerts of a room');
      await page.getByRole('tab', { name: 'Members' }).click();
      await expect(page.locator('[data-member="Tomás"] [data-presence]')).toBeVisible();
      await look('the members');
      await page.getByRole('tab', { name: 'Hooks' }).click();
      await expect(page.locator('[data-hook="Archive"] [data-state=failing]')).toBeVisible();
      await page.locator('[data-hook="Archive"] summary').click();
      await look('the hooks');
      await page.getByRole('button', { name: 'Tell a program what is said' }).click();
      await look('a new hook');
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Close' }).click();
      await look('the room afterwards');
    });
  }
}
