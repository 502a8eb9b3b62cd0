import type { Aside } from '../lib/aside.ts';
import type { Clock } from '../lib/clock.ts';
import { RoomLog } from '../lib/roomlog.ts';
import { asking, count, labelOf, project, recount, titleOf, type Unread } from '../lib/rooms.ts';
import { pathOf } from '../lib/route.ts';
import type { Quote } from '../lib/rows.ts';
import type { Act, RoomEvent, RoomFields, RoomInfo } from '../lib/wire.ts';
import { speech } from './words.svelte.ts';

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

  /** What the server, and the events since then, say of the room. */
  info = $state.raw() as RoomInfo;
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
  /** History around a message that one was led to, shown instead of the newest. */
  aside = $state.raw<Aside | undefined>();
  /** The message that is to be shown and pointed out; `n` tells one wish from the next. */
  target = $state.raw<{ seq: number; n: number } | undefined>();
  /** The message that what is being written answers. */
  replying = $state.raw<Quote | undefined>();
  /** The message that is being edited. */
  editing = $state<number | undefined>();
  /** Messages that others answer and that are not in the window, as far as they were fetched. */
  quotes = $state.raw<ReadonlyMap<number, Quote>>(new Map());
  /** Counts the changes of the log. Whoever reads the log for the screen reads this first. */
  version = $state(0);

  /** How many reports are open and how many guests wait, for those who moderate. */
  reports = $state(0);
  waiting = $state(0);

  /** What was read here, and the server may not know yet. */
  ahead = false;
  /** Messages were marked as unread again: to see them on screen is not to read them, until the room is left. */
  held = $state(false);

  /** Counts what was done in the room beside talking. */
  changes = $state(0);

  private counted = $state.raw<Unread>({ messages: 0, mentions: 0 });
  /** Up to which event `counted` has looked. */
  private countedTo = 0;
  /** The last event that changed `info`. */
  private changedAt = 0;

  /** Up to which event it was decided what alerts. What was there when the page opened does not. */
  alertedTo: number;

  /** When it was on screen last, if ever. */
  used = 0;
  /** An `open` is on its way; until it is answered nothing new is asked. */
  opening = false;
  /** The head at the last `opened`: what lies before it is backlog, not news. */
  openedHead = 0;
  /** The head that the heartbeat before this one told. */
  heartbeatHead = 0;

  private readonly me: string;
  private readonly clock: Clock;
  private redrawDue = false;
  private redrawnAt = 0;
  private readonly typing = new Map<string, () => void>();

  constructor(info: RoomInfo, me: string, clock: Clock) {
    this.id = info.id;
    this.me = me;
    this.clock = clock;
    this.info = info;
    this.alertedTo = info.head;
    this.describe(info);
  }

  /** What it is called on the list. */
  get title(): string {
    return titleOf(this.info, speech.now);
  }

  /** What it is called in a sentence. */
  get label(): string {
    return labelOf(this.info, speech.now);
  }

  get path(): string {
    return pathOf(this.info);
  }

  /** How many messages of others are unread. */
  get unread(): number {
    return this.counted.messages;
  }

  /** What of that is shown outside of the room. */
  get news(): Unread {
    return asking(this.info, this.counted);
  }

  /** Whether I have muted it for myself. */
  get quiet(): boolean {
    return this.info.quiet === true;
  }

  /** What is to be known of it the next time the page opens. */
  get summary(): RoomInfo {
    const { messages: unread, mentions } = this.counted;
    return { ...this.info, head: this.head, read: this.read, unread, mentions };
  }

  /** Whether the server would allow it now. */
  may(act: Act): boolean {
    return this.info.you?.can.includes(act) === true;
  }

  /** Takes what the server says of the room. What is older than the events known is not news. */
  describe(fields: Partial<RoomFields> & { head: number }): void {
    const { head, read, unread = 0, mentions = 0 } = fields;
    if (head >= this.changedAt && fields.kind)
      this.info = { ...(fields as RoomFields), id: this.id };
    else if (fields.you) {
      const { level: _, ...rest } = this.info;
      const { you, quiet = false, level } = fields;
      this.info = { ...rest, you, quiet, ...(level ? { level } : {}) };
    }
    const back = read !== undefined && read < this.read;
    if (read !== undefined && head >= this.countedTo && !(back && this.ahead)) {
      this.counted = { messages: unread, mentions };
      this.countedTo = head;
      if (back) this.readBackTo(read);
    }
    this.head = Math.max(this.head, head);
    this.readUpTo(read ?? 0);
  }

  /** Forgets where the room stood: it has another history now. */
  restart(): void {
    this.head = this.read = this.countedTo = this.changedAt = 0;
    this.counted = { messages: 0, mentions: 0 };
  }

  /** Takes an event that the log has taken. */
  take(event: RoomEvent): void {
    this.head = Math.max(this.head, event.seq);
    const changed = project(this.info, event, this.me);
    if (changed !== this.info) {
      this.info = changed;
      this.changedAt = event.seq;
    }
    if (event.kind !== 'message' && event.kind !== 'edit') this.changes++;
    if (event.seq <= this.countedTo) return;
    this.countedTo = event.seq;
    if (event.seq > this.read) this.counted = count(this.counted, event, this.me);
  }

  /** Moves the read mark, never back. */
  readUpTo(seq: number): void {
    if (seq <= this.read) return;
    this.read = seq;
    if (this.counted.messages === 0) return;
    const left =
      seq >= Math.max(this.head, this.countedTo)
        ? { messages: 0, mentions: 0 }
        : recount(this.log.events, this.log.start, seq, this.me);
    if (left) this.counted = left;
  }

  /** Moves the read mark back: messages are unread again. Says whether it is known here how many. */
  readBackTo(seq: number): boolean {
    if (seq >= this.read) return true;
    this.read = seq;
    this.ahead = false;
    this.fresh = seq + 1;
    this.held = true;
    const known = recount(this.log.events, this.log.start, seq, this.me);
    if (known) this.counted = known;
    return known !== undefined;
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
