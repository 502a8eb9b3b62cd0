import { apply } from './revise.ts';
import type { Place, RoomEvent, ServerBodies } from './wire.ts';

/** What became of an event that was offered to the log. */
export type Taken = 'next' | 'known' | 'gap';

interface Name {
  name: string;
  seq: number;
}

const firstLook = 50;

/**
 * A window into one room's log: events without a hole between the first and the last one known.
 * It grows at the end by what the socket brings, and at the front by pages of older history.
 * Events that change others (edit, reaction, pin, reply) keep their place and are applied to their target.
 */
export class RoomLog {
  /** Ascending by seq, contiguous. Replaced entries are new objects, so that identity shows change. */
  events: RoomEvent[] = [];

  /** Messages up to this seq were erased: their words are gone, and nothing before is asked for. */
  floor = 0;

  private epoch: string | undefined;
  private last: number | undefined;
  private readonly known = new Map<string, Name>();
  private readonly ids = new Set<string>();

  /** The seq of the last event known; undefined until a place in the log is known. */
  get position(): number | undefined {
    return this.last;
  }

  /** The seq of the first event of the window, which is the next one while the window is empty. */
  get start(): number {
    return this.events[0]?.seq ?? (this.last ?? 0) + 1;
  }

  /** Whether the window reaches back to the room's first event, or to what is left of it. */
  get complete(): boolean {
    return this.last !== undefined && this.start <= this.floor + 1;
  }

  /** Whether the event of that id is in the window. */
  has(id: string): boolean {
    return this.ids.has(id);
  }

  /** What an author is called now, as far as this window knows. */
  nameOf(author: string): string | undefined {
    return this.known.get(author)?.name;
  }

  /** The place to open the room at: behind the last event, or for a first look some before the head. */
  place(): Place {
    if (this.epoch === undefined || this.last === undefined) return { last: firstLook };
    return { epoch: this.epoch, after: this.last };
  }

  /** Sets a place in a log of which no event is known yet. */
  begin(epoch: string, position: number): void {
    this.reset();
    this.epoch = epoch;
    this.last = position;
  }

  /** Takes back what `kept` gave: events as they had become, so that no change is applied again. */
  restore({ epoch, events }: { epoch: string; events: readonly RoomEvent[] }): void {
    this.begin(epoch, events.at(-1)?.seq ?? 0);
    this.events = [...events];
    for (const event of events) {
      this.ids.add(event.id);
      this.learnName(event);
    }
  }

  /** The newest events, for the next time. */
  kept(most: number): { epoch: string; events: RoomEvent[] } | undefined {
    if (this.epoch === undefined || this.events.length === 0) return undefined;
    return { epoch: this.epoch, events: this.events.slice(-most) };
  }

  /** Forgets everything, after which `place` asks for a first look. */
  reset(): void {
    this.events = [];
    this.ids.clear();
    this.epoch = undefined;
    this.last = undefined;
    this.floor = 0;
  }

  /** Takes the server's answer to `open`; what follows it begins at `after` + 1. */
  opened(frame: ServerBodies['opened']): void {
    const continues = this.epoch === frame.epoch && this.last !== undefined;
    if (!continues || frame.after > (this.last ?? 0)) this.begin(frame.epoch, frame.after);
    this.erase(frame.floor ?? 0);
  }

  /** Takes the next event. A known one changes nothing; a gap means that the room must be opened again. */
  add(event: RoomEvent): Taken {
    if (this.last === undefined || event.seq > this.last + 1) return 'gap';
    if (event.seq <= this.last) return 'known';
    this.last = event.seq;
    this.events.push(event);
    this.ids.add(event.id);
    this.learnName(event);
    if (event.kind === 'erase') this.erase(event.target ?? 0);
    else this.revise(event);
    return 'next';
  }

  /** The event at a place, if it is in the window. */
  at(seq: number): RoomEvent | undefined {
    return this.events[seq - this.start];
  }

  /** Puts a page of older history in front. It is refused unless it ends where the window begins. */
  prepend(page: RoomEvent[], epoch: string): boolean {
    const start = this.start;
    const fits =
      epoch === this.epoch &&
      page.length > 0 &&
      page.every((event, i) => event.seq === start - page.length + i);
    if (!fits) return false;
    const newer = this.events;
    this.events = [...page, ...newer];
    for (const event of page) {
      this.ids.add(event.id);
      this.learnName(event);
    }
    // The page may have been read before a change that the window holds already.
    for (const event of this.events) {
      if ((event.target ?? event.thread ?? start) < start) this.revise(event);
    }
    this.drop();
    return true;
  }

  /** Drops the words of all messages up to a place. */
  erase(floor: number): void {
    if (floor <= this.floor) return;
    this.floor = floor;
    this.drop();
  }

  private drop(): void {
    for (const [index, event] of this.events.entries()) {
      if (event.seq > this.floor && (event.target ?? Infinity) > this.floor) continue;
      const said = event.kind === 'message' || event.kind === 'edit';
      if (!said) continue;
      const { files: _, previews: __, ...rest } = event;
      this.events[index] = { ...rest, text: '' };
    }
  }

  /** Keeps only the newest events; the others can be loaded again. */
  trim(keep: number): void {
    if (this.events.length <= keep) return;
    for (const event of this.events.splice(0, this.events.length - keep)) this.ids.delete(event.id);
  }

  private learnName({ author, name, seq }: RoomEvent): void {
    const known = this.known.get(author);
    if (!known || seq >= known.seq) this.known.set(author, { name, seq });
  }

  private revise(change: RoomEvent): void {
    const index = (change.thread ?? change.target ?? 0) - this.start;
    const target = this.events[index];
    if (target && target !== change) this.events[index] = apply(target, change);
  }
}
