import type { Clock } from './clock.ts';

/** A clock for tests: it stands still until it is told to advance. */
export class TestClock implements Clock {
  private time: number;
  private readonly timers = new Set<{ due: number; run: () => void }>();

  constructor(start = 1_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { due: this.time + milliseconds, run };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const next = [...this.timers].filter((t) => t.due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.due);
      next.run();
    }
    this.time = end;
  }

  /** Lets time pass without running timers, as a sleeping computer does. */
  sleep(milliseconds: number): void {
    this.time += milliseconds;
  }
}
