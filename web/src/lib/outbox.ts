import type { Clock } from './clock.ts';
import type { Draft, DraftStore } from './draftstore.ts';
import type { Connection } from './socket.ts';
import type { ErrorBody } from './wire.ts';

/** A draft on its way. Once `sent` is there it is in the log, and waits only to be seen there. */
export interface Outgoing extends Draft {
  sent?: { seq: number; time: number };
}

/** What tabs that share a database tell each other. */
export type OutboxNews =
  | { type: 'draft'; draft: Draft }
  | { type: 'sent'; id: string; seq: number; time: number }
  | { type: 'gone'; id: string };

export interface OutboxOptions {
  author: string;
  store: DraftStore;
  clock: Clock;
  newId: () => string;
  /** Puts a draft on the connection; false if there is none. */
  send: (draft: Draft) => boolean;
  /** Tells other tabs. */
  tell: (news: OutboxNews) => void;
  /**
   * An answer is overdue: it may be lost, or the connection dead without knowing it. Returns the number under
   * which the other side is asked, see `answered`; undefined if it cannot be asked now.
   */
  onoverdue: () => number | undefined;
  onchange: () => void;
}

/** What a draft may say beside its words. */
export type More = Pick<Draft, 'wish' | 'target' | 'base' | 'reply' | 'thread' | 'files'>;

/** Codes after which a reaction is as it was wanted, or what it was meant for is gone. */
const settled = new Set(['conflict', 'not_found']);
/** Codes after which the same draft is sent again by itself. */
const passing = new Set(['rate_limited', 'unavailable']);
/** Codes after which only the draft's own room waits. */
const slowing = new Set(['slow_mode']);
/** Codes that say nothing about the draft: the connection is at fault, and the next one sends it. */
const notOurs = new Set(['hello_first', 'unauthorized']);
const pauseWithoutAdvice = 5_000;
const overdueAfter = 2_000;
/** A draft that was sent and has no answer yet. */
interface Flight {
  id: string;
  cancel: () => void;
  /** Under which number the other side was asked first whether it has answered. */
  asked?: number | undefined;
}

/** How long a draft of another tab may wait before this tab sends it: that tab may be gone. */
const adoptAfter = 10_000;

/**
 * The drafts of one person: kept in a store, sent in order, one at a time in each room, and sent again
 * under the same id until the server has answered. Sending twice is harmless, losing one is not.
 */
export class Outbox {
  /** While the server asks for patience: when the next attempt is made. */
  pausedUntil: number | undefined;

  private readonly options: OutboxOptions;
  private readonly drafts = new Map<string, Outgoing>();
  /** Drafts of other tabs, which send them unless those tabs are gone. */
  private readonly foreign = new Set<string>();
  /** What was sent on this connection and not answered: room to id, and what ends the wait. */
  private readonly flights = new Map<string, Flight>();
  /** Ids that are done; a store or a tab that is late must not bring them back. */
  private readonly done = new Set<string>();
  private online = false;
  private loaded = false;
  private order = 0;
  private cancelPause = () => {};
  /** Rooms that ask for patience: until when, and what ends the wait. */
  private readonly slow = new Map<string, { until: number; cancel: () => void }>();

  constructor(options: OutboxOptions) {
    this.options = options;
  }

  /** Brings back what an earlier page left behind. Nothing is sent before, so that the order holds. */
  async load(): Promise<void> {
    const kept = await this.options.store.all(this.options.author).catch(() => []);
    for (const draft of kept) {
      if (!this.drafts.has(draft.id) && !this.done.has(draft.id)) this.keep(draft);
    }
    this.loaded = true;
    this.changed();
  }

  /** The drafts in the order in which they were written. */
  all(): Outgoing[] {
    return [...this.drafts.values()].sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
  }

  /** Until when a room's drafts wait because the room is slow. */
  slowUntil(room: string): number | undefined {
    return this.slow.get(room)?.until;
  }

  /** How many are not in the log yet, and not refused either. */
  get waiting(): number {
    return [...this.drafts.values()].filter((d) => !d.sent && !d.failed).length;
  }

  /** Takes a new message, or a change of one. It is shown, stored and sent at the same time. */
  add(room: string, text: string, more: More = {}): Draft {
    const { author, clock, newId, store, tell } = this.options;
    const draft: Draft = {
      ...more,
      id: newId(),
      room,
      author,
      text,
      created: clock.now(),
      order: this.nextOrder(),
    };
    this.drafts.set(draft.id, draft);
    this.background(store.put(draft));
    tell({ type: 'draft', draft });
    this.changed();
    return draft;
  }

  /** There is a connection: everything without an answer is sent on it, whoever wrote it. */
  connected(): void {
    this.online = true;
    this.foreign.clear();
    this.land();
    // A server that asked for patience says so again if it still wants it.
    for (const { cancel } of this.slow.values()) cancel();
    this.slow.clear();
    this.resume();
  }

  disconnected(): void {
    this.online = false;
    this.land();
  }

  /**
   * The other side has answered everything before question `n`. What has no answer was lost on the way, or its
   * answer was: it is sent again. Says whether there was such a draft.
   */
  answered(n: number): boolean {
    let lost = false;
    for (const [room, { asked, cancel }] of this.flights) {
      if (asked === undefined || asked > n) continue;
      cancel();
      this.flights.delete(room);
      lost = true;
    }
    if (lost) this.pump();
    return lost;
  }

  /** The server's answer: the draft is in the log. */
  acknowledged(id: string, seq: number, time: number): void {
    if (this.settle(id, seq, time)) this.options.tell({ type: 'sent', id, seq, time });
  }

  /** The draft was seen in the log, which is an answer too. */
  seen(id: string): void {
    const draft = this.drafts.get(id);
    if (!draft) return;
    if (!draft.sent) this.acknowledged(id, 0, 0);
    this.drafts.delete(id);
    this.options.onchange();
  }

  /** Forgets what is in the log up to a place and needs no row of its own any more. */
  seenUpTo(room: string, seq: number): void {
    for (const draft of this.drafts.values()) {
      if (draft.room === room && draft.sent && draft.sent.seq <= seq) this.seen(draft.id);
    }
  }

  /** The server's refusal of a draft. */
  refused(error: ErrorBody): void {
    const draft = error.id === undefined ? undefined : this.drafts.get(error.id);
    if (!draft || draft.sent || notOurs.has(error.code)) return;
    this.unflight(draft);
    if (passing.has(error.code)) return this.pause(error.retry_after);
    if (slowing.has(error.code)) return this.hold(draft.room, error.retry_after);
    const reaction = draft.wish === 'react' || draft.wish === 'unreact';
    if (reaction && settled.has(error.code)) return this.discard(draft.id);
    this.mark(draft, { code: error.code, message: error.message });
  }

  /** Sends a refused draft again. */
  retry(id: string): void {
    const draft = this.drafts.get(id);
    if (!draft?.failed) return;
    if (draft.failed.code === 'conflict') {
      // The id names another message, so the text needs a new one. An edit that was overtaken is
      // sent without what it was based on: it has been looked at.
      const { wish, target, reply, thread, files } = draft;
      this.discard(id);
      this.add(draft.room, draft.text, defined({ wish, target, reply, thread, files }));
      return;
    }
    this.foreign.delete(id);
    this.mark(draft, undefined);
  }

  /** Drops a draft for good. */
  discard(id: string): void {
    this.options.tell({ type: 'gone', id });
    this.finish(id);
  }

  /** Hears what another tab says. */
  hear(news: OutboxNews): void {
    if (news.type === 'sent') return void this.settle(news.id, news.seq, news.time);
    if (news.type === 'gone') return this.finish(news.id);
    if (news.draft.author !== this.options.author || this.done.has(news.draft.id)) return;
    const known = this.drafts.get(news.draft.id);
    if (known?.sent) return;
    if (!known) {
      this.foreign.add(news.draft.id);
      this.options.clock.after(adoptAfter, () => this.adopt(news.draft.id));
    }
    this.keep(news.draft);
    this.changed();
  }

  private adopt(id: string): void {
    if (this.foreign.delete(id)) this.pump();
  }

  private keep(draft: Draft): void {
    this.order = Math.max(this.order, draft.order);
    this.drafts.set(draft.id, draft);
  }

  private nextOrder(): number {
    this.order = Math.max(this.options.clock.now(), this.order + 1);
    return this.order;
  }

  private changed(): void {
    this.options.onchange();
    this.pump();
  }

  /** Sends the first draft of each room that has none under way. */
  private pump(): void {
    if (!this.online || !this.loaded || this.pausedUntil !== undefined) return;
    const { send } = this.options;
    const busy = new Set([...this.flights.keys(), ...this.slow.keys()]);
    for (const draft of this.all()) {
      if (draft.sent || draft.failed || this.foreign.has(draft.id)) continue;
      if (busy.has(draft.room)) continue;
      // Whoever is first in its room holds up the rest, or they would overtake it.
      busy.add(draft.room);
      if (!send(draft)) continue;
      const flight: Flight = { id: draft.id, cancel: () => {} };
      this.flights.set(draft.room, flight);
      this.follow(flight);
    }
  }

  /** Asks after a draft for as long as it has no answer: the question can be lost too. */
  private follow(flight: Flight): void {
    const { clock, onoverdue } = this.options;
    flight.cancel = clock.after(overdueAfter, () => {
      this.follow(flight);
      const asked = onoverdue();
      flight.asked ??= asked;
    });
  }

  /** Marks a draft as being in the log; true if that is news. */
  private settle(id: string, seq: number, time: number): boolean {
    const draft = this.drafts.get(id);
    if (!draft || draft.sent) return false;
    this.done.add(id);
    this.foreign.delete(id);
    this.background(this.options.store.remove(id));
    this.unflight(draft);
    const { failed, ...rest } = draft;
    this.drafts.set(id, { ...rest, sent: { seq, time } });
    this.changed();
    return true;
  }

  private finish(id: string): void {
    const draft = this.drafts.get(id);
    this.done.add(id);
    this.foreign.delete(id);
    this.drafts.delete(id);
    this.background(this.options.store.remove(id));
    if (draft) this.unflight(draft);
    this.changed();
  }

  private mark(draft: Outgoing, reason: Draft['failed']): void {
    const { failed, ...rest } = draft;
    const changed: Draft = reason ? { ...rest, failed: reason } : rest;
    this.drafts.set(draft.id, changed);
    this.background(this.options.store.replace(changed));
    this.options.tell({ type: 'draft', draft: changed });
    this.changed();
  }

  private pause(retryAfter: number | undefined): void {
    const { clock, onchange } = this.options;
    const wait = retryAfter === undefined ? pauseWithoutAdvice : Math.max(0, retryAfter * 1000);
    this.cancelPause();
    this.pausedUntil = clock.now() + wait;
    this.cancelPause = clock.after(wait, () => this.resume());
    onchange();
  }

  /** Holds the drafts of one room back. */
  private hold(room: string, retryAfter: number | undefined): void {
    const { clock } = this.options;
    const wait = retryAfter === undefined ? pauseWithoutAdvice : Math.max(0, retryAfter * 1000);
    this.slow.get(room)?.cancel();
    const cancel = clock.after(wait, () => {
      this.slow.delete(room);
      this.changed();
    });
    this.slow.set(room, { until: clock.now() + wait, cancel });
    this.changed();
  }

  private resume(): void {
    this.cancelPause();
    this.pausedUntil = undefined;
    this.changed();
  }

  private unflight(draft: Draft): void {
    const flight = this.flights.get(draft.room);
    if (flight?.id !== draft.id) return;
    flight.cancel();
    this.flights.delete(draft.room);
  }

  private land(): void {
    for (const flight of this.flights.values()) flight.cancel();
    this.flights.clear();
  }

  /** A store that fails costs the safety over a reload, not the message. */
  private background(work: Promise<void>): void {
    work.catch(() => {});
  }
}

/** Puts a draft on a connection as the frame it is. */
export function sendDraft(link: Pick<Connection, 'send'>, draft: Draft): boolean {
  const { room, id, text, wish, target = 0, base, reply, thread } = draft;
  const files = draft.files ? { files: draft.files.map((file) => file.id) } : {};
  switch (wish) {
    case undefined:
      return link.send('send', {
        room,
        id,
        text,
        ...(reply ? { reply } : {}),
        ...(thread ? { thread } : {}),
        ...files,
      });
    case 'edit':
      return link.send('edit', {
        room,
        id,
        target,
        text,
        ...(base === undefined ? {} : { base }),
        ...files,
      });
    case 'delete':
      return link.send('delete', { room, id, target });
    default:
      return link.send(wish, { room, id, target, emoji: text });
  }
}

/** Leaves out what is not there. */
function defined(more: { [F in keyof More]?: More[F] | undefined }): More {
  return Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));
}
