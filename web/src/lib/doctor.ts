/**
 * What the page finds out about the way to its server: docs/protocol.md, section 7. What arrives there, the
 * server compares itself (internal/doctor); this is what only the client sees.
 */

export type State = 'waiting' | 'running' | 'ok' | 'fault' | 'untested';
export type Values = Record<string, string>;

export interface Check {
  id: CheckId;
  state: State;
  /** The fault, or the way to be well or untested. */
  why?: string;
  with?: Values;
}

/** The checks, in the order in which they are shown. */
export const order = [
  'reach',
  'certificate',
  'http',
  'host',
  'origin',
  'scheme',
  'forwarded',
  'upgrade',
  'socket',
  'compression',
  'buffering',
  'clock',
  'idle',
] as const;
export type CheckId = (typeof order)[number];

/** What the server says: of a request, or as the first message of a test socket. */
export interface Answer {
  server: { version: string; origin: string; client: string; heartbeat: number; time: number };
  checks?: Check[];
  try?: Answer;
  error?: { code: string; message: string; host?: string };
}

/** What mends a fault in the configuration of one program. */
export interface Remedy {
  for: string;
  in: string;
  lines?: string[];
  out?: string[];
}

export interface Remedies {
  remedies: Record<string, Remedy[]>;
  proxies: string[];
  names: Record<string, string>;
}

/** Milliseconds between the two lines of a streamed answer. */
export const pause = 1500;
/** Milliseconds for which a silent socket is watched, to meet the usual minute of proxies. */
export const watched = 70_000;
/** Milliseconds by which the server's clock may be off. */
const drift = 60_000;

const check = (id: CheckId, state: State, why: string, values?: Values): Check => ({
  id,
  state,
  why,
  ...(values ? { with: values } : {}),
});

/** One check instead of another: a fault is not made well by what another way found. */
export function better(was: Check, is: Check): Check {
  if (was.state === 'fault' || (was.state === 'ok' && is.state === 'untested')) return was;
  return is;
}

/** What an answer says that is not the one that was asked for. */
export function refused(
  status: number,
  error: Answer['error'],
  host: string,
  name: string,
): Check[] {
  if (error?.host !== undefined) {
    const here = error.host.replace(/:\d+$/, '') === name;
    return [
      check('reach', 'ok', 'reached', { version: '' }),
      check('host', 'fault', here ? 'host_unknown' : 'host_replaced', {
        host,
        got: error.host,
        origin: `https://${host}`,
      }),
    ];
  }
  if (error && status === 404) return [check('reach', 'fault', 'old_hubbub', { host })];
  if (error) return [check('reach', 'untested', 'refused', { error: error.message })];
  const why = status >= 502 && status <= 504 ? 'gateway' : 'not_hubbub';
  return [check('reach', 'fault', why, { host, status: String(status) })];
}

/** The clock of the server, which was that in the middle of a request. */
export function clock(server: number, before: number, after: number): Check {
  const off = Math.abs(server - (before + after) / 2);
  return off > drift
    ? check('clock', 'fault', 'clock_off', { seconds: String(Math.round(off / 1000)) })
    : check('clock', 'ok', 'clock_good');
}

/** A streamed answer whose last line came so many milliseconds after its first. */
export function streamed(between: number): Check {
  return between < pause / 2
    ? check('buffering', 'fault', 'buffered')
    : check('buffering', 'ok', 'streamed');
}

/** How long a silent socket has to live, in milliseconds: a heartbeat, and what that may be late. */
export const needed = (heartbeat: number): number => heartbeat * 1.2;

const inSeconds = (ms: number): string => String(Math.round(ms / 100) / 10);

/** A socket that was silent, and cut after so many milliseconds; or still there; or there, and deaf. */
export function silence(lived: number, end: 'cut' | 'there' | 'deaf', heartbeat: number): Check {
  const values = { seconds: inSeconds(lived), heartbeat: inSeconds(heartbeat) };
  if (end === 'deaf') return check('idle', 'fault', 'idle_dead', values);
  if (end === 'there') return check('idle', 'ok', 'idle_lives', values);
  return lived < needed(heartbeat)
    ? check('idle', 'fault', 'idle_cut', values)
    : check('idle', 'ok', 'idle_long', values);
}

/** The lines of a remedy with what is known of this very case. */
export function filled(remedy: Remedy, values: Values = {}): Remedy {
  const fill = (text: string) =>
    text.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all);
  return {
    ...remedy,
    in: fill(remedy.in),
    lines: remedy.lines?.map(fill) ?? [],
    out: remedy.out?.map(fill) ?? [],
  };
}
