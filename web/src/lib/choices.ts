import uFuzzy from '@leeoniya/ufuzzy';
import { fit, fold } from './fold.ts';
import type { RoomSummary } from './roomapi.ts';
import { isRoomName, toRoomName } from './route.ts';
import type { RoomKind } from './wire.ts';

/** A line of the finder: a room of mine, a public one, somebody, the wire view, or a room that could be made. */
export interface Choice {
  kind: 'mine' | 'public' | 'person' | 'wire' | 'create';
  /** Of the room, or of the person. */
  id: string;
  name: string;
  room: RoomKind;
  unread: number;
}

export interface MyRoom {
  id: string;
  /** What it is called on the list. */
  name: string;
  kind: RoomKind;
  unread: number;
  /** In a direct conversation: the others. */
  people?: readonly { id: string }[];
}

interface Somebody {
  id: string;
  name: string;
}

const most = 100;
const mostPeople = 20;
/** Where no part fits: worse than all that do. */
const guessed = 4;
/** So many words may stand in another order. */
const mostWords = 4;

/** A slip in a shorter word could make any other word of it. */
const leastSlip = 4;
/** Of the wire view's name a word must be begun, with so many letters: it is looked for the least often. */
const leastOfWire = 2;

// Every script has letters, and names are folded before: there is nothing Latin about them.
const letters = {
  unicode: true,
  interSplit: String.raw`[^\p{L}\p{N}]+`,
  intraSplit: null,
  intraChars: String.raw`[\p{L}\p{N}]`,
  interBound: String.raw`[^\p{L}\p{N}]`,
  intraBound: null,
};
const exact = new uFuzzy(letters);
const slips = new uFuzzy({ ...letters, intraMode: 1 });

/**
 * What has what was typed in it: one's own rooms, then public ones, then people, then the wire view, if it
 * can be opened under that name, and last the offer to make a room of exactly that name. What is typed in full comes first, then what begins with it, at last
 * what somebody may have meant: other words between, another order, a slip in a word.
 */
export function choicesFor(
  typed: string,
  mine: readonly MyRoom[],
  found: readonly RoomSummary[],
  people: readonly Somebody[],
  wire?: string,
): Choice[] {
  const part = toRoomName(typed);
  const words = fold(typed.trim());
  const known = new Set(mine.map((room) => room.id));
  const talked = new Set(
    mine.flatMap(({ people: others }) => (others?.length === 1 ? [others[0]?.id] : [])),
  );
  const all = [
    ...mine.map(({ id, name, kind, unread }): Choice => ({
      kind: 'mine',
      id,
      name,
      room: kind,
      unread,
    })),
    ...found
      .filter((room) => !known.has(room.id))
      .map(({ id, name }): Choice => ({ kind: 'public', id, name, room: 'public', unread: 0 })),
    ...(words === '' ? [] : people)
      .filter((person) => !talked.has(person.id))
      .map(({ id, name }): Choice => ({ kind: 'person', id, name, room: 'direct', unread: 0 })),
  ];
  const folded = all.map(({ name }) => fold(name));
  const meant = guesses(folded, words);
  let persons = 0;
  const choices = all
    .map((choice, i) => ({ choice, rank: rank(folded[i] ?? '', words, fold(part)), i }))
    .map(({ choice, rank, i }) => ({ choice, rank: rank ?? meant.get(i) }))
    .filter((one): one is { choice: Choice; rank: number } => one.rank !== undefined)
    .sort((a, b) => a.rank - b.rank)
    .map(({ choice }) => choice)
    .filter(({ kind }) => kind !== 'person' || ++persons <= mostPeople)
    .slice(0, most);
  const exists = choices.some(({ room, name }) => room === 'public' && name === part);
  const begun = wire === undefined ? undefined : fit(fold(wire), words);
  if (wire !== undefined && begun !== undefined && begun < 3 && words.length >= leastOfWire) {
    choices.push({ kind: 'wire', id: '', name: wire, room: 'public', unread: 0 });
  }
  if (!exists && isRoomName(part)) {
    choices.push({ kind: 'create', id: '', name: part, room: 'public', unread: 0 });
  }
  return choices;
}

function rank(name: string, words: string, part: string): number | undefined {
  const [one, other] = [fit(name, words), fit(name, part)];
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** The places of names that may be meant, and how good each is, the best first. */
function guesses(names: string[], words: string): Map<number, number> {
  // Whoever types other signs means them.
  if (words.length < 2 || !/^[\p{L}\p{N}\s#@_-]+$/u.test(words)) return new Map();
  const terms = words.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const order = terms.length <= mostWords ? mostWords : 0;
  const guess = terms.every((term) => term.length >= leastSlip) ? slips : exact;
  const [places, info, sorted] = guess.search(names, terms.join(' '), order);
  if (!places) return new Map();
  const best = info ? sorted.map((at) => info.idx[at] ?? 0) : places;
  return new Map(best.map((place, i) => [place, guessed + i / (names.length + 1)]));
}
