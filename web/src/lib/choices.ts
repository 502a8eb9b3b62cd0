import type { RoomSummary } from './roomapi.ts';
import { isRoomName, toRoomName } from './route.ts';
import type { RoomKind } from './wire.ts';

/** A line of the finder: a room of mine, a public one, somebody, or a room that could be made. */
export interface Choice {
  kind: 'mine' | 'public' | 'person' | 'create';
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

/**
 * What contains what was typed: one's own rooms, then public ones, then people, and last the offer to
 * make a room of exactly that name. What is typed in full comes first, then what begins with it.
 */
export function choicesFor(
  typed: string,
  mine: readonly MyRoom[],
  found: readonly RoomSummary[],
  people: readonly Somebody[],
): Choice[] {
  const part = toRoomName(typed);
  const words = typed.trim().toLowerCase().normalize('NFC');
  const rank = (name: string) => {
    const low = name.toLowerCase();
    if (low === part || low === words) return 0;
    if (low.startsWith(part) || low.startsWith(words)) return 1;
    return low.includes(part) || low.includes(words) ? 2 : 3;
  };
  const known = new Set(mine.map((room) => room.id));
  const talked = new Set(
    mine.flatMap(({ people: others }) => (others?.length === 1 ? [others[0]?.id] : [])),
  );
  const choices = [
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
      .filter((person) => !talked.has(person.id) && rank(person.name) < 3)
      .slice(0, mostPeople)
      .map(({ id, name }): Choice => ({ kind: 'person', id, name, room: 'direct', unread: 0 })),
  ]
    .map((choice) => ({ choice, rank: rank(choice.name) }))
    .filter((ranked) => ranked.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ choice }) => choice);
  const exists = choices.some(({ room, name }) => room === 'public' && name === part);
  if (!exists && isRoomName(part)) {
    choices.push({ kind: 'create', id: '', name: part, room: 'public', unread: 0 });
  }
  return choices;
}
