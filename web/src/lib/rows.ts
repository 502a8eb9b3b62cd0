import type { Outgoing } from './outbox.ts';
import type { RoomEvent } from './wire.ts';

export type RowState = 'pending' | 'sent' | 'failed';

/** One message as the timeline shows it. */
export interface Row {
  /** The message's own id, which it has before the server knows it: the row outlives its confirmation. */
  id: string;
  state: RowState;
  seq: number | undefined;
  author: string;
  name: string;
  /** The author has no account. */
  guest: boolean;
  text: string;
  time: number;
  edited: boolean;
  deleted: boolean;
  failed: string | undefined;
  /** The author and the time are shown; the following rows of the same author belong to it. */
  heads: boolean;
  /** A new day begins here. */
  newDay: boolean;
  /** The first unread message. */
  fresh: boolean;
  /** The very first message of the room. */
  first: boolean;
}

export interface RowsInput {
  events: readonly RoomEvent[];
  drafts: readonly Outgoing[];
  /** The window of events begins with the room itself. */
  complete: boolean;
  /** The first unread seq when the room was entered. */
  fresh: number | undefined;
  /** How far this device's clock is behind the server's. */
  skew: number;
  me: string;
  /** I have no account. */
  guest: boolean;
  nameOf: (author: string) => string | undefined;
  dayOf: (time: number) => number;
}

const together = 5 * 60_000;

/** The rows of a room: what the log holds, then what is still on its way there. */
export function makeRows(input: RowsInput): Row[] {
  const rows: Row[] = [];
  const shown = new Set<string>();
  // A window that begins later does not hold the first unread message, but some other.
  let fresh = (input.events[0]?.seq ?? 0) <= (input.fresh ?? 0) ? input.fresh : undefined;
  for (const event of input.events) {
    if (event.kind !== 'message') continue;
    const isFresh = fresh !== undefined && event.seq >= fresh;
    if (isFresh) fresh = undefined;
    shown.add(event.id);
    push(rows, input, {
      id: event.id,
      state: 'sent',
      seq: event.seq,
      author: event.author,
      name: input.nameOf(event.author) ?? event.name,
      guest: event.guest === true,
      text: event.text,
      time: event.time,
      edited: event.revised !== undefined && !event.deleted,
      deleted: event.deleted === true,
      failed: undefined,
      fresh: isFresh,
    });
  }
  for (const draft of input.drafts) {
    if (shown.has(draft.id)) continue;
    // A draft is the newest thing in the room, whatever this device's clock believes.
    const written = Math.max(draft.created + input.skew, rows.at(-1)?.time ?? 0);
    push(rows, input, {
      id: draft.id,
      state: draft.failed ? 'failed' : draft.sent ? 'sent' : 'pending',
      seq: draft.sent?.seq || undefined,
      author: draft.author,
      name: input.me,
      guest: input.guest,
      text: draft.text,
      time: draft.sent?.time || written,
      edited: false,
      deleted: false,
      failed: draft.failed?.message,
      fresh: false,
    });
  }
  return rows;
}

function push(
  rows: Row[],
  { complete, dayOf }: RowsInput,
  row: Omit<Row, 'heads' | 'newDay' | 'first'>,
): void {
  const before = rows.at(-1);
  const newDay = !before || dayOf(before.time) !== dayOf(row.time);
  const follows =
    !!before &&
    !newDay &&
    !row.fresh &&
    before.author === row.author &&
    Math.abs(row.time - before.time) < together;
  rows.push({ ...row, heads: !follows, newDay, first: !before && complete });
}
