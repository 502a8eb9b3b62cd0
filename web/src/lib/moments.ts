/** When messages passed this page, for those who ask later. */

/** Unix milliseconds by the clock of this device; what did not happen here is missing. */
export interface Moment {
  /** It was put on the connection, the first time. */
  sent?: number;
  /** The server said that it is stored. */
  acknowledged?: number;
  /** It came as an event. */
  came?: number;
}

/** Of so many messages the times are kept, the latest. */
export const mostMoments = 500;

/** One note takes less than half a microsecond, a hundredth of what an event takes otherwise. */
export class Moments {
  private readonly moments = new Map<string, Moment>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** Notes that something happened, if it is the first time. */
  note(id: string, what: keyof Moment): void {
    const known = this.moments.get(id);
    if (known) {
      known[what] ??= this.now();
      return;
    }
    if (this.moments.size >= mostMoments) {
      const [oldest] = this.moments.keys();
      if (oldest !== undefined) this.moments.delete(oldest);
    }
    this.moments.set(id, { [what]: this.now() });
  }

  of(id: string): Moment {
    return this.moments.get(id) ?? {};
  }
}

/** When an id was made, by the clock of whoever made it: a UUID of version 7 says so (RFC 9562, section 5.7). */
export function madeAt(id: string): number | undefined {
  const [, high, low] =
    /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.exec(id) ?? [];
  return high && low ? Number.parseInt(high + low, 16) : undefined;
}
