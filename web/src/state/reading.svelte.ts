import { untrack } from 'svelte';
import { attentionApi } from '../lib/attentionapi.ts';
import type { Clock } from '../lib/clock.ts';
import type { Keeper } from '../lib/snapshot.ts';
import type { Connection } from '../lib/socket.ts';
import type { Room } from './room.svelte.ts';

const sayEvery = 1_000;
/** What was said so long ago has come to the server, if the connection lived and lost nothing. */
const heardWithin = 5_000;

/** How far one has read in each room, and what the server is told of it. */
export class Reading {
  /** Whether somebody sits before the page. */
  attentive = $state(true);
  /** A room was read here. */
  onread: (room: Room) => void = () => undefined;

  private readonly link: Pick<Connection, 'send'>;
  private readonly clock: Clock;
  private readonly keeper: Keeper | undefined;
  private readonly unsaid = new Set<Room>();
  /** When the server was told how far a room was read, until it is sure that it heard. */
  private readonly said = new Map<Room, { at: number; again: boolean }>();
  private timer: (() => void) | undefined;

  constructor(link: Pick<Connection, 'send'>, clock: Clock, keeper: Keeper | undefined) {
    this.link = link;
    this.clock = clock;
    this.keeper = keeper;
  }

  /** The newest message of the room is on screen. It counts as read if somebody is there to see it. */
  sawNewest(room: Room): void {
    if (this.attentive && !room.held) untrack(() => this.mark(room, room.log.position ?? 0));
  }

  /** Somebody has seen enough of what is new in a room. */
  leaveUnread(room: Room): void {
    room.fresh = undefined;
    room.held = false;
    this.mark(room, room.log.position ?? 0);
  }

  /** What needs no reading does not leave a room unread that was read before it. */
  passOver(room: Room, seq: number): void {
    if (room.read === seq - 1) this.mark(room, seq);
  }

  /** Has the messages from this one on count as unread, on all devices. */
  async markUnread(room: Room, seq: number): Promise<void> {
    this.forget(room); // what was read here is not to be said after it
    room.describe(await attentionApi.markUnread(room.id, seq));
  }

  /** Has nothing count as unread. The server says so for each room. */
  async readAll(onScreen: Room | undefined): Promise<void> {
    await attentionApi.readAll();
    if (!onScreen) return;
    onScreen.fresh = undefined;
    onScreen.held = false;
  }

  /**
   * Takes what the server says of a room's mark, which another device has moved, be it back. What was read
   * here and is not said yet comes after it. Says whether the count is right now.
   */
  take(room: Room, seq: number): boolean {
    if (seq >= room.read) {
      room.readUpTo(seq);
      return true;
    }
    if (this.unsaid.has(room)) return true;
    // It may have crossed what was said here a moment ago: the server knows which was the last.
    const crossed = this.said.has(room);
    this.forget(room);
    return room.readBackTo(seq) && !crossed;
  }

  /** The server knows less than was read here. */
  sayAgain(room: Room): void {
    this.unsaid.add(room);
  }

  forget(room: Room): void {
    this.unsaid.delete(room);
    this.said.delete(room);
    room.ahead = false;
  }

  /** The server is there: it has heard what was said some time ago, and said once more, as there is no answer to it. */
  heard(): void {
    const now = this.clock.now();
    for (const [room, { at, again }] of this.said) {
      if (at > now - heardWithin) continue;
      if (!again) {
        if (!this.link.send('read', { room: room.id, seq: room.read })) return;
        this.said.set(room, { at: now, again: true });
        continue;
      }
      this.said.delete(room);
      room.ahead = this.unsaid.has(room);
    }
  }

  /** Tells the server at once. */
  say(): void {
    this.timer?.();
    this.timer = undefined;
    for (const room of this.unsaid) {
      if (!this.link.send('read', { room: room.id, seq: room.read })) return;
      this.unsaid.delete(room);
      this.said.set(room, { at: this.clock.now(), again: false });
      this.onread(room);
    }
  }

  private mark(room: Room, seq: number): void {
    if (seq <= room.read) return;
    room.readUpTo(seq);
    room.ahead = true;
    this.keeper?.changed();
    this.unsaid.add(room);
    this.timer ??= this.clock.after(sayEvery, () => this.say());
  }
}
