import type { Connection } from '../lib/socket.ts';
import type { Room } from './room.svelte.ts';
import type { RoomList } from './roomlist.svelte.ts';

/** The rooms that are open on the connection: what happens in them comes by itself. */
export class OpenRooms {
  /** So many the server lets be open. */
  most = 500;

  private readonly rooms: RoomList;
  private readonly link: Pick<Connection, 'send'>;
  /** The longest ago first. */
  private readonly open = new Set<Room>();

  constructor(rooms: RoomList, link: Pick<Connection, 'send'>) {
    this.rooms = rooms;
    this.link = link;
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
    if (room.opening) this.open.add(room);
  }

  /** Opens a room whose history here does not fit to the server's. */
  addAnew(room: Room): void {
    room.opening = false;
    room.ready = false;
    room.log.reset();
    this.add(room);
    room.touch();
  }

  remove(room: Room): void {
    this.open.delete(room);
  }

  /** The connection is lost, and with it all that was open on it. */
  clear(): void {
    for (const room of this.open) room.opening = false;
    this.open.clear();
  }

  /** Opens again what has come no further since the last heartbeat. */
  check(heads: Record<string, number>): void {
    for (const room of this.open) {
      const stuck = (room.log.position ?? 0) < room.heartbeatHead;
      if (stuck) {
        // Also if it was asked before: the answer has had its time.
        room.opening = false;
        this.add(room);
      }
      room.heartbeatHead = heads[room.id] ?? 0;
    }
  }

  /** Closes the room that was opened longest ago, where one more would be too many. */
  private makePlace(wanted: Room): void {
    if (this.open.size < this.most) return;
    for (const room of this.open) {
      if (room === wanted || room === this.rooms.current) continue;
      this.link.send('close', { room: room.id });
      this.open.delete(room);
      room.opening = false;
      return;
    }
  }
}
