import type { RoomSummary } from './api.ts';
import { isRoomName } from './route.ts';

/** A line of the room finder. */
export interface Choice {
  name: string;
  kind: 'mine' | 'public' | 'create';
  unread: number;
}

interface MyRoom {
  id: string;
  name: string;
  unread: number;
}

/**
 * The rooms whose name contains a part: one's own, then the public ones, and last the offer to create
 * a room of exactly that name. What is typed in full comes first, then what begins with it.
 */
export function choicesFor(
  part: string,
  mine: readonly MyRoom[],
  found: readonly RoomSummary[],
): Choice[] {
  const others = found.filter((room) => !mine.some((known) => known.id === room.id));
  const rank = ({ name }: Choice) => (name === part ? 0 : name.startsWith(part) ? 1 : 2);
  const choices = [
    ...mine.map(({ name, unread }): Choice => ({ name, kind: 'mine', unread })),
    ...others.map(({ name }): Choice => ({ name, kind: 'public', unread: 0 })),
  ]
    .filter(({ name }) => name.includes(part))
    .sort((a, b) => rank(a) - rank(b));
  const exists = choices.some(({ name }) => name === part);
  if (!exists && isRoomName(part)) choices.push({ name: part, kind: 'create', unread: 0 });
  return choices;
}
