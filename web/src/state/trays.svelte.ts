import type { Clock } from '../lib/clock.ts';
import { Uploads } from '../lib/uploads.ts';
import type { More } from '../lib/outbox.ts';
import type { SharedFile } from '../lib/wire.ts';
import type { Room } from './room.svelte.ts';
import { Tray, type Item } from './tray.svelte.ts';

export interface TraysOptions {
  clock: Clock;
  newKey: () => string;
  /** Sends a message whose composer is not on screen, with the text that stands in it. */
  send: (room: Room, key: string, more: More) => void;
  onfailed: (item: Item) => void;
}

/** What a composer is called: by its room, or by the message under which it writes. */
export const composerKey = (room: Room, thread: number | undefined): string =>
  thread === undefined ? room.id : `${room.id}#${thread}`;

/** The files in all composers, and their uploads. */
export class Trays {
  private readonly options: TraysOptions;
  private readonly trays = new Map<string, Tray>();
  readonly uploads: Uploads;

  constructor(options: TraysOptions) {
    this.options = options;
    this.uploads = new Uploads({
      clock: options.clock,
      onchange: (upload) => {
        for (const tray of this.trays.values()) tray.hear(upload);
      },
    });
  }

  /** The files of a composer. */
  of(room: Room, thread: number | undefined): Tray {
    const key = composerKey(room, thread);
    const known = this.trays.get(key);
    if (known) return known;
    const { newKey, onfailed } = this.options;
    const tray = new Tray(key, this.uploads, newKey, this.sender(room, thread), onfailed);
    this.trays.set(key, tray);
    return tray;
  }

  /** What a tray does by itself while nobody shows its composer. */
  private sender(room: Room, thread: number | undefined): (files: SharedFile[]) => void {
    return (files) => {
      const reply = thread === undefined ? room.replying?.seq : undefined;
      this.options.send(room, composerKey(room, thread), {
        files,
        ...(reply === undefined ? {} : { reply }),
        ...(thread === undefined ? {} : { thread }),
      });
      if (thread === undefined) room.replying = undefined;
    };
  }

  /** Something would be lost with the page. */
  get holds(): boolean {
    return [...this.trays.values()].some(({ items }) => items.length > 0);
  }

  /** A room was left: what was to be sent there is not. */
  forget(room: Room): void {
    for (const [key, tray] of this.trays) {
      if (key.split('#', 1)[0] !== room.id) continue;
      tray.clear();
      this.trays.delete(key);
    }
  }

  stop(): void {
    this.uploads.stop();
    this.trays.clear();
  }
}
