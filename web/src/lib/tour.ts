/** The guided tour of the wire view: which of what passed on the connection fulfils a step. */

import type { DialEntry, Entry, FrameEntry, FrameRecord, Handshake, Side } from './wirelog.ts';
import { nothing, opcode, readEntry, type Read } from './wireread.ts';

/** The steps, in their order. */
export const steps = [
  'upgrade',
  'answer',
  'accept',
  'frame',
  'mask',
  'ping',
  'sent',
  'cut',
  'resume',
  'slow',
] as const;
export type Step = (typeof steps)[number];

/** What is to happen in each step. */
export const goals = {
  upgrade: ['request'],
  answer: ['switched', 'welcome'],
  accept: ['computed'],
  frame: ['framed'],
  mask: ['masked'],
  ping: ['ping', 'pong'],
  sent: ['stored'],
  cut: ['closed', 'back'],
  resume: ['asked', 'missed'],
  slow: ['behind', 'caughtUp', 'goodbye'],
} as const satisfies Record<Step, readonly string[]>;
export type Goal = (typeof goals)[Step][number];

/** Goals that only the server's reports can fulfil: a page does not see this of its own connection. */
export const reported: ReadonlySet<Goal> = new Set<Goal>(['computed', 'masked', 'ping', 'pong']);

/** The step of an address, which counts from 1: the first or the last for numbers beyond. */
export function stepAt(n: number): Step {
  return steps[Math.min(Math.max(1, Math.trunc(n)), steps.length) - 1] ?? 'upgrade';
}

/** The code with which a connection is closed that is needed no longer: RFC 6455, section 7.4.1. */
export const farewell = 1000;

/** What has passed since an entry. */
export interface Passed {
  entries: readonly Entry[];
  /** The number of the last entry that does not count any more. */
  since: number;
  /** The room on screen. */
  room: string | undefined;
  /** The server reports what the page cannot see. */
  reports: boolean;
}

const ownDial = (e: Entry): e is DialEntry => e.kind === 'dial' && e.dial !== undefined;
const ownFrame = (e: Entry): e is FrameEntry =>
  e.kind === 'frame' && e.dial !== undefined && e.fate === undefined;

/** The newest of the page's connections whose handshake the server has reported. */
export function handshakeOf(entries: readonly Entry[]): Handshake | undefined {
  return entries.findLast((e): e is DialEntry => ownDial(e) && e.handshake !== undefined)
    ?.handshake;
}

/** The newest of the page's connections, which may be one that is being made. */
export function dialOf(entries: readonly Entry[]): DialEntry | undefined {
  return entries.findLast(ownDial);
}

/** What a frame of hubbub.v1 says, if it is of a kind. */
function bodyOf(entry: FrameEntry, kind: string): Read['body'] | undefined {
  const read = readEntry(entry);
  return read.kind === kind && read.body !== nothing ? read.body : undefined;
}

/** A frame and what it says. */
export interface Told {
  entry: FrameEntry;
  body: Read['body'];
}

/** The newest frame of a kind behind an entry; `fits` may ask for more. */
export function newest(
  entries: readonly Entry[],
  from: Side,
  kind: string,
  since = 0,
  fits: (told: Told) => boolean = () => true,
): Told | undefined {
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (!entry || entry.n <= since) break;
    if (!ownFrame(entry) || entry.from !== from) continue;
    const body = bodyOf(entry, kind);
    if (body && fits({ entry, body })) return { entry, body };
  }
  return undefined;
}

/** The newest message of this page, with its frame if the server has reported that. */
export function messageOf({ entries, since, reports }: Passed): Told | undefined {
  const whole = (told: Told) => !reports || told.entry.reports.some((report) => report.fin);
  return newest(entries, 'client', 'send', since, whole);
}

/** The newest frame with a text that this page has sent, as the server saw it. */
export function latestOf(entries: readonly Entry[]): FrameEntry | undefined {
  return entries.findLast(
    (e): e is FrameEntry =>
      e.kind === 'frame' &&
      ownFrame(e) &&
      e.from === 'client' &&
      e.text !== undefined &&
      e.reports[0] !== undefined,
  );
}

/** The newest control frame of a kind, which is its opcode, behind an entry. */
export function controlOf(
  entries: readonly Entry[],
  from: Side,
  kind: number,
  since = 0,
): FrameRecord | undefined {
  const found = entries.findLast(
    (e): e is FrameEntry =>
      e.n > since && ownFrame(e) && e.from === from && e.reports[0]?.opcode === kind,
  );
  return found?.reports[0];
}

/** How often each opcode passed on the newest connection, either way. */
export function countsOf(entries: readonly Entry[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  const dial = dialOf(entries)?.dial;
  for (const entry of entries) {
    if (entry.kind !== 'frame' || !ownFrame(entry) || entry.dial !== dial) continue;
    for (const { opcode } of entry.reports) counts.set(opcode, (counts.get(opcode) ?? 0) + 1);
  }
  return counts;
}

/** When the next ping comes at the latest: the server told how often it sends one. Unix milliseconds. */
export function nextPing(entries: readonly Entry[]): number | undefined {
  const dial = dialOf(entries);
  const welcome = dial && newest(entries, 'server', 'welcome', dial.n);
  if (!welcome) return undefined;
  const last = newest(entries, 'server', 'heartbeat', dial.n) ?? welcome;
  return last.entry.at + Number(welcome.body['heartbeat']) * 1_000;
}

/** A message of this page and the answer that it is stored. */
export interface Stored {
  send: Told;
  sent: Told | undefined;
}

export function storedOf({ entries, since }: Passed): Stored | undefined {
  const send = newest(entries, 'client', 'send', since);
  if (!send) return undefined;
  const { entry, body } = send;
  const answers = (told: Told) => told.body['id'] === body['id'];
  return { send, sent: newest(entries, 'server', 'sent', entry.n, answers) };
}

/** A connection that ended, and the one after it. */
export interface Cut {
  end: Extract<Entry, { kind: 'end' }>;
  dial: DialEntry | undefined;
  welcome: Told | undefined;
}

export function cutOf({ entries, since }: Passed): Cut | undefined {
  const end = entries.findLast(
    (e): e is Cut['end'] => e.n > since && e.kind === 'end' && e.dial !== undefined,
  );
  if (!end) return undefined;
  // A connection may be heard to end when the next one is being made already.
  const next = dialOf(entries);
  const dial = Number(next?.dial) > Number(end.dial) ? next : undefined;
  return { end, dial, welcome: dial && newest(entries, 'server', 'welcome', dial.n) };
}

/** A room that was opened again by the number of the last event that was known. */
export interface Resumed {
  open: Told;
  after: number;
  opened: Told | undefined;
  /** The events that came while there was no connection, oldest first. */
  missed: readonly Told[];
}

export function resumedOf({ entries, since, room }: Passed): Resumed | undefined {
  const here = (told: Told) => told.body['room'] === room;
  const open = newest(
    entries,
    'client',
    'open',
    since,
    (told) => here(told) && 'after' in told.body,
  );
  if (!open || room === undefined) return undefined;
  const opened = newest(entries, 'server', 'opened', open.entry.n, here);
  const after = Number(open.body['after']);
  const head = Number(opened?.body['head'] ?? after);
  return { open, after, opened, missed: eventsOf(entries, room, open.entry.n, after, head) };
}

/** The events of a room that passed behind an entry, with numbers over `after` up to `head`. */
export function eventsOf(
  entries: readonly Entry[],
  room: string,
  since: number,
  after = 0,
  head = Infinity,
): readonly Told[] {
  const found: Told[] = [];
  for (const entry of entries) {
    if (entry.n <= since || !ownFrame(entry) || entry.from !== 'server') continue;
    const body = bodyOf(entry, 'event');
    const seq = Number(body?.['seq']);
    if (body?.['room'] === room && seq > after && seq <= head) found.push({ entry, body });
  }
  return found;
}

/** Whether a goal is reached, as far as that can be read from what passed. */
export function reached(goal: Goal, passed: Passed): boolean {
  const { entries, since, reports } = passed;
  const dial = dialOf(entries.filter((e) => e.n > since));
  switch (goal) {
    case 'request':
    case 'switched':
      return dial !== undefined && (reports ? !!dial.handshake : dial.protocol !== undefined);
    case 'welcome':
      return dial !== undefined && !!newest(entries, 'server', 'welcome', dial.n);
    case 'framed':
      return !!messageOf(passed);
    case 'masked':
      return !!messageOf(passed)?.entry.reports[0]?.mask;
    case 'ping':
      return !!controlOf(entries, 'server', opcode.ping, since);
    case 'pong':
      return answered(passed);
    case 'stored':
      return !!storedOf(passed)?.sent;
    case 'closed':
      return !!cutOf(passed);
    case 'goodbye':
      return cutOf(passed)?.end.code === farewell;
    case 'back':
      return !!cutOf(passed)?.welcome;
    case 'asked':
      return !!resumedOf(passed);
    case 'missed':
      return (resumedOf(passed)?.missed.length ?? 0) > 0;
    case 'computed':
    case 'behind':
    case 'caughtUp':
      return false; // the page itself does that, and says when
  }
}

/** A pong came after a ping: control frames stand in the order in which the server saw them. */
function answered({ entries, since }: Passed): boolean {
  const ping = controlOf(entries, 'server', opcode.ping, since);
  const pong = controlOf(entries, 'client', opcode.pong, since);
  return ping !== undefined && pong !== undefined && pong.at >= ping.at;
}
