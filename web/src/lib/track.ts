import { litParts, type Part } from './excerpts.ts';
import { cutOf, newest, resumedOf, storedOf, type Passed, type Told } from './tour.ts';

/** A line of what passed: a frame in one direction, the end of a connection, or a new one. */
export type TrackLine = { n: number; at: number } & (
  { kind: 'out' | 'in'; parts: Part[] } | { kind: 'end'; code: number } | { kind: 'dial' }
);

const mostMissed = 6;

/** A frame with some of its fields lit up. */
function frame({ entry, body }: Told, ...fields: string[]): TrackLine {
  const pieces = fields
    .filter((field) => field in body)
    .map((field) => `${JSON.stringify(field)}:${JSON.stringify(body[field])}`);
  const { n, at, from, text = '' } = entry;
  return { n, at, kind: from === 'client' ? 'out' : 'in', parts: litParts(text, pieces) };
}

/** A message and its answer. */
export function storedTrack(passed: Passed): TrackLine[] {
  const stored = storedOf(passed);
  if (!stored) return [];
  const { send, sent } = stored;
  return [frame(send, 'id', 'text'), ...(sent ? [frame(sent, 'id', 'seq')] : [])];
}

/** The end of a connection, and the beginning of the next. */
export function cutTrack(passed: Passed): TrackLine[] {
  const cut = cutOf(passed);
  if (!cut) return [];
  const { end, dial, welcome } = cut;
  const lines: TrackLine[] = [{ n: end.n, at: end.at, kind: 'end', code: end.code ?? 1006 }];
  if (!dial) return lines;
  lines.push({ n: dial.n, at: dial.at, kind: 'dial' });
  const hello = newest(passed.entries, 'client', 'hello', dial.n);
  if (hello) lines.push(frame(hello));
  if (welcome) lines.push(frame(welcome, 'heartbeat'));
  return lines;
}

/** How a room was opened by a number, and what came behind it. */
export function resumedTrack(passed: Passed): TrackLine[] {
  const resumed = resumedOf(passed);
  if (!resumed) return [];
  const { open, opened, missed } = resumed;
  return [
    frame(open, 'after'),
    ...(opened ? [frame(opened, 'after', 'head')] : []),
    ...missed.slice(0, mostMissed).map((told) => frame(told, 'seq', 'text')),
  ];
}
