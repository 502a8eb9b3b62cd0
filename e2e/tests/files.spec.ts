// Files: seen, kept from those they are not for.
import { focused, focusShows, script, numbered } from './eyes.ts';
import { accessible, ask, becomeOwner, expect, phone, settings, Someone, test } from './hubbub.ts';
import { gif, noise, png, text, wav } from './media.ts';
import { cards, input, pictures, sendFiles, shot, tray } from './sending.ts';

test('13. images keep their box before they load', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await script(hubbub, '/?name=robot', numbered(30));
  await sendFiles(ines, [png('tall.png', 600, 900, 'noise')], 'tall');
  await sendFiles(ines, [png('one.png', 800, 300), png('two.png', 300, 300), png('three.png', 300, 500)], 'three');
  await ines.say('after');

  const held: (() => void)[] = [];
  let hold = true;
  await tomas.page.route('**/api/files/**', async (route) => {
    if (hold) await new Promise<void>((resolve) => held.push(resolve));
    await route.continue();
  });
  await tomas.enter();
  await expect(tomas.text('after')).toBeInViewport();
  await expect.poll(() => held.length).toBeGreaterThanOrEqual(4);
  const heights = () => tomas.rows.evaluateAll((rows) => rows.slice(-3).map((row) => Math.round(row.getBoundingClientRect().height)));
  const tops = () => tomas.rows.evaluateAll((rows) => rows.slice(-3).map((row) => Math.round(row.getBoundingClientRect().top)));
  const before = { heights: await heights(), tops: await tops() };
  expect(Math.max(...before.heights)).toBeGreaterThan(290);
  hold = false;
  for (const pass of held) pass();
  await expect.poll(() => pictures(tomas).locator('img').evaluateAll((all) => all.every((img) => (img as HTMLImageElement).naturalWidth > 0))).toBe(true);
  expect({ heights: await heights(), tops: await tops() }).toEqual(before);
  // And nothing moved at the sender's either when the server took over.
  const kept = await pictures(ines).first().boundingBox();
  expect(Math.round((kept?.width ?? 0) / (kept?.height ?? 1) * 100)).toBe(67);
});

test('what is not what its name says runs nothing, and is only saved', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  const act = '<script>parent.document.title = document.title = "taken"; fetch("/api/me")</script>';
  const turned = 'holiday\u202Egnp.exe';
  const behind = png('with-html.png', 30, 30);
  const bad = [
    text('kitten.png', `<!doctype html><html><body onload="document.title='taken'">${act}`, 'image/png'),
    text('logo.svg', `<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='taken'">${act}</svg>`, 'image/svg+xml'),
    { ...behind, buffer: Buffer.concat([behind.buffer, Buffer.from(act)]) },
    text(turned, 'MZ'),
    text('../../../etc/passwd', 'root'),
    text('<img src=x onerror=alert(1)>.txt', 'x'),
    text(`${'very '.repeat(60)}long.txt`, 'x'),
    text('مرحبا بكم.txt', 'x'),
  ];
  const dialogs: string[] = [];
  tomas.page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await ines.say('before');
  await sendFiles(ines, bad, 'look');
  await ines.say('after');
  await expect(tomas.text('after')).toBeVisible();
  await expect(cards(tomas)).toHaveCount(bad.length - 1);
  await expect(pictures(tomas).locator('img')).toHaveCount(1);
  await expect(pictures(tomas).locator('button')).toHaveAttribute('title', 'with-html.png');
  expect(await tomas.page.title()).not.toContain('taken');
  // The neighbours stand where they stood, and nothing is wider than its place.
  await expect(tomas.rows).toHaveCount(3);
  const over = await tomas.page.evaluate(() => {
    const log = document.querySelector('main [role=log]') as HTMLElement;
    return log.scrollWidth - log.clientWidth;
  });
  expect(over).toBeLessThanOrEqual(0);
  const names = (await cards(tomas).locator('.name').allInnerTexts()).join('|');
  expect(names).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\.\.|\//);
  expect(names).toContain('holidaygnp.exe');

  // Each of them is saved, and opens in no page of ours.
  for (const [name, saved] of [
    ['kitten.png', 'kitten.png'],
    ['logo.svg', 'logo.svg'],
    ['passwd', 'passwd'],
  ]) {
    const download = tomas.page.waitForEvent('download');
    await cards(tomas).filter({ hasText: name }).click();
    expect((await download).suggestedFilename()).toBe(saved);
  }
  for (const card of await cards(tomas).all()) {
    const href = await card.getAttribute('href');
    const headers = await tomas.page.evaluate(async (address) => {
      const { headers: all } = await fetch(address ?? '', { method: 'HEAD' });
      return ['content-type', 'content-disposition', 'content-security-policy', 'x-content-type-options'].map((name) => all.get(name) ?? '');
    }, href);
    expect(headers[0]).toBe('application/octet-stream');
    expect(headers[1]).toMatch(/^attachment/);
    expect(headers[2]).toContain('sandbox');
    expect(headers[3]).toBe('nosniff');
  }
  expect(dialogs).toEqual([]);
  expect(await tomas.page.title()).not.toContain('taken');
  await accessible(tomas, 'cards');
});

test('a file of another room is not there for outsiders, and not any more for those who left', async ({ open, someone }) => {
  const ines = new Someone('Ines', (await someone('Ines')).page, open);
  const tomas = new Someone('Tomás', (await someone('Tomás')).page, open);
  await becomeOwner(ines, open);
  const wish = { role: 'member', room: 'lobby', uses: 0, expires: 3600, note: '' };
  const { invite } = await ask<{ invite: { link: string } }>(ines.page, 'POST', '/api/invites', wish);
  await tomas.page.goto(invite.link);
  await tomas.page.getByLabel('Your name').fill('Tomás');
  await tomas.page.keyboard.press('Enter');
  await expect(tomas.composer).toBeVisible();
  const { id: friend } = await ask<{ you: { id: string } }>(tomas.page, 'GET', '/api/me').then(({ you }) => you);
  const { room } = await ask<{ room: { id: string } }>(ines.page, 'POST', '/api/rooms', { name: 'attic', kind: 'private' });
  await ines.page.goto(`${open.url}/p/${room.id}`);
  await sendFiles(ines, [png('secret.png', 400, 300), text('secret.txt', 'hush')]);
  await expect(ines.page.locator('main article[data-state="sent"] [data-card]')).toBeVisible();
  const paths = await ines.page.evaluate(() => [
    (document.querySelector('[data-card]') as HTMLAnchorElement).pathname,
    `/api/files/${(document.querySelector('[data-picture]') as HTMLElement).dataset.picture}/secret.png`,
    `/api/files/${(document.querySelector('[data-picture]') as HTMLElement).dataset.picture}/thumb`,
  ]);
  const statuses = (who: Someone) => who.page.evaluate((all) => Promise.all(all.map(async (path) => (await fetch(path)).status)), paths);
  expect(await statuses(ines)).toEqual([200, 200, expect.any(Number)]);
  expect(await statuses(tomas)).toEqual([404, 404, 404]);

  await ask(ines.page, 'PUT', `/api/rooms/${room.id}/members/${friend}`);
  await tomas.page.goto(`${open.url}/p/${room.id}`);
  await expect(pictures(tomas).locator('img')).toBeVisible();
  await expect.poll(() => pictures(tomas).locator('img').evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(400);
  expect((await statuses(tomas)).slice(0, 2)).toEqual([200, 200]);
  await ask(tomas.page, 'POST', `/api/rooms/${room.id}/leave`);
  await expect(pictures(tomas)).toHaveCount(0);
  expect(await statuses(tomas)).toEqual([404, 404, 404]);
});

test('videos and sounds play where they are', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  // A film is made by the browser, since there is no other that can here.
  const film = await ines.page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
    const draw = canvas.getContext('2d') as CanvasRenderingContext2D;
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: 'video/webm' });
    const parts: Blob[] = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    for (let i = 0; i < 20; i++) {
      draw.fillStyle = `hsl(${i * 18} 70% 50%)`;
      draw.fillRect(0, 0, 320, 180);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await new Promise((resolve) => {
      recorder.onstop = resolve;
      recorder.stop();
    });
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  });
  await sendFiles(ines, [{ name: 'oven.webm', mimeType: 'video/webm', buffer: Buffer.from(film, 'base64') }, wav('bell.wav')]);
  const video = tomas.page.locator('main video');
  await expect(video).toHaveAttribute('preload', 'metadata');
  await expect(video).toHaveAttribute('controls', '');
  await expect.poll(() => video.evaluate((v: HTMLVideoElement) => [v.videoWidth, v.videoHeight])).toEqual([320, 180]);
  const box = await video.boundingBox();
  expect((box?.width ?? 0) / (box?.height ?? 1)).toBeCloseTo(16 / 9, 1);
  const audio = tomas.page.locator('main audio');
  await expect.poll(() => audio.evaluate((a: HTMLAudioElement) => a.duration)).toBeCloseTo(1, 1);
  await audio.evaluate((a: HTMLAudioElement) => {
    a.muted = true;
    return a.play();
  });
  await expect.poll(() => audio.evaluate((a: HTMLAudioElement) => a.currentTime)).toBeGreaterThan(0.2);
  await expect(tomas.page.locator('main figure').filter({ hasText: 'bell.wav' })).toContainText('0:01');
  await accessible(tomas, 'players');

  // What says that it is a film and cannot be played can be saved, and is not asked for again and again.
  let asked = 0;
  tomas.page.on('request', (request) => void (request.url().includes('broken.mp4') && asked++));
  await sendFiles(ines, [{ ...noise('broken.mp4', 4_000), buffer: Buffer.concat([Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'), noise('', 4_000).buffer]) }]);
  await expect(cards(tomas).filter({ hasText: 'broken.mp4' })).toBeVisible();
  const before = asked;
  await ines.say('after all that');
  await expect(tomas.text('after all that')).toBeVisible();
  expect(asked).toBe(before);
});

test('a picture is looked at large by keyboard alone, and the focus comes back', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await sendFiles(ines, [png('one.png', 1600, 900, [60, 120, 90]), png('two.png', 200, 200, [90, 60, 140])], 'first');
  await sendFiles(ines, [png('three.png', 500, 1500)], 'second');
  const { page } = ines;
  const opener = page.getByRole('button', { name: 'Picture two.png, show it large' });
  await expect(page.getByRole('button', { name: 'Picture three.png, show it large' })).toBeEnabled();
  await opener.focus();
  await focusShows(ines);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Pictures' });
  const status = dialog.getByRole('status');
  await expect(dialog.getByRole('img', { name: 'two.png' })).toBeVisible();
  await expect(status).toContainText('two.png');
  await expect(status).toContainText('2 of 3');
  await page.keyboard.press('ArrowRight');
  await expect(status).toContainText('three.png');
  await page.keyboard.press('ArrowRight');
  await expect(status).toContainText('3 of 3');
  await page.keyboard.press('Home');
  await expect(dialog.getByRole('img', { name: 'one.png' })).toBeVisible();
  await accessible(ines, 'looking at a picture');
  const inside = await dialog.getByRole('img').last().boundingBox();
  expect((inside?.x ?? -1) >= 0 && (inside?.y ?? -1) >= 50, 'all of it is on the screen').toBe(true);
  await dialog.getByRole('button', { name: 'Show it in full size' }).first().click();
  await expect.poll(async () => (await dialog.getByRole('img').last().boundingBox())?.width).toBe(1600);
  const download = page.waitForEvent('download');
  await dialog.getByRole('link', { name: 'Save one.png' }).press('Enter');
  expect((await download).suggestedFilename()).toBe('one.png');
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  expect(await focused(ines)).toBe('Picture two.png, show it large');
});

test('an edit removes a file, a deletion all of them, on every screen; quotes, threads and pins show them small', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await sendFiles(ines, [png('oven.png', 300, 200), text('bill.txt', '12')]);
  await expect(pictures(tomas)).toHaveCount(1);
  const seen = tomas.rows.first();
  await seen.hover();
  await seen.getByRole('button', { name: 'Reply to Ines' }).click();
  await expect(tomas.page.locator('[data-replying]')).toContainText('oven.png');
  await tomas.say('nice');
  await expect(ines.text('nice').locator('.quote')).toContainText('oven.png');
  await expect(ines.text('nice').getByRole('button', { name: /Answers Ines: a picture, oven.png/ })).toBeVisible();
  await seen.hover();
  await seen.getByRole('button', { name: 'Reply in a thread' }).click();
  const panel = tomas.page.locator('[data-thread-panel]');
  await panel.getByRole('button', { name: 'Picture oven.png, show it large' }).click();
  await expect(tomas.page.getByRole('dialog', { name: 'Pictures' }).getByRole('img', { name: 'oven.png' })).toBeVisible();
  await tomas.page.keyboard.press('Escape');
  await expect(tomas.page.getByRole('dialog', { name: 'Pictures' })).toHaveCount(0);
  await expect(panel, 'the thread stays').toBeVisible();
  await panel.locator('input[type=file]').setInputFiles([text('plan.txt', 'plan')]);
  await panel.getByRole('textbox').fill('under it');
  await panel.getByRole('textbox').press('Enter');
  await expect(panel.locator('[data-card]').filter({ hasText: 'plan.txt' })).toBeVisible();
  await expect(ines.rows, 'what is in a thread is not in the room').toHaveCount(2);
  await shot(tomas, 'thread');

  const mine = ines.rows.first();
  await mine.hover();
  await mine.getByRole('button', { name: 'Edit', exact: true }).click();
  await ines.page.getByRole('button', { name: 'Remove oven.png' }).click();
  await ines.page.keyboard.type('only the bill');
  await ines.page.keyboard.press('Enter');
  for (const place of [ines.page.locator('main'), tomas.page.locator('main'), tomas.page.locator('[data-thread-panel]')]) {
    await expect(place.locator('[data-picture]')).toHaveCount(0);
    await expect(place.locator('[data-card]').first()).toContainText('bill.txt');
    await expect(place.getByText('only the bill').first()).toBeVisible();
  }
  const path = await cards(ines).evaluate((link: HTMLAnchorElement) => link.pathname);
  await mine.hover();
  await mine.getByRole('button', { name: /^More about/ }).click();
  await ines.page.getByRole('menuitem', { name: 'Delete…' }).click();
  await ines.page.getByRole('button', { name: 'Delete', exact: true }).click();
  for (const who of [ines, tomas]) await expect(cards(who)).toHaveCount(0);
  expect(await tomas.page.evaluate(async (address) => (await fetch(address)).status, path)).toBe(404);

  // A picture that is gone while it is looked for is a quiet stub of the same size.
  await sendFiles(ines, [png('gone.png', 300, 200)], 'soon gone');
  await tomas.page.route('**/api/files/**', (route) => route.fulfill({ status: 404, body: '{}' }));
  await tomas.page.reload();
  await expect(tomas.text('soon gone').locator('[data-file-stub]')).toContainText('This file is gone.');
  expect((await tomas.text('soon gone').locator('[data-picture]').boundingBox())?.height).toBeCloseTo(200, 0);
});

test('where a link leads is a quiet card, which its author removes; the owner switches them off', async ({ open, someone }) => {
  const ines = await someone('Ines');
  const owner = new Someone('Ana', ines.page, open);
  const { page } = owner;
  const card = { url: 'https://example.org/ovens', title: 'How to fit an oven', description: 'With <b>5 mm</b> to spare', site: 'Example' };
  const told = (frame: string) =>
    frame.replace(/"text":"see https:\/\/example.org\/ovens"(?!,"previews")/g, (all) => `${all},"previews":${JSON.stringify([card, { url: 'javascript:alert(1)', title: 'no' }])}`);
  await page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((message) => socket.send(told(String(message))));
    socket.onMessage((message) => server.send(message));
  });
  await becomeOwner(owner, open);
  const outside: string[] = [];
  page.on('request', (request) => !request.url().startsWith(open.url) && !/^(blob|data):/.test(request.url()) && outside.push(request.url()));
  await owner.say('see https://example.org/ovens');
  const shown = page.locator('[data-preview]');
  await expect(shown).toHaveCount(1);
  await expect(shown).toContainText('With <b>5 mm</b> to spare');
  const link = shown.getByRole('link');
  await expect(link).toHaveAttribute('href', 'https://example.org/ovens');
  await expect(link).toHaveAttribute('rel', /noopener.*noreferrer/);
  await accessible(owner, 'a preview');
  await shot(owner, 'preview');
  await page.getByRole('button', { name: /Remove .*preview/ }).click();
  await expect(shown).toHaveCount(0);
  await expect(page.locator('[data-announcer]')).toContainText('The preview is removed.');
  expect(outside).toEqual([]);

  await settings(page, 'People');
  const off = page.getByRole('checkbox', { name: /Show where links lead/ });
  await expect(off).toBeChecked();
  await off.click();
  await expect(off).not.toBeChecked();
  await expect.poll(async () => (await ask<{ previews: boolean }>(page, 'GET', '/api/place')).previews).toBe(false);
});

test('where nothing should move, a moving picture stands still', async ({ someone }) => {
  const ines = await someone('Ines');
  const calm = await someone('Calm', { reducedMotion: 'reduce' });
  await ines.enter();
  await calm.enter();
  await sendFiles(ines, [gif('wave.gif')]);
  await expect(pictures(ines).locator('img')).toBeVisible();
  await expect(pictures(calm).locator('canvas')).toBeVisible();
  await expect(pictures(calm).locator('img')).toBeHidden();
});

test('files stand on a phone, at 320 px, in the dark and from right to left', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await sendFiles(ines, [png('wide.png', 1600, 500, 'noise'), png('small.png', 120, 160, [60, 120, 90]), text('a very long name of a file that does not fit.pdf', '%PDF-1.4')], 'all there is');
  await sendFiles(ines, [wav('bell.wav')]);
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, view] of Object.entries({ wide: { viewport: { width: 1280, height: 900 } }, small: { viewport: { width: 320, height: 640 } }, phone })) {
      const who = await someone(`${name} ${colorScheme}`, { ...view, colorScheme });
      await who.enter();
      await expect(cards(who).last()).toBeVisible();
      await input(who).setInputFiles([png('kitchen.png', 300, 200, 'noise'), { ...png('broken.png', 9, 9), buffer: png('', 9, 9).buffer.subarray(0, 40) }, text('list.txt', 'x')]);
      await expect(tray(who).filter({ hasText: 'broken.png' })).toContainText('Not uploaded');
      await who.composer.fill('a caption');
      const over = () => who.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(await over(), 'nothing sticks out').toBeLessThanOrEqual(0);
      const button = await who.page.getByRole('button', { name: 'Send', exact: true }).boundingBox();
      expect((button?.x ?? 0) + (button?.width ?? 999)).toBeLessThanOrEqual(view.viewport.width);
      await accessible(who, `${name} ${colorScheme}`);
      await shot(who, `files-${name}-${colorScheme}`);
      await who.page.getByRole('button', { name: /^Picture wide.png/ }).click();
      await expect(who.page.getByRole('dialog').getByRole('img').last()).toBeVisible();
      expect(await over()).toBeLessThanOrEqual(0);
      await accessible(who, `looking, ${name} ${colorScheme}`);
      await shot(who, `look-${name}-${colorScheme}`);
      await who.page.keyboard.press('Escape');
      if (name === 'wide') {
        await who.page.evaluate(() => (document.documentElement.dir = 'rtl'));
        expect(await over()).toBeLessThanOrEqual(0);
        await shot(who, `rtl-${colorScheme}`);
      }
      who.page.on('dialog', (dialog) => void dialog.accept());
    }
  }
});
