import type { Clock } from '../lib/clock.ts';
import type { Connection } from '../lib/socket.ts';
import { talkApi, type Thread } from '../lib/talkapi.ts';
import type { ClientBodies, RoomEvent } from '../lib/wire.ts';
import type { Reading } from './reading.svelte.ts';
import type { Room } from './room.svelte.ts';
import { OpenThread } from './thread.svelte.ts';

const recountAfter = 300;

/** The threads that one follows, and the one that is looked at. */
export class Threads {
  /** The thread that is open beside the room. */
  open = $state.raw<OpenThread | undefined>();
  /** The newest first. */
  followed = $state.raw<readonly Thread[]>([]);

  /** A thread was read here, up to there. */
  onread: (room: Room, seq: number, root: number) => void = () => undefined;

  private readonly link: Pick<Connection, 'send'>;
  private readonly clock: Clock;
  private readonly reading: Reading;
  private timer: (() => void) | undefined;
  /** What was said to be read, by room and root; there is no answer to it. */
  private readonly said = new Map<string, ClientBodies['read']>();

  constructor(link: Pick<Connection, 'send'>, clock: Clock, reading: Reading) {
    this.link = link;
    this.clock = clock;
    this.reading = reading;
  }

  /** Opens what stands under a message, beside the room. */
  show(room: Room, root: number, target?: number): void {
    if (this.open?.room !== room || this.open.root !== root) {
      this.open = new OpenThread(room, root);
      void this.open.load();
    }
    this.open.target = target;
  }

  close(): void {
    this.open = undefined;
  }

  /** All of a thread is on screen. */
  read(thread: OpenThread): void {
    const last = thread.last;
    if (!this.reading.attentive || !last || last <= thread.read) return;
    thread.read = last;
    this.onread(thread.room, last, thread.root);
    const read = { room: thread.room.id, seq: last, thread: thread.root };
    this.link.send('read', read);
    this.said.set(`${thread.room.id} ${thread.root}`, read);
    this.followed = this.followed.map((one) =>
      one.room === thread.room.id && one.root.seq === thread.root
        ? { ...one, read: last, unread: 0 }
        : one,
    );
  }

  /** Says once more what was read: it may have been lost. */
  sayAgain(): void {
    for (const read of this.said.values()) this.link.send('read', read);
    this.said.clear();
  }

  async follow(thread: OpenThread, muted: boolean): Promise<void> {
    await talkApi.follow(thread.room.id, thread.root, muted);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    this.followed = await talkApi.threads().catch(() => this.followed);
  }

  /** Whether somebody follows a thread; undefined: they never had to do with it. */
  follows(room: Room, root: number): Thread | undefined {
    return this.followed.find((one) => one.room === room.id && one.root.seq === root);
  }

  /** Takes an event of a room: a reply in a thread, or what may change a message in one. */
  take(room: Room, event: RoomEvent): void {
    const here = event.thread === undefined || event.thread === this.open?.root;
    if (here && this.open?.room === room) this.open.take(event);
    if (event.thread !== undefined) this.refreshSoon();
  }

  /** Asks anew, once for much that comes together. */
  refreshSoon(): void {
    this.timer ??= this.clock.after(recountAfter, () => {
      this.timer = undefined;
      void this.refresh();
    });
  }
}
