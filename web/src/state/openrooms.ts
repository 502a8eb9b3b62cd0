import type { Clock } from '../lib/clock.ts';
import type { Connection } from '../lib/socket.ts';
import type { Room } from './room.svelte.ts';
import type { RoomList } from './roomlist.svelte.ts';

const overdueAfter = 2_000;
/** So long the connection may be silent when it is asked what became of an `open`. */
const silence = 10_000;

/** The rooms that are open on the connection: what happens in them comes by itself. */
export class OpenRooms {
  /** So many the server lets be open. */
  most = 500;

  private readonly rooms: RoomList;
  private readonly link: Pick<Connection, 'send' | 'probe'>;
  private readonly clock: Clock;
  /** The longest ago first. */
  private readonly open = new Set<Room>();
  /** Under which number the server was asked whether it has answered an `open`. */
  private readonly asked = new Map<Room, number>();
  /** Where rooms stood when the server was asked whether it has sent all up to there. */
  private readonly behind = new Map<Room, { head: number; asked: number }>();
  private cancelAsking: (() => void) | undefined;

  constructor(rooms: RoomList, link: Pick<Connection, 'send' | 'probe'>, clock: Clock) {
    this.rooms = rooms;
    this.link = link;
    this.clock = clock;
  }

  has(room: Room): boolean {
    return this.open.has(room);
  }

  /** There is a new connection, on which nothing is open. */
  addAll(): void {
    if (this.rooms.current) this.add(this.rooms.current);
    for (const room of this.rooms.all) {
      if (this.open.size >= this.most) break;
      this.add(room);
    }
  }

  /** Opens a room where its log ends; also once more, where something is missing. */
  add(room: Room): void {
    if (room.opening) return;
    if (!this.open.has(room)) this.makePlace(room);
    room.opening = this.link.send('open', { room: room.id, ...room.log.place() });
    if (!room.opening) return;
    this.open.add(room);
    this.asked.delete(room);
    this.askSoon();
  }

  /**
   * The server has answered everything before question `n`, and sent all there was. What is still to be opened
   * was lost on the way, and what is still behind has lost an event: their cursors are set anew. Says
   * whether there was such a room.
   */
  answered(n: number): boolean {
    const lost = new Set<Room>();
    for (const [room, asked] of this.asked) if (asked <= n && room.opening) lost.add(room);
    for (const [room, { head, asked }] of this.behind) {
      if (asked > n) continue;
      this.behind.delete(room);
      if (this.open.has(room) && (room.log.position ?? 0) < head) lost.add(room);
    }
    for (const room of lost) this.addAgain(room);
    return lost.size > 0;
  }

  /** Opens a room whose history here does not fit to the server's. */
  addAnew(room: Room): void {
    room.ready = false;
    room.log.reset();
    this.addAgain(room);
    room.touch();
  }

  remove(room: Room): void {
    this.open.delete(room);
    this.asked.delete(room);
    this.behind.delete(room);
  }

  /** The connection is lost, and with it all that was open on it. */
  clear(): void {
    for (const room of this.open) room.opening = false;
    this.open.clear();
    this.asked.clear();
    this.behind.clear();
    this.cancelAsking?.();
    this.cancelAsking = undefined;
  }

  /**
   * Takes what the server says is open, and where it stands. What has come no further since the last
   * heartbeat is opened again, and what the server does not have open; what only it has open is closed.
   */
  check(heads: Record<string, number>): void {
    const late = new Map<Room, number>();
    for (const room of [...this.open]) {
      const position = room.log.position ?? 0;
      const head = heads[room.id];
      // Also if it was asked before: the answer has had its time.
      if (position < room.heartbeatHead) this.addAgain(room);
      else if (head === undefined && !room.opening) this.addAgain(room);
      else if (head !== undefined && position < head) late.set(room, head);
      room.heartbeatHead = head ?? 0;
    }
    for (const id of Object.keys(heads)) {
      const room = this.rooms.get(id);
      if (!room || !this.open.has(room)) this.link.send('close', { room: id });
    }
    if (late.size === 0) return;
    const asked = this.link.probe(silence);
    if (asked === undefined) return;
    for (const [room, head] of late) this.behind.set(room, { head, asked });
  }

  private addAgain(room: Room): void {
    room.opening = false;
    this.add(room);
  }

  /** Asks after what is to be opened for as long as there is no answer: the question can be lost too. */
  private askSoon(): void {
    this.cancelAsking ??= this.clock.after(overdueAfter, () => {
      this.cancelAsking = undefined;
      const waiting = [...this.open].filter((room) => room.opening);
      if (waiting.length === 0) return;
      const asked = this.link.probe(silence);
      if (this.open.size === 0) return; // it was given up
      for (const room of waiting) {
        if (asked !== undefined && !this.asked.has(room)) this.asked.set(room, asked);
      }
      this.askSoon();
    });
  }

  /** Closes the room that was opened longest ago, where one more would be too many. */
  private makePlace(wanted: Room): void {
    if (this.open.size < this.most) return;
    for (const room of this.open) {
      if (room === wanted || room === this.rooms.current) continue;
      this.link.send('close', { room: room.id });
      this.remove(room);
      room.opening = false;
      return;
    }
  }
}
