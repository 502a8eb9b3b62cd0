import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wire as german } from '../lang/wire.de.ts';
import { wire as english } from '../lang/wire.en.ts';
import { makeFill, type Message } from './i18n.ts';
import { passes, unfiltered, wishes, type WireFilter } from './wirefilter.ts';
import { codeMeaning, meaningOf, type Known } from './wiremeaning.ts';
import { aboutIn, isAbout, readEntry, roomIn } from './wireread.ts';
import type { Entry, FrameEntry, FrameRecord, Side } from './wirelog.ts';

const folder = join(import.meta.dirname, '../../../internal/wire/testdata/frames');
const golden = (side: Side, file: string) =>
  readFileSync(join(folder, side, file), 'utf8').trimEnd();

const lobby = 'k3v9x2m7qp4d';
const known: Known = {
  me: '7fq2mk9x4vhd3stb',
  room: (id) => (id === lobby ? '#lobby' : `#${id}`),
  position: (id) => (id === lobby ? 42 : undefined),
};

function frame(from: Side, text?: string, more: Partial<FrameEntry> = {}): FrameEntry {
  const told = text === undefined ? {} : { text };
  return { kind: 'frame', n: 1, at: 0, dial: 1, from, reports: [], ...told, ...more };
}

function control(from: Side, opcode: number, bytes = ''): FrameEntry {
  const head = opcode.toString(16);
  const report: FrameRecord = {
    conn: 1,
    at: 0,
    from,
    n: 1,
    fin: true,
    rsv1: false,
    opcode,
    head,
    length: 0,
    bytes,
  };
  return frame(from, undefined, { reports: [report] });
}

const fill = { en: makeFill('en'), de: makeFill('de') };

function say(entry: Entry, language: 'en' | 'de' = 'en'): string {
  const { key, values } = meaningOf(entry, known);
  const catalogue: Record<string, Message> = language === 'en' ? english : german;
  return fill[language](catalogue[key] ?? '', values).join('');
}

describe('what a frame means', () => {
  const all = (['client', 'server'] as const).flatMap((side) =>
    readdirSync(join(folder, side))
      .filter((file) => file.endsWith('.json'))
      .map((file) => [side, file] as const),
  );

  it.each(all)('is known of %s/%s, in each language', (side, file) => {
    const entry = frame(side, golden(side, file));
    expect(meaningOf(entry, known).key).not.toMatch(/mean\.(unknown|noFrame|unseen)/);
    for (const language of ['en', 'de'] as const) {
      const said = say(entry, language);
      expect(said).not.toMatch(/[{}?]|undefined|NaN|\[object/);
      expect(said).toMatch(/\.$/);
    }
  });

  it.each([
    [
      'server',
      'sent.json',
      'Your message got number 42 in #lobby. It is stored: it survives a crash and a power cut.',
    ],
    ['server', 'event.json', 'Your message is in the log of #lobby, as number 42, for everybody.'],
    ['server', 'event-reply.json', 'Number 61 in #lobby: a message of Tomás.'],
    ['server', 'event-react.json', 'Number 63 in #lobby: Tomás put 🎉 to message 42.'],
    ['server', 'heartbeat.json', 'Heartbeat: you have everything, in 1 open room.'],
    ['server', 'presence.json', 'Tomás is here, and looks at something else.'],
    [
      'client',
      'open-resume.json',
      'Goes on in #lobby behind number 41: only what came later is to be sent.',
    ],
    ['client', 'open-name.json', 'Opens #lobby, from the last 50 events on.'],
    ['client', 'hello-token.json', 'Says hello and who it is, by a token that is not shown.'],
    ['server', 'error-rate.json', 'Refused: too many messages; wait 2 seconds (rate_limited).'],
  ] as const)('%s/%s reads well', (side, file, said) => {
    expect(say(frame(side, golden(side, file)))).toBe(said);
  });

  it('is said of control frames, handshakes, ends and gaps', () => {
    const ended = (code: number): Entry => ({
      kind: 'end',
      n: 1,
      at: 0,
      dial: 1,
      code,
      reason: '',
    });
    const sayings: [Entry, RegExp][] = [
      [control('server', 9), /^The server asks/],
      [control('client', 10), /^The browser answers/],
      [control('client', 8), /gives no reason/],
      [control('server', 8, '03f462796521'), /code 1012\. bye!$/],
      [control('server', 11), /RFC 6455 does not know/],
      [ended(1006), /code 1006/],
      [{ kind: 'dial', n: 1, at: 0, dial: 2 }, /^Connection 2 of this page/],
      [{ kind: 'dial', n: 1, at: 0, conn: 9 }, /^Another client/],
      [{ kind: 'skipped', n: 1, at: 0, count: 1 }, /^1 report was/],
      [frame('client', 'hello there', { dial: undefined } as never), /byte for byte/],
      [frame('server', '{"wave":{}}'), /“wave”/],
      [frame('server', '{"constructor":{}}'), /“constructor”/],
      [frame('server', '{"toString":7}'), /“toString”/],
      [frame('server', '[1]'), /no frame of hubbub/],
      [frame('server', '{"a":1,"b":2}'), /no frame of hubbub/],
      [frame('server'), /not known here/],
      [frame('server', '{"heartbeat":{"heads":{"k3v9x2m7qp4d":43}}}'), /something is missing/],
      [frame('server', '{"heartbeat":{}}'), /No room is open/],
      [frame('server', '{"event":null}'), /Number \?/],
      [frame('server', '{"presence":{"person":7}}'), /has gone/],
    ];
    for (const [entry, said] of sayings) {
      expect(say(entry)).toMatch(said);
      expect(say(entry, 'de')).not.toBe('');
    }
    expect(codeMeaning(1012)).toBe('close.1012');
    expect(codeMeaning(4999)).toBe('close.other');
  });
});

describe('what a frame is about', () => {
  const of = (side: Side, file: string) => readEntry(frame(side, golden(side, file)));
  const id = '0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01';

  it('is found by number and by id', () => {
    const message = { room: lobby, seq: 42, id };
    const about = (side: Side, file: string) => isAbout(of(side, file), message);
    expect(about('client', 'send.json')).toBe(true);
    expect(about('server', 'sent.json')).toBe(true);
    expect(about('server', 'event.json')).toBe(true);
    expect(about('server', 'event-edit.json')).toBe(true);
    expect(about('client', 'react.json')).toBe(true);
    expect(about('server', 'error.json')).toBe(true);
    expect(about('server', 'event-reply.json')).toBe(false);
    expect(about('server', 'heartbeat.json')).toBe(false);
    expect(about('client', 'read.json')).toBe(false);
    expect(aboutIn(of('server', 'event-react.json'))).toEqual({ room: lobby, seq: 42 });
    expect(aboutIn(of('client', 'send.json'))).toEqual({ room: lobby, id });
    expect(roomIn(of('server', 'joined.json'))).toBe('q8w1e5r2t9y3');
  });
});

describe('the filter', () => {
  const sent = frame('server', golden('server', 'sent.json'));
  const typing = frame('client', golden('client', 'typing.json'));
  const ping = control('server', 9, 'cafe');
  const plain: Entry = {
    kind: 'frame',
    n: 1,
    at: 0,
    conn: 4,
    from: 'client',
    text: 'Hi',
    reports: [],
  };
  const dial: Entry = { kind: 'dial', n: 1, at: 0, dial: 1 };
  const gap: Entry = { kind: 'skipped', n: 1, at: 0, count: 2 };
  const all = [sent, typing, ping, plain, dial, gap];
  const shown = (more: Partial<WireFilter>) =>
    all.filter((entry) => passes(entry, { ...unfiltered, ...more }));

  it('lets through what is wanted', () => {
    expect(shown({})).toEqual(all);
    expect(shown({ from: 'client' })).toEqual([typing, plain, dial, gap]);
    expect(shown({ kind: 'sent' })).toEqual([sent, gap]);
    expect(shown({ control: false })).toEqual([sent, typing, plain, dial, gap]);
    expect(shown({ room: lobby })).toEqual([sent, typing, gap]);
    expect(shown({ whose: 'others' })).toEqual([plain, gap]);
    expect(shown({ whose: 'own' })).toEqual([sent, typing, ping, dial, gap]);
    expect(shown({ words: ' HI ' })).toEqual([plain]);
    expect(shown({ words: 'cafe' })).toEqual([ping]);
    expect(shown({ about: { room: lobby, seq: 42 } })).toEqual([sent]);
    expect(wishes(unfiltered)).toBe(0);
    expect(wishes({ ...unfiltered, words: 'x', control: false })).toBe(2);
  });
});
