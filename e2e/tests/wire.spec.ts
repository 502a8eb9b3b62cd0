// The wire view: what it shows is what passed.
import { expect, test } from './hubbub.ts';
import { shot } from './sending.ts';
import { frames, openWire, wireRow } from './wires.ts';

test('first look', async ({ someone }) => {
  const ines = await someone('Ines', { viewport: { width: 1280, height: 800 } });
  await ines.enter();
  await openWire(ines);
  await expect(wireRow(ines, 'welcome')).toHaveCount(1);
  await ines.say('Does it show?');
  await expect(wireRow(ines, 'sent')).toHaveCount(1);
  await shot(ines, 'list');
  await wireRow(ines, 'handshake').click();
  await ines.page.locator('[data-head] summary').nth(3).click();
  await shot(ines, 'handshake');
  await ines.page.keyboard.press('Escape');
  await wireRow(ines, 'send').click();
  await shot(ines, 'send');
  await ines.page.getByRole('button', { name: 'Passport of the message' }).click();
  await ines.page.locator('[data-stored]').waitFor();
  await shot(ines, 'passport');
  await ines.page.keyboard.press('Escape');
  await ines.page.getByRole('tab', { name: 'Other clients' }).click();
  await shot(ines, 'clients');
  console.log(await frames(ines).count());
});
