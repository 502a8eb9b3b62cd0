// Files: chosen, uploaded, sent once.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from '@playwright/test';
import { focused, numbered } from './eyes.ts';
import { accessible, expect, Someone, test } from './hubbub.ts';
import { noise, png, text } from './media.ts';
import { cards, give, input, pictures, shot, tray } from './sending.ts';

/** Lets so many bytes a second go up, and others later. */
async function slow(page: Page, first: number): Promise<(bytes: number) => Promise<void>> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  const speed = async (bytes: number) => void (await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytes }));
  await speed(first);
  return speed;
}

test('22. paste an image: preview, caption, progress, cancel; a folder or a 5 GB file is refused clearly', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  const { page } = ines;
  const speed = await slow(page, 60_000);

  // Cancelled on its way, it leaves nothing.
  await give(page, 'paste', [png('kitchen.png', 500, 400, 'noise')]);
  await expect(tray(ines)).toHaveCount(1);
  const preview = tray(ines).locator('img');
  await expect(preview).toBeVisible();
  expect(await preview.evaluate((img: HTMLImageElement) => img.src.startsWith('blob:') && img.naturalWidth)).toBe(500);
  const bar = tray(ines).getByRole('progressbar', { name: 'Upload of kitchen.png' });
  await expect.poll(() => bar.getAttribute('value').then(Number), { intervals: [50] }).toBeGreaterThan(5);
  await expect(tray(ines)).toContainText(/\d+ KB of \d+ KB/);
  await page.getByRole('button', { name: 'Stop uploading kitchen.png' }).click();
  await expect(tray(ines)).toHaveCount(0);
  await expect(ines.composer).toBeFocused();

  // Sent at once, it waits for the upload, and the caption with it.
  await speed(12_000);
  await give(page, 'paste', [png('kitchen.png', 300, 200, 'noise')]);
  await page.keyboard.type('the new kitchen');
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-due]')).toContainText('as soon as the files are uploaded');
  await expect(ines.rows).toHaveCount(0);
  await accessible(ines, 'waiting for the upload');
  await shot(ines, 'due');
  await page.getByRole('button', { name: 'Do not send yet' }).click();
  await expect(ines.composer).toHaveValue('the new kitchen');
  await page.keyboard.press('Enter');
  await speed(-1);
  await expect(ines.text('the new kitchen').locator('[data-picture]')).toBeVisible();
  await expect(ines.composer).toHaveValue('');
  await expect(tomas.text('the new kitchen').locator('[data-picture] img')).toBeVisible();
  await expect(tomas.rows).toHaveCount(1);
  await expect(tomas.page.locator('[data-announcer]')).toContainText('Ines: the new kitchen, with a picture, kitchen.png');

  // What cannot be sent is refused before any of it is.
  const asked: string[] = [];
  page.on('request', (request) => request.url().includes('/api/uploads') && asked.push(request.method()));
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-files-'));
  const large = join(folder, 'holiday.mov');
  writeFileSync(large, '');
  truncateSync(large, 5 * 1024 ** 3);
  mkdirSync(join(folder, 'Photos'));
  await input(ines).setInputFiles(large);
  const refused = page.locator('[data-refused]');
  await expect(refused).toHaveText(/“holiday.mov” is too large: 5 GB. A file has at most 100 MB here./);
  await refused.getByRole('button', { name: 'Close' }).click();
  await expect(refused).toHaveCount(0);
  const cdp = await page.context().newCDPSession(page);
  const at = { x: 600, y: 300, data: { items: [], files: [join(folder, 'Photos')], dragOperationsMask: 1 } };
  for (const type of ['dragEnter', 'dragOver'] as const) await cdp.send('Input.dispatchDragEvent', { type, ...at });
  await expect(page.locator('[data-drop]')).toBeVisible();
  await shot(ines, 'drop');
  await cdp.send('Input.dispatchDragEvent', { type: 'drop', ...at });
  await expect(page.locator('[data-drop]')).toHaveCount(0);
  await expect(refused).toContainText('“Photos” is a folder. Add the files in it, or pack it into one.');
  await give(page, 'drop', [text('nothing.txt', '')]);
  await expect(refused).toContainText('“nothing.txt” is empty.');
  await give(page, 'paste', numbered(11, 'page').map((name) => text(`${name}.txt`, name)));
  await expect(refused).toContainText('A message holds 10 files: “page 11.txt” was left out.');
  await expect(tray(ines)).toHaveCount(10);
  rmSync(folder, { recursive: true });
  for (let n = 10; n > 0; n--) {
    await tray(ines).first().getByRole('button').last().click();
    await expect(tray(ines)).toHaveCount(n - 1);
  }
});

test('several files by button and by drop are one message; a failed one can be tried again or removed, and keeps the text', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  const chooser = ines.page.waitForEvent('filechooser');
  await ines.page.getByRole('button', { name: 'Add files' }).click();
  await (await chooser).setFiles([png('a.png', 40, 30), text('list.txt', 'eggs')]);
  await give(ines.page, 'drop', [png('b.png', 400, 300), noise('data.bin', 5_000)]);
  await expect(tray(ines)).toHaveCount(4);
  await ines.composer.press('Enter');
  await expect(pictures(tomas)).toHaveCount(2);
  await expect(cards(tomas)).toHaveCount(2);
  await expect(tomas.rows).toHaveCount(1);
  await expect(tomas.page.locator('[data-announcer]')).toContainText('Ines: a picture, a.png, a file, list.txt, a picture, b.png and a file, data.bin');
  await expect(cards(tomas).filter({ hasText: 'list.txt' })).toContainText(/TXT · 4 bytes/);

  // The server refuses a picture that is none when it has looked at it.
  await input(ines).setInputFiles([{ ...png('broken.png', 9, 9), buffer: png('', 9, 9).buffer.subarray(0, 40) }, text('fine.txt', 'fine')]);
  await ines.composer.fill('two of them');
  await ines.composer.press('Enter');
  const failed = tray(ines).filter({ hasText: 'broken.png' });
  await expect(failed).toContainText('Not uploaded:');
  await expect(ines.page.locator('[data-due]')).toContainText('Not sent yet');
  await expect(ines.composer).toHaveValue('two of them');
  await expect(ines.page.locator('[data-announcer]')).toContainText('broken.png was not uploaded');
  await failed.getByRole('button', { name: 'Try again: broken.png' }).click();
  await expect(failed).toContainText('Not uploaded:');
  await failed.getByRole('button', { name: 'Remove broken.png' }).click();
  await expect(tomas.text('two of them').locator('[data-card]')).toHaveCount(1);
});

test('an upload goes on where it was after the server was gone', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const { page } = ines;
  const offsets: number[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
  });
  const speed = await slow(page, 400_000);
  const film = noise('film.bin', 3_000_000);
  await input(ines).setInputFiles(film);
  await ines.composer.fill('all of it');
  await ines.composer.press('Enter');
  const bar = page.getByRole('progressbar');
  await expect.poll(() => bar.getAttribute('value').then(Number), { intervals: [50] }).toBeGreaterThan(25);
  await hubbub.stop();
  await expect(tray(ines)).toContainText('waiting for the connection');
  await speed(-1);
  await hubbub.start();
  const row = ines.text('all of it');
  await expect(row.locator('a[data-card]')).toBeVisible({ timeout: 40_000 });
  expect(offsets.some((offset) => offset > 0), `it went on, and did not begin again: ${offsets}`).toBe(true);
  const sum = await row.locator('a[data-card]').evaluate(async (link: HTMLAnchorElement) => {
    const bytes = await (await fetch(link.href)).arrayBuffer();
    // Digests are there on this machine's own address.
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  });
  expect(sum).toBe(createHash('sha256').update(film.buffer).digest('hex'));
});

test('a message that waits for its files goes out from another room too, once, and not with what is written there', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter('/r/kitchen');
  await tomas.enter('/r/kitchen');
  const { page } = ines;
  const speed = await slow(page, 60_000);
  await input(ines).setInputFiles(noise('plan.bin', 700_000));
  await ines.composer.fill('the plan');
  await ines.composer.press('Enter');
  await expect(page.locator('[data-due]')).toBeVisible();
  await ines.composer.press('Enter');
  await page.getByRole('button', { name: /^Jump to/ }).click();
  await page.getByRole('combobox').fill('hall');
  await page.getByRole('option', { name: /hall/ }).first().click();
  await expect(page).toHaveURL(/\/r\/hall$/);
  await expect(page.locator('main [data-tray]')).toHaveCount(0);
  await ines.composer.fill('for the hall');
  await speed(-1);
  await expect(tomas.text('the plan').locator('[data-card]')).toBeVisible();
  await expect(ines.composer).toHaveValue('for the hall');
  await expect(ines.rows).toHaveCount(0);
  await page.goBack();
  await expect(ines.text('the plan')).toHaveCount(1);
  await expect(ines.composer).toHaveValue('');
  await expect(page.locator('main [data-tray]')).toHaveCount(0);
});

test('what is chosen offline waits, and goes out once when the connection is back', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const { page } = ines;
  await page.context().setOffline(true);
  await expect(page.locator('[data-connection]')).not.toContainText('connected ·');
  await input(ines).setInputFiles([png('later.png', 60, 60)]);
  await ines.composer.fill('from the train');
  await ines.composer.press('Enter');
  await expect(tray(ines)).toContainText('waiting for the connection');
  await page.context().setOffline(false);
  await expect(ines.text('from the train').locator('[data-picture] img')).toBeVisible({ timeout: 40_000 });
  await expect(ines.text('from the train')).toHaveCount(1);
});

test('a voice note: record, see the time, cancel, listen, send', async ({ hubbub }, info) => {
  const options = info.project.use.launchOptions;
  const browser = await chromium.launch({ ...options, args: [...(options?.args ?? []), '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] });
  const context = await browser.newContext({ locale: 'en-GB', permissions: ['microphone'] });
  const ines = new Someone('Ines', await context.newPage(), hubbub);
  const { page } = ines;
  try {
    await ines.enter();
    const record = page.getByRole('button', { name: 'Record a voice note' });
    await record.click();
    const bar = page.locator('[data-recording]');
    await expect(bar.getByRole('timer')).toHaveText('0:01');
    expect(await focused(ines)).toBe('Stop and listen');
    await accessible(ines, 'recording');
    await shot(ines, 'recording');
    await page.keyboard.press('Escape');
    await expect(bar).toHaveCount(0);
    await expect(tray(ines)).toHaveCount(0);
    await record.click();
    await expect(bar.getByRole('timer')).toHaveText('0:02');
    await page.getByRole('button', { name: 'Stop and listen' }).click();
    await expect(tray(ines)).toContainText(/Voice note .*ready/);
    await accessible(ines, 'recorded');
    await shot(ines, 'recorded');
    await expect.poll(() => tray(ines).locator('audio').evaluate((a: HTMLAudioElement) => a.readyState)).toBeGreaterThan(0);
    await ines.composer.press('Enter');
    const note = page.locator('main figure');
    await expect(note.locator('audio')).toBeVisible();
    await expect(note).toContainText(/Voice note .*0:0[23]/);
    await expect.poll(() => note.locator('audio').evaluate((a: HTMLAudioElement) => a.readyState)).toBeGreaterThan(0);
  } finally {
    await browser.close();
  }
});
