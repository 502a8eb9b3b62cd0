import type { Words } from './i18n.ts';
import { folds, isNotice, notice, type Part } from './notices.ts';
import type { Outgoing } from './outbox.ts';
import { overlay, type Overlaid } from './overlay.ts';
import type { Mention, Preview, RoomEvent, SharedFile } from './wire.ts';

export type RowState = 'pending' | 'sent' | 'failed';

/** An emoji under a message. */
export interface Tally {
  emoji: string;
  people: readonly Mention[];
  /** I am among them. */
  mine: boolean;
}

/** The message that another one answers, as far as it is known. */
export interface Quote {
  seq: number;
  author?: string;
  name?: string;
  text?: string;
  files?: readonly SharedFile[];
  deleted?: boolean;
}

/** One message as the timeline shows it, or what was changed in the room. */
export interface Row {
  /** The message's own id, which it has before the server knows it: the row outlives its confirmation. */
  id: string;
  state: RowState;
  seq: number | undefined;
  author: string;
  name: string;
  /** The author has no account. */
  guest: boolean;
  /** The author is a program. */
  bot: boolean;
  /** What the program is called, where `name` is only what it calls itself this once. */
  via: string | undefined;
  text: string;
  time: number;
  edited: boolean;
  deleted: boolean;
  /** It addresses me. */
  calls: boolean;
  /** Whom it addresses by name. */
  mentions: readonly Mention[];
  /** The revision that is shown; 0 for none. */
  revised: number;
  /** A change of its words that is on its way, or was refused. */
  change: Outgoing | undefined;
  reply: Quote | undefined;
  /** How many messages stand in the thread under it, and the last of them. */
  replies: number;
  lastReply: number | undefined;
  reactions: readonly Tally[];
  files: readonly SharedFile[];
  previews: readonly Preview[];
  pinned: boolean;
  /** Somebody else deleted it. */
  moderated: boolean;
  /** This is no message, but a sentence about the room. */
  notice: readonly Part[] | undefined;
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
  /** My id, so that sentences say "you". */
  myId: string;
  /** Messages up to there were erased. */
  floor: number;
  when: (time: number) => string;
  words: Words;
  /** Finds the message that another one answers. */
  quote?: (seq: number) => Quote | undefined;
  /** The rows are those of the thread under that message, which comes first. */
  thread?: number;
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
  let folded: RoomEvent[] = [];
  const messages = new Map(input.events.map((event) => [event.seq, event]));
  const me = { id: input.myId, name: input.me };
  const changes = overlay(input.drafts, (seq) => messages.get(seq), me);
  const close = () => {
    if (folded.length > 0) pushNotice(rows, input, folded);
    folded = [];
  };
  for (const event of input.events) {
    if (event.kind !== 'message') {
      if (!isNotice(event)) continue;
      const before = folded.at(-1);
      const joins =
        before && folds(before, event) && input.dayOf(before.time) === input.dayOf(event.time);
      if (!joins) close();
      folded.push(event);
      continue;
    }
    // What retention took leaves no stubs: the room begins behind it.
    if (event.seq <= input.floor) continue;
    // What stands in a thread is not in the room.
    if (event.thread !== undefined && input.thread === undefined) continue;
    close();
    const isFresh = fresh !== undefined && event.seq >= fresh;
    if (isFresh) fresh = undefined;
    shown.add(event.id);
    push(rows, input, {
      ...said(changes.get(event.seq) ?? { event }, event, input),
      fresh: isFresh,
    });
  }
  close();
  for (const draft of input.drafts) {
    if (shown.has(draft.id) || draft.wish || draft.thread !== input.thread) continue;
    // A draft is the newest thing in the room, whatever this device's clock believes.
    const written = Math.max(draft.created + input.skew, rows.at(-1)?.time ?? 0);
    push(rows, input, {
      id: draft.id,
      state: draft.failed ? 'failed' : draft.sent ? 'sent' : 'pending',
      seq: draft.sent?.seq || undefined,
      author: draft.author,
      name: input.me,
      guest: input.guest,
      bot: false,
      text: draft.text,
      time: draft.sent?.time || written,
      ...bare,
      reply: draft.reply ? (input.quote?.(draft.reply) ?? { seq: draft.reply }) : undefined,
      files: draft.files ?? bare.files,
      failed: draft.failed && input.words.error(draft.failed.code, draft.failed.message),
    });
  }
  return rows;
}

/** What a row is that nothing came to. */
const bare = {
  via: undefined,
  edited: false,
  deleted: false,
  calls: false,
  mentions: [],
  revised: 0,
  change: undefined,
  reply: undefined,
  replies: 0,
  lastReply: undefined,
  reactions: [],
  files: [],
  previews: [],
  pinned: false,
  moderated: false,
  notice: undefined,
  failed: undefined,
  fresh: false,
} as const;

/** The row of a message of the log. `shown` is how it will be, `stored` how it is. */
function said(
  { event: shown, change }: Overlaid,
  stored: RoomEvent,
  { myId, nameOf, quote }: RowsInput,
): Omit<Row, 'heads' | 'newDay' | 'first'> {
  return {
    ...bare,
    id: shown.id,
    state: 'sent',
    seq: shown.seq,
    author: shown.author,
    name: shown.as ?? nameOf(shown.author) ?? shown.name,
    via: shown.as === undefined ? undefined : (nameOf(shown.author) ?? shown.name),
    guest: shown.guest === true,
    bot: shown.bot === true,
    text: shown.text,
    time: shown.time,
    edited: shown.revised !== undefined && !shown.deleted,
    deleted: shown.deleted === true,
    calls: shown.everyone !== undefined || shown.mentions?.some(({ id }) => id === myId) === true,
    mentions: shown.mentions ?? bare.mentions,
    revised: stored.revised ?? 0,
    change,
    reply: shown.reply ? (quote?.(shown.reply) ?? { seq: shown.reply }) : undefined,
    replies: shown.replies ?? 0,
    lastReply: shown.last_reply,
    reactions: (shown.reactions ?? []).map(({ emoji, people }) => ({
      emoji,
      people,
      mine: people.some(({ id }) => id === myId),
    })),
    files: shown.files ?? bare.files,
    previews: shown.previews ?? bare.previews,
    pinned: shown.pinned === true,
    moderated: shown.deleted === true && shown.about !== undefined,
  };
}

/** One row for what several events say together. Its id is the last one's: older ones may still come. */
function pushNotice(rows: Row[], input: RowsInput, events: readonly RoomEvent[]): void {
  const last = events.at(-1);
  const { myId: me, nameOf, when, words } = input;
  const parts = notice(events, { me, nameOf, when, words });
  if (!last || !parts) return;
  push(rows, input, {
    id: last.id,
    state: 'sent',
    seq: last.seq,
    author: last.author,
    name: nameOf(last.author) ?? last.name,
    guest: false,
    bot: false,
    text: '',
    time: last.time,
    ...bare,
    notice: parts,
  });
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
    !before.notice &&
    !row.notice &&
    !newDay &&
    !row.fresh &&
    before.author === row.author &&
    (!row.via || before.name === row.name) &&
    !before.via === !row.via &&
    Math.abs(row.time - before.time) < together;
  rows.push({ ...row, heads: !follows, newDay, first: !before && complete });
}
