// What the network does to people, and what is on their screens afterwards.
import { settled } from './eyes.ts';
import { check, expect, hash, type Line, type Someone, test } from './hubbub.ts';

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

/** For how long the network is bad: two minutes with `BAD_NETWORK=120`. */
const badly = Number(process.env.BAD_NETWORK ?? 30) * 1_000;
const seed = Number(process.env.SEED ?? 7);

/** Numbers that look random and are the same each time. */
function dice(from: number): (sides: number) => number {
  let state = from;
  return (sides) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

interface Said {
  id: string;
  text?: string;
  emoji?: string;
}

interface BadLine {
  cut: () => void;
  cuts: number;
  /** What the page asked for, each once, in its order, and what was refused. */
  asked: Map<string, Said>;
  refused: Set<string>;
  acked: { id: string; seq: number }[];
  /** The events that reached the page. */
  events: { id: string; seq: number; kind: string; text: string }[];
}

/** A line that breaks when it is told to, with what is under way on it, and notes what passes. */
async function badLine(who: Someone): Promise<BadLine> {
  const line: BadLine = { cut: () => {}, cuts: 0, asked: new Map(), refused: new Set(), acked: [], events: [] };
  await who.page.routeWebSocket(/.*/, (socket) => {
    const server = socket.connectToServer();
    let dead = false;
    server.onMessage((message) => {
      if (dead) return;
      socket.send(message);
      const { event, sent, error } = JSON.parse(String(message)) as { event?: BadLine['events'][0]; sent?: { id: string; seq: number }; error?: { id?: string } };
      if (event && event.seq > (line.events.at(-1)?.seq ?? 0)) line.events.push(event);
      if (sent) line.acked.push(sent);
      if (error?.id) line.refused.add(error.id);
    });
    socket.onMessage((message) => {
      if (dead) return;
      const { send, edit, react, unreact } = JSON.parse(String(message)) as Record<string, Said | undefined>;
      const said = send ?? edit ?? react ?? unreact;
      if (said && !line.asked.has(said.id)) line.asked.set(said.id, said);
      server.send(message);
    });
    line.cut = () => {
      if (dead) return;
      dead = true;
      line.cuts++;
      void socket.close({ code: 4000, reason: 'cut' });
      void server.close({ code: 4000, reason: 'cut' });
    };
  });
  return line;
}

/** A whole screen: what each message says, and what came to it. */
async function screen(who: Someone) {
  return who.page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('main article[data-id]')].map((a) => ({
      id: a.dataset.id,
      seq: a.dataset.seq,
      state: a.dataset.state,
      text: a.querySelector('[data-text]')?.textContent,
      edited: !!a.querySelector('button.mark'),
      reactions: [...a.querySelectorAll<HTMLElement>('[data-reaction]')].map((r) => `${r.dataset.reaction} ${r.textContent?.replace(/\D/g, '')}`),
    })),
  );
}

test(`three people type, edit and react for ${badly / 1_000} s while their lines are cut every few seconds: all screens equal and complete`, async ({ hubbub, someone }) => {
  test.setTimeout(badly + 120_000);
  const roll = dice(seed);
  const all = { viewport: { width: 1000, height: 12_000 } };
  const people = [await someone('Ines', all), await someone('Tomás', all), await someone('Yuki', all)];
  const lines: BadLine[] = [];
  for (const who of people) {
    lines.push(await badLine(who));
    await who.enter();
  }
  const room = await lobby(people[0]);
  const until = Date.now() + badly;
  const meant: { who: Someone; text: string; last: string }[] = [];

  const cutting = (async () => {
    while (Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 1_000 + roll(3_000)));
      lines[roll(lines.length)].cut();
    }
  })();
  const typing = people.map(async (who) => {
    const mine = dice(seed + people.indexOf(who) + 1);
    for (let n = 0; Date.now() < until; n++) {
      const said = { who, text: `${who.name} ${n}`, last: `${who.name} ${n}` };
      meant.push(said);
      await who.say(said.text);
      const what = mine(4);
      if (what === 0) {
        // The last message that I wrote, changed where it stands. It must have arrived before.
        const row = who.text(said.text);
        if (await row.getAttribute('data-seq').catch(() => null)) {
          await who.composer.press('ArrowUp');
          const field = who.page.getByRole('textbox', { name: 'Edit your message' });
          if (await field.isVisible()) {
            const before = await field.inputValue();
            const changed = `${before}, changed`;
            await field.fill(changed);
            await field.press('Enter');
            const target = meant.find((one) => one.who === who && one.last === before);
            if (target) target.last = changed;
          }
        }
      } else if (what === 1) {
        // Somebody's message gets a thumb, or loses it.
        const rows = who.page.locator('main article[data-state="sent"]');
        const count = await rows.count();
        if (count > 0) {
          const row = rows.nth(mine(count));
          const thumb = row.locator('[data-reaction="👍"]');
          if (await thumb.count()) await thumb.click();
          else {
            await row.hover();
            await row.getByRole('button', { name: /^React to/ }).click();
            await who.page.getByRole('dialog').getByRole('searchbox').fill('+1');
            await who.page.keyboard.press('Enter');
            await expect(who.page.getByRole('dialog')).toHaveCount(0);
          }
        }
      }
      await who.page.waitForTimeout(200 + mine(400)); // people think
    }
  });
  await Promise.all([cutting, ...typing]);

  for (const who of people) {
    // A box that opened after one had looked for it.
    const open = who.page.getByRole('textbox', { name: 'Edit your message' });
    if (await open.count()) await open.press('Escape');
    await settled(who);
    await expect(open).toHaveCount(0);
    await expect(who.rows).toHaveCount(meant.length);
  }
  const first = await screen(people[0]);
  for (const who of people.slice(1)) await expect.poll(() => screen(who), `${who.name} sees what Ines sees`).toEqual(first);
  expect(first.every((row) => row.state === 'sent')).toBe(true);
  expect(new Set(first.map((row) => row.text))).toEqual(new Set(meant.map(({ last }) => last)));
  expect(lines.every(({ cuts }) => cuts > 0)).toBe(true);
  expect(first.some((row) => row.edited) && first.some((row) => row.reactions.length > 0)).toBe(true);

  // The log has a message as it reads now, and all that came to it as events of their own.
  const now = new Map(first.map((row) => [row.id ?? '', row.text ?? '']));
  const hashOf = (id: string, text: string) => hash(now.get(id) ?? text);
  const account: Line[] = [];
  for (const [n, { name: client }] of people.entries()) {
    const { asked, refused, acked, events } = lines[n];
    for (const [id, { text, emoji = '' }] of asked) {
      if (!refused.has(id)) account.push({ what: 'meant', client, room, id, hash: hashOf(id, text ?? emoji) });
    }
    for (const { id, seq } of acked) account.push({ what: 'acked', client, room, id, seq });
    for (const { id, seq, text } of events) account.push({ what: 'showed', client, room, id, seq, hash: hashOf(id, text) });
  }
  await hubbub.stop('SIGTERM');
  check(hubbub, account);
});
