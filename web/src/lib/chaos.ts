import type { Clock } from './clock.ts';
import type { Socket } from './socket.ts';
import type { Fate, Side } from './wirelog.ts';

/** What is done to the frames of one direction. */
export interface LaneFaults {
  /** Milliseconds that each takes longer, and up to how many more. */
  delay: number;
  jitter: number;
  /** Of a hundred, how many are lost, and how many come twice. */
  drop: number;
  double: number;
}

/** What is done to a connection, by the side that sends. */
export interface Faults {
  client: LaneFaults;
  server: LaneFaults;
  /** After so many seconds each connection is cut; 0: never. */
  cut: number;
}

/** How often what was done, by the side that sends. */
export interface Deeds {
  passed: number;
  dropped: number;
  doubled: number;
}

export interface ChaosOptions {
  clock: Clock;
  /** A whole number below 2^32. The same one decides the same about the n-th frame of a direction. */
  seed: number;
  faults: Faults;
  /** Told of each frame that did not pass as it should. */
  onfate: (from: Side, text: string, fate: Fate) => void;
  onchange: () => void;
}

const second = 1_000;
/** Who is held up for less is not told of: every frame would be. */
const noticed = 250;
/** The code that a browser gives to a connection that went away without a word. */
const goneWithoutAWord = 1006;

/**
 * Numbers from 0 to below 1 that look random and are the same for the same seed: mulberry32 of Tommy Ettinger,
 * who has put it in the public domain. 32 bits of state, which is plenty for throwing dice.
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Breaks connections on purpose: what passes through it is late, lost, doubled or cut off, by dice that can be
 * thrown again. Frames that pass keep their order, as TCP keeps it: a late one holds up those behind it. Not
 * safe for anything: it is there to see what the page makes of it.
 */
export class Chaos {
  /** What is done from now on; can be changed while it runs. */
  faults: Faults;
  /** Until when nothing moves, by the clock. */
  asleepUntil = 0;
  readonly deeds: Record<Side, Deeds> = {
    client: { passed: 0, dropped: 0, doubled: 0 },
    server: { passed: 0, dropped: 0, doubled: 0 },
  };
  cuts = 0;

  readonly clock: Clock;
  readonly dice: Record<Side, () => number>;
  readonly onfate: ChaosOptions['onfate'];
  readonly onchange: () => void;
  private readonly sockets = new Set<BrokenSocket>();
  private over = false;
  private cancelSleep = () => {};

  constructor({ clock, seed, faults, onfate, onchange }: ChaosOptions) {
    this.clock = clock;
    this.faults = faults;
    this.onfate = onfate;
    this.onchange = onchange;
    this.dice = { client: mulberry32(seed), server: mulberry32(seed ^ 0x9e3779b9) };
  }

  /** Puts itself between the page and a socket that is being made. */
  through(socket: Socket): Socket {
    if (this.over) return socket;
    const broken = new BrokenSocket(socket, this, () => this.sockets.delete(broken));
    this.sockets.add(broken);
    return broken;
  }

  /** Nothing moves for a while, in either direction; then everything comes at once. */
  sleep(milliseconds: number): void {
    if (this.over) return;
    this.cancelSleep();
    this.asleepUntil = this.clock.now() + milliseconds;
    this.cancelSleep = this.clock.after(milliseconds, () => this.wake());
    this.onchange();
  }

  /** What was held passes at once, and from now on nothing is broken. */
  end(): void {
    this.over = true;
    this.cancelSleep();
    this.wake();
    for (const socket of this.sockets) socket.release();
  }

  /** What is done to the frames of one side now. */
  lane(from: Side): LaneFaults | undefined {
    return this.over ? undefined : this.faults[from];
  }

  private wake(): void {
    this.asleepUntil = 0;
    for (const socket of this.sockets) socket.move();
    this.onchange();
  }
}

/** A socket on whose way something stands. */
class BrokenSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: ((close: { code: number }) => void) | null = null;

  private readonly real: Socket;
  private readonly out: Lane;
  private readonly in: Lane;
  private readonly gone: () => void;
  private cancelCut = () => {};

  constructor(real: Socket, chaos: Chaos, gone: () => void) {
    this.real = real;
    this.out = new Lane(chaos, 'client');
    this.in = new Lane(chaos, 'server');
    this.gone = gone;
    real.onopen = () => {
      const { cut } = chaos.faults;
      if (cut > 0) this.cancelCut = chaos.clock.after(cut * second, () => this.cut(chaos));
      this.in.follow(() => this.onopen?.());
    };
    real.onmessage = (message) =>
      this.in.frame(String(message.data), () => this.onmessage?.(message));
    real.onclose = (close) =>
      this.in.follow(() => {
        this.leave();
        this.onclose?.(close);
      });
  }

  send(data: string): void {
    this.out.frame(data, () => this.real.send(data));
  }

  /** What was sent before still goes out, as it does on a socket. */
  close(): void {
    this.out.follow(() => {
      this.leave();
      this.real.close();
    });
  }

  move(): void {
    this.out.move();
    this.in.move();
  }

  release(): void {
    this.cancelCut();
    this.out.release();
    this.in.release();
  }

  /** Ends the connection without a word, with all that is on its way. */
  private cut(chaos: Chaos): void {
    this.leave();
    const { real } = this;
    real.onopen = real.onmessage = real.onclose = null;
    real.close();
    chaos.cuts++;
    chaos.onchange();
    this.onclose?.({ code: goneWithoutAWord });
  }

  private leave(): void {
    this.cancelCut();
    this.out.clear();
    this.in.clear();
    this.gone();
  }
}

/** One direction of a connection. */
class Lane {
  private readonly chaos: Chaos;
  private readonly from: Side;
  private held: { due: number; pass: () => void }[] = [];
  private cancel = () => {};

  constructor(chaos: Chaos, from: Side) {
    this.chaos = chaos;
    this.from = from;
  }

  /** Takes a frame. Three dice are thrown for each, so that what befalls one does not change the lot of the next. */
  frame(text: string, pass: () => void): void {
    const { chaos, from } = this;
    const faults = chaos.lane(from);
    if (!faults) return this.put(0, pass);
    const [lost, twice, late] = [chaos.dice[from](), chaos.dice[from](), chaos.dice[from]()];
    const delay = faults.delay + late * faults.jitter;
    const deeds = chaos.deeds[from];
    if (lost * 100 < faults.drop) {
      deeds.dropped++;
      chaos.onfate(from, text, 'dropped');
      return chaos.onchange();
    }
    deeds.passed++;
    const since = chaos.clock.now();
    this.put(delay, () => {
      if (chaos.clock.now() - since >= noticed) chaos.onfate(from, text, 'delayed');
      pass();
    });
    if (twice * 100 < faults.double) {
      deeds.doubled++;
      chaos.onfate(from, text, 'doubled');
      this.put(delay, pass);
    }
    chaos.onchange();
  }

  /** Does something once all before it has passed. */
  follow(then: () => void): void {
    this.put(0, then);
  }

  /** Lets pass what is due, and nothing before what came before it. */
  move(): void {
    this.cancel();
    const { clock } = this.chaos;
    while (this.held[0] && this.held[0].due <= clock.now() && this.chaos.asleepUntil === 0) {
      this.held.shift()?.pass();
    }
    const [next] = this.held;
    if (next && this.chaos.asleepUntil === 0) {
      this.cancel = clock.after(Math.max(0, next.due - clock.now()), () => this.move());
    }
  }

  release(): void {
    for (const one of this.held) one.due = 0;
    this.move();
  }

  clear(): void {
    this.cancel();
    this.held = [];
  }

  private put(delay: number, pass: () => void): void {
    this.held.push({ due: this.chaos.clock.now() + delay, pass });
    this.move();
  }
}
