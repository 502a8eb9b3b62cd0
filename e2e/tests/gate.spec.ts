// How people get in, and out.
import type { Page } from '@playwright/test';
import { accessible, becomeOwner, expect, password, phone, settings, test } from './hubbub.ts';

/** Gives a page a device with a passkey in it. */
async function authenticator(page: Page): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

test('the owner opens the place; a friend comes by the link, stays with a passkey, moves to another device, and closes the first', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);

  const fred = await someone('Fred', phone);
  await authenticator(fred.page);
  await fred.page.goto(open.url);
  await expect(fred.page.getByText('You need an invitation to come in here.')).toBeVisible();
  await fred.page.goto(open.links.join ?? '');
  await fred.page.getByLabel('Your name').fill('Fred');
  await fred.page.getByRole('button', { name: 'Come in' }).tap();
  await fred.say('hello from the phone');
  await expect(owner.text('hello from the phone')).toBeVisible();
  await expect(owner.text('hello from the phone').getByText('guest', { exact: true })).toBeVisible();

  await settings(fred.page, 'Keep this name');
  await fred.page.getByRole('button', { name: 'Add a passkey' }).click();
  await expect(fred.page.getByText('The passkey is set.')).toBeVisible();

  await fred.page.getByRole('tab', { name: 'Devices' }).click();
  await fred.page.getByRole('button', { name: 'Sign in on another device' }).click();
  await expect(fred.page.getByAltText('QR code of the link')).toBeVisible();
  const link = await fred.page.getByLabel('Link').inputValue();

  const desk = await someone('Fred');
  await desk.page.goto(link);
  await desk.page.getByRole('button', { name: 'Sign in' }).click();
  await expect(desk.text('hello from the phone')).toBeVisible();
  await desk.say('and from the desk');
  await expect(owner.text('and from the desk')).toBeVisible();
  await expect(owner.text('and from the desk').getByText('guest', { exact: true })).toBeHidden();

  await settings(desk.page, 'Devices');
  await desk.page.getByRole('button', { name: /^Sign out Chrome on/ }).click();
  await expect(fred.page.getByText('You need an invitation to come in here.')).toBeVisible({ timeout: 5_000 });
  await expect(desk.page.getByRole('button', { name: /^Sign out Chrome on/ })).toBeHidden();
  await desk.page.getByRole('button', { name: 'Close' }).click();
  await expect(desk.page.locator('[data-connection]')).toContainText('connected');

  await fred.page.getByRole('button', { name: 'Sign in' }).click();
  await fred.page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(fred.text('and from the desk')).toBeVisible();
});

test('invitations are made, shown with a code, used, counted and revoked; people are given roles and put out', async ({ open, someone }) => {
  const owner = await someone('Olga');
  await becomeOwner(owner, open);
  await settings(owner.page, 'Invite people');
  await owner.page.getByLabel('For', { exact: true }).selectOption('one person');
  await owner.page.getByLabel('What it is for').fill('for Mia');
  await owner.page.getByRole('button', { name: 'Make an invitation' }).click();
  const link = await owner.page.getByLabel('Link').inputValue();
  await expect(owner.page.getByText('0 of 1 used')).toBeVisible();

  const mia = await someone('Mia');
  await mia.page.goto(link);
  await expect(mia.page.getByText('Olga invites you.')).toBeVisible();
  await mia.page.getByLabel('Your name').fill('Mia');
  await mia.page.keyboard.press('Enter');
  await expect(mia.composer).toBeVisible();
  const late = await someone('Late');
  await late.page.goto(link);
  await expect(late.page.getByRole('alert')).toContainText('that invitation lets nobody in');

  await settings(mia.page, 'Keep this name');
  await mia.page.getByLabel('New password').fill('another tugboat 8 violet');
  await mia.page.getByRole('button', { name: 'Set the password' }).click();
  await expect(mia.page.getByText('The password is set.')).toBeVisible();
  await expect(mia.page.getByRole('tab', { name: 'People', exact: true })).toBeHidden();
  await owner.page.getByRole('tab', { name: 'People', exact: true }).click();
  await owner.page.getByLabel('Role of Mia').selectOption('admin');
  await expect(mia.page.getByRole('tab', { name: 'People', exact: true })).toBeVisible();
  await owner.page.getByRole('button', { name: 'Put out Mia' }).click();
  await owner.page.getByRole('button', { name: 'Yes' }).click();
  await expect(owner.page.getByRole('button', { name: 'Put out Mia' })).toBeHidden();
  await expect(mia.page.getByText('You need an invitation to come in here.')).toBeVisible({ timeout: 5_000 });

  await owner.page.getByRole('tab', { name: 'Invite people' }).click();
  await owner.page.getByRole('button', { name: 'Revoke printed at the start' }).click();
  await expect(owner.page.getByText('printed at the start')).toBeHidden();
  await late.page.goto('about:blank');
  await late.page.goto(open.links.join ?? '');
  await expect(late.page.getByRole('alert')).toContainText('that invitation lets nobody in');
});

test('signing in with a password, a wrong one, and out again leaves nothing here', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await settings(ines.page, 'Keep this name');
  await ines.page.getByLabel('New password').fill('short');
  await ines.page.getByRole('button', { name: 'Set the password' }).click();
  await expect(ines.page.getByRole('alert')).toContainText('at least 10 characters');
  await ines.page.getByLabel('New password').fill(password);
  await ines.page.getByRole('button', { name: 'Set the password' }).click();
  await expect(ines.page.getByText('The password is set.')).toBeVisible();
  await ines.page.getByRole('button', { name: 'Close' }).click();
  await ines.composer.fill('never sent');
  await settings(ines.page, 'Devices');
  await ines.page.getByRole('button', { name: 'Sign out here' }).click();
  await expect(ines.page.getByLabel('Your name')).toBeVisible();
  expect(await ines.page.evaluate(() => JSON.stringify(localStorage))).not.toContain('never sent');

  await ines.page.getByRole('button', { name: 'Sign in' }).click();
  await ines.page.getByLabel('Your name').fill('ines');
  await ines.page.getByLabel('Password').fill('not this one');
  await ines.page.keyboard.press('Enter');
  await expect(ines.page.getByRole('alert')).toContainText('the name or the password is wrong');
  await ines.page.getByLabel('Password').fill(password);
  await ines.page.keyboard.press('Enter');
  await expect(ines.composer).toBeVisible();
  expect(hubbub.url).toBeTruthy();
});

test('a picture and a name of one’s own', async ({ someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await ines.say('look at me');
  await settings(ines.page, 'Profile');
  const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADBwIAMCbHYQAAAABJRU5ErkJggg==', 'base64');
  await ines.page.getByLabel('Picture').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: picture });
  await expect(ines.page.locator('dialog img')).toBeVisible();
  await ines.page.getByLabel('Picture').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from('<script>') });
  await expect(ines.page.getByRole('alert').filter({ hasText: 'PNG, JPEG, GIF or WebP' })).toBeVisible();
  await ines.page.getByLabel('Your name').fill('Inês');
  await ines.page.getByRole('button', { name: 'Save' }).click();
  await expect(ines.page.getByText('Saved.')).toBeVisible();
  await tomas.page.reload();
  await expect(tomas.page.locator('article img')).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 320, height: 640 }]) {
    test(`getting in at ${viewport.width} pixels, ${colorScheme}: accessible, within the window`, async ({ open, someone }) => {
      const owner = await someone('Olga', { viewport, colorScheme, bypassCSP: true });
      const { page } = owner;
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
      const fine = async (where: string) => {
        await accessible(owner, where);
        expect(await wide(), where).toBe(true);
      };
      await page.goto(open.url);
      await expect(page.getByText('You need an invitation to come in here.')).toBeVisible();
      await fine('without an invitation');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByLabel('Password')).toBeVisible();
      await fine('signing in');
      await page.goto(open.links.own ?? '');
      await expect(page.getByLabel('Your name')).toBeFocused();
      await fine('the owner’s link');
      await page.keyboard.type('Olga');
      await page.keyboard.press('Enter');
      await expect(page.getByLabel('New password')).toBeVisible();
      await fine('claiming');
      await page.getByLabel('New password').fill(password);
      await page.keyboard.press('Enter');
      await expect(page.getByText('The password is set.')).toBeVisible();
      for (const tab of ['Profile', 'Devices', 'Invite people', 'People']) {
        await page.getByRole('tab', { name: tab, exact: true }).click();
        await expect(page.getByText('Loading…')).toBeHidden();
        await fine(tab);
      }
      await page.getByRole('tab', { name: 'Invite people' }).click();
      await page.getByRole('button', { name: 'Make an invitation' }).click();
      await expect(page.getByAltText('QR code of the link')).toBeVisible();
      await fine('an invitation');
    });
  }
}
