// What a person sees and does.
import { expect, test } from './hubbub.ts';

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


