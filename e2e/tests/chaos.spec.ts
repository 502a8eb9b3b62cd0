// People break their connection on purpose, and see that nothing is lost.
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { numbered, settled } from './eyes.ts';
import { accessible, ask, becomeOwner, expect, Someone, test } from './hubbub.ts';
import { shot } from './sending.ts';
import { entry, wireRow } from './wires.ts';

/** So high that the list draws all of it. */
const high = { viewport: { width: 1280, height: 4000 } };

const breakIt = (who: Someone) => who.page.getByRole('switch', { name: 'Break my connection' });
const figure = (who: Someone, name: string) => who.page.locator(`[data-figure="${name}"]`);

async function openBreak(who: Someone, path = '/r/lobby'): Promise<void> {
  await who.page.goto(`${who.hubbub.url}${path}?wire=break`);
  await expect(breakIt(who)).toBeVisible();
  await expect(who.page.locator('[data-connection]')).toContainText('connected');
  await expect(figure(who, 'lost')).toHaveText('0');
}

async function fill(who: Someone, fields: Record<string, number>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) {
    const field = who.page.getByLabel(label, { exact: true });
    await field.fill(String(value));
    await field.press('Tab');
  }
}

/** Another window of the same browser. */
async function another(who: Someone, path = '/r/lobby'): Promise<Someone> {
  const window = new Someone(who.name, await who.page.context().newPage(), who.hubbub);
  await openBreak(window, path);
  return window;
}

const messages = async (who: Someone) => {
  const { rooms } = await ask<{ rooms: { id: string; name: string }[] }>(who.page, 'GET', '/api/me/rooms');
  const room = rooms.find(({ name }) => name === 'lobby')?.id;
  const { events } = await ask<{ events: { seq: number; id: string; kind: string; text: string }[] }>(who.page, 'GET', `/api/rooms/${room}/events?after=0&limit=500`);
  return events.filter(({ kind }) => kind === 'message').map(({ seq, id, text }) => ({ seq, id, text, state: 'sent' }));
};

test('two windows whose lines lose, double, delay and break, and both screens equal the log afterwards', async ({ hubbub, someone }) => {
  test.setTimeout(240_000);
  const ines = await someone('Ines', high);
  await ines.enter();
  await openBreak(ines);
  const second = await another(ines);
  const tomas = await someone('Tomás', high);
  await tomas.enter('/r/lobby');
  await expect(ines.page.locator('[data-windows="2"]')).toBeVisible();
  const lane = (where: string) => ({ [`Delay, ms, ${where}`]: 50, [`and up to so much more, ms, ${where}`]: 50, [`Lost, %, ${where}`]: 20, [`Doubled, %, ${where}`]: 20 });
  for (const who of [ines, second]) {
    await fill(who, { ...lane('to the server'), ...lane('from the server'), 'Cut each connection after so many seconds (0: never)': 3 });
    await breakIt(who).click();
    await expect(who.page.locator('[data-broken]')).toBeVisible();
  }
  const said: string[] = [];
  const until = Date.now() + 10_000;
  for (let n = 1; Date.now() < until; n++) {
    for (const [who, name] of [[ines, 'first'], [second, 'second'], [tomas, 'other']] as const) {
      const text = `${name} ${n}`;
      said.push(text);
      await who.say(text);
    }
    await ines.page.waitForTimeout(150); // people think
  }
  for (const who of [ines, second]) {
    await breakIt(who).click();
    await expect(who.page.locator('[data-broken]')).toHaveCount(0);
  }

  for (const who of [ines, second, tomas]) await settled(who);
  for (const who of [ines, second]) {
    await expect(figure(who, 'waiting')).toHaveText('0', { timeout: 90_000 });
    for (const name of ['lost', 'doubled', 'disordered']) await expect(figure(who, name)).toHaveText('0');
    await expect(who.page.locator('[data-deeds]')).toContainText(/lost [1-9]/);
  }
  const log = await messages(ines);
  expect(log.map(({ text }) => text).toSorted()).toEqual(said.toSorted());
  for (const who of [ines, second, tomas]) await expect.poll(() => who.shown()).toEqual(log.map(({ id, seq, state, text }) => ({ id, seq, state, text })));
  // The counter has counted all that the two windows wrote, and read the whole log.
  const own = said.filter((text) => !text.startsWith('other')).length;
  await expect(ines.page.locator(`[data-sums="${own} ${said.length}"]`)).toBeVisible();
});

/** Notes which frames of the page went out twice in a row. */
const listening = (page: Page) =>
  page.addInitScript(() => {
    const frames: string[] = [];
    Object.assign(window, { frames });
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data) {
      frames.push(String(data));
      send.call(this, data);
    };
  });

test('the same seed decides the same', async ({ someone }) => {
  const ines = await someone('Ines');
  await listening(ines.page);
  await ines.enter();
  let runs = 0;
  const fates = async (seed: number): Promise<boolean[]> => {
    await openBreak(ines);
    await fill(ines, { Seed: seed, 'Lost, %, to the server': 0, 'Doubled, %, to the server': 50, 'Lost, %, from the server': 0, 'Cut each connection after so many seconds (0: never)': 0 });
    await breakIt(ines).evaluate((button: HTMLElement) => {
      (window as unknown as { frames: string[] }).frames.length = 0;
      button.click();
    });
    // One after the other, so that no two frames in a row say the same by themselves: "typing", a message, "typing".
    for (const text of numbered(8, `run ${++runs}, message`)) {
      await ines.say(text);
      await expect(ines.text(text)).toHaveAttribute('data-state', 'sent');
    }
    return ines.page.evaluate(() => {
      const { frames } = window as unknown as { frames: string[] };
      return frames.flatMap((frame, i) => (frame === frames[i - 1] ? [] : [frame === frames[i + 1]])).slice(0, 12);
    });
  };
  const first = await fates(4711);
  expect(first).toHaveLength(12);
  expect(await fates(4711)).toEqual(first);
  expect(await fates(8)).not.toEqual(first);
  const ended = ines.page.locator('[data-broken]');
  await expect(ended).toBeVisible();
  await ines.page.reload();
  await expect(breakIt(ines)).toHaveAttribute('aria-checked', 'false');
  await expect(ended).toHaveCount(0);
});

/** Changes what a window shows of its last four messages, behind the back of the page. */
const tampered = {
  doubled: () => {
    const row = [...document.querySelectorAll('main article[data-id]')].at(-2);
    row?.after(row.cloneNode(true));
  },
  disordered: () => {
    const rows = [...document.querySelectorAll<HTMLElement>('main article[data-id]')].slice(-3, -1);
    const [a, b] = rows.map(({ dataset: { id, seq } }) => ({ id, seq }));
    Object.assign(rows[0].dataset, b);
    Object.assign(rows[1].dataset, a);
  },
  lost: () => [...document.querySelectorAll('main article[data-id]')].at(-2)?.remove(),
};

test('what a window shows twice, not at all, or in another order is counted, by the other window too', async ({ someone }) => {
  const ines = await someone('Ines', high);
  await ines.enter();
  await openBreak(ines);
  const second = await another(ines);
  for (const [n, [name, tamper]] of Object.entries(tampered).entries()) {
    await second.say(...numbered(4, name));
    await expect(ines.rows).toHaveCount(4 * (n + 1));
    for (const who of [ines, second]) {
      await expect(who.page.locator('[data-sums="4 4"]')).toBeVisible();
      for (const one of ['lost', 'doubled', 'disordered', 'waiting']) await expect(figure(who, one)).toHaveText('0');
    }
    await ines.page.evaluate(tamper);
    for (const who of [ines, second]) {
      await expect(figure(who, name)).toHaveText('1');
      await expect(who.page.getByRole('alert').filter({ hasText: 'What is wrong' })).toBeVisible();
    }
    if (name === 'doubled') await shot(ines, 'break-fault');
    // The page draws its rows anew, and what was wrong before is of no concern to the next run.
    await ines.page.reload();
    await expect(ines.rows).toHaveCount(4 * (n + 1));
    await second.page.getByRole('button', { name: 'Begin anew' }).click();
    await expect(second.page.locator('[data-sums="0 0"]')).toBeVisible();
    await expect(ines.page.locator('[data-sums="0 0"]')).toBeVisible();
    await expect(second.page.locator('[data-windows="2"]')).toBeVisible();
  }
});

test('it is seen wherever one looks, sleeps, and ends with the view', async ({ someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await openBreak(ines);
  await fill(ines, { 'Lost, %, to the server': 999, 'Lost, %, from the server': -4, 'Sleep for so many seconds': 2 });
  await expect(ines.page.getByLabel('Lost, %, to the server', { exact: true })).toHaveValue('90');
  await expect(ines.page.getByLabel('Lost, %, from the server', { exact: true })).toHaveValue('0');
  await fill(ines, { 'Lost, %, to the server': 0, 'Cut each connection after so many seconds (0: never)': 0 });
  const mark = ines.page.locator('[data-broken]');
  await ines.page.getByRole('button', { name: 'Put to sleep' }).and(ines.page.locator(':disabled')).waitFor();
  await breakIt(ines).focus();
  await ines.page.keyboard.press('Space');
  await expect(mark).toBeVisible();
  await settled(ines);
  await ines.page.getByRole('button', { name: 'Put to sleep' }).click();
  await ines.say('while asleep');
  await expect(ines.rows.last()).toHaveAttribute('data-state', 'pending');
  await expect(ines.page.getByRole('button', { name: 'Asleep: nothing moves' })).toBeVisible();
  await expect(ines.rows.last()).toHaveAttribute('data-state', 'sent');
  await ines.page.getByRole('tab', { name: 'Frames' }).click();
  await expect(mark).toBeVisible();
  // What the switch did is no frame that the server could report.
  await wireRow(ines, 'send').filter({ hasText: 'delayed' }).click();
  await expect(entry(ines).locator('[data-fate=delayed]')).toBeVisible();
  await expect(entry(ines).locator('[data-unreported]')).toHaveCount(0);
  await ines.page.keyboard.press('Escape');
  const [saved] = await Promise.all([ines.page.waitForEvent('download'), ines.page.getByRole('button', { name: 'Save as a text file' }).click()]);
  expect(readFileSync(await saved.path(), 'utf8')).toContain('It came late: the switch under “Break it” held it.');
  await ines.page.getByRole('tab', { name: 'Break it' }).click();
  await expect(breakIt(ines)).toHaveAttribute('aria-checked', 'true');
  await ines.page.getByRole('button', { name: 'Close the wire view' }).click();
  await expect(mark).toHaveCount(0);
  await openBreak(ines);
  await breakIt(ines).click();
  await mark.getByRole('button', { name: 'Stop', exact: true }).click();
  await expect(breakIt(ines)).toHaveAttribute('aria-checked', 'false');
  await expect(breakIt(ines)).toBeFocused();
  await expect(ines.page.locator('[data-announcer]')).toContainText('Your connection is sound again.');
});

test('fifty numbered messages are asked about first, all arrive though some are lost on the way, and a report can be copied', async ({ someone }) => {
  const ines = await someone('Ines', { permissions: ['clipboard-read', 'clipboard-write'] });
  await ines.enter();
  const tomas = await someone('Tomás');
  await tomas.enter();
  await openBreak(ines);
  // Without a cut there is no new connection that would mend what was lost.
  await fill(ines, { Seed: 4711, 'Lost, %, to the server': 10, 'Lost, %, from the server': 10, 'Cut each connection after so many seconds (0: never)': 0 });
  await breakIt(ines).click();
  const write = ines.page.getByRole('button', { name: 'Write 50 numbered messages' });
  await write.click();
  await expect(ines.page.getByText('Everybody in #lobby will read 50 messages.')).toBeVisible();
  await ines.page.getByRole('button', { name: 'Rather not' }).click();
  await expect(write).toBeFocused();
  await expect(ines.rows).toHaveCount(0);
  await write.click();
  await ines.page.getByRole('button', { name: 'Write them' }).click();
  await expect(ines.page.getByRole('button', { name: / of 50 written$/ })).toBeFocused();
  await expect(tomas.rows.last()).toContainText('50/50 · 4711', { timeout: 90_000 });
  await breakIt(ines).click();
  await expect(ines.page.locator('[data-sums="50 50"]')).toBeVisible();
  for (const name of ['lost', 'doubled', 'disordered', 'waiting']) await expect(figure(ines, name)).toHaveText('0');
  await ines.page.getByRole('button', { name: 'Copy the report' }).click();
  await expect(ines.page.getByText('Copied', { exact: true })).toBeVisible();
  const report = await ines.page.evaluate(() => navigator.clipboard.readText());
  expect(report).toContain('seed 4711');
  expect(report).toContain('lost 0, doubled 0, out of order 0');
  const { people } = await ask<{ people: { id: string; name: string }[] }>(ines.page, 'GET', '/api/people');
  const { room } = await ask<{ room: { id: string } }>(ines.page, 'POST', '/api/direct', { people: people.filter(({ name }) => name === 'Tomás').map(({ id }) => id) });
  await openBreak(ines, `/p/${room.id}`);
  await expect(write, 'not in a conversation').toBeDisabled();
});

test('the owner restarts the server, and nobody else sees that', async ({ open, someone }) => {
  const ines = new Someone('Ines', (await someone('Ines')).page, open);
  await becomeOwner(ines, open);
  const guest = new Someone('Tomás', (await someone('Tomás')).page, open);
  await guest.page.goto(open.links.join ?? '');
  await guest.page.getByLabel('Your name').fill('Tomás');
  await guest.page.keyboard.press('Enter');
  await expect(guest.composer).toBeVisible();
  await openBreak(ines);
  await openBreak(guest);
  const restart = (who: Someone) => who.page.getByRole('button', { name: 'Restart the server' });
  await expect(restart(guest)).toHaveCount(0);
  await ines.say('before');
  await restart(ines).click();
  await expect(ines.page.getByText('The server restarts.')).toBeVisible();
  await ines.say('meanwhile');
  await guest.say('guest meanwhile');
  for (const who of [ines, guest]) {
    await settled(who);
    await expect(who.rows).toHaveCount(3);
    await expect(figure(who, 'waiting')).toHaveText('0');
    for (const name of ['lost', 'doubled', 'disordered']) await expect(figure(who, name)).toHaveText('0');
  }
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`accessible, wide and on a phone, ${colorScheme}`, async ({ someone }) => {
    const ines = await someone('Ines', { viewport: { width: 1280, height: 900 }, colorScheme });
    await ines.enter();
    await openBreak(ines);
    await ines.say(...numbered(3));
    await breakIt(ines).click();
    await accessible(ines, 'wide');
    await shot(ines, `break-${colorScheme}`);
    await ines.page.setViewportSize({ width: 320, height: 640 });
    await accessible(ines, 'narrow');
    await shot(ines, `break-narrow-${colorScheme}`);
    const wide = await ines.page.evaluate(() => [...document.querySelectorAll('[data-wire] [role=tabpanel] *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 100)));
    expect(wide, 'what sticks out').toEqual([]);
    await ines.page.locator('[data-counter]').scrollIntoViewIfNeeded();
    await shot(ines, `break-narrow-counter-${colorScheme}`);
  });
}

test('in German too', async ({ someone }) => {
  const ines = await someone('Ines', { locale: 'de-DE', viewport: { width: 1280, height: 1300 } });
  await ines.page.goto(ines.hubbub.url);
  await ines.page.locator('input').first().fill('Ines');
  await ines.page.keyboard.press('Enter');
  await expect(ines.page.locator('[data-connection]')).toContainText('verbunden');
  await ines.page.goto(`${ines.hubbub.url}/r/lobby?wire=break`);
  await ines.page.getByRole('switch', { name: 'Meine Verbindung stören' }).click();
  await expect(ines.page.locator('[data-broken]')).toContainText('Verbindung absichtlich gestört');
  await expect(ines.page.locator('[data-counter]')).toContainText('vertauscht');
  await expect(ines.page.locator('[data-deeds]')).toContainText(/\d kamen durch/);
  await accessible(ines, 'in German');
  await shot(ines, 'break-german');
});
