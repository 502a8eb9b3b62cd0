import type { Clock } from './clock.ts';
import { ApiError } from './request.ts';
import { apply } from './revise.ts';
import type { Sort, Sought } from './route.ts';
import { longest, type Answer, type Ask, type Hit, type Understood } from './searchapi.ts';
import type { RoomEvent } from './wire.ts';

/** What a search is at. */
export interface Found extends Sought {
  /** Messages that were found: while `busy`, perhaps by what was typed before. */
  readonly hits: readonly Hit[];
  /** Whether the hits answer a question; false: nothing was asked for yet. */
  readonly answered: boolean;
  readonly busy: boolean;
  /** There is more where this came from. */
  readonly more: boolean;
  /** Operators that are not finished. */
  readonly open: readonly string[];
  /** It is too long; the end does not count. */
  readonly cut: boolean;
  /** The index is being made. */
  readonly behind: boolean;
  /** Too much was asked for: it goes on by itself. */
  readonly waiting: boolean;
  /** Why there is no answer. */
  readonly problem: unknown;
}

export interface SearchingOptions {
  ask: (ask: Ask, signal: AbortSignal) => Promise<Answer>;
  clock: Clock;
  onchange: (found: Found) => void;
}

const pause = 100;
const page = 20;
const mostAtOnce = 100;
/** So many pages without a hit are looked through before somebody is asked whether to go on. */
const patience = 5;
/** Which parts of a query say what to find. */
const parts = ['terms', 'from', 'in', 'after', 'before', 'has', 'has_not'];

export const nothing: Found = {
  q: '',
  sort: 'newest',
  hits: [],
  answered: false,
  busy: false,
  more: false,
  open: [],
  cut: false,
  behind: false,
  waiting: false,
  problem: undefined,
};

/** Names a hit among all. */
export const keyOf = ({ event }: Hit): string => `${event.room}/${event.seq}`;

/** A search while it is being typed: one question at a time, the newest, and page after page of its answers. */
export class Searching {
  private found = nothing;
  private next: string | undefined;
  private due: (() => void) | undefined;
  /** Until then the server wants no question. */
  private blocked = 0;
  private asking: AbortController | undefined;

  private readonly options: SearchingOptions;

  constructor(options: SearchingOptions) {
    this.options = options;
  }

  /** Takes what stands in the field. It is asked for once nothing is typed for a moment. */
  type(q: string): void {
    if (q === this.found.q) return;
    this.begin({ q }, pause);
  }

  /** Asks at once for what was typed. */
  now(): void {
    if (this.due) this.later(0);
  }

  /** Searches for something else, at once. */
  seek({ q, sort }: Sought): void {
    this.begin({ q, sort }, 0);
  }

  sortBy(sort: Sort): void {
    if (sort !== this.found.sort) this.begin({ sort }, 0);
  }

  /** Asks the same again: after a failure, or for what became of the hits. */
  again(): void {
    if (this.found.q.trim() !== '') void this.ask(this.found.hits.length);
  }

  async more(): Promise<void> {
    if (this.next !== undefined && !this.asking && !this.due) await this.ask(page, this.next);
  }

  /** Takes an event that may change a message that was found. */
  take(event: RoomEvent): void {
    const { hits } = this.found;
    if (event.kind === 'message' || hits.length === 0) return;
    if (event.kind === 'erase') return this.mistrust(event.room);
    let changed = false;
    const after = hits.map((hit) => {
      if (hit.event.room !== event.room || hit.event.seq !== event.target) return hit;
      const message = apply(hit.event, event);
      if (message === hit.event) return hit;
      changed = true;
      return { ...hit, event: message, marks: message.text === hit.event.text ? hit.marks : [] };
    });
    if (!changed) return;
    this.set({ hits: after });
    // Only the server knows where an edited text has the words, if it has them still.
    if (event.kind === 'edit') this.mistrust(event.room);
  }

  /** A room is not for us any more, or perhaps is: what was found there goes until the server says so. */
  forget(room: string): void {
    if (!this.found.hits.some(({ event }) => event.room === room)) return;
    this.set({ hits: this.found.hits.filter(({ event }) => event.room !== room) });
    this.again();
  }

  stop(): void {
    this.due?.();
    this.due = undefined;
    this.asking?.abort();
    this.asking = undefined;
  }

  private begin(change: Partial<Sought>, after: number): void {
    this.stop();
    this.next = undefined;
    const { q, sort } = { ...this.found, ...change };
    if (q.trim() === '') return this.set({ ...nothing, q, sort });
    this.set({ ...change, busy: true, more: false, cut: [...q].length > longest });
    this.later(after);
  }

  private later(after: number): void {
    const { clock } = this.options;
    const wait = Math.max(after, this.blocked - clock.now());
    this.due?.();
    this.due = undefined;
    if (wait <= 0) void this.ask();
    else this.due = clock.after(wait, () => void this.ask());
  }

  private mistrust(room: string): void {
    const { hits, busy } = this.found;
    if (busy || hits.length > mostAtOnce || !hits.some((hit) => hit.event.room === room)) return;
    void this.ask(hits.length);
  }

  private async ask(limit = page, before?: string): Promise<void> {
    this.stop();
    const asking = new AbortController();
    this.asking = asking;
    this.set({ busy: true, problem: undefined, waiting: false });
    const { q, sort } = this.found;
    const { clock, ask } = this.options;
    const base = {
      q: [...q].slice(0, longest).join('').toWellFormed(),
      sort,
      limit: Math.min(Math.max(limit, page), mostAtOnce),
      zone: -new Date(clock.now()).getTimezoneOffset(),
    };
    try {
      let place = before;
      for (let n = 1; ; n++) {
        const question = place === undefined ? base : { ...base, before: place };
        const answer = await ask(question, asking.signal);
        if (this.asking !== asking) return;
        this.show(answer, place !== undefined);
        place = this.next;
        if (answer.hits.length > 0 || place === undefined || n === patience) break;
      }
      this.asking = undefined;
      this.set({ busy: false });
    } catch (error) {
      if (this.asking === asking) this.failed(error, before !== undefined);
    }
  }

  private show({ query, hits, next, behind = false }: Answer, grows: boolean): void {
    const before = grows ? this.found.hits : [];
    const known = new Set(before.map(keyOf));
    this.next = next;
    this.set({
      hits: [...before, ...hits.filter((hit) => !known.has(keyOf(hit)))],
      answered: asksFor(query),
      more: next !== undefined,
      open: query.open ?? [],
      cut: query.cut === true || [...this.found.q].length > longest,
      behind,
    });
  }

  private failed(error: unknown, grows: boolean): void {
    this.asking = undefined;
    const wait = error instanceof ApiError ? error.retryAfter : undefined;
    if (wait !== undefined && !grows) {
      this.blocked = this.options.clock.now() + wait * 1_000;
      this.set({ waiting: true });
      return this.later(0);
    }
    this.set({ busy: false, problem: error, ...(grows ? {} : { hits: [], answered: false }) });
  }

  private set(change: Partial<Found>): void {
    this.found = { ...this.found, ...change };
    this.options.onchange(this.found);
  }
}

const asksFor = (query: Understood): boolean => parts.some((part) => query[part] !== undefined);
