import { Aside } from '../lib/aside.ts';
import { roomApi } from '../lib/roomapi.ts';
import type { Quote } from '../lib/rows.ts';
import type { Keeper } from '../lib/snapshot.ts';
import { talkApi } from '../lib/talkapi.ts';
import type { RoomEvent } from '../lib/wire.ts';
import type { Room } from './room.svelte.ts';
import type { Threads } from './threads.svelte.ts';

const firstPage = 50;
const olderPage = 100;
const largestPage = 500;
/** How much of the read history stands above the first unread message. */
const context = 20;
/** So far back a message is fetched together with all that came after it. */
const nearby = 400;

/** Fetches what was said before, and leads to it. */
export class History {
  private readonly threads: Threads;
  private readonly keeper: Keeper | undefined;
  private jumps = 0;

  constructor(threads: Threads, keeper: Keeper | undefined) {
    this.threads = threads;
    this.keeper = keeper;
  }

  /** Loads as much as it takes to show the first unread message in its surroundings. */
  async first(room: Room): Promise<void> {
    const { log } = room;
    if (log.position === undefined || log.position < room.openedHead) return;
    const wanted = Math.min(largestPage, Math.max(firstPage, room.unread + context));
    const missing = wanted - log.events.length;
    if (missing > 0 && !log.complete) await this.older(room, missing);
    room.ready = log.position !== undefined && (log.events.length > 0 || log.complete);
    this.keeper?.changed(room.id);
  }

  async older(room: Room, limit = olderPage): Promise<void> {
    if (room.older === 'loading' || room.log.complete || room.log.position === undefined) return;
    room.older = 'loading';
    try {
      const page = await roomApi.page(room.id, { before: room.log.start }, limit);
      room.log.prepend(page.events, page.epoch);
      room.older = 'idle';
    } catch {
      room.older = 'failed';
    }
    room.touch();
  }

  /** Leads to a message, wherever in the room's history it stands. False if it is not there. */
  async jumpTo(room: Room, seq: number): Promise<boolean> {
    const { log } = room;
    const known = () => log.at(seq)?.kind === 'message';
    if (!known() && seq < log.start && log.start - seq <= nearby) {
      await this.older(room, log.start - seq + context);
    }
    let event = known() ? log.at(seq) : undefined;
    if (event) room.aside = undefined;
    else {
      const aside = new Aside((place, limit) => roomApi.page(room.id, place, limit));
      if (!(await aside.open(seq).catch(() => false))) return false;
      event = aside.events.find((one) => one.seq === seq);
      if (!event?.thread) room.aside = aside;
    }
    if (event?.thread) this.threads.show(room, event.thread, seq);
    else room.target = { seq, n: ++this.jumps };
    room.touch();
    return true;
  }

  /** Loads more of the history around a message, until it reaches what the room has anyway. */
  async grow(room: Room, where: 'older' | 'newer'): Promise<void> {
    const { aside, log } = room;
    if (!aside) return;
    await aside[where]().catch(() => undefined);
    if (room.aside !== aside) return;
    if (aside.end >= log.start - 1 && aside.epoch !== '') {
      const front = aside.events.filter(({ seq }) => seq < log.start);
      if (front.length === 0 || log.prepend(front, aside.epoch)) room.aside = undefined;
    }
    room.touch();
  }

  /** Shows the newest messages again. */
  leaveAside(room: Room): void {
    room.aside = undefined;
    room.touch();
  }

  /** Finds a message that another one answers. */
  quote(room: Room, seq: number): Quote | undefined {
    const event = room.log.at(seq) ?? room.aside?.events.find((one) => one.seq === seq);
    if (event?.kind === 'message') {
      return { ...quoted(event), name: room.log.nameOf(event.author) ?? event.name };
    }
    const fetched = room.quotes.get(seq);
    if (!fetched) void this.fetchQuote(room, seq);
    return fetched;
  }

  private async fetchQuote(room: Room, seq: number): Promise<void> {
    await Promise.resolve(); // not while rows are being made
    if (room.quotes.has(seq)) return;
    room.quotes = new Map(room.quotes).set(seq, { seq });
    const event = await talkApi.message(room.id, seq).catch(() => undefined);
    if (event) room.quotes = new Map(room.quotes).set(seq, quoted(event));
  }
}

function quoted({ seq, author, name, text, files = [], deleted = false }: RoomEvent): Quote {
  return { seq, author, name, text, files, deleted };
}
