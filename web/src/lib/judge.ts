import type { OutboxNews } from './outbox.ts';
import type { RoomEvent } from './wire.ts';

/** Where an event stands. */
export interface Place {
  seq: number;
  id: string;
}

/** What an outbox took in, and where the server said that it is; 0: it was seen in the log. */
export interface Meant {
  id: string;
  sent?: number;
}

/** What one window meant, and what it shows, since the beginning of a run. */
export interface Account {
  window: string;
  /** In the order in which it was written. */
  meant: readonly Meant[];
  /** How many the server refused, which the person was told. */
  refused: number;
  /** Up to where its log of the room reaches, and what that holds. */
  position: number;
  log: readonly Place[];
  /** Rows that stood right behind each other on its screen, and rows that stood there twice. */
  pairs: readonly (readonly [Place, Place])[];
  twice: readonly Place[];
  /** It is closed, or looks at another room: what it did not show, it does not show any more. */
  gone?: boolean;
}

/** An event of the server's log. */
export type Stored = Pick<RoomEvent, 'seq' | 'id' | 'kind' | 'thread'>;

/** Something that must not be, and where. */
export type Finding =
  | { is: 'lost'; what: 'hole'; seq: number }
  | { is: 'lost'; what: 'unstored'; window: string; id: string }
  | { is: 'lost'; what: 'skipped'; window: string; seq: number }
  | { is: 'doubled'; what: 'storedTwice'; seq: number; before: number }
  | { is: 'doubled'; what: 'shownTwice'; window: string; seq: number }
  | { is: 'disordered'; what: 'overtook'; window: string; seq: number; before: number }
  | { is: 'disordered'; what: 'shownBack'; window: string; seq: number; before: number }
  | { is: 'strange'; what: 'unknown'; window: string; seq: number };

export interface Verdict {
  meant: number;
  stored: number;
  refused: number;
  /** Messages that some window had on screen. */
  drawn: number;
  lost: number;
  doubled: number;
  disordered: number;
  /** Shown, but not what the log has in that place. */
  strange: number;
  /** Not in the log yet, and not in each window's yet. */
  unsent: number;
  unshown: number;
  /** The first few of what is wrong. */
  first: readonly Finding[];
}

const told = 8;

/** A message that has a row of its own in the room, and not in a thread. */
const hasRow = ({ kind, thread }: Stored): boolean => kind === 'message' && thread === undefined;

/**
 * Holds what was meant against the log behind place `from`, and against what each window shows. The log must
 * have been read after the windows gave their accounts. The rules are those of the history checker in chaos/:
 * each acknowledged id once in the log and where it was said to be, numbers without a hole, each screen a run of
 * the log, each window's messages in its order.
 */
export function judge(from: number, log: readonly Stored[], accounts: readonly Account[]): Verdict {
  const findings: Finding[] = [];
  const find = (finding: Finding) => findings.push(finding);
  const stored = checkLog(from, log, find);
  let [unsent, unshown] = [0, 0];
  for (const account of accounts) {
    unsent += checkMeant(account, stored, find);
    checkScreen(from, log, account, find);
    if (!account.gone) unshown += log.filter(({ seq }) => seq > account.position).length;
  }
  const count = (is: Finding['is']) => findings.filter((finding) => finding.is === is).length;
  const drawn = accounts.flatMap(({ pairs }) => pairs.flat().map(({ id }) => id));
  return {
    meant: accounts.reduce((sum, { meant }) => sum + meant.length, 0),
    stored: log.length,
    refused: accounts.reduce((sum, { refused }) => sum + refused, 0),
    drawn: new Set(drawn).size,
    lost: count('lost'),
    doubled: count('doubled'),
    disordered: count('disordered'),
    strange: count('strange'),
    unsent,
    unshown,
    first: findings.slice(0, told),
  };
}

/** Wants numbers without holes and each id once. Returns where each id is. */
function checkLog(
  from: number,
  log: readonly Stored[],
  find: (finding: Finding) => void,
): Map<string, number> {
  const stored = new Map<string, number>();
  let last = from;
  for (const { seq, id } of log) {
    for (let hole = last + 1; hole < seq; hole++) find({ is: 'lost', what: 'hole', seq: hole });
    last = seq;
    const before = stored.get(id);
    if (before === undefined) stored.set(id, seq);
    else find({ is: 'doubled', what: 'storedTwice', seq, before });
  }
  return stored;
}

/** Wants what was acknowledged where it was said to be, and all in order. Returns how many are not there yet. */
function checkMeant(
  { window, meant }: Account,
  stored: ReadonlyMap<string, number>,
  find: (finding: Finding) => void,
): number {
  let waiting = 0;
  let last = 0;
  for (const { id, sent } of meant) {
    const seq = stored.get(id);
    if (sent !== undefined && (seq === undefined || (sent > 0 && seq !== sent))) {
      find({ is: 'lost', what: 'unstored', window, id });
    } else if (seq === undefined) waiting++;
    if (seq === undefined) continue;
    if (seq < last) find({ is: 'disordered', what: 'overtook', window, seq: last, before: seq });
    last = Math.max(last, seq);
  }
  return waiting;
}

/** Wants a screen to be a run of the log: of its room log, and of what was drawn of that. */
function checkScreen(
  from: number,
  log: readonly Stored[],
  { window, log: own, pairs, twice }: Account,
  find: (finding: Finding) => void,
): void {
  const at = new Map(log.map((event) => [event.seq, event]));
  const known = new Set<string>();
  const check = ({ seq, id }: Place) => {
    const one = `${seq} ${id}`;
    if (known.has(one)) return;
    known.add(one);
    if (at.get(seq)?.id !== id) find({ is: 'strange', what: 'unknown', window, seq });
  };
  let last: number | undefined;
  for (const place of own) {
    check(place);
    const { seq } = place;
    if (last !== undefined && seq === last)
      find({ is: 'doubled', what: 'shownTwice', window, seq });
    else if (last !== undefined && seq < last) {
      find({ is: 'disordered', what: 'shownBack', window, seq, before: last });
    }
    for (let hole = (last ?? seq - 1) + 1; hole < seq; hole++) {
      find({ is: 'lost', what: 'skipped', window, seq: hole });
    }
    last = seq;
  }
  for (const { seq } of twice) find({ is: 'doubled', what: 'shownTwice', window, seq });
  const skipped = new Set<number>();
  for (const [before, after] of pairs) {
    for (const place of [before, after]) if (place.seq > from) check(place);
    if (after.seq < before.seq) {
      find({ is: 'disordered', what: 'shownBack', window, seq: after.seq, before: before.seq });
    }
    for (let seq = Math.max(before.seq, from) + 1; seq < after.seq; seq++) {
      const event = at.get(seq);
      if (event && hasRow(event)) skipped.add(seq);
    }
  }
  for (const seq of skipped) find({ is: 'lost', what: 'skipped', window, seq });
}

/** Takes what an outbox tells into what was meant. */
export class Intentions {
  refused = 0;
  private readonly byId = new Map<string, Meant & { failed?: boolean }>();
  private readonly room: string;

  constructor(room: string) {
    this.room = room;
  }

  /** In the order in which it was written; without what was refused or taken back. */
  all(): Meant[] {
    return [...this.byId.values()].flatMap(({ failed, ...meant }) => (failed ? [] : [meant]));
  }

  hear(news: OutboxNews): void {
    if (news.type === 'draft') return this.take(news.draft);
    const known = this.byId.get(news.id);
    if (!known) return;
    if (news.type === 'gone') this.byId.delete(news.id);
    else this.byId.set(news.id, { id: news.id, sent: news.seq });
    this.count();
  }

  private take({ id, room, failed }: { id: string; room: string; failed?: unknown }): void {
    if (room !== this.room) return;
    // What is tried again has been overtaken, as its author was told: it is meant now.
    if (!failed && this.byId.get(id)?.failed) this.byId.delete(id);
    this.byId.set(id, { id, ...(failed ? { failed: true } : {}) });
    this.count();
  }

  private count(): void {
    this.refused = [...this.byId.values()].filter(({ failed }) => failed).length;
  }
}

/** So many pairs of rows are remembered. */
export const mostPairs = 10_000;

/** Remembers what stood on a screen, which draws only a part of the room at a time. */
export class Glances {
  private readonly seen = new Map<string, readonly [Place, Place]>();
  private readonly doubles = new Map<string, Place>();

  get pairs(): (readonly [Place, Place])[] {
    return [...this.seen.values()];
  }

  get twice(): Place[] {
    return [...this.doubles.values()];
  }

  /** Takes the rows that are on screen now, from above to below. */
  look(rows: readonly Place[]): void {
    const here = new Set<string>();
    let before: Place | undefined;
    for (const row of rows) {
      if (here.has(row.id)) {
        this.doubles.set(row.id, row);
        continue;
      }
      here.add(row.id);
      if (before && this.seen.size < mostPairs) {
        this.seen.set(`${before.seq} ${before.id} ${row.seq} ${row.id}`, [before, row]);
      }
      before = row;
    }
  }
}
