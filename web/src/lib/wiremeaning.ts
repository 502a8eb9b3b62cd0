/** What a frame means for the chat, in plain words (docs/protocol.md, section 2). */

import type { PlainWireKey, WireKey } from '../lang/wire.en.ts';
import { closeOf } from './framehead.ts';
import type { Entry, FrameEntry } from './wirelog.ts';
import { numberIn, readEntry, textIn, type Read } from './wireread.ts';

/** A text of the wire view and what is filled in. */
export interface Meaning {
  key: WireKey;
  values?: Record<string, string | number>;
}

/** What the page knows beside the frame. */
export interface Known {
  me: string;
  /** What a room is called. */
  room: (id: string) => string;
  /** Up to which number the page has what was said in a room. */
  position: (id: string) => number | undefined;
}

export function meaningOf(entry: Entry, known: Known): Meaning {
  switch (entry.kind) {
    case 'dial':
      return entry.dial === undefined
        ? { key: 'mean.otherDial', values: { from: entry.handshake?.remote ?? '' } }
        : { key: 'mean.dial', values: { number: entry.dial } };
    case 'end':
      return entry.code === undefined
        ? { key: 'mean.end' }
        : { key: 'mean.endCode', values: { code: String(entry.code), what: entry.reason ?? '' } };
    case 'skipped':
      return { key: 'mean.skipped', values: { n: entry.count } };
    case 'frame':
      return ofFrame(entry, known);
  }
}

function ofFrame(entry: FrameEntry, known: Known): Meaning {
  const frame = readEntry(entry);
  if (frame.control) return ofControl(frame, entry.from);
  if (frame.kind === 'text') return { key: `mean.plain.${entry.from}` };
  if (frame.kind === 'binary') return { key: 'mean.binary' };
  if (frame.kind === 'other') {
    return { key: entry.text === undefined ? 'mean.unseen' : 'mean.noFrame' };
  }
  const meaning = (entry.from === 'client' ? ofClient : ofServer)(frame, known);
  return meaning ?? { key: 'mean.unknown', values: { kind: frame.kind } };
}

// Control frames

/** The texts about close codes: the tour has its own of the same names, which stand in its sentences. */
type CloseKey = Extract<PlainWireKey, `close.${string}`>;

const codes: Record<number, CloseKey> = {
  1000: 'close.1000',
  1001: 'close.1001',
  1002: 'close.1002',
  1003: 'close.1003',
  1005: 'close.1005',
  1006: 'close.1006',
  1007: 'close.1007',
  1008: 'close.1008',
  1009: 'close.1009',
  1011: 'close.1011',
  1012: 'close.1012',
  4401: 'close.4401',
};

/** What a close code means. */
export const codeMeaning = (code: number): CloseKey => codes[code] ?? 'close.other';

function ofControl({ kind, bytes = new Uint8Array() }: Read, from: 'client' | 'server'): Meaning {
  if (kind === 'ping') return { key: `mean.ping.${from}` };
  if (kind === 'pong') return { key: `mean.pong.${from}` };
  const close = closeOf(bytes);
  if (kind !== 'close') return { key: 'mean.otherControl' };
  if (!close) return { key: 'mean.closeBare' };
  return { key: 'mean.close', values: { code: String(close.code), what: close.reason } };
}

// Frames of hubbub.v1

interface Fields {
  room: string;
  seq: string;
  target: string;
  name: string;
  emoji: string;
  body: Read['body'];
  known: Known;
}

/** A number that is a name: without marks between its thousands. */
const digits = (body: Read['body'], name: string) => String(numberIn(body, name) ?? '?');

function fieldsOf({ body }: Read, known: Known): Fields {
  const id = textIn(body, 'room') ?? textIn(body, 'id') ?? '';
  return {
    room: known.room(id),
    seq: digits(body, 'seq'),
    target: digits(body, 'target'),
    name: textIn(body, 'as') ?? textIn(body, 'name') ?? '?',
    emoji: textIn(body, 'emoji') ?? '',
    body,
    known,
  };
}

type Said = (fields: Fields) => Meaning;

const client: Record<string, Said> = {
  hello: ({ body }) => ({ key: 'token' in body ? 'mean.helloToken' : 'mean.hello' }),
  open: ofOpen,
  close: ({ room }) => ({ key: 'mean.closeRoom', values: { room } }),
  send: ({ room, body }) => ({
    key: 'thread' in body ? 'mean.sendThread' : 'mean.send',
    values: { room },
  }),
  edit: ({ room, target }) => ({ key: 'mean.edit', values: { room, target } }),
  delete: ({ room, target }) => ({ key: 'mean.delete', values: { room, target } }),
  react: ({ room, target, emoji }) => ({ key: 'mean.react', values: { room, target, emoji } }),
  unreact: ({ room, target, emoji }) => ({ key: 'mean.unreact', values: { room, target, emoji } }),
  typing: ({ room }) => ({ key: 'mean.typing', values: { room } }),
  read: ({ room, seq }) => ({ key: 'mean.read', values: { room, seq } }),
  attend: ({ body }) => ({ key: body['on'] === true ? 'mean.attend' : 'mean.attendNot' }),
  fence: ({ body }) => ({ key: 'mean.fence', values: { number: digits(body, 'n') } }),
};

function ofOpen({ room, name, body }: Fields): Meaning {
  const label = 'name' in body ? `#${name}` : room;
  const after = numberIn(body, 'after');
  const last = numberIn(body, 'last');
  if (after !== undefined)
    return { key: 'mean.openAfter', values: { room: label, after: String(after) } };
  if (last !== undefined) return { key: 'mean.openLast', values: { room: label, n: last } };
  return { key: 'mean.open', values: { room: label } };
}

const server: Record<string, Said> = {
  welcome: ({ body }) => {
    const you = (body['you'] ?? {}) as Read['body'];
    const name = textIn(you, 'name') ?? '?';
    return { key: 'mean.welcome', values: { name, n: numberIn(body, 'heartbeat') ?? 0 } };
  },
  you: ({ name }) => ({ key: 'mean.you', values: { name } }),
  opened: ({ room, body }) => {
    const next = String((numberIn(body, 'after') ?? 0) + 1);
    return { key: 'mean.opened', values: { room, head: digits(body, 'head'), next } };
  },
  joined: ({ room }) => ({ key: 'mean.joined', values: { room } }),
  left: ({ room }) => ({ key: 'mean.left', values: { room } }),
  report: ({ room }) => ({ key: 'mean.report', values: { room } }),
  event: ofEvent,
  reset: ({ room }) => ({ key: 'mean.reset', values: { room } }),
  sent: ({ room, seq }) => ({ key: 'mean.sent', values: { room, seq } }),
  typing: ({ room, name }) => ({ key: 'mean.typingOf', values: { room, name } }),
  read: ({ room, seq }) => ({ key: 'mean.readOf', values: { room, seq } }),
  draft: ({ room }) => ({ key: 'mean.draft', values: { room } }),
  presence: ofPresence,
  fence: ({ body }) => ({ key: 'mean.fenced', values: { number: digits(body, 'n') } }),
  heartbeat: ofHeartbeat,
  error: ({ body }) => ({
    key: 'mean.error',
    values: { code: textIn(body, 'code') ?? '?', message: textIn(body, 'message') ?? '' },
  }),
  goodbye: ({ body }) => ({
    key: 'mean.goodbye',
    values: { why: textIn(body, 'reason') ?? '?', seconds: numberIn(body, 'retry_after') ?? '?' },
  }),
};

const events: Record<string, WireKey> = {
  edit: 'mean.eventEdit',
  delete: 'mean.eventDelete',
  react: 'mean.eventReact',
  unreact: 'mean.eventUnreact',
  pin: 'mean.eventPin',
  unpin: 'mean.eventUnpin',
  preview: 'mean.eventPreview',
  unpreview: 'mean.eventUnpreview',
  erase: 'mean.eventErase',
};

function ofEvent({ room, seq, target, name, body, known }: Fields): Meaning {
  const kind = textIn(body, 'kind') ?? '?';
  const own = textIn(body, 'author') === known.me;
  if (kind === 'message') {
    return own
      ? { key: 'mean.eventOwn', values: { room, seq } }
      : { key: 'mean.eventMessage', values: { room, seq, name } };
  }
  const key = events[kind];
  const emoji = textIn(body, 'text') ?? '';
  if (!key) return { key: 'mean.eventOther', values: { room, seq, name, kind } };
  return { key, values: { room, seq, target, name, emoji } };
}

function ofPresence({ body }: Fields): Meaning {
  const person = (body['person'] ?? {}) as Read['body'];
  const values = { name: textIn(person, 'name') ?? '?' };
  if (body['online'] !== true) return { key: 'mean.gone', values };
  return { key: body['away'] === true ? 'mean.away' : 'mean.online', values };
}

function ofHeartbeat({ body, known }: Fields): Meaning {
  const heads = Object.entries((body['heads'] ?? {}) as Record<string, number>);
  const behind = heads.filter(([id, head]) => (known.position(id) ?? head) < head);
  const [id] = behind[0] ?? [];
  if (id !== undefined) return { key: 'mean.heartbeatBehind', values: { room: known.room(id) } };
  if (heads.length === 0) return { key: 'mean.heartbeatNone' };
  return { key: 'mean.heartbeat', values: { n: heads.length } };
}

function ofClient(frame: Read, known: Known): Meaning | undefined {
  return Object.hasOwn(client, frame.kind)
    ? client[frame.kind]?.(fieldsOf(frame, known))
    : undefined;
}

function ofServer(frame: Read, known: Known): Meaning | undefined {
  return Object.hasOwn(server, frame.kind)
    ? server[frame.kind]?.(fieldsOf(frame, known))
    : undefined;
}
