/** The room people land in who ask for none. */
export const firstRoom = 'lobby';

/** The name of the room an address asks for, or undefined if it asks for something unknown. */
export function roomOfPath(path: string): string | undefined {
  if (path === '/' || path === '') return firstRoom;
  const match = /^\/r\/([^/]+)\/?$/.exec(path);
  if (!match?.[1]) return undefined;
  try {
    return toRoomName(decodeURIComponent(match[1]));
  } catch {
    return undefined;
  }
}

/** The address of a room. */
export function pathOfRoom(name: string): string {
  return `/r/${encodeURIComponent(name)}`;
}

const roomName = /^[\p{L}\p{M}\p{N}]+(?:[-_]+[\p{L}\p{M}\p{N}]+)*$/u;

/** Whether a room can have that name, as far as can be told without the server. */
export function isRoomName(name: string): boolean {
  return roomName.test(name) && [...name].length <= 64;
}

/** What somebody typed, as the name of a room: "# Kitchen build" is meant as "kitchen-build". */
export function toRoomName(typed: string): string {
  return typed
    .trim()
    .replace(/^#+\s*/, '')
    .replace(/\s+/g, '-')
    .toLowerCase()
    .normalize('NFC');
}

/** The addresses at which one comes in. */
export type Door = 'join' | 'link' | 'sign-in';

/** The way in that an address names. */
export function doorOfPath(path: string): Door | undefined {
  return (['join', 'link', 'sign-in'] as const).find((door) => path === `/${door}`);
}
