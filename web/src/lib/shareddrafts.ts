import type { Clock } from './clock.ts';
import type { ComposerTexts } from './composertexts.ts';
import { ApiError } from './request.ts';

/** A draft as the server keeps it: the newest that any device wrote. */
export interface ServerDraft {
  room: string;
  text: string;
  time: number;
}

export interface SharedDraftsOptions {
  texts: ComposerTexts;
  clock: Clock;
  /** How far this device's clock is behind the server's. */
  skew: () => number;
  push: (draft: ServerDraft) => Promise<ServerDraft>;
  /** Another text than was written here stands in the composer now. */
  onarrived: (room: string) => void;
}

/** A pause in writing after which what stands there is told, and how long that waits at most. */
const pause = 800;
const longest = 4_000;
const again = 5_000;
/** Somebody who wrote so short a while ago is still writing. */
const writing = 10_000;

/** What is written and not sent, shared by a person's devices: the newest is right, on all of them. */
export class SharedDrafts {
  private readonly options: SharedDraftsOptions;
  private readonly timers = new Map<string, { stop: () => void; due: number }>();
  private readonly onTheWay = new Set<string>();
  /** When something was written here, and when the server said that it has it; by this device's clock. */
  private readonly wroteAt = new Map<string, number>();
  private readonly saidAt = new Map<string, number>();
  private connected = false;

  constructor(options: SharedDraftsOptions) {
    this.options = options;
  }

  /** Somebody wrote here, or sent what stood there. */
  wrote(room: string, text: string): void {
    const { texts, clock } = this.options;
    const before = texts.entry(room);
    if ((before?.text ?? '') === text) return;
    texts.set(room, text, this.now(before?.time), true);
    if (text === '') this.wroteAt.delete(room);
    else this.wroteAt.set(room, clock.now());
    this.pushSoon(room, text === '' ? 0 : pause);
  }

  /** The server, or another device by way of it, says what stands there. */
  take({ room, text, time }: ServerDraft): void {
    const { texts, onarrived } = this.options;
    const own = texts.entry(room);
    if (own && time <= own.time) return;
    if (own?.unsaid && own.text !== text && this.busy(room)) {
      // What is being written here is newer than what came meanwhile.
      texts.set(room, own.text, this.now(time), true);
      return this.pushSoon(room, pause);
    }
    texts.set(room, text, time);
    if ((own?.text ?? '') !== text) onarrived(room);
  }

  /** Takes all that the server has: what was there and is not any more was sent, or emptied. */
  takeAll(drafts: readonly ServerDraft[], asked: number): void {
    const { texts, onarrived } = this.options;
    const there = new Set(drafts.map(({ room }) => room));
    for (const [room, { text, time, unsaid }] of texts.all()) {
      const gone = !there.has(room) && !unsaid && text !== '' && !room.includes('#');
      if (!gone || (this.saidAt.get(room) ?? 0) >= asked) continue;
      texts.set(room, '', time);
      onarrived(room);
    }
    for (const draft of drafts) this.take(draft);
  }

  /** There is a connection: what the server does not have yet is told. */
  online(): void {
    this.connected = true;
    for (const [room, { unsaid }] of this.options.texts.all()) {
      if (unsaid && !room.includes('#')) this.pushSoon(room, 0);
    }
  }

  offline(): void {
    this.connected = false;
    this.stop();
  }

  /** Nobody writes any more: what waits for a pause is told now. */
  flush(): void {
    for (const room of [...this.timers.keys()]) void this.push(room);
  }

  stop(): void {
    for (const { stop } of this.timers.values()) stop();
    this.timers.clear();
  }

  private now(after = 0): number {
    return Math.max(this.options.clock.now() + this.options.skew(), after + 1);
  }

  private busy(room: string): boolean {
    const at = this.wroteAt.get(room);
    return at !== undefined && this.options.clock.now() - at < writing;
  }

  private pushSoon(room: string, wait: number): void {
    if (!this.connected) return;
    const { clock } = this.options;
    const before = this.timers.get(room);
    before?.stop();
    const due = before?.due ?? clock.now() + Math.max(wait, longest);
    const left = Math.max(0, Math.min(wait, due - clock.now()));
    this.timers.set(room, { due, stop: clock.after(left, () => void this.push(room)) });
  }

  private async push(room: string): Promise<void> {
    const { texts, clock, push } = this.options;
    this.timers.get(room)?.stop();
    this.timers.delete(room);
    const entry = texts.entry(room);
    if (!entry?.unsaid || this.onTheWay.has(room)) return;
    this.onTheWay.add(room);
    let kept: ServerDraft | undefined;
    let refused = false;
    try {
      kept = await push({ room, text: entry.text, time: Math.round(entry.time) });
    } catch (error) {
      // Whoever may not write there keeps it here; else it is told a little later.
      refused = error instanceof ApiError && error.status !== 429 && error.status < 500;
    }
    this.onTheWay.delete(room);
    const now = texts.entry(room);
    if (now !== entry) return this.pushSoon(room, pause);
    if (refused) return;
    if (!kept) return this.pushSoon(room, again);
    this.saidAt.set(room, clock.now());
    // A clock that is ahead is set right by the answer.
    texts.set(room, entry.text, kept.text === entry.text ? kept.time : entry.time);
    this.take(kept);
  }
}
