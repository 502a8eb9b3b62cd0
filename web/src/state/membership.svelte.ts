import { roomApi, type RoomWish } from '../lib/roomapi.ts';
import { titleOf } from '../lib/rooms.ts';
import type { ServerDraft } from '../lib/shareddrafts.ts';
import type { RoomInfo, ServerBodies, Standing } from '../lib/wire.ts';
import type { OpenRooms } from './openrooms.ts';
import type { Reading } from './reading.svelte.ts';
import type { Room } from './room.svelte.ts';
import type { RoomList } from './roomlist.svelte.ts';
import { speech, t } from './words.svelte.ts';

/** A room that one is not in, and why. */
export interface Outside {
  id?: string;
  name: string;
  kind: RoomInfo['kind'];
  reason: Standing | 'gone' | 'missing';
  /** Who did it, and what they said. */
  by?: string;
  why?: string;
  until?: number;
  /** One may come in again. */
  joinable?: boolean;
}

export interface MembershipOptions {
  me: string;
  rooms: RoomList;
  open: OpenRooms;
  reading: Reading;
  onannounce: (text: string) => void;
  /** A room came onto the list that was not there. */
  onlisted: (room: Room) => void;
  /** Somebody is not in a room any more. */
  onleft: (room: string) => void;
  /** What was written and not sent, in all rooms, as it was after the time of asking. */
  ondrafts: (drafts: ServerDraft[], asked: number) => void;
}

/** How one comes into rooms and out of them, be it by what one does here, elsewhere, or by others. */
export class Membership {
  /** What the address leads to instead, where that is no room one is in. */
  outside = $state.raw<Outside | undefined>();

  private readonly options: MembershipOptions;

  constructor(options: MembershipOptions) {
    this.options = options;
  }

  /** Makes a room, or joins the public one of that name. Undefined if that takes somebody's leave. */
  async make(wish: RoomWish): Promise<Room | undefined> {
    return this.adopt(await roomApi.make(wish));
  }

  /** Comes into a room by its id. */
  async enter(id: string): Promise<Room | undefined> {
    const info = await roomApi.get(id);
    if (info.you?.state === 'member') return this.adopt(info);
    return this.adopt(await roomApi.join(id));
  }

  /** Opens the conversation with these people. */
  async talkTo(people: string[]): Promise<Room | undefined> {
    return this.adopt(await roomApi.direct(people));
  }

  /** Takes a room that the server says one is in, or what it says instead. */
  adopt(info: RoomInfo): Room | undefined {
    const { rooms, open } = this.options;
    if (info.you && info.you.state !== 'member') {
      this.outside = {
        id: info.id,
        name: titleOf(info, speech.now),
        kind: info.kind,
        reason: info.you.state,
        joinable: info.you.can.includes('join'),
      };
      return undefined;
    }
    const known = rooms.get(info.id);
    if (known) {
      rooms.describe(known, info);
      return known;
    }
    const room = rooms.add(info);
    rooms.sortSoon();
    open.add(room);
    return room;
  }

  /** Takes over what other tabs and devices did to the list of rooms. */
  async refresh(): Promise<void> {
    const { rooms } = this.options;
    const before = new Set(rooms.ids());
    let mine: RoomInfo[];
    const asked = Date.now();
    try {
      ({ rooms: mine } = await roomApi.mine());
    } catch {
      return;
    }
    const added: Room[] = [];
    for (const info of mine) {
      const known = rooms.get(info.id);
      before.delete(info.id);
      if (known) rooms.describe(known, info, false);
      else added.push(rooms.add(info));
    }
    for (const id of before) this.left({ room: id, reason: 'gone' });
    rooms.sortSoon();
    for (const room of added) this.listed(room);
    this.tellDrafts(mine, asked);
  }

  /** Says what the list of rooms has of what was written and not sent. */
  tellDrafts(rooms: readonly RoomInfo[], asked: number): void {
    const drafts = rooms.flatMap(({ id, draft }) => (draft ? [{ room: id, ...draft }] : []));
    this.options.ondrafts(drafts, asked);
  }

  /** Asks what one may do in a room, where that changes by the mere passing of time. */
  async refreshRoom(room: Room): Promise<void> {
    try {
      this.options.rooms.describe(room, await roomApi.get(room.id));
    } catch {
      // The next connection asks for all rooms.
    }
  }

  /** The server says that one is in a room, or stands before it. */
  joined(info: RoomInfo): void {
    const known = this.options.rooms.get(info.id);
    if (info.you && info.you.state !== 'member') {
      // Nothing of a room one is not in stays; `left` has said why, or will.
      if (!known && this.outside?.id === info.id) this.adopt(info);
      return;
    }
    const room = this.adopt(info);
    if (room && !known) this.listed(room);
  }

  /** The server says that one is not in a room any more. */
  left({ room: id, reason }: ServerBodies['left']): void {
    const { rooms, open, reading, onleft } = this.options;
    const room = rooms.get(id);
    if (!room) {
      // Somebody who waited was turned away.
      if (this.outside?.id !== id || reason === 'waiting') return;
      this.outside = { ...this.outside, reason, joinable: false };
      return void this.askAgain(id);
    }
    const onScreen = room === rooms.current;
    if (onScreen) {
      this.outside = this.farewell(room, reason);
      this.options.onannounce(t('outside.said'));
    }
    open.remove(room);
    reading.forget(room);
    rooms.remove(room);
    onleft(id);
    if (onScreen && this.outside?.kind === 'public') void this.askAgain(id);
  }

  private listed(room: Room): void {
    this.options.open.add(room);
    this.options.onlisted(room);
  }

  /** What to say instead of a room that one is not in any more. */
  private farewell(room: Room, reason: Standing | 'gone'): Outside {
    const { info, id, title, log } = room;
    const kind = reason === 'banned' ? 'ban' : 'remove';
    const last = log.events.findLast((e) => e.kind === kind && e.about?.id === this.options.me);
    const outside: Outside = { id, name: title, kind: info.kind, reason };
    if (!last || (reason !== 'banned' && reason !== 'removed')) return outside;
    return {
      ...outside,
      by: log.nameOf(last.author) ?? last.name,
      ...(last.text === '' ? {} : { why: last.text }),
      ...(last.until === undefined ? {} : { until: last.until }),
    };
  }

  /** Asks whether one may come in again. */
  private async askAgain(id: string): Promise<void> {
    const info = await roomApi.get(id).catch(() => undefined);
    if (!info || this.outside?.id !== id) return;
    this.outside = { ...this.outside, joinable: info.you?.can.includes('join') === true };
  }
}
