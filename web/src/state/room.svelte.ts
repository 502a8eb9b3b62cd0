import type { MyRoom } from '../lib/api.ts';
import type { Clock } from '../lib/clock.ts';
import { RoomLog } from '../lib/roomlog.ts';

export interface Typist {
  author: string;
  name: string;
}

const typingShown = 6_000;
const redrawEvery = 32;

/** A room of the person's list, as the page shows it. */
export class Room {
  readonly id: string;
  readonly log = new RoomLog();

  name = $state('');
  /** The seq of the newest event. */
  head = $state(0);
  /** The seq up to which this person has read. */
  read = $state(0);
  /** The first unread seq when the room was entered, until it is left. */
  fresh = $state<number | undefined>();
  /** There is enough to show: a first page, or the certainty that there is nothing. */
  ready = $state(false);
  older = $state<'idle' | 'loading' | 'failed'>('idle');
  typists = $state.raw<readonly Typist[]>([]);
  /** Counts the changes of the log. Whoever reads the log for the screen reads this first. */
  version = $state(0);

  readonly unread = $derived(Math.max(0, this.head - this.read));

  /** An `open` is on its way; until it is answered nothing new is asked. */
  opening = false;
  /** The head at the last `opened`: what lies before it is backlog, not news. */
  openedHead = 0;
  /** The head that the heartbeat before this one told. */
  heartbeatHead = 0;

  private readonly clock: Clock;
  private redrawDue = false;
  private redrawnAt = 0;
  private readonly typing = new Map<string, () => void>();

  constructor(summary: MyRoom, clock: Clock) {
    this.id = summary.id;
    this.clock = clock;
    this.update(summary);
  }

  update({ name, head, read }: MyRoom): void {
    this.name = name;
    this.head = Math.max(this.head, head);
    this.read = Math.max(this.read, read);
  }

  /** Tells the screen that the log changed: at once, but not for each event of a flood. */
  touch(): void {
    if (this.redrawDue) return;
    const wait = this.redrawnAt + redrawEvery - this.clock.now();
    if (wait <= 0) return this.redraw();
    this.redrawDue = true;
    this.clock.after(wait, () => this.redraw());
  }

  startsTyping(author: string, name: string): void {
    this.typing.get(author)?.();
    this.typing.set(
      author,
      this.clock.after(typingShown, () => this.stopsTyping(author)),
    );
    if (!this.typists.some((typist) => typist.author === author)) {
      this.typists = [...this.typists, { author, name }];
    }
  }

  stopsTyping(author: string): void {
    this.typing.get(author)?.();
    if (!this.typing.delete(author)) return;
    this.typists = this.typists.filter((typist) => typist.author !== author);
  }

  private redraw(): void {
    this.redrawDue = false;
    this.redrawnAt = this.clock.now();
    this.version++;
  }
}
