// The tutorial that hubbub grew out of, unmodified: its page from disk in two windows, a script, and our own page, all in one room.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { expect, Hubbub, root, test } from './hubbub.ts';

const each = 200;

// The tutorial's page connects to port 3000, so this test needs that one.
async function onPort3000(): Promise<Hubbub> {
  const probe = createServer().listen(3000, '127.0.0.1');
  await Promise.race([once(probe, 'listening'), once(probe, 'error').then(([e]) => Promise.reject(new Error(`port 3000 must be free for this test: ${e.message}`)))]);
  await new Promise((resolve) => probe.close(resolve));
  const hubbub = new Hubbub();
  hubbub.url = 'http://localhost:3000';
  await hubbub.start();
  return hubbub;
}

test('two windows of the page from disk, a script, and our page: 200 messages each way', async ({ browser }) => {
  const hubbub = await onPort3000();
  try {
    const context = await browser.newContext();
    const file = pathToFileURL(join(root, 'e2e/tutorial/index.html')).href;
    const windows = [await context.newPage(), await context.newPage()];
    for (const w of windows) {
      await w.goto(file);
      await w.waitForFunction('ws.readyState === 1');
    }

    const script = new WebSocket('ws://localhost:3000');
    const heard: string[] = [];
    script.on('message', (data) => heard.push(String(data)));
    await once(script, 'open');

    const ours = await (await browser.newContext()).newPage();
    await ours.goto(hubbub.url);
    await ours.getByLabel('Your name').fill('Ines');
    await ours.keyboard.press('Enter');
    const composer = ours.getByRole('textbox', { name: 'Message #lobby' });
    await expect(composer).toBeVisible();

    // Everyone talks at the same time.
    const typing = windows.map((w, i) =>
      w.evaluate(
        ([name, n]) => {
          const input = document.getElementById('messageInput') as HTMLInputElement;
          for (let k = 0; k < Number(n); k++) {
            input.value = `${name} ${k}`;
            document.querySelector('button')?.click();
          }
        },
        [`window-${i}`, String(each)],
      ),
    );
    for (let k = 0; k < each; k++) script.send(`script ${k}`);
    for (let k = 0; k < each; k++) {
      await composer.fill(`ours ${k}`);
      await composer.press('Enter');
    }
    await Promise.all(typing);

    // Everyone has exactly what the others said, each in order.
    const own = ['window-0', 'window-1', 'script', 'ours'];
    const complete = (texts: string[], self?: string) => {
      for (const name of own) {
        const said = texts.filter((t) => t.startsWith(`${name} `));
        expect(said).toEqual(name === self ? [] : Array.from({ length: each }, (_, k) => `${name} ${k}`));
      }
    };
    for (const [i, w] of windows.entries()) {
      await expect(w.locator('#messages li')).toHaveCount(3 * each);
      complete(await w.locator('#messages li').allTextContents(), `window-${i}`);
    }
    await expect.poll(() => heard.length).toBe(3 * each);
    complete(heard, 'script');

    // Our page shows part of a long room at a time; its end must be there, and the log must hold everything once.
    await expect(ours.locator('[data-state="pending"]')).toHaveCount(0);
    const log = await ours.evaluate(async () => {
      const rooms = await (await fetch('/api/me/rooms')).json();
      const texts: string[] = [];
      for (let before = 1e9; before > 1; ) {
        const page = await (await fetch(`/api/rooms/${rooms.rooms[0].id}/events?limit=500&before=${before}`)).json();
        if (page.events.length === 0) break;
        texts.unshift(...page.events.map((e: { text: string }) => e.text));
        before = page.events[0].seq;
      }
      return texts;
    });
    expect(log).toHaveLength(4 * each);
    complete(log);
    await expect(ours.locator('article[data-id]').last()).toContainText(log[log.length - 1]);
    script.close();
  } finally {
    await hubbub.remove();
  }
});

test('wscat talks with the page', async ({ hubbub, someone }) => {
  const ines = await someone('Ines');
  await ines.enter();
  // wscat speaks only to a terminal, and keeps a history file in the home folder.
  const command = `"${process.execPath}" "${join(root, 'e2e/node_modules/wscat/bin/wscat')}" --connect ${hubbub.socket}`;
  const wscat = spawn('script', ['--quiet', '--flush', '--command', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, HOME: mkdtempSync(join(tmpdir(), 'wscat-')) },
  });
  let out = '';
  wscat.stdout.on('data', (data) => (out += data));
  await expect.poll(() => out).toContain('Connected');
  wscat.stdin.write('hello from the terminal\n');
  await expect(ines.text('hello from the terminal')).toBeVisible();
  await ines.say('hello terminal');
  await expect.poll(() => out).toContain('< hello terminal');
  wscat.kill();
});
