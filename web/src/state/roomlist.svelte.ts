import type { Clock } from '../lib/clock.ts';
import { sections, titleOf, type Sections } from '../lib/rooms.ts';
import type { Keeper, KeptLog } from '../lib/snapshot.ts';
import type { RoomFields, RoomInfo } from '../lib/wire.ts';
import { Room } from './room.svelte.ts';
import { speech } from './words.svelte.ts';

export interface RoomListOptions {
  me: string;
  epoch: string;
  rooms: RoomInfo[];
  clock: Clock;
  keeper: Keeper | undefined;
  /** What was kept of the rooms, if it is all there is for now. */
  logs: ReadonlyMap<string, KeptLog> | undefined;
  /** A room has another address now. */
  onmoved: (from: string, to: string) => void;
}

const longList = 500;
const listEvery = 100;

/** The rooms that one is in, and the one of them on screen. */
export class RoomList {
  /** The list in its parts, each by name. */
  parts = $state.raw<Sections<Room>>({ rooms: [], direct: [], archived: [] });
  current = $state.raw<Room | undefined>();

  readonly all = $derived([...this.parts.rooms, ...this.parts.direct, ...this.parts.archived]);
  /** How many unread messages there are, but for muted rooms. */
  readonly unread = $derived(this.all.reduce((sum, room) => sum + room.news.messages, 0));

  /** The history that the server has: another one begins at another place. */
  epoch: string;

  private readonly options: RoomListOptions;
  private readonly byId = new Map<string, Room>();
  private timer: (() => void) | undefined;

  constructor(options: RoomListOptions) {
    this.options = options;
    this.epoch = options.epoch;
    for (const info of options.rooms) this.add(info);
    this.sort();
  }

  get(id: string): Room | undefined {
    return this.byId.get(id);
  }

  /** The room of an address, if it is on the list. */
  find(path: string): Room | undefined {
    for (const room of this.byId.values()) if (room.path === path) return room;
    return undefined;
  }

  /** Also those that are not sorted in yet. */
  ids(): string[] {
    return [...this.byId.keys()];
  }

  /** What is to be known of the rooms the next time the page opens. */
  summaries(): RoomInfo[] {
    return [...this.byId.values()].map((room) => room.summary);
  }

  /** Adds a room without sorting it in, so that many can be added at once. */
  add(info: RoomInfo): Room {
    const room = new Room(info, this.options.me, this.options.clock);
    const kept = this.options.logs?.get(info.id);
    if (kept) {
      room.log.restore(kept);
      room.used = kept.used;
      room.ready = true;
    } else room.log.begin(this.epoch, info.head);
    room.log.erase(info.floor ?? 0);
    this.byId.set(room.id, room);
    return room;
  }

  /** Takes a room off the list. What was said in it does not stay in the page. */
  remove(room: Room): void {
    this.byId.delete(room.id);
    this.options.keeper?.gone(room.id);
    this.sortSoon();
    if (this.current === room) this.current = undefined;
    room.log.reset();
    room.touch();
  }

  /** Takes over what the server says of a room. */
  describe(room: Room, fields: Partial<RoomFields> & { head: number }, list = true): void {
    this.change(room, () => room.describe(fields), list);
    this.options.keeper?.changed(room.id);
    if (fields.floor) room.log.erase(fields.floor);
  }

  /** Changes a room, and whatever shows its name, its place in the list or its address. */
  change(room: Room, change: () => void, list = true): void {
    const { info, path } = room;
    change();
    if (room.info === info) return;
    const moved = room.path !== path;
    if (moved) this.options.onmoved(path, room.path);
    const listed = titleOf(info, speech.now) !== room.title || info.archived !== room.info.archived;
    if (list && (moved || listed)) this.sortSoon();
  }

  /** Sorts the list anew; a long one not for each of many changes that come together. */
  sortSoon(): void {
    if (this.byId.size < longList) return this.sort();
    this.timer ??= this.options.clock.after(listEvery, () => {
      this.timer = undefined;
      this.sort();
    });
  }

  private sort(): void {
    this.parts = sections(this.byId.values(), speech.now);
  }
}
