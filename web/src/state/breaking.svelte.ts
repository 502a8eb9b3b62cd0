import { Chaos, type Deeds, type Faults } from '../lib/chaos.ts';
import { deviceClock } from '../lib/clock.ts';
import type { Finding, Verdict } from '../lib/judge.ts';
import { wireApi } from '../lib/wireapi.ts';
import type { Side } from '../lib/wirelog.ts';
import { broken as german } from '../lang/break.de.ts';
import { broken as english } from '../lang/break.en.ts';
import { broken } from './broken.svelte.ts';
import { line } from './browsersocket.ts';
import type { Chat } from './chat.svelte.ts';
import { Counter } from './counter.svelte.ts';
import { laterWords } from './laterwords.svelte.ts';
import type { Room } from './room.svelte.ts';
import type { Wire } from './wire.svelte.ts';

/** A text of this part. */
export const b = laterWords(english, { de: german });

/** What the fields allow: milliseconds, of a hundred, and seconds. */
export const most = { delay: 10_000, jitter: 10_000, drop: 90, double: 100, cut: 600, sleep: 60 };

export const series = 50;
/** A tenth of a second between two: a fifth of what the server lets one connection say. */
const pace = 100;
const seeds = 100_000;
const second = 1_000;

const lane = { delay: 50, jitter: 50, drop: 20, double: 20 };
const newSeed = () => 1 + Math.floor(Math.random() * (seeds - 1));

/**
 * The switch that breaks this page's connection on purpose, and the counter that says what came of it. It lives
 * as long as the wire view is open, and says above the page that it is on.
 */
export class Breaking {
  on = $state(false);
  seed = $state(newSeed());
  faults = $state<Faults>({ client: { ...lane }, server: { ...lane }, cut: 10 });
  /** Seconds. */
  sleepFor = $state(10);
  asleep = $state(false);
  /** What was done, since it was switched on last. */
  deeds = $state.raw<Record<Side, Deeds> | undefined>();
  cuts = $state(0);
  /** How many of the numbered messages were written, while they are. */
  written = $state<number | undefined>();
  readonly counter: Counter;

  private readonly chat: Chat;
  private readonly wire: Wire;
  private chaos: Chaos | undefined;
  /** What the run was made with. */
  private used: { seed: number; faults: Faults; since: Date } | undefined;
  private drawing = false;
  private ended = false;

  constructor(wire: Wire, chat: Chat) {
    this.wire = wire;
    this.chat = chat;
    this.counter = new Counter(chat);
    wire.ending.addEventListener('abort', () => this.end());
  }

  /** Breaks the connection from now on: a new one is made, which passes through the dice. */
  start(): void {
    const faults = $state.snapshot(this.faults);
    const { seed } = this;
    this.chaos = new Chaos({
      clock: deviceClock,
      seed,
      faults,
      onfate: (from, text, fate) => this.wire.log.broken(from, text, fate),
      onchange: () => this.draw(),
    });
    const { chaos } = this;
    this.used = { seed, faults, since: new Date() };
    this.on = true;
    broken.stop = () => {
      this.stop();
      return b('saidOff');
    };
    line.through = (socket) => chaos.through(socket);
    this.counter.begin();
    this.draw();
    this.chat.redial();
  }

  /** What was held passes; the page mends the rest by itself. */
  stop(): void {
    this.chaos?.end();
    this.chaos = undefined;
    this.on = this.asleep = false;
    broken.stop = undefined;
    line.through = undefined;
    this.chat.wake();
  }

  /** What is done has changed. */
  change(): void {
    if (!this.chaos || !this.used) return;
    this.chaos.faults = this.used.faults = $state.snapshot(this.faults);
  }

  newSeed(): void {
    this.seed = newSeed();
  }

  sleep(): void {
    this.chaos?.sleep(this.sleepFor * second);
  }

  async restart(): Promise<void> {
    await wireApi.restart();
  }

  /** Whether a series of messages may be written: others read it, and a slow room would take hours. */
  maySend(room: Room | undefined): boolean {
    if (!room || room.info.kind === 'direct' || room.info.slow) return false;
    return room.may('send');
  }

  /** Writes numbered messages into the room on screen, until the person goes elsewhere. */
  async send(): Promise<void> {
    const { current: room } = this.chat.rooms;
    if (!room || !this.maySend(room) || this.written !== undefined) return;
    for (let n = 1; n <= series; n++) {
      if (this.ended || this.chat.rooms.current !== room) break;
      this.written = n;
      this.chat.writing.send(room, `${n}/${series} · ${this.seed}`);
      await new Promise<void>((resolve) => deviceClock.after(pace, resolve));
    }
    this.written = undefined;
  }

  /** What was done and what came of it, to be passed on. */
  report(): string {
    const { verdict, windows } = this.counter;
    const { used, deeds, cuts } = this;
    const lines = [b('report.title')];
    if (used) {
      const { faults, seed, since } = used;
      lines.push(b('report.run', { seed: String(seed), since: since.toISOString() }));
      for (const from of ['client', 'server'] as const) {
        const { delay, jitter, drop, double } = faults[from];
        const { passed = 0, dropped = 0, doubled = 0 } = deeds?.[from] ?? {};
        const where = b(`way.${from}`);
        lines.push(b('report.faults', { where, delay, jitter, drop, double }));
        lines.push(b('report.deeds', { where, passed, dropped, doubled }));
      }
      lines.push(b('report.cuts', { cut: faults.cut, cuts }));
    }
    if (verdict) lines.push(...counted(verdict, windows), ...verdict.first.map(describe));
    return lines.join('\n');
  }

  private end(): void {
    this.ended = true;
    if (this.on) this.stop();
    this.counter.end();
  }

  /** What was done changes with each frame, and is shown once for each frame of the screen. */
  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (!this.chaos) return;
      const { client, server } = this.chaos.deeds;
      this.deeds = { client: { ...client }, server: { ...server } };
      this.cuts = this.chaos.cuts;
      this.asleep = this.chaos.asleepUntil > 0;
    });
  }
}

function counted(verdict: Verdict, windows: number): string[] {
  const { meant, stored, drawn, lost, doubled, disordered, strange, unsent, unshown } = verdict;
  return [
    b('report.counted', { meant, stored, drawn, windows }),
    b('report.verdict', { lost, doubled, disordered, strange, waiting: unsent + unshown }),
  ];
}

/** What is wrong, in words. */
export function describe(finding: Finding): string {
  switch (finding.what) {
    case 'hole':
      return b('find.hole', { seq: finding.seq });
    case 'unstored':
      return b('find.unstored', { id: finding.id });
    case 'storedTwice':
    case 'overtook':
    case 'shownBack':
      return b(`find.${finding.what}`, { seq: finding.seq, before: finding.before });
    default:
      return b(`find.${finding.what}`, { seq: finding.seq, window: finding.window });
  }
}

const all = new WeakMap<Wire, Breaking>();

/** That of a wire view, which goes on while another part of it is looked at. */
export function breakingOf(wire: Wire, chat: Chat): Breaking {
  const breaking = all.get(wire) ?? new Breaking(wire, chat);
  all.set(wire, breaking);
  return breaking;
}
