import { untrack } from 'svelte';
import type { Clock } from '../lib/clock.ts';
import type { Keeper } from '../lib/snapshot.ts';
import type { Connection } from '../lib/socket.ts';
import type { Room } from './room.svelte.ts';

const sayEvery = 1_000;

/** How far one has read in each room, and what the server is told of it. */
export class Reading {
  /** Whether somebody sits before the page. */
  attentive = $state(true);

  private readonly link: Pick<Connection, 'send'>;
  private readonly clock: Clock;
  private readonly keeper: Keeper | undefined;
  private readonly unsaid = new Set<Room>();
  private timer: (() => void) | undefined;

  constructor(link: Pick<Connection, 'send'>, clock: Clock, keeper: Keeper | undefined) {
    this.link = link;
    this.clock = clock;
    this.keeper = keeper;
  }

  /** The newest message of the room is on screen. It counts as read if somebody is there to see it. */
  sawNewest(room: Room): void {
    if (this.attentive) untrack(() => this.mark(room, room.log.position ?? 0));
  }

  /** Somebody has seen enough of what is new in a room. */
  leaveUnread(room: Room): void {
    room.fresh = undefined;
    this.mark(room, room.log.position ?? 0);
  }

  /** What needs no reading does not leave a room unread that was read before it. */
  passOver(room: Room, seq: number): void {
    if (room.read === seq - 1) this.mark(room, seq);
  }

  /** The server knows less than was read here. */
  sayAgain(room: Room): void {
    this.unsaid.add(room);
  }

  forget(room: Room): void {
    this.unsaid.delete(room);
  }

  /** Tells the server at once. */
  say(): void {
    this.timer?.();
    this.timer = undefined;
    for (const room of this.unsaid) {
      if (!this.link.send('read', { room: room.id, seq: room.read })) return;
      this.unsaid.delete(room);
    }
  }

  private mark(room: Room, seq: number): void {
    if (seq <= room.read) return;
    room.readUpTo(seq);
    this.keeper?.changed();
    this.unsaid.add(room);
    this.timer ??= this.clock.after(sayEvery, () => this.say());
  }
}
