// What the network does to people, and what is on their screens afterwards.
import { check, expect, hash, type Line, type Someone, test } from './hubbub.ts';

/** Waits until nothing is on the way any more. */
async function settled(who: Someone): Promise<void> {
  await expect(who.page.locator('[data-connection]')).toContainText('connected · nothing waiting', { timeout: 45_000 });
}

/** What one screen shows, in the checker's words. */
async function history(who: Someone, room: string): Promise<Line[]> {
  return (await who.shown()).map((row) => ({ what: 'showed', client: who.name, room, id: row.id, seq: row.seq, hash: hash(row.text) }));
}

async function lobby(who: Someone): Promise<string> {
  return who.page.evaluate(async () => (await (await fetch('/api/me/rooms')).json()).rooms[0].id);
}

test('three people, networks cut and a server killed while they type: three equal screens', async ({ hubbub, someone }) => {
  const tall = { viewport: { width: 1000, height: 2400 } }; // the list draws only what fits the window
  const people = [await someone('Ines', tall), await someone('Tomás', tall), await someone('Yuki', tall)];
  for (const p of people) await p.enter();
  const [ines, tomas, yuki] = people;
  const room = await lobby(ines);
  const meant: { who: Someone; text: string }[] = [];
  const say = async (who: Someone, text: string) => {
    meant.push({ who, text });
    await who.say(text);
  };

  await say(ines, 'all is well');
  await ines.page.context().setOffline(true);
  for (let n = 0; n < 3; n++) {
    await say(ines, `Ines offline ${n}`);
    await say(tomas, `Tomás meanwhile ${n}`);
  }
  expect(await ines.shown()).toHaveLength(4); // three rows, in order, though nothing went out
  await hubbub.stop();
  for (let n = 0; n < 3; n++) for (const p of people) await say(p, `${p.name} without a server ${n}`);
  await ines.page.context().setOffline(false);
  await hubbub.start();
  for (const p of people) await say(p, `${p.name} is back`);
  await hubbub.stop();
  await yuki.page.context().setOffline(true);
  await hubbub.start();
  for (let n = 0; n < 3; n++) for (const p of people) await say(p, `${p.name} again ${n}`);
  await yuki.page.context().setOffline(false);

  for (const p of people) {
    await settled(p);
    await expect(p.rows).toHaveCount(meant.length);
  }
  const screens = await Promise.all(people.map((p) => p.shown()));
  expect(screens[1]).toEqual(screens[0]);
  expect(screens[2]).toEqual(screens[0]);
  expect(screens[0].every((row) => row.state === 'sent')).toBe(true);

  const lines: Line[] = [];
  for (const { who, text } of meant) {
    const row = screens[0].find((r) => r.text === text);
    expect(row, text).toBeDefined();
    lines.push({ what: 'meant', client: who.name, room, id: row?.id, hash: hash(text) });
    lines.push({ what: 'acked', client: who.name, room, id: row?.id, seq: row?.seq });
  }
  for (const p of people) lines.push(...(await history(p, room)));
  await hubbub.stop('SIGTERM');
  check(hubbub, lines);
});

test('what was typed offline survives closing the page', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await ines.enter();
  await tomas.enter();
  await ines.page.context().setOffline(true);
  await ines.say('one', 'two', 'three');
  await expect(ines.page.locator('[data-state="pending"]')).toHaveCount(3);
  const context = ines.page.context();
  await ines.page.close();
  await context.setOffline(false);
  const page = await context.newPage();
  await page.goto(hubbub.url);
  await expect(tomas.rows).toHaveCount(3);
  expect((await tomas.shown()).map((r) => r.text)).toEqual(['one', 'two', 'three']);
  await expect(page.locator('article[data-state="sent"]')).toHaveCount(3);
});

test('a lost answer doubles nothing', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  const tomas = await someone('Tomás');
  await tomas.enter();
  // The first connection swallows what the server answers to a send, and then breaks.
  let swallow = true;
  await ines.page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    let deaf = false;
    socket.onMessage((message) => {
      server.send(message);
      if (swallow && String(message).includes('"send"')) deaf = true;
    });
    server.onMessage((message) => {
      if (!deaf) return socket.send(message);
      if (swallow && String(message).includes('"sent"')) {
        swallow = false;
        void socket.close({ code: 4000, reason: 'cut' });
      }
    });
  });
  await ines.enter();
  await ines.say('only once');
  await expect(tomas.text('only once')).toHaveCount(1);
  await settled(ines);
  expect(swallow).toBe(false);
  await ines.say('and this');
  await expect(tomas.rows).toHaveCount(2);
  await expect(ines.rows).toHaveCount(2);
  expect(await tomas.shown()).toEqual(await ines.shown());
});

test('two tabs show one message once, and a double click sends one', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  const second = await ines.page.context().newPage();
  await second.goto(hubbub.url);
  await expect(second.locator('[data-connection]')).toContainText('connected');
  await ines.composer.fill('hello');
  await ines.page.getByRole('button', { name: 'Send' }).dblclick();
  await expect(second.locator('article[data-id]')).toHaveCount(1);
  await second.getByRole('textbox', { name: 'Message #lobby' }).fill('from the other');
  await second.keyboard.press('Enter');
  await expect(ines.rows).toHaveCount(2);
  await expect(second.locator('article[data-id]')).toHaveCount(2);
});

test('a quiet banner tells of a lost server, and goes', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await hubbub.stop();
  await expect(ines.page.locator('[data-connection]')).toContainText('no connection');
  await expect(ines.page.locator('[data-banner]')).toBeVisible();
  await expect(ines.composer).toBeEnabled();
  await hubbub.start();
  await ines.page.getByRole('button', { name: /now/i }).click();
  await expect(ines.page.locator('[data-banner]')).toHaveCount(0);
});

test('a graceful restart: clients come back by themselves', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  await ines.say('before');
  await expect(ines.page.locator('[data-state="sent"]')).toHaveCount(1);
  await hubbub.stop('SIGTERM');
  await hubbub.start();
  await ines.say('after');
  await expect(ines.page.locator('[data-state="sent"]')).toHaveCount(2);
  await expect(ines.page.getByRole('button', { name: 'Come in' })).toHaveCount(0);
});
