/** What an entry of the wire view says, taken apart once. */

import { ofHex } from './bytes.ts';
import type { Entry, FrameEntry } from './wirelog.ts';

/** Opcodes of RFC 6455, section 5.2. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Read {
  /**
   * The kind of a frame of hubbub.v1, `text` for plain text, `binary`, `close`, `ping`, `pong`, `other` for
   * what is not known; `dial`, `end` and `skipped` for what is no frame.
   */
  kind: string;
  body: Readonly<Record<string, unknown>>;
  control: boolean;
  /** Of a control frame. */
  bytes?: Uint8Array;
}

/** A message that a frame is about. */
export interface About {
  room: string;
  seq?: number;
  id?: string;
}

const read = new WeakMap<Entry, Read>();
/** The body of a frame that has none. */
export const nothing: Read['body'] = {};

export function readEntry(entry: Entry): Read {
  const known = read.get(entry);
  if (known) return known;
  const made = entry.kind === 'frame' ? readFrame(entry) : plainly(entry.kind);
  read.set(entry, made);
  return made;
}

const plainly = (kind: string): Read => ({ kind, body: nothing, control: false });

function readFrame(entry: FrameEntry): Read {
  const report = entry.reports[0];
  if (report && report.opcode >= opcode.close) {
    const name = { 8: 'close', 9: 'ping', 10: 'pong' }[report.opcode] ?? 'other';
    return { kind: name, body: nothing, control: true, bytes: ofHex(report.bytes ?? '') };
  }
  if (report?.opcode === opcode.binary) return plainly('binary');
  if (entry.text === undefined) return plainly('other');
  // Another program's frames are plain text, whatever they look like.
  if (entry.dial === undefined) return plainly('text');
  return readText(entry.text);
}

function readText(text: string): Read {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return plainly('other');
  }
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) return plainly('other');
  const [first, second] = Object.entries(frame);
  if (!first || second) return plainly('other');
  const [kind, body] = first;
  const fields = typeof body === 'object' && body !== null ? body : nothing;
  return { kind, body: fields as Record<string, unknown>, control: false };
}

/** Values of a body that a frame of anybody may hold as something else. */
export const textIn = (body: Read['body'], name: string): string | undefined =>
  typeof body[name] === 'string' ? body[name] : undefined;
export const numberIn = (body: Read['body'], name: string): number | undefined =>
  typeof body[name] === 'number' ? body[name] : undefined;

/** The room that a frame is about. */
export function roomIn({ kind, body }: Read): string | undefined {
  return textIn(body, kind === 'joined' ? 'id' : 'room');
}

/** The message that a frame is about. */
export function aboutIn(frame: Read): About | undefined {
  const { kind, body } = frame;
  const room = roomIn(frame);
  if (room === undefined) return undefined;
  const target = numberIn(body, 'target');
  if (target !== undefined && body['kind'] !== 'erase') return { room, seq: target };
  const id = textIn(body, 'id');
  if (kind === 'send' || kind === 'error') return id === undefined ? undefined : { room, id };
  const seq = numberIn(body, 'seq');
  const said = kind === 'sent' || (kind === 'event' && body['kind'] === 'message');
  if (!said || seq === undefined) return undefined;
  return { room, seq, ...(id === undefined ? {} : { id }) };
}

/** Whether a frame is about that message, by its number or its id. */
export function isAbout(frame: Read, { room, seq, id }: About): boolean {
  const { body } = frame;
  if (id !== undefined && textIn(body, 'id') === id) return true;
  if (seq === undefined) return false;
  const meant = aboutIn(frame);
  return meant?.room === room && meant.seq === seq;
}
