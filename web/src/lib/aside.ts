import { apply } from './revise.ts';
import type { RoomEvent } from './wire.ts';

/** Reads a room's history before a place, or behind one. */
export type Reader = (
  place: { before: number } | { after: number },
  limit: number,
) => Promise<{
  epoch: string;
  head: number;
  events: RoomEvent[];
}>;

const around = 60;
const more = 100;

/**
 * A window into a room's history that does not reach its end: what stands around a message that
 * somebody was led to. It grows both ways, without holes. Each page comes as it reads when it is asked
 * for; what comes to its messages after that is applied.
 */
export class Aside {
  events: RoomEvent[] = [];
  epoch = '';
  /** The newest event of the room when the last page was read. */
  head = 0;
  loading = false;

  private readonly read: Reader;

  constructor(read: Reader) {
    this.read = read;
  }

  get start(): number {
    return this.events[0]?.seq ?? 1;
  }

  get end(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  /** Loads what stands around a message. False if it is not there. */
  async open(seq: number): Promise<boolean> {
    const page = await this.read({ before: seq + around / 2 + 1 }, around);
    this.events = page.events;
    this.epoch = page.epoch;
    this.head = page.head;
    return page.events.some((event) => event.seq === seq && event.kind === 'message');
  }

  /** Takes an event of the room that may have come to a message here. */
  take(event: RoomEvent): void {
    const index = this.events.findIndex(({ seq }) => seq === (event.thread ?? event.target));
    const message = this.events[index];
    if (message) this.events = this.events.with(index, apply(message, event));
  }

  /** Grows at the front. */
  async older(): Promise<void> {
    if (this.start <= 1) return;
    await this.grow({ before: this.start }, (page) => {
      if (page.at(-1)?.seq === this.start - 1) this.events = [...page, ...this.events];
    });
  }

  /** Grows at the end. */
  async newer(): Promise<void> {
    await this.grow({ after: this.end }, (page) => {
      if (page[0]?.seq === this.end + 1) this.events = [...this.events, ...page];
    });
  }

  private async grow(
    place: { before: number } | { after: number },
    take: (page: RoomEvent[]) => void,
  ): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      const page = await this.read(place, more);
      if (page.epoch !== this.epoch) return;
      this.head = page.head;
      take(page.events);
    } finally {
      this.loading = false;
    }
  }
}
