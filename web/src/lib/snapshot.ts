import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { Clock } from './clock.ts';
import { isEvent, isRoom, isYou, type RoomEvent, type RoomInfo, type You } from './wire.ts';

/** The newest messages of a room. */
export interface KeptLog {
  id: string;
  epoch: string;
  /** By the clock of this device. */
  used: number;
  events: RoomEvent[];
}

/** Who was here last, in which rooms, and what stood in those that were looked at last. */
export interface Last {
  you: You;
  epoch: string;
  rooms: RoomInfo[];
  logs: Map<string, KeptLog>;
}

export type Person = Omit<Last, 'logs'>;

interface Schema extends DBSchema {
  person: { key: 'last'; value: Person };
  logs: { key: string; value: KeptLog };
}

export const snapshotName = 'hubbub.last';
export const mostLogs = 20;
export const mostEvents = 100;

/** What the page shows until the server answers. Rejects where there is no IndexedDB. */
export class Snapshot {
  private readonly db: IDBPDatabase<Schema>;

  private constructor(db: IDBPDatabase<Schema>) {
    this.db = db;
  }

  static async open(name = snapshotName): Promise<Snapshot> {
    const db = await openDB<Schema>(name, 1, {
      upgrade(database) {
        database.createObjectStore('person');
        database.createObjectStore('logs', { keyPath: 'id' });
      },
      // Somebody signs out in another tab: do not stand in the way, and write nothing after it.
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
    return new Snapshot(db);
  }

  /** What was kept, as far as it is whole: an earlier page may have written something else. */
  async read(): Promise<Last | undefined> {
    const tx = this.db.transaction(['person', 'logs']);
    const [person, logs] = await Promise.all([
      tx.objectStore('person').get('last'),
      tx.objectStore('logs').getAll(),
    ]);
    if (!person || !isYou(person.you) || !person.rooms.every(isRoom)) return undefined;
    const known = new Set(person.rooms.map((room) => room.id));
    const whole = logs.filter(
      ({ id, epoch, events }) =>
        known.has(id) && epoch === person.epoch && events.every(isEvent) && contiguous(events),
    );
    return { ...person, logs: new Map(whole.map((log) => [log.id, log])) };
  }

  /** Keeps the list of rooms. What was kept of somebody else, or of rooms that are not on it, goes. */
  async keepPerson(person: Person): Promise<void> {
    const tx = this.db.transaction(['person', 'logs'], 'readwrite');
    const before = await tx.objectStore('person').get('last');
    const same = before?.you.id === person.you.id && before.epoch === person.epoch;
    const stays = new Set(same ? person.rooms.map((room) => room.id) : []);
    for (const id of await tx.objectStore('logs').getAllKeys()) {
      if (!stays.has(id)) await tx.objectStore('logs').delete(id);
    }
    await tx.objectStore('person').put(person, 'last');
    await tx.done;
  }

  /** Keeps the newest messages of a room, and drops the room that was looked at longest ago. */
  async keepLog(log: KeptLog): Promise<void> {
    const tx = this.db.transaction(['person', 'logs'], 'readwrite');
    const person = await tx.objectStore('person').get('last');
    // It was left while this was on its way.
    if (person?.rooms.some((room) => room.id === log.id)) {
      const logs = tx.objectStore('logs');
      await logs.put({ ...log, events: log.events.slice(-mostEvents) });
      if ((await logs.count()) <= mostLogs) return tx.done;
      const all = await logs.getAll();
      all.sort((a, b) => b.used - a.used);
      for (const { id } of all.slice(mostLogs)) await logs.delete(id);
    }
    await tx.done;
  }

  /** Leaves nothing of a room. */
  async forget(room: string): Promise<void> {
    const tx = this.db.transaction(['person', 'logs'], 'readwrite');
    const person = await tx.objectStore('person').get('last');
    if (person) {
      const rooms = person.rooms.filter(({ id }) => id !== room);
      await tx.objectStore('person').put({ ...person, rooms }, 'last');
    }
    await tx.objectStore('logs').delete(room);
    await tx.done;
  }

  /** Leaves nothing at all. */
  async clear(): Promise<void> {
    const tx = this.db.transaction(['person', 'logs'], 'readwrite');
    await Promise.all([tx.objectStore('person').clear(), tx.objectStore('logs').clear()]);
    await tx.done;
  }

  close(): void {
    this.db.close();
  }
}

/** Removes the database itself. */
export async function removeSnapshot(name = snapshotName): Promise<void> {
  await deleteDB(name);
}

const contiguous = (events: readonly RoomEvent[]): boolean =>
  events.every((event, i) => event.seq === (events[0]?.seq ?? 0) + i);

/**
 * Brings up to date what was kept of rooms in which something happened while nobody looked: what was
 * deleted there is not kept either. One room after the other, as nobody waits for it.
 */
export async function freshen(
  snapshot: Pick<Snapshot, 'read' | 'keepLog'>,
  headOf: (room: string) => number | undefined,
  load: (room: string, before: number) => Promise<{ epoch: string; events: RoomEvent[] }>,
): Promise<void> {
  for (const log of (await snapshot.read())?.logs.values() ?? []) {
    const head = headOf(log.id);
    if (head === undefined || head === log.events.at(-1)?.seq) continue;
    const { epoch, events } = await load(log.id, head + 1);
    await snapshot.keepLog({ ...log, epoch, events });
  }
}

/** What a keeper asks of the page. */
export interface Keepable {
  person(): Person;
  /** The newest messages of a room, or nothing of a room that was not looked at. */
  log(room: string): KeptLog | undefined;
}

const pause = 2_000;

/** Writes what changed, a moment later and all at once: a flood of messages is one write. */
export class Keeper {
  private readonly snapshot: Pick<Snapshot, 'keepPerson' | 'keepLog' | 'forget'>;
  private readonly clock: Clock;
  private readonly of: Keepable;
  private readonly dirty = new Set<string>();
  private timer: (() => void) | undefined;
  private stopped = false;

  constructor(
    snapshot: Pick<Snapshot, 'keepPerson' | 'keepLog' | 'forget'>,
    clock: Clock,
    of: Keepable,
  ) {
    this.snapshot = snapshot;
    this.clock = clock;
    this.of = of;
  }

  /** The list of rooms changed, or what stands in one of them. */
  changed(room?: string): void {
    if (this.stopped) return;
    if (room !== undefined) this.dirty.add(room);
    this.timer ??= this.clock.after(pause, () => void this.write());
  }

  /** A room was left: what was kept of it goes at once. */
  gone(room: string): void {
    if (this.stopped) return;
    this.dirty.delete(room);
    this.snapshot.forget(room).catch(ignore);
    this.changed();
  }

  /** The page may go now. */
  async write(): Promise<void> {
    if (!this.timer) return;
    this.timer();
    this.timer = undefined;
    const logs = [...this.dirty].flatMap((room) => this.of.log(room) ?? []);
    this.dirty.clear();
    try {
      await this.snapshot.keepPerson(this.of.person());
      for (const log of logs) await this.snapshot.keepLog(log);
    } catch {
      // A full or closed database costs what is shown without a connection, nothing now.
    }
  }

  /** Nothing is written from here on. */
  stop(): void {
    this.stopped = true;
    this.timer?.();
    this.timer = undefined;
  }
}

const ignore = (): void => undefined;
