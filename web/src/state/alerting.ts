import { line } from '../lib/action.ts';
import { asksFor, tagOf } from '../lib/alerts.ts';
import type { Clock } from '../lib/clock.ts';
import { excerpt } from '../lib/excerpt.ts';
import { spokenFiles } from '../lib/files.ts';
import type { RoomEvent } from '../lib/wire.ts';
import { alerts } from './alerts.svelte.ts';
import type { Room } from './room.svelte.ts';
import { quietude } from './silence.svelte.ts';
import type { Threads } from './threads.svelte.ts';
import { speech } from './words.svelte.ts';

/** So long another device has to say that the message is read there. */
const grace = 700;

/** Alerts of what comes while nobody looks, where the server does not push it. */
export class Alerting {
  private readonly me: string;
  private readonly clock: Clock;
  private readonly skew: () => number;
  private readonly threads: Threads;

  constructor(me: string, clock: Clock, skew: () => number, threads: Threads) {
    this.me = me;
    this.clock = clock;
    this.skew = skew;
    this.threads = threads;
  }

  /** Takes an event of a room that the log has taken. */
  take(room: Room, event: RoomEvent): void {
    if (event.seq <= room.alertedTo) return;
    room.alertedTo = event.seq;
    if (event.kind === 'delete') this.over(room, (seq) => seq === event.target);
    if (event.kind !== 'message' || alerts.state !== 'page' || !this.asks(room, event)) return;
    this.clock.after(grace, () => void this.decide(room, event.seq));
  }

  /** A room, or a thread in it, was read up to there. */
  read(room: Room, seq: number, thread?: number): void {
    this.over(room, (at, of) => of === thread && at <= seq);
  }

  private over(room: Room, is: (seq: number, thread: number | undefined) => boolean): void {
    if (alerts.state !== 'page' && alerts.state !== 'push') return;
    void alerts.close((alert) => alert.room === room.id && is(alert.seq, alert.thread));
  }

  private asks(room: Room, event: RoomEvent): boolean {
    const thread = event.thread ? this.threads.follows(room, event.thread) : undefined;
    const now = this.clock.now() + this.skew();
    return asksFor({ event, room: room.info, me: this.me, read: room.read, thread, now });
  }

  private async decide(room: Room, seq: number): Promise<void> {
    const event = room.log.at(seq);
    if (!event || !this.asks(room, event) || (await alerts.watched())) return;
    await quietude.refreshOld();
    if (quietude.by(this.clock.now() + this.skew())) return;
    const who = event.as ?? event.name;
    const body = excerpt(event.text) || spokenFiles(event.files, speech.now);
    await alerts.show({
      title: room.info.kind === 'direct' ? who : `${who} · ${room.label}`,
      body: body.startsWith('/me ') ? line(who, body) : body,
      tag: tagOf(event),
      time: event.time,
      data: {
        room: room.id,
        seq,
        url: `${room.path}/${seq}`,
        ...(event.thread ? { thread: event.thread } : {}),
      },
    });
  }
}
