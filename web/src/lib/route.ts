/** The room people land in who ask for none. */
export const firstRoom = 'lobby';

/** The name of the public room an address asks for, or undefined if it asks for something else. */
export function roomOfPath(path: string): string | undefined {
  if (path === '/' || path === '') return firstRoom;
  const name = part(path, 'r');
  return name === undefined ? undefined : toRoomName(name);
}

/** The id that an address asks for: of a private room or a conversation, whose names are not unique. */
export function roomIdOfPath(path: string): string | undefined {
  return part(path, 'p');
}

function part(path: string, kind: 'r' | 'p'): string | undefined {
  const match = /^\/([rp])\/([^/]+)(?:\/\d+)?\/?$/.exec(path);
  if (match?.[1] !== kind || !match[2]) return undefined;
  try {
    return decodeURIComponent(match[2]);
  } catch {
    return undefined;
  }
}

/** The message that an address leads to. */
export function seqOfPath(path: string): number | undefined {
  const match = /^\/[rp]\/[^/]+\/(\d{1,15})\/?$/.exec(path);
  return match ? Number(match[1]) : undefined;
}

/** The address of the room in which an address leads to a message. */
export function withoutSeq(path: string): string {
  return seqOfPath(path) === undefined ? path : path.replace(/\/\d+\/?$/, '');
}

/** The address of a public room. */
export function pathOfRoom(name: string): string {
  return `/r/${encodeURIComponent(name)}`;
}

/** The address of any room. */
export function pathOf({ id, kind, name }: { id: string; kind: string; name: string }): string {
  return kind === 'public' ? pathOfRoom(name) : `/p/${encodeURIComponent(id)}`;
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

/** The same for a private room, whose name stands in no address: spaces are fine in it. */
export function toPrivateName(typed: string): string {
  return typed
    .trim()
    .replace(/^#+\s*/, '')
    .replace(/\s+/g, ' ')
    .normalize('NFC');
}

/** Whether a private room can have that name. */
export function isPrivateName(name: string): boolean {
  return isRoomName(name.replaceAll(' ', '-'));
}

/** What somebody searches for, and in which order they want it. */
export interface Sought {
  q: string;
  sort: Sort;
}
export type Sort = 'newest' | 'best';

export const searchPath = '/search';

/** What an address searches for. */
export function soughtOf(path: string, query: string): Sought | undefined {
  if (path !== searchPath) return undefined;
  const asked = new URLSearchParams(query);
  return { q: asked.get('q') ?? '', sort: asked.get('sort') === 'best' ? 'best' : 'newest' };
}

/** The address of a search, of which others see what they may read. */
export function pathOfSearch({ q, sort }: Sought): string {
  const asked = new URLSearchParams(q === '' ? {} : { q });
  if (sort !== 'newest') asked.set('sort', sort);
  return asked.size === 0 ? searchPath : `${searchPath}?${asked}`;
}

/** The addresses at which one comes in. */
export type Door = 'join' | 'link' | 'sign-in';

/** The way in that an address names. */
export function doorOfPath(path: string): Door | undefined {
  return (['join', 'link', 'sign-in'] as const).find((door) => path === `/${door}`);
}

/** The parts of the wire view, which lies beside a room. */
export const wireTabs = ['frames', 'tour', 'break', 'client'] as const;
export type WireTab = (typeof wireTabs)[number];

/** What of the wire view is shown. */
export interface WirePlace {
  tab: WireTab;
  /** Of the tour, from 1. */
  step?: number;
}

/** What of the wire view an address shows: `?wire`, `?wire=tour-3`. */
export function wireOf(query: string): WirePlace | undefined {
  const asked = new URLSearchParams(query).get('wire');
  if (asked === null) return undefined;
  const [, name, step] = /^([a-z]+)(?:-(\d{1,2}))?$/.exec(asked) ?? [];
  const tab = wireTabs.find((known) => known === name) ?? 'frames';
  return tab === 'tour' && step ? { tab, step: Number(step) } : { tab };
}

/** What an address says of the wire view. */
export function queryOfWire({ tab, step }: WirePlace): string {
  if (tab === 'frames') return '?wire';
  return step === undefined ? `?wire=${tab}` : `?wire=${tab}-${step}`;
}

/** The short address of the wire view, as an address beside the first room: `/wire`, `/wire/tour-3`. */
export function unfoldWire(path: string): string | undefined {
  const [, place] = /^\/wire(?:\/([a-z0-9-]*))?\/?$/.exec(path) ?? [path, undefined];
  if (!/^\/wire(?:\/|$)/.test(path)) return undefined;
  return `/${queryOfWire(wireOf(`?wire=${place ?? ''}`) ?? { tab: 'frames' })}`;
}
