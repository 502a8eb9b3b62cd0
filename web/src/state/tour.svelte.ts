import { tour as english } from '../lang/tour.en.ts';
import { tour as german } from '../lang/tour.de.ts';
import { acceptOf, type Accepted } from '../lib/accept.ts';
import { request, step as segment } from '../lib/request.ts';
import {
  dialOf,
  eventsOf,
  farewell,
  goals,
  handshakeOf,
  reached,
  type Goal,
  type Passed,
  type Step,
} from '../lib/tour.ts';
import { valueIn } from '../lib/wirehead.ts';
import { line } from './browsersocket.ts';
import type { Chat } from './chat.svelte.ts';
import { laterWords } from './laterwords.svelte.ts';
import type { Room } from './room.svelte.ts';
import type { Wire } from './wire.svelte.ts';

/** A text of the tour. */
export const tw = laterWords(english, { de: german });

const second = 1_000;
/** How long an answer is held back, so that one sees the message wait for it. */
export const heldAnswer = 3 * second;
/** How long the page reads nothing; shorter than it takes to believe the connection dead. */
export const heldReading = 6 * second;
/** How many messages come meanwhile. */
export const flood = 5;
/** How many come while there is no connection. */
export const meanwhile = 2;

const needHandshake: ReadonlySet<Step> = new Set<Step>(['upgrade', 'answer', 'accept']);

/** How far somebody is on the tour, and what they do there. It lasts as long as the wire view is open. */
export class Tour {
  /** The goals that were reached. They stay so when what passed is forgotten. */
  done = $state.raw<ReadonlySet<Goal>>(new Set());
  /** What was reached a moment ago, for those who listen. */
  news = $state('');
  /** An action is under way. */
  busy = $state(false);
  problem = $state.raw<unknown>();
  /** Until when what the server says waits. */
  heldUntil = $state<number | undefined>();
  /** When it began to wait the last time. */
  heldFrom = 0;
  /** How the accept key of the shown key is computed, once somebody asked. */
  accepted = $state.raw<Accepted | undefined>();

  readonly wire: Wire;
  private readonly chat: Chat;
  /** The entry after which things count, for each step that was shown. */
  private readonly marks = new Map<Step, number>();
  private step: Step = 'upgrade';
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The room and the entry at which the page stopped to read. */
  private slowed: { room: Room; since: number } | undefined;

  constructor(wire: Wire, chat: Chat) {
    this.wire = wire;
    this.chat = chat;
    wire.ending.addEventListener('abort', () => this.lift());
  }

  get room(): Room | undefined {
    return this.chat.rooms.current;
  }

  get reports(): boolean {
    return this.wire.problem === undefined;
  }

  isDone(step: Step): boolean {
    return goals[step].every((goal) => this.done.has(goal));
  }

  /** What has passed since a step was shown first. Whoever asks for the screen is told when that changes. */
  passed(step: Step): Passed {
    void this.wire.version;
    return {
      entries: this.wire.log.all(),
      since: this.marks.get(step) ?? 0,
      room: this.room?.id,
      reports: this.reports,
    };
  }

  /** A step is shown. One that is about the handshake makes one, if none is known. */
  enter(step: Step): void {
    this.step = step;
    this.news = '';
    this.problem = undefined;
    const entries = this.wire.log.all();
    if (!this.marks.has(step)) this.marks.set(step, entries.at(-1)?.n ?? 0);
    const dial = dialOf(entries);
    const lacks = needHandshake.has(step) && dial !== undefined && !handshakeOf(entries);
    // While the server reports nothing, nobody else made a connection that is watched.
    if (this.reports ? lacks : !dial) this.chat.redial();
  }

  /** Looks whether something was reached. */
  look(step: Step): void {
    const passed = this.passed(step);
    // An answer that waits has not come yet, for the page and for whoever looks at it.
    const held = (goal: Goal) => goal === 'stored' && this.heldUntil !== undefined;
    this.reach(...goals[step].filter((goal) => !held(goal) && reached(goal, passed)));
    if (this.slowed && this.behind(this.slowed.room) > 0) this.reach('behind');
  }

  private reach(...met: Goal[]): void {
    const fresh = met.filter((goal) => !this.done.has(goal));
    if (fresh.length === 0) return;
    this.done = new Set([...this.done, ...fresh]);
    this.news = fresh.map((goal) => tw(`met.${goal}`)).join(' ');
  }

  /** How many events the browser has read and the page has not. */
  behind(room: Room): number {
    return this.headOf(room) - (room.log.position ?? 0);
  }

  /** The last event that the browser has read. */
  headOf(room: Room): number {
    const { since } = this.slowed ?? { since: Infinity };
    const came = eventsOf(this.wire.log.all(), room.id, since);
    return Math.max(room.log.position ?? 0, Number(came.at(-1)?.body['seq'] ?? 0));
  }

  // What somebody does

  reconnect(): void {
    this.chat.redial();
  }

  /** Computes the accept key, and compares it with what the server answered to that key. */
  async compute(key: string): Promise<void> {
    await this.act(async () => {
      this.accepted = await acceptOf(key);
      const handshake = handshakeOf(this.wire.log.all());
      if (!handshake || valueIn(handshake.request, 'sec-websocket-key') !== key) return;
      const answer = valueIn(handshake.response, 'sec-websocket-accept');
      if (answer === this.accepted.accept) this.reach('computed');
    });
  }

  /** Writes into the room, and may hold the answer. */
  say({ hold = false } = {}): void {
    const { room } = this;
    if (!room) return;
    if (hold) this.hold(heldAnswer);
    this.chat.writing.send(room, tw('say.hello'));
  }

  cut(): void {
    line.close?.();
  }

  goodbye(): void {
    line.close?.(farewell, 'done');
  }

  /** Cuts the connection and stores messages by another way before the page is back. */
  async miss(): Promise<void> {
    const { room } = this;
    if (!room) return;
    // Else the page would be back before they are stored.
    line.down = true;
    await this.act(async () => {
      this.cut();
      for (let n = 1; n <= meanwhile; n++) await this.post(room, tw('say.meanwhile', { n }));
    });
    this.lift();
  }

  /** Connections can be made again. */
  private lift(): void {
    if (!line.down) return;
    line.down = false;
    this.chat.wake();
  }

  /** Leaves unread what the server says, while messages come. */
  async slowDown(): Promise<void> {
    const { room } = this;
    if (!room) return;
    this.slowed = { room, since: this.wire.log.all().at(-1)?.n ?? 0 };
    this.hold(heldReading);
    await this.act(async () => {
      for (let n = 1; n <= flood; n++) await this.post(room, tw('say.flood', { n }));
    });
  }

  private async post(room: Room, text: string): Promise<void> {
    const path = `/api/rooms/${segment(room.id)}/messages`;
    await request('POST', path, { text }, this.wire.ending);
  }

  private async act(what: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.problem = undefined;
    try {
      await what();
    } catch (error) {
      this.problem = error;
    }
    this.busy = false;
  }

  private hold(milliseconds: number): void {
    clearTimeout(this.timer);
    line.held ??= [];
    this.heldFrom = Date.now();
    this.heldUntil = this.heldFrom + milliseconds;
    this.timer = setTimeout(() => this.release(), milliseconds);
  }

  /** Lets the page read what has waited. */
  release(): void {
    clearTimeout(this.timer);
    const { held } = line;
    line.held = undefined;
    this.heldUntil = undefined;
    for (const pass of held ?? []) pass();
    this.look(this.step);
    const { slowed } = this;
    if (slowed && this.done.has('behind') && this.behind(slowed.room) <= 0) this.reach('caughtUp');
    this.slowed = undefined;
  }
}

const tours = new WeakMap<Wire, Tour>();

/** The tour of a wire view: whoever looks at another part meanwhile goes on where they were. */
export function tourOf(wire: Wire, chat: Chat): Tour {
  const known = tours.get(wire);
  if (known) return known;
  const tour = new Tour(wire, chat);
  tours.set(wire, tour);
  return tour;
}
