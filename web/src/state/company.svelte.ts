import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Clock } from '../lib/clock.ts';
import { Roll, type Presence, type Told } from '../lib/presence.ts';
import { roomApi, type Member } from '../lib/roomapi.ts';
import type { Room } from './room.svelte.ts';

const page = 100;

/** Who of the others is here. */
export class Company {
  private readonly clock: Clock;
  private readonly roll = new Roll();
  private readonly here = new SvelteMap<string, Presence>();
  /** Rooms of whose people it is known, on this connection, or is being asked. */
  private readonly asked = new SvelteSet<string>();
  private connected = false;
  private readonly line: Room[] = [];
  private asking = false;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Whether somebody is here: undefined, if not, or if nobody knows. */
  of(person: string): Presence | undefined {
    return this.here.get(person);
  }

  /** The server says that somebody came, went, or looks away. */
  take(person: string, told: Told): void {
    this.note(person, told, this.clock.now());
  }

  /** Takes a list of members as it was at that time. */
  takeMembers(members: readonly Member[], at: number): void {
    for (const member of members) if (!member.bot) this.note(member.id, member, at);
  }

  /** Asks who is in a room, once for each connection: from then on the server tells what changes. */
  learn(room: Room): void {
    if (!this.connected || this.asked.has(room.id)) return;
    this.asked.add(room.id);
    this.line.push(room);
    void this.ask();
  }

  online(): void {
    this.connected = true;
    this.asked.clear();
  }

  /** What was known may be wrong any moment. */
  offline(): void {
    this.connected = false;
    this.line.length = 0;
    this.roll.clear();
    this.here.clear();
  }

  private note(person: string, told: Told, at: number): void {
    if (!this.connected || !this.roll.set(person, told, at)) return;
    const is = this.roll.get(person);
    if (is) this.here.set(person, is);
    else this.here.delete(person);
  }

  /** One room after the other: nobody waits for it. */
  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    for (let room = this.line.shift(); room; room = this.line.shift()) {
      const at = this.clock.now();
      const answer = await roomApi
        .members(room.id, 'members', { limit: page })
        .catch(() => undefined);
      if (answer) this.takeMembers(answer.members, at);
    }
    this.asking = false;
  }
}
