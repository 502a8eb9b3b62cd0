// Three nodes behind one address, as `make cluster` runs them: one is killed, all are restarted, and nobody notices.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tall } from './eyes.ts';
import { expect, Hubbub, root, type Someone, test as base } from './hubbub.ts';

/** What `bin/cluster` runs, and where. */
class Cluster extends Hubbub {
  /** The process of each node. */
  nodes: number[] = [];
  private cluster?: ChildProcess;

  override async start(): Promise<void> {
    const args = ['--bin', join(root, 'bin/hubbub'), '--data', this.data, '--listen', '127.0.0.1:0'];
    this.cluster = spawn(join(root, 'bin/cluster'), args, { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH } });
    const lines = createInterface(this.cluster.stdout!);
    lines.on('line', (line) => {
      const found = /^ {2}(open|own) +(\S+)/.exec(line);
      if (found?.[1] === 'open') this.url = found[2];
      if (found?.[1] === 'own') this.links.own = found[2];
      const node = /^ {2}node (\d) .*kill -9 (\d+)/.exec(line);
      if (node) this.nodes[Number(node[1]) - 1] = Number(node[2]);
    });
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => /^ {2}stop /.test(line) && resolve());
      lines.on('close', () => reject(new Error('the cluster did not start')));
    });
  }

  override async stop(): Promise<void> {
    if (!this.cluster || this.cluster.exitCode !== null) return;
    const ended = new Promise((resolve) => this.cluster?.once('exit', resolve));
    this.cluster.kill('SIGINT');
    expect(await ended, 'it ends in good order').toBe(0);
  }
}

const test = base.extend<{ hubbub: Cluster }>({
  hubbub: async ({}, use) => {
    const cluster = new Cluster();
    await cluster.start();
    await use(cluster);
    await cluster.remove();
  },
});

/** Writes down in the page what it says of its connection, and every alert. */
async function watch(who: Someone): Promise<void> {
  await who.page.evaluate(() => {
    const said = ((window as unknown as { said: string[] }).said = []) as string[];
    new MutationObserver(() => {
      said.push(document.querySelector<HTMLElement>('[data-connection]')?.dataset.connection ?? 'gone');
      for (const alert of document.querySelectorAll('[role=alert]')) said.push(`alert: ${alert.textContent}`);
      for (const row of document.querySelectorAll('[data-state=failed]')) said.push(`failed: ${row.textContent}`);
    }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  });
}

const said = (who: Someone) => who.page.evaluate(() => [...new Set((window as unknown as { said: string[] }).said)]);

/** Each says something, and everybody sees all of it. */
async function round(people: Someone[], of: string): Promise<void> {
  await Promise.all(people.map((who) => who.say(`${who.name} ${of}`)));
  for (const who of people) for (const { name } of people) await expect(who.text(`${name} ${of}`)).toHaveCount(1);
}

const gone = (pid: number) => {
  try {
    return !process.kill(pid, 0);
  } catch {
    return true;
  }
};

test('nodes end, and nobody sees more than a reconnection', async ({ hubbub, someone }) => {
  const people = [await someone('Ada', tall), await someone('Ben', tall), await someone('Cleo', tall)];
  for (const who of people) {
    await who.enter();
    await watch(who);
  }
  await round(people, 'begins');

  process.kill(hubbub.nodes[0], 'SIGKILL');
  await round(people, 'after a kill');

  process.kill(hubbub.nodes[1], 'SIGTERM');
  await round(people, 'while a node leaves');
  await expect.poll(() => gone(hubbub.nodes[1])).toBe(true);
  await round(people, 'after that');

  const [first, ...others] = await Promise.all(people.map(async (who) => (await who.shown()).map(({ text, seq, state }) => [text, seq, state])));
  for (const other of others) expect(other).toEqual(first);
  for (const who of people) {
    for (const word of await said(who)) expect(['connected', 'connecting', 'waiting'], `${who.name} read`).toContain(word);
  }
});
