/** Which entries of the wire view are shown. */

import type { Entry } from './wirelog.ts';
import { isAbout, readEntry, roomIn, type About } from './wireread.ts';

export interface WireFilter {
  /** What stands in a payload, whatever the case. */
  words: string;
  from: 'both' | 'client' | 'server';
  kind: string;
  control: boolean;
  /** The id of a room, or nothing. */
  room: string;
  whose: 'all' | 'own' | 'others';
  /** Only what is about a message. */
  about?: About | undefined;
}

export const unfiltered: WireFilter = {
  words: '',
  from: 'both',
  kind: '',
  control: true,
  room: '',
  whose: 'all',
};

/** How many wishes a filter has. */
export function wishes(filter: WireFilter): number {
  const { words, from, kind, control, room, whose, about } = filter;
  return [words.trim(), from !== 'both', kind, !control, room, whose !== 'all', about].filter(
    Boolean,
  ).length;
}

export function passes(entry: Entry, filter: WireFilter): boolean {
  if (entry.kind === 'skipped') return filter.about === undefined && filter.words === '';
  const own = entry.dial !== undefined;
  if (filter.whose !== 'all' && own !== (filter.whose === 'own')) return false;
  const frame = readEntry(entry);
  if (entry.kind === 'frame') {
    if (filter.from !== 'both' && entry.from !== filter.from) return false;
    if (frame.control && !filter.control) return false;
  }
  if (filter.kind !== '' && frame.kind !== filter.kind) return false;
  if (filter.room !== '' && roomIn(frame) !== filter.room) return false;
  if (filter.about && !isAbout(frame, filter.about)) return false;
  return holds(entry, filter.words.trim().toLowerCase());
}

function holds(entry: Entry, words: string): boolean {
  if (words === '') return true;
  if (entry.kind === 'frame') {
    const texts = [entry.text ?? '', ...entry.reports.map(({ bytes = '' }) => bytes)];
    return texts.some((text) => text.toLowerCase().includes(words));
  }
  if (entry.kind !== 'dial') return false;
  const { request = '', response = '' } = entry.handshake ?? {};
  return `${request}${response}`.toLowerCase().includes(words);
}
