import { labelOf } from '../lib/rooms.ts';
import type { Entry } from '../lib/wirelog.ts';
import { aboutIn, readEntry, type About } from '../lib/wireread.ts';
import { meaningOf, type Known } from '../lib/wiremeaning.ts';
import type { PlainWireKey, WireKey } from '../lang/wire.en.ts';
import type { Chat } from './chat.svelte.ts';
import { w } from './wire.svelte.ts';
import { speech } from './words.svelte.ts';

const own: ReadonlySet<string> = new Set(['dial', 'end', 'skipped', 'text', 'binary', 'other']);

/** What the page knows beside a frame. To be called where changes are followed. */
export function knownOf(chat: Chat): Known {
  return {
    me: chat.you.id,
    room: (id) => {
      const room = chat.rooms.get(id);
      return room ? labelOf(room.info, speech.now) : id;
    },
    position: (id) => chat.rooms.get(id)?.log.position,
  };
}

/** What an entry means, in the language of the page. */
export function say(entry: Entry, known: Known): string {
  const { key, values } = meaningOf(entry, known);
  // The tests fill every meaning in.
  return (w as (key: WireKey, values?: unknown) => string)(key, values).trim();
}

/** What an entry is called: a frame of hubbub.v1 as in the protocol. */
export function kindOf(entry: Entry): string {
  const { kind } = readEntry(entry);
  return own.has(kind) ? w(`kind.${kind}` as PlainWireKey) : kind;
}

/** Which way an entry went, for those who listen. */
export function wayOf(entry: Entry): string {
  if (entry.kind !== 'frame') return '';
  return w(entry.from === 'client' ? 'row.sent' : 'row.received');
}

/** Whose connection it was. */
export function whose({ dial, conn }: Entry): string {
  if (dial !== undefined) return w('row.own', { number: dial });
  return conn === undefined ? '' : w('row.other', { number: conn });
}

/** The message that an entry is about, with its number if the page knows it. */
export function messageOf(entry: Entry, chat: Chat): About | undefined {
  const about = aboutIn(readEntry(entry));
  if (!about || about.seq !== undefined) return about;
  const events = chat.rooms.get(about.room)?.log.events ?? [];
  const event = events.findLast(({ id }) => id === about.id);
  return event ? { ...about, seq: event.seq } : about;
}
