// Programs elsewhere: they write in a room, and are told what is said there.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessible, becomeOwner, expect, Hubbub, type Someone, test } from './hubbub.ts';

/** A program that is told things, and answers as it should or not. */
async function listener() {
  const heard: { text: string; signed: boolean }[] = [];
  const program = { heard, status: 200, url: '', close: () => void server.close() };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      heard.push({ text: JSON.parse(body).event.text, signed: /^sha256=/.test(String(request.headers['x-hubbub-signature'])) });
      response.writeHead(program.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  program.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;
  return program;
}

/** Runs a line that somebody copied into their shell. */
function shell(line: string): string {
  const run = spawnSync('sh', ['-c', line.replace(/^curl /, 'curl -sS ')], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout;
}

async function openHooks(who: Someone): Promise<void> {
  await who.page.getByRole('button', { name: /^About this room/ }).click();
  await who.page.getByRole('tab', { name: 'Hooks' }).click();
}

const notice = (who: Someone, text: string | RegExp) => who.page.locator('[data-notice]').filter({ hasText: text });

test('hooks: a program writes by the line that is shown once, and its hook is renamed and revoked', async ({ hubbub, someone }) => {
  const olga = await someone('Olga');
  await becomeOwner(olga, hubbub);
  const ines = await someone('Ines');
  await ines.enter('/r/builds');
  const { page } = olga;
  await page.goto(`${hubbub.url}/r/builds`);
  await expect(olga.composer).toBeVisible();
  await openHooks(olga);
  await expect(page.getByText('This room has no hooks.')).toBeVisible();
  await page.getByRole('button', { name: 'Let a program write here' }).click();
  await expect(page.getByLabel('What its bot is called')).toBeFocused();
  // A name that somebody has is refused in words, and what was typed stays.
  await page.getByLabel('What its bot is called').fill('Ines');
  await page.getByRole('button', { name: 'Make the hook' }).click();
  await expect(page.getByRole('alert').filter({ hasText: /./ })).toBeVisible();
  await page.getByLabel('What its bot is called').fill('CI');
  await page.getByRole('button', { name: 'Make the hook' }).click();
  const line = await page.getByRole('group', { name: 'A line to try it' }).textContent();
  expect(line).toMatch(/^curl -d .* http:\/\/\S+:\d+\/hooks\/hbw_[\w-]+$/);
  await accessible(olga, 'a hook that was just made');
  const row = page.locator('[data-hook="CI"]');
  await expect(row).toContainText('Not used yet');

  expect(shell(line ?? '')).toBe('ok');
  await expect(ines.text('Hello from curl')).toBeVisible();
  await expect(ines.text('Hello from curl')).toContainText('bot');
  await expect(row).toContainText('last used', { timeout: 10_000 });

  // What a program calls itself stands there with the mark of one, and with its own name.
  expect(shell((line ?? '').replace('"text":"Hello from curl"', '"username":"Jenkins","text":"Build 71 *failed*"'))).toBe('ok');
  const said = ines.rows.filter({ hasText: 'Build 71 failed' });
  await expect(said.locator('.by')).toContainText(/Jenkins\s*bot\s*CI/);
  await expect(notice(ines, 'Olga let the program CI write here')).toBeVisible();

  // It is shown once.
  await page.getByRole('button', { name: 'Close' }).click();
  await openHooks(olga);
  await expect(row).toBeVisible();
  await expect(page.getByText('hbw_')).toHaveCount(0);
  await row.getByRole('button', { name: 'What to do with CI' }).click();
  await page.getByRole('menuitem', { name: 'Rename…' }).click();
  await row.getByLabel('What its bot is called').fill('Builds');
  await row.getByRole('button', { name: 'Save' }).click();
  const renamed = page.locator('[data-hook="Builds"]');
  await expect(renamed).toBeVisible();

  await renamed.getByRole('button', { name: 'What to do with Builds' }).click();
  await page.getByRole('menuitem', { name: 'Revoke…' }).click();
  await expect(renamed).toContainText('Its address stops working at once');
  await renamed.getByRole('button', { name: 'Cancel' }).click();
  expect(shell(line ?? '')).toBe('ok');
  await renamed.getByRole('button', { name: 'What to do with Builds' }).click();
  await page.getByRole('menuitem', { name: 'Revoke…' }).click();
  await renamed.getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByText('This room has no hooks.')).toBeVisible();
  expect(shell(line ?? '')).toBe('no_service');
  await expect(notice(ines, 'Olga revoked the hook Builds')).toBeVisible();
  // Who does not manage the room has no hooks to look at.
  await ines.page.getByRole('button', { name: /^About this room/ }).click();
  await expect(ines.page.getByRole('tab', { name: 'Members' })).toBeVisible();
});

test('hooks: a program is told what is said; failures are shown, tried again, paused', async ({ someone, browserName: _ }) => {
  const hubbub = new Hubbub();
  await hubbub.start('--hooks-private');
  const program = await listener();
  const olga = Object.assign(await someone('Olga'), { hubbub });
  await becomeOwner(olga, hubbub);
  const { page } = olga;
  await openHooks(olga);
  await page.getByRole('button', { name: 'Tell a program what is said' }).click();
  await page.getByLabel('What its bot is called').fill('Archive');
  await page.getByLabel('Address').fill(program.url);
  await page.getByLabel('It is told of').selectOption('all messages of people');
  await accessible(olga, 'the form for a hook');
  await page.getByRole('button', { name: 'Make the hook' }).click();
  await expect(page.getByRole('group', { name: 'The secret' })).toHaveText(/^hbs_[\w-]+$/);
  const row = page.locator('[data-hook="Archive"]');
  await expect(row.locator('[data-state]')).toHaveText('Works');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(notice(olga, 'You had the program Archive told what is said here, at 127.0.0.1')).toBeVisible();
  await olga.say('first');
  await expect.poll(() => program.heard).toEqual([{ text: 'first', signed: true }]);

  program.status = 500;
  await olga.say('second');
  await expect.poll(() => program.heard.length).toBe(2);
  await openHooks(olga);
  await expect(row.locator('[data-state]')).toHaveAttribute('data-state', 'failing');
  await expect(row.locator('[data-state]')).toContainText('Fails');
  await row.getByText('1 delivery failed').click();
  await expect(row).toContainText('It answered “500 Internal Server Error”.');
  await accessible(olga, 'a hook that fails');

  await row.getByRole('button', { name: 'What to do with Archive' }).click();
  await page.getByRole('menuitem', { name: 'Pause' }).click();
  await expect(row.locator('[data-state]')).toHaveText('Paused');
  program.status = 200;
  await row.getByRole('button', { name: 'What to do with Archive' }).click();
  await page.getByRole('menuitem', { name: 'Go on' }).click();
  await expect(row.locator('[data-state]')).toHaveText('Works');
  await expect.poll(() => program.heard.map(({ text }) => text)).toEqual(['first', 'second', 'second']);

  await row.getByRole('button', { name: 'What to do with Archive' }).click();
  await page.getByRole('menuitem', { name: 'Revoke…' }).click();
  await row.getByRole('button', { name: 'Revoke' }).click();
  await expect(row).toHaveCount(0);
  // Another program hears of what comes next; the first would have by then.
  const other = await listener();
  await page.getByRole('button', { name: 'Tell a program what is said' }).click();
  await page.getByLabel('What its bot is called').fill('Other');
  await page.getByLabel('Address').fill(other.url);
  await page.getByRole('button', { name: 'Make the hook' }).click();
  await expect(page.locator('[data-hook="Other"] [data-state]')).toHaveText('Works');
  await page.getByRole('button', { name: 'Close' }).click();
  await olga.say('third');
  await olga.say('fourth');
  await expect.poll(() => other.heard.map(({ text }) => text)).toEqual(['third', 'fourth']);
  expect(program.heard).toHaveLength(3);
  program.close();
  other.close();
  await hubbub.remove();
});
