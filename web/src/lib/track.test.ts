import { expect, test } from 'vitest';
import type { Passed } from './tour.ts';
import { cutTrack, resumedTrack, storedTrack, type TrackLine } from './track.ts';
import { WireLog } from './wirelog.ts';

let now = 0;
const begun = () => {
  const log = new WireLog(() => now++);
  log.dialled();
  return log;
};
const passed = (log: WireLog, since = 0): Passed => ({
  entries: log.all(),
  since,
  room: 'k3v9',
  reports: false,
});
const told = (lines: TrackLine[]) =>
  lines.map((line) =>
    line.kind === 'end'
      ? `end ${line.code}`
      : line.kind === 'dial'
        ? 'dial'
        : `${line.kind} ${line.parts
            .filter((part) => part.lit)
            .map((part) => part.text)
            .join(' ')}`,
  );
const client = (log: WireLog, body: object) => log.passedText('client', JSON.stringify(body));
const server = (log: WireLog, body: object) => log.passedText('server', JSON.stringify(body));

test('a message, and its answer', () => {
  const log = begun();
  expect(storedTrack(passed(log))).toEqual([]);
  client(log, { send: { room: 'k3v9', id: 'a', text: 'say "hi"' } });
  expect(told(storedTrack(passed(log)))).toEqual(['out "id":"a" "text":"say \\"hi\\""']);
  server(log, { sent: { room: 'k3v9', id: 'a', seq: 42, time: 7 } });
  expect(told(storedTrack(passed(log)))[1]).toBe('in "id":"a" "seq":42');
});

test('a connection that ended, and the next', () => {
  const log = begun();
  log.closed(1005, '');
  expect(told(cutTrack(passed(log)))).toEqual(['end 1005']);
  log.dialled();
  client(log, { hello: {} });
  server(log, { welcome: { heartbeat: 25 } });
  expect(told(cutTrack(passed(log)))).toEqual(['end 1005', 'dial', 'out ', 'in "heartbeat":25']);
});

test('a room opened by a number, and what was missed', () => {
  const log = begun();
  client(log, { open: { room: 'k3v9', epoch: 'e', after: 41 } });
  server(log, { opened: { room: 'k3v9', epoch: 'e', after: 41, head: 49 } });
  for (let seq = 42; seq < 50; seq++) server(log, { event: { room: 'k3v9', seq, text: 'x' } });
  expect(told(resumedTrack(passed(log)))).toEqual([
    'out "after":41',
    'in "after":41 "head":49',
    ...[42, 43, 44, 45, 46, 47].map((seq) => `in "seq":${seq} "text":"x"`),
  ]);
});
