import {
  Glances,
  Intentions,
  judge,
  type Account,
  type Place,
  type Stored,
  type Verdict,
} from '../lib/judge.ts';
import { roomApi } from '../lib/roomapi.ts';
import type { Chat } from './chat.svelte.ts';
import type { Room } from './room.svelte.ts';

const channel = 'hubbub.break';
const every = 1_000;
/** Where nothing changes, it is looked only each so many turns. */
const idle = 5;
/** A window that has said nothing for so long is closed. Windows out of sight run their timers once a minute. */
const silence = 90_000;
const pageOf = 500;
/** So many events a run may have: what windows tell each other grows with it. */
export const longestRun = 5_000;

/** What windows of the same browser tell each other. */
type Telling =
  | { type: 'hello'; room: string }
  | { type: 'run'; run: string; room: string; from: number }
  | { type: 'account'; run: string; account: Account };

/**
 * Counts what was meant in a room since the beginning of a run, what the log has of it, and what the windows of
 * this browser show of it that count too. Others count in their own browsers.
 */
export class Counter {
  verdict = $state.raw<Verdict | undefined>();
  /** How many windows give account, this one too. */
  windows = $state(1);
  /** The room of the run. */
  room = $state.raw<Room | undefined>();
  /** Why the log cannot be read now. */
  problem = $state.raw<unknown>();
  /** The run is longer than what can be counted. */
  full = $state(false);

  /** What this window is called among those of the browser. */
  readonly name = crypto.randomUUID().slice(0, 8);

  private readonly chat: Chat;
  private readonly others = new Map<string, { account: Account; heard: number }>();
  private readonly tabs = 'BroadcastChannel' in window ? new BroadcastChannel(channel) : undefined;
  private readonly observer = new MutationObserver(() => this.lookSoon());
  private readonly timer: ReturnType<typeof setInterval>;
  private run = '';
  private from = 0;
  private intentions = new Intentions('');
  private glances = new Glances();
  private stored: Stored[] = [];
  private looking = false;
  private reading = false;
  /** What the accounts said at the last turn, and how many turns ago that was. */
  private before = '';
  private still = 0;

  constructor(chat: Chat) {
    this.chat = chat;
    chat.writing.onnews = (news) => this.intentions.hear(news);
    if (this.tabs) this.tabs.onmessage = ({ data }) => this.hear(data as Telling);
    this.observer.observe(document.body, {
      subtree: true,
      childList: true,
      attributeFilter: ['data-id', 'data-seq'],
    });
    this.timer = setInterval(() => void this.turn(), every);
    window.addEventListener('pagehide', this.leave);
    this.follow();
  }

  /** Begins anew in the room on screen, in all windows that count there. */
  begin(): void {
    const room = this.chat.rooms.current;
    if (!room) return;
    this.start(room, crypto.randomUUID(), room.log.position ?? room.head);
    this.tell({ type: 'run', run: this.run, room: room.id, from: this.from });
  }

  /** Counts in the room on screen: another room is another run. */
  follow(): void {
    const room = this.chat.rooms.current;
    if (room === this.room) return;
    if (this.room && this.run !== '') this.tellAccount(true);
    if (!room) {
      this.room = undefined;
      return;
    }
    this.start(room, crypto.randomUUID(), room.log.position ?? room.head);
    this.tell({ type: 'hello', room: room.id });
  }

  end(): void {
    clearInterval(this.timer);
    this.observer.disconnect();
    this.leave();
    window.removeEventListener('pagehide', this.leave);
    this.tabs?.close();
    this.chat.writing.onnews = undefined;
  }

  /** Reads the log of the run from its beginning, and judges. */
  async again(): Promise<void> {
    while (this.reading) await new Promise((resolve) => setTimeout(resolve, every / 10));
    this.stored = [];
    this.before = '';
    await this.turn();
  }

  private readonly leave = () => this.tellAccount(true);

  private start(room: Room, run: string, from: number): void {
    this.room = room;
    this.run = run;
    this.from = from;
    this.intentions = new Intentions(room.id);
    this.glances = new Glances();
    this.stored = [];
    this.others.clear();
    this.windows = 1;
    this.verdict = undefined;
    this.full = false;
    this.lookSoon();
  }

  private hear(telling: Telling): void {
    const { room } = this;
    if (!room) return;
    if (telling.type === 'hello') {
      if (telling.room !== room.id) return;
      this.tell({ type: 'run', run: this.run, room: room.id, from: this.from });
      return this.tellAccount();
    }
    if (telling.type === 'run') {
      if (telling.room !== room.id || telling.run === this.run) return;
      this.start(room, telling.run, telling.from);
      return this.tellAccount();
    }
    if (telling.run !== this.run) return;
    this.others.set(telling.account.window, { account: telling.account, heard: Date.now() });
  }

  private tell(telling: Telling): void {
    this.tabs?.postMessage(telling);
  }

  private tellAccount(gone = false): void {
    const account = this.account();
    if (account) this.tell({ type: 'account', run: this.run, account: { ...account, gone } });
  }

  /** What this window meant and shows. */
  private account(): Account | undefined {
    const { room, from, intentions, glances } = this;
    if (!room) return undefined;
    return {
      window: this.name,
      meant: intentions.all(),
      refused: intentions.refused,
      position: room.log.position ?? from,
      log: room.log.events.filter(({ seq }) => seq > from).map(({ seq, id }) => ({ seq, id })),
      pairs: glances.pairs.filter(([, after]) => after.seq > from),
      twice: glances.twice,
    };
  }

  private async turn(): Promise<void> {
    this.follow();
    const own = this.account();
    if (!own || this.full || this.reading) return;
    const accounts = [own, ...this.heard()];
    if (this.unchanged(accounts)) return;
    this.tellAccount();
    const { run, room } = this;
    this.reading = true;
    try {
      // Behind the accounts: what a window showed before must be there.
      await this.read();
      if (run !== this.run || !room) return;
      this.verdict = judge(this.from, this.stored, accounts);
      this.windows = accounts.filter(({ gone }) => !gone).length;
      this.problem = undefined;
    } catch (error) {
      this.problem = error;
    } finally {
      this.reading = false;
    }
  }

  private unchanged(accounts: readonly Account[]): boolean {
    const now = JSON.stringify(
      accounts.map(({ meant, pairs, log: _, ...rest }) => [meant, pairs.length, rest]),
    );
    this.still = now === this.before ? this.still + 1 : 0;
    this.before = now;
    return this.still % idle > 0;
  }

  private heard(): Account[] {
    const before = Date.now() - silence;
    return [...this.others.values()].map(({ account, heard }) =>
      heard < before ? { ...account, gone: true } : account,
    );
  }

  /** Reads what came to the log since it was read last. */
  private async read(): Promise<void> {
    const { room, run, stored } = this;
    if (!room) return;
    for (;;) {
      const after = stored.at(-1)?.seq ?? this.from;
      const { events } = await roomApi.page(room.id, { after }, pageOf);
      if (run !== this.run || stored !== this.stored) return;
      for (const { seq, id, kind, thread } of events) {
        stored.push({ seq, id, kind, ...(thread === undefined ? {} : { thread }) });
      }
      this.full = stored.length >= longestRun;
      if (events.length < pageOf || this.full) return;
    }
  }

  /** Looks once the screen stands. */
  private lookSoon(): void {
    if (this.looking) return;
    this.looking = true;
    requestAnimationFrame(() => {
      this.looking = false;
      this.look();
    });
  }

  private look(): void {
    if (this.chat.rooms.current !== this.room) return;
    // One's own row that waits to be seen in the log stands behind it.
    const waiting = new Set(this.chat.writing.drafts.map(({ id }) => id));
    const rows: Place[] = [];
    for (const row of document.querySelectorAll<HTMLElement>('main [role=log] article[data-id]')) {
      const { id, seq } = row.dataset;
      if (id && seq && !waiting.has(id)) rows.push({ id, seq: Number(seq) });
    }
    this.glances.look(rows);
  }
}
