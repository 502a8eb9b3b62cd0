import { apply } from '../lib/revise.ts';
import { talkApi } from '../lib/talkapi.ts';
import type { RoomEvent } from '../lib/wire.ts';
import type { Room } from './room.svelte.ts';

/** What stands under a message, beside its room: the message first. */
export class OpenThread {
  readonly room: Room;
  readonly root: number;

  events = $state.raw<readonly RoomEvent[]>([]);
  state = $state<'loading' | 'ready' | 'failed' | 'gone'>('loading');
  /** A reply that is to be pointed out. */
  target = $state<number | undefined>();
  /** How far it was shown here. */
  read = 0;

  /** What came while the thread was being read. */
  private early: RoomEvent[] = [];

  constructor(room: Room, root: number) {
    this.room = room;
    this.root = root;
  }

  /** The newest reply. */
  get last(): number | undefined {
    return this.events.findLast((event) => event.thread !== undefined)?.seq;
  }

  async load(): Promise<void> {
    this.early = [];
    try {
      const { root, replies } = await talkApi.thread(this.room.id, this.root);
      this.events = [root, ...replies];
      this.state = 'ready';
      const { early } = this;
      this.early = [];
      for (const event of early) this.take(event);
    } catch (error) {
      const gone = (error as { code?: string }).code === 'not_found';
      if (this.state !== 'ready' || gone) this.state = gone ? 'gone' : 'failed';
    }
  }

  /** Takes an event of the room: a reply, or what changes a message that is here. */
  take(event: RoomEvent): void {
    if (this.state === 'loading') this.early.push(event);
    if (this.state !== 'ready') return;
    if (event.thread === this.root) {
      if (event.seq > (this.last ?? 0)) this.events = [...this.events, event];
      return;
    }
    const { target } = event;
    if (target === undefined || event.kind === 'message') return;
    const at = this.events.findIndex(({ seq }) => seq === target);
    const message = this.events[at];
    if (!message) return;
    this.events = this.events.with(at, apply(message, event));
  }
}
