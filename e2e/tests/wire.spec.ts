// The wire view: what it shows is what passed.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { choose, expect, test } from './hubbub.ts';
import { shot } from './sending.ts';
import { entry, field, frames, line, openWire, part, told, wireRow } from './wires.ts';

test('a handshake and frames are shown as they passed, and lead to the message and back', async ({ hubbub, someone }) => {
  const ines = await someone('Ines', { viewport: { width: 1280, height: 800 } });
  await ines.enter();
  const { page } = ines;
  await ines.say('Before anybody looked');
  await openWire(ines);
  expect(page.url()).toBe(`${hubbub.url}/r/lobby?wire`);

  await wireRow(ines, 'handshake').click();
  await expect(entry(ines).locator('dd').getByText('hubbub.v1', { exact: true })).toBeVisible();
  await expect(entry(ines)).toContainText('permessage-deflate; server_no_context_takeover');
  await expect(entry(ines).locator('[data-resumed]')).toContainText('#lobby, behind number 1');
  const head = (text: RegExp) => entry(ines).locator('[data-head] summary').filter({ hasText: text });
  await expect(head(/^GET \/\?wire=•••&dial=1 HTTP\/1\.1$/)).toBeVisible();
  await expect(head(/^HTTP\/1\.1 101 /)).toBeVisible();
  await expect(head(/^Cookie:•••$/)).toBeVisible();
  const accept = head(/^Sec-WebSocket-Accept:\S{28}$/);
  await accept.click();
  await expect(entry(ines).getByText('hashed by SHA-1')).toBeVisible();
  await shot(ines, 'handshake');

  // My message: sent masked and packed, stored, and back as an event.
  await page.keyboard.press('Escape');
  const text = `The oven arrived. ${'It fits. '.repeat(80)}`.trim();
  await ines.say(text);
  await expect(wireRow(ines, 'sent')).toContainText('Your message got number 2 in #lobby');
  await wireRow(ines, 'send').click();
  await expect(field(ines, 'FIN')).toContainText('the last frame of its message');
  await expect(field(ines, 'RSV1')).toContainText('compressed');
  await expect(field(ines, 'Opcode')).toContainText('text');
  await expect(field(ines, 'MASK')).toContainText('masked, as all that a client sends');
  await expect(field(ines, 'Mask key').locator('td').nth(1)).toHaveText(/^[0-9a-f]{8}$/);
  const [, wire, unpacked] = /(\d+) bytes of payload on the wire.* ([\d,]+) bytes unpacked/.exec(await told(ines)) ?? [];
  expect(Number(wire)).toBeGreaterThan(20);
  expect(Number(unpacked)).toBeGreaterThan(Number(wire));
  await expect(entry(ines).locator('pre')).toContainText('"text": "The oven arrived.');
  await shot(ines, 'send');

  // From the frame to the message, and from the message to its frames.
  await page.getByRole('button', { name: 'Show the message' }).click();
  await expect(ines.text(text)).toBeFocused();
  await expect(ines.text(text)).toHaveClass(/pointed/);
  await page.getByRole('button', { name: 'Back to the list' }).click();
  await expect(page.getByText('What passed of message 2')).toBeVisible();
  await expect(frames(ines)).toHaveText([/send/, /(event|sent)/, /(event|sent)/]);
  await shot(ines, 'message');
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(wireRow(ines, 'welcome')).toBeVisible();
  await ines.text(text).locator('[data-text]').click();
  await expect(page.getByText('What passed of message 2')).toBeVisible();
  await ines.text('Before anybody looked').locator('[data-text]').click();
  await expect(page.getByText('Nothing of this message passed while this view was open')).toBeVisible();
  await page.getByRole('button', { name: 'Close the wire view' }).click();
  await choose(ines, text, 'What passed on the wire');
  await expect(page.getByText('Nothing of this message passed while this view was open')).toBeVisible();
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(page.getByRole('listbox', { name: 'Frames, oldest first' })).toBeFocused();
  // A frame that is shown by itself gives way.
  await wireRow(ines, 'welcome').click();
  await expect(entry(ines).locator('pre')).toBeVisible();
  await choose(ines, text, 'What passed on the wire');
  await expect(page.getByText('What passed of message 2')).toBeVisible();
  await page.getByRole('button', { name: 'Show all' }).click();

  // By other ways, and what is never seen by a page: control frames, and who else is there.
  await part(ines, 'Other clients');
  const [address] = /ws:[^']*/.exec(await line(ines, 'wscat')) ?? [''];
  const other = new WebSocket(address);
  await once(other, 'open');
  other.ping('are you there');
  await once(other, 'pong');
  other.send('hello from a script');
  await expect(ines.text('hello from a script')).toBeVisible();
  await expect(page.getByText('1 other client has connected.')).toBeVisible();
  await page.getByRole('button', { name: 'Show their frames' }).click();
  await expect(frames(ines)).toHaveText([/handshake/, /ping/, /pong/, /plain text/]);
  await expect(wireRow(ines, 'plain text')).toContainText('other client');
  await wireRow(ines, 'ping').click();
  await expect(entry(ines)).toContainText('A page never sees control frames');
  await expect(field(ines, 'Opcode')).toContainText('ping');
  await expect(entry(ines).locator('pre')).toHaveText('61 72 65 20 79 6f 75 20 74 68 65 72 65');
  other.close();
  await page.keyboard.press('Escape');
  await expect(wireRow(ines, 'close')).toHaveCount(2);

  // The passport.
  await choose(ines, text, 'Details…');
  const passport = page.locator('[data-passport]');
  await expect(passport.locator('[data-step=acknowledged]')).toContainText(/millisecond/);
  await expect(passport.locator('[data-step=stored] time')).toHaveText(/^\d\d:\d\d:\d\d\.\d{3}$/);
  await expect(passport.locator('[data-stored]')).toContainText('The oven arrived.');
  await shot(ines, 'passport');
  await passport.getByRole('button', { name: 'Show what passed of it' }).click();
  await expect(passport).toHaveCount(0);
  await expect(page.getByText('What passed of message 2')).toBeVisible();
});

test('pause, filter, search, copy, save, clear; and secrets are nowhere', async ({ someone }) => {
  const ines = await someone('Ines', { viewport: { width: 1280, height: 1500 }, permissions: ['clipboard-read', 'clipboard-write'] });
  await ines.enter();
  const { page } = ines;
  await ines.composer.fill('/wire');
  await ines.composer.press('Enter');
  await expect(wireRow(ines, 'opened')).toBeVisible();
  await ines.say('one', 'two');
  await expect(wireRow(ines, 'sent')).toHaveCount(2);

  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.locator('[data-paused]')).toHaveText('Paused. 0 frames passed since.');
  await ines.say('three');
  await expect(ines.text('three').and(page.locator('[data-state=sent]'))).toBeVisible();
  await expect(page.locator('[data-paused]')).toHaveText(/Paused\. [1-9]\d* frames passed since\./);
  await expect(wireRow(ines, 'sent')).toHaveCount(2);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(wireRow(ines, 'sent')).toHaveCount(3);

  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.getByRole('searchbox', { name: 'In the payload' }).fill('"TWO"');
  await expect(frames(ines)).toHaveText([/send/, /(event|sent)/]);
  await page.getByRole('searchbox', { name: 'In the payload' }).fill('');
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('sent');
  await expect(frames(ines)).toHaveCount(3);
  await page.getByRole('combobox', { name: 'Direction' }).selectOption('to the server');
  await expect(page.getByText('No frame fits the filter.')).toBeVisible();
  await shot(ines, 'filter');
  await page.getByRole('button', { name: 'Show everything' }).click();
  await page.getByRole('combobox', { name: 'Room' }).selectOption('#lobby');
  await expect(wireRow(ines, 'welcome')).toHaveCount(0);
  await expect(wireRow(ines, 'sent')).toHaveCount(3);
  await page.getByRole('button', { name: 'Show everything' }).click();
  await expect(wireRow(ines, 'welcome')).toHaveCount(1);

  await wireRow(ines, 'sent').first().click();
  await page.getByRole('button', { name: 'Copy as text' }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain('Your message got number 1 in #lobby');
  expect(copied).toContain('"seq": 1');
  await page.keyboard.press('Escape');

  // Whatever passes and whoever says it: what proves who one is stays out.
  await part(ines, 'Other clients');
  const [address] = /ws:[^']*/.exec(await line(ines, 'wscat')) ?? [''];
  await part(ines, 'Frames');
  const headers = { Cookie: 'a=tooSecretToBeShown', 'Proxy-Authorization': 'Basic tooSecretToBeShown' };
  const other = new WebSocket(address, { headers });
  await once(other, 'open');
  await expect(wireRow(ines, 'handshake')).toHaveCount(2);
  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as a text file' }).click()]);
  const file = readFileSync(await saved.path(), 'utf8');
  expect(file).toContain('GET /?wire=•••&dial=1 HTTP/1.1');
  expect(file).toContain('Cookie: •••');
  expect(file).toContain('Proxy-Authorization: •••');
  expect(file.match(/Your message got number/g)).toHaveLength(3);
  const cookies = await page.context().cookies();
  const watch = new URL(address).searchParams.get('wire') ?? '';
  const secrets = [...cookies.map(({ value }) => value), 'tooSecretToBeShown', watch];
  expect(secrets).toHaveLength(3);
  for (const n of [0, 1]) {
    await wireRow(ines, 'handshake').nth(n).click();
    for (const secret of secrets) expect(await told(ines)).not.toContain(secret);
    await page.keyboard.press('Escape');
  }
  for (const secret of secrets) expect(file).not.toContain(secret);
  other.close();
  await expect(wireRow(ines, 'end')).toHaveCount(1);

  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(frames(ines)).toHaveCount(0);
  await expect(page.getByText('Nothing has passed yet.')).toBeVisible();
  await ines.say('four');
  await expect(wireRow(ines, 'sent')).toHaveCount(1);
});
