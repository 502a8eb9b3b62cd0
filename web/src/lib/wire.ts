/**
 * The frames of hubbub.v1 (docs/protocol.md, section 2): one JSON object with one member, whose name
 * is the type of the frame.
 */

/** The subprotocol asked for at the handshake. */
export const subprotocol = 'hubbub.v1';

export type Role = 'guest' | 'member' | 'admin' | 'owner';

export interface You {
  id: string;
  name: string;
  role: Role;
}

export interface Limits {
  text: number;
  frame: number;
  rooms: number;
  resume: number;
  /** The largest file in bytes; without it the server takes none. */
  file?: number;
}

/** Somebody, and what they are called. */
export interface Mention {
  id: string;
  name: string;
}

/** How long messages are kept: so many days, the newest so many. */
export interface Keep {
  days?: number;
  messages?: number;
}

export type RoomKind = 'public' | 'private' | 'direct';

export type Standing = 'member' | 'none' | 'left' | 'removed' | 'banned' | 'waiting';

/** What somebody may do in a room. */
export type Act =
  | 'read'
  | 'join'
  | 'send'
  | 'type'
  | 'react'
  | 'pin'
  | 'leave'
  | 'add'
  | 'invite'
  | 'rename'
  | 'moderate'
  | 'manage'
  | 'report'
  | 'delete'
  | 'audit';

/** How the one who asks stands to a room. */
export interface RoomYou {
  state: Standing;
  moderator?: boolean;
  /** Until when; -1: until further notice. */
  muted?: number;
  can: Act[];
}

/** What somebody is alerted of. */
export type Level = 'all' | 'mentions' | 'none';

/** What is said about a room. */
export interface RoomFields {
  name: string;
  kind: RoomKind;
  topic?: string;
  archived?: boolean;
  read_only?: boolean;
  guests_wait?: boolean;
  /** Seconds between two messages of one person. */
  slow?: number;
  keep?: Keep;
  /** Messages up to this seq were erased by retention. */
  floor?: number;
  by?: Mention;
  created?: number;
  /** In a direct conversation: everyone but oneself. */
  people?: Mention[];
  members?: number;
  head: number;
  read?: number;
  unread?: number;
  mentions?: number;
  /** I have muted it: it shows neither bold nor a number. */
  quiet?: boolean;
  /** What I want to be alerted of, if I chose it. */
  level?: Level;
  /** What I have written and not sent; only in the list of my rooms. */
  draft?: { text: string; time: number };
  you?: RoomYou;
}

export interface RoomInfo extends RoomFields {
  id: string;
}

/** An emoji, and who reacted with it, in their order. */
export interface Reaction {
  emoji: string;
  people: Mention[];
}

/** A file that a message holds. Its type is what the server found its bytes to be. */
export interface SharedFile {
  id: string;
  name: string;
  type: string;
  size: number;
  /** Of a picture or a film, as it is shown. */
  width?: number;
  height?: number;
  /** There is a small picture of it. */
  thumb?: boolean;
  /** Milliseconds, as its sender says. */
  duration?: number;
}

/** What a page says of itself to which a message links. */
export interface Preview {
  url: string;
  title?: string;
  description?: string;
  site?: string;
  picture?: SharedFile;
}

/** One entry of a room's log. */
export interface RoomEvent {
  room: string;
  seq: number;
  kind: string;
  id: string;
  author: string;
  name: string;
  /** The author has no account. */
  guest?: boolean;
  /** The author is a program. */
  bot?: boolean;
  /** What a program calls itself this once; `name` is what it is called here. */
  as?: string;
  time: number;
  text: string;
  target?: number;
  revised?: number;
  deleted?: boolean;
  /** Whom a change concerns. */
  about?: Mention;
  /** When a ban or a mute ends; without it there is no end. */
  until?: number;
  /** Who is addressed by a message. */
  mentions?: Mention[];
  /** It addresses all who are here, or all who have the room on their list. */
  everyone?: 'here' | 'channel';
  /** The message that this one answers. */
  reply?: number;
  /** The message under which this one stands, beside the room. */
  thread?: number;
  /** What came to a message: how many stand under it, the last of them, reactions, a pin. */
  replies?: number;
  last_reply?: number;
  reactions?: Reaction[];
  pinned?: boolean;
  /** What a message holds; in an edit, what stays of it. */
  files?: SharedFile[];
  /** Where its first links lead. */
  previews?: Preview[];
}

/** Where to open a room: behind what is known, so many before the head, or at the head. */
export type Place = { epoch: string; after: number } | { last: number } | Record<never, never>;

export interface ServerBodies {
  welcome: {
    you: You;
    epoch: string;
    time: number;
    heartbeat: number;
    limits: Limits;
    version: string;
  };
  you: You;
  opened: RoomFields & { room: string; epoch: string; after: number };
  joined: RoomInfo;
  left: { room: string; reason: Exclude<Standing, 'member'> | 'gone' };
  report: { room: string; open: number; waiting?: number };
  event: RoomEvent;
  reset: { room: string; epoch: string; head: number; reason: string };
  sent: { room: string; id: string; seq: number; time: number };
  typing: { room: string; author: string; name: string };
  read: { room: string; seq: number; thread?: number };
  draft: { room: string; text: string; time: number };
  presence: { person: { id: string; name: string }; online: boolean; away?: boolean };
  fence: { n: number };
  heartbeat: { time: number; heads: Record<string, number> };
  error: {
    code: string;
    message: string;
    frame?: string;
    room?: string;
    id?: string;
    retry_after?: number;
  };
  goodbye: { reason: string; retry_after: number };
}

export interface ClientBodies {
  hello: { token?: string };
  open: ({ room: string } | { name: string }) & Place;
  close: { room: string };
  send: {
    room: string;
    id: string;
    text: string;
    reply?: number;
    thread?: number;
    files?: string[];
  };
  edit: {
    room: string;
    id: string;
    target: number;
    text: string;
    base?: number;
    files?: string[];
  };
  react: { room: string; id: string; target: number; emoji: string };
  unreact: { room: string; id: string; target: number; emoji: string };
  delete: { room: string; id: string; target: number };
  typing: { room: string };
  attend: { on: boolean };
  read: { room: string; seq: number; thread?: number };
  fence: { n: number };
}

/** A frame with its type beside its body, so that a switch over the type knows the body. */
export type ServerFrame = {
  [T in keyof ServerBodies]: { type: T; body: ServerBodies[T] };
}[keyof ServerBodies];

export type ErrorBody = ServerBodies['error'];

type Check = (value: unknown) => boolean;
type Shape = Record<string, Check>;

const text: Check = (v) => typeof v === 'string';
const number: Check = (v) => typeof v === 'number' && Number.isFinite(v);
const place: Check = (v) => Number.isSafeInteger(v) && (v as number) >= 0;
const flag: Check = (v) => typeof v === 'boolean';
const isObject = (v: unknown): v is Record<string, unknown> =>
  typeof v === 'object' && v !== null && !Array.isArray(v);
const optional =
  (check: Check): Check =>
  (v) =>
    v === undefined || check(v);
const object =
  (shape: Shape): Check =>
  (v) =>
    isObject(v) && Object.entries(shape).every(([field, check]) => check(v[field]));

const oneOf =
  (...words: string[]): Check =>
  (v) =>
    words.includes(v as string);
const list =
  (check: Check): Check =>
  (v) =>
    Array.isArray(v) && v.every(check);

const mention = object({ id: text, name: text });
const file = object({
  id: text,
  name: text,
  type: text,
  size: place,
  width: optional(place),
  height: optional(place),
  thumb: optional(flag),
  duration: optional(number),
});
const preview = object({
  url: text,
  title: optional(text),
  description: optional(text),
  site: optional(text),
  picture: optional(file),
});
const roomFields: Shape = {
  name: text,
  kind: oneOf('public', 'private', 'direct'),
  topic: optional(text),
  archived: optional(flag),
  read_only: optional(flag),
  guests_wait: optional(flag),
  slow: optional(place),
  keep: optional(object({ days: optional(place), messages: optional(place) })),
  floor: optional(place),
  by: optional(mention),
  created: optional(number),
  people: optional(list(mention)),
  members: optional(place),
  head: place,
  read: optional(place),
  unread: optional(place),
  mentions: optional(place),
  quiet: optional(flag),
  level: optional(text),
  draft: optional(object({ text, time: number })),
  you: optional(
    object({
      state: text,
      moderator: optional(flag),
      muted: optional(number),
      can: list(text),
    }),
  ),
};

export const isRoom = object({ id: text, ...roomFields }) as (v: unknown) => v is RoomInfo;
export const isYou = object({ id: text, name: text, role: text });
export const isEvent = object({
  room: text,
  seq: place,
  kind: text,
  id: text,
  author: text,
  name: text,
  guest: optional(flag),
  bot: optional(flag),
  as: optional(text),
  time: number,
  text,
  target: optional(place),
  revised: optional(place),
  deleted: optional(flag),
  about: optional(mention),
  until: optional(number),
  mentions: optional(list(mention)),
  everyone: optional(oneOf('here', 'channel')),
  reply: optional(place),
  thread: optional(place),
  replies: optional(place),
  last_reply: optional(place),
  reactions: optional(list(object({ emoji: text, people: list(mention) }))),
  pinned: optional(flag),
  files: optional(list(file)),
  previews: optional(list(preview)),
}) as (v: unknown) => v is RoomEvent;

const server: Record<keyof ServerBodies, Check> = {
  welcome: object({
    you: isYou,
    epoch: text,
    time: number,
    heartbeat: number,
    limits: object({
      text: place,
      frame: place,
      rooms: place,
      resume: place,
      file: optional(place),
    }),
    version: text,
  }),
  you: isYou,
  // Servers before there were kinds of room say nothing of them: those rooms are public.
  opened: object({ room: text, epoch: text, after: place, ...roomFields, kind: optional(text) }),
  joined: isRoom,
  left: object({ room: text, reason: text }),
  report: object({ room: text, open: place, waiting: optional(place) }),
  event: isEvent,
  reset: object({ room: text, epoch: text, head: place, reason: text }),
  sent: object({ room: text, id: text, seq: place, time: number }),
  typing: object({ room: text, author: text, name: text }),
  read: object({ room: text, seq: place, thread: optional(place) }),
  draft: object({ room: text, text, time: number }),
  presence: object({ person: mention, online: flag, away: optional(flag) }),
  fence: object({ n: place }),
  heartbeat: object({
    time: number,
    heads: (v) => isObject(v) && Object.values(v).every(place),
  }),
  error: object({
    code: text,
    message: text,
    frame: optional(text),
    room: optional(text),
    id: optional(text),
    retry_after: optional(number),
  }),
  goodbye: object({ reason: text, retry_after: number }),
};

/** Reads a frame of the server. A frame of no known type, or without its fields, is undefined. */
export function decode(data: unknown): ServerFrame | undefined {
  if (typeof data !== 'string') return undefined;
  let frame: unknown;
  try {
    frame = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!isObject(frame)) return undefined;
  const types = Object.keys(frame);
  const type = types[0];
  if (types.length !== 1 || type === undefined || !Object.hasOwn(server, type)) return undefined;
  if (!server[type as keyof ServerBodies](frame[type])) return undefined;
  return { type, body: frame[type] } as ServerFrame;
}

/** Writes a frame of the client. */
export function encode<T extends keyof ClientBodies>(type: T, body: ClientBodies[T]): string {
  return JSON.stringify({ [type]: body });
}
