import { untrack } from 'svelte';
import { ApiError, type Api, type MyRoom } from '../lib/api.ts';
import type { Clock } from '../lib/clock.ts';
import { ComposerTexts, type TextStorage } from '../lib/composertexts.ts';
import type { DraftStore } from '../lib/draftstore.ts';
import { Outbox, type Outgoing, type OutboxNews } from '../lib/outbox.ts';
import { Connection, type ConnectionState, type Socket } from '../lib/socket.ts';
import type { ErrorBody, Limits, RoomEvent, ServerBodies, ServerFrame, You } from '../lib/wire.ts';
import { Room } from './room.svelte.ts';

export interface ChatOptions {
  you: You;
  epoch: string;
  rooms: MyRoom[];
  api: Api;
  clock: Clock;
  store: DraftStore;
  newId: () => string;
  connect: (subprotocol: string) => Socket;
  tell: (news: OutboxNews) => void;
  texts: TextStorage | undefined;
  /** The server does not know us any more, or knows us as somebody else. */
  onstranger: () => void;
  /** Something was said in the room on screen, for those who listen instead of look. */
  onannounce: (text: string) => void;
}

const typingEvery = 3_000;
const readEvery = 1_000;
const firstPage = 50;
const olderPage = 100;
const largestPage = 500;
/** How much of the read history stands above the first unread message. */
const context = 20;
const keptAfterLeaving = 500;
const keptUnseen = 200;

/** Everything one person has on screen: their rooms, their outbox, the connection between. */
export class Chat {
  you = $state<You>({ id: '', name: '', role: 'guest' });
  connection = $state.raw<ConnectionState>({ phase: 'connecting' });
  /** By name. */
  rooms = $state.raw<readonly Room[]>([]);
  current = $state.raw<Room | undefined>();
  outgoing = $state.raw<readonly Outgoing[]>([]);
  pausedUntil = $state<number | undefined>();
  limits = $state.raw<Limits>({ text: 16_384, frame: 131_072, rooms: 500, resume: 10_000 });
  /** How far this device's clock is behind the server's. */
  skew = $state(0);
  /** Counts the changes of composer texts, for the marks in the room list. */
  composed = $state(0);

  readonly unread = $derived(this.rooms.reduce((sum, room) => sum + room.unread, 0));
  readonly waiting = $derived(this.outgoing.filter((d) => !d.sent && !d.failed).length);

  readonly texts: ComposerTexts;

  private readonly options: ChatOptions;
  private readonly byId = new Map<string, Room>();
  private readonly link: Connection;
  private readonly outbox: Outbox;
  /** Whether somebody sits before the page. */
  private attentive = $state(true);
  private typedAt = 0;
  private readonly unsaidReads = new Set<Room>();
  private readTimer: (() => void) | undefined;
  private missed = 0;

  constructor(options: ChatOptions) {
    const { you, epoch, rooms, clock, store, newId, tell, texts } = options;
    this.options = options;
    this.you = you;
    this.texts = new ComposerTexts(you.id, texts);
    for (const summary of rooms) this.addRoom(summary).log.begin(epoch, summary.head);
    this.link = new Connection({
      connect: options.connect,
      clock,
      random: Math.random,
      onopen: () => this.openRooms(),
      onframe: (frame) => this.take(frame),
      onstate: (state) => this.enter(state),
    });
    this.outbox = new Outbox({
      author: you.id,
      store,
      clock,
      newId,
      tell,
      send: ({ room, id, text }) => this.link.send('send', { room, id, text }),
      onoverdue: () => this.link.probe(),
      onchange: () => this.showOutbox(),
    });
  }

  start(): void {
    void this.outbox.load();
    this.link.start();
  }

  stop(): void {
    this.outbox.disconnected();
    this.link.stop();
  }

  // What the person does

  /** Joins the public room of that name, or makes it, and puts it on the list. */
  async join(name: string): Promise<Room> {
    const known = this.rooms.find((room) => room.name === name);
    if (known) return known;
    const summary = await this.options.api.join(name);
    const room = this.byId.get(summary.id) ?? this.addRoom({ ...summary, read: summary.head });
    room.name = summary.name;
    this.openRoom(room);
    return room;
  }

  /** Shows a room, from its first unread message. */
  show(room: Room | undefined): void {
    const left = this.current;
    if (left === room) return;
    if (left) {
      left.fresh = undefined;
      left.log.trim(keptAfterLeaving);
      left.touch();
    }
    this.current = room;
    if (!room) return;
    room.fresh = room.unread > 0 ? room.read + 1 : undefined;
    void this.loadFirst(room);
  }

  send(room: Room, text: string): void {
    this.outbox.add(room.id, text);
    this.typedAt = -Infinity; // what is typed next is news again
  }

  retry(id: string): void {
    this.outbox.retry(id);
  }

  discard(id: string): void {
    this.outbox.discard(id);
  }

  compose(room: Room, text: string): void {
    this.texts.set(room.id, text);
    this.composed++;
  }

  typing(room: Room): void {
    const now = this.options.clock.now();
    if (now - this.typedAt < typingEvery) return;
    if (this.link.send('typing', { room: room.id })) this.typedAt = now;
  }

  async rename(name: string): Promise<void> {
    this.you = await this.options.api.rename(name);
  }

  /** The newest message of the room is on screen. It counts as read if somebody is there to see it. */
  sawNewest(room: Room): void {
    if (this.attentive) untrack(() => this.markRead(room, room.log.position ?? 0));
  }

  attend(attentive: boolean): void {
    this.attentive = attentive;
    if (!attentive) this.sayReads();
  }

  wake(): void {
    this.link.wake();
  }

  async loadOlder(room: Room, limit = olderPage): Promise<void> {
    if (room.older === 'loading' || room.log.complete || room.log.position === undefined) return;
    room.older = 'loading';
    try {
      const page = await this.options.api.history(room.id, room.log.start, limit);
      room.log.prepend(page.events, page.epoch);
      room.older = 'idle';
    } catch {
      room.older = 'failed';
    }
    room.touch();
  }

  /** Takes over what other tabs and devices did to the list of rooms. */
  async refreshRooms(): Promise<void> {
    const { rooms } = await this.options.api.myRooms().catch(() => ({ rooms: [] }));
    for (const summary of rooms) {
      const known = this.byId.get(summary.id);
      if (known) known.update(summary);
      else this.openRoom(this.addRoom(summary));
    }
  }

  hear(news: OutboxNews): void {
    this.outbox.hear(news);
  }

  // What the server says

  private take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        return this.welcome(frame.body);
      case 'you':
        if (frame.body.id === this.you.id) this.you = frame.body;
        return;
      case 'opened':
        return this.opened(frame.body);
      case 'event':
        return this.takeEvent(frame.body);
      case 'reset':
        return this.reopenAnew(frame.body.room);
      case 'sent':
        return this.outbox.acknowledged(frame.body.id, frame.body.seq, frame.body.time);
      case 'typing':
        if (frame.body.author === this.you.id) return;
        return this.byId.get(frame.body.room)?.startsTyping(frame.body.author, frame.body.name);
      case 'read':
        return this.takeRead(frame.body);
      case 'heartbeat':
        return this.heartbeat(frame.body);
      case 'error':
        return this.refused(frame.body);
    }
  }

  private welcome({ you, time, limits }: ServerBodies['welcome']): void {
    if (you.id !== this.you.id) return this.options.onstranger();
    this.you = you;
    this.limits = limits;
    this.skew = time - this.options.clock.now();
  }

  private enter(state: ConnectionState): void {
    this.connection = state;
    if (state.phase === 'connected') {
      this.outbox.connected();
      this.sayReads();
      void this.refreshRooms();
    } else {
      this.outbox.disconnected();
      for (const room of this.rooms) room.opening = false;
    }
    if (state.phase === 'stopped' && state.unauthorized) this.options.onstranger();
  }

  private opened(body: ServerBodies['opened']): void {
    const room = this.byId.get(body.room);
    if (!room) return;
    room.opening = false;
    room.name = body.name;
    room.log.opened(body);
    room.openedHead = body.head;
    room.head = body.head;
    if (room === this.current) this.missed = 0;
    if (room.read > body.read && room.read <= body.head) this.unsaidReads.add(room);
    else room.read = body.read;
    this.caughtUp(room);
    room.touch();
  }

  private takeEvent(event: RoomEvent): void {
    const room = this.byId.get(event.room);
    if (!room) return;
    const taken = room.log.add(event);
    if (taken === 'gap') return this.openRoom(room);
    if (taken === 'known') return;
    const own = event.author === this.you.id;
    room.head = Math.max(room.head, event.seq);
    room.stopsTyping(event.author);
    if (own) this.outbox.seen(event.id);
    if (own || event.kind !== 'message') this.passOver(room, event.seq);
    else this.announce(room, event);
    if (room !== this.current && room.log.events.length > 2 * keptUnseen) room.log.trim(keptUnseen);
    this.caughtUp(room);
    room.touch();
  }

  /** What needs no reading does not leave a room unread that was read before it. */
  private passOver(room: Room, seq: number): void {
    if (room.read === seq - 1) this.markRead(room, seq);
  }

  private announce(room: Room, event: RoomEvent): void {
    if (room !== this.current) return;
    if (event.seq <= room.openedHead) {
      if (room.ready) this.missed++;
      return;
    }
    // Nobody has seen what comes now: this is where they will want to go on.
    if (!this.attentive && room.read === event.seq - 1) room.fresh = event.seq;
    this.options.onannounce(`${event.name}: ${event.text}`);
  }

  private caughtUp(room: Room): void {
    const position = room.log.position;
    if (position === undefined || position < room.openedHead) return;
    this.outbox.seenUpTo(room.id, position);
    if (room !== this.current) return;
    if (!room.ready) void this.loadFirst(room);
    else if (this.missed > 0) {
      const count = this.missed;
      this.missed = 0;
      this.options.onannounce(
        count === 1 ? '1 message was missed' : `${count} messages were missed`,
      );
    }
  }

  private takeRead({ room: id, seq }: ServerBodies['read']): void {
    const room = this.byId.get(id);
    if (room) room.read = Math.max(room.read, seq);
  }

  private heartbeat({ time, heads }: ServerBodies['heartbeat']): void {
    this.skew = time - this.options.clock.now();
    for (const room of this.rooms) {
      const stuck = (room.log.position ?? 0) < room.heartbeatHead;
      if (stuck) {
        // Also if it was asked before: the answer has had its time.
        room.opening = false;
        this.openRoom(room);
      }
      room.heartbeatHead = heads[room.id] ?? 0;
    }
  }

  private refused(error: ErrorBody): void {
    if (error.id !== undefined) return this.refusedDraft(error);
    const room = error.room === undefined ? undefined : this.byId.get(error.room);
    if (!room || error.frame !== 'open') return;
    room.opening = false;
    if (error.code === 'beyond_head') this.reopenAnew(room.id);
    else if (error.code === 'not_found') this.removeRoom(room);
  }

  private refusedDraft(error: ErrorBody): void {
    this.outbox.refused(error);
    const failed = this.outgoing.some((draft) => draft.id === error.id && draft.failed);
    if (failed) this.options.onannounce(`Not sent: ${error.message}`);
  }

  // Rooms and their places

  private addRoom(summary: MyRoom): Room {
    const room = new Room(summary, this.options.clock);
    this.byId.set(room.id, room);
    this.listRooms();
    return room;
  }

  private removeRoom(room: Room): void {
    this.byId.delete(room.id);
    this.listRooms();
    if (this.current === room) this.current = undefined;
  }

  private listRooms(): void {
    this.rooms = [...this.byId.values()].sort((a, b) => a.name.localeCompare(b.name));
  }

  private openRooms(): void {
    if (this.current) this.openRoom(this.current);
    for (const room of this.rooms.slice(0, this.limits.rooms)) this.openRoom(room);
  }

  private openRoom(room: Room): void {
    if (room.opening) return;
    room.opening = this.link.send('open', { room: room.id, ...room.log.place() });
  }

  private reopenAnew(id: string): void {
    const room = this.byId.get(id);
    if (!room) return;
    room.opening = false;
    room.ready = false;
    room.log.reset();
    this.openRoom(room);
    room.touch();
  }

  /** Loads as much as it takes to show the first unread message in its surroundings. */
  async loadFirst(room: Room): Promise<void> {
    const { log } = room;
    if (log.position === undefined || log.position < room.openedHead) return;
    const wanted = Math.min(largestPage, Math.max(firstPage, room.unread + context));
    const missing = wanted - log.events.length;
    if (missing > 0 && !log.complete) await this.loadOlder(room, missing);
    room.ready = log.position !== undefined && (log.events.length > 0 || log.complete);
  }

  // Read marks

  private markRead(room: Room, seq: number): void {
    if (seq <= room.read) return;
    room.read = seq;
    this.unsaidReads.add(room);
    this.readTimer ??= this.options.clock.after(readEvery, () => this.sayReads());
  }

  private sayReads(): void {
    this.readTimer?.();
    this.readTimer = undefined;
    for (const room of this.unsaidReads) {
      if (!this.link.send('read', { room: room.id, seq: room.read })) return;
      this.unsaidReads.delete(room);
    }
  }

  private showOutbox(): void {
    this.outgoing = this.outbox.all();
    this.pausedUntil = this.outbox.pausedUntil;
  }
}

/** The words for an error of the HTTP interface. */
export function explain(error: unknown): string {
  if (error instanceof ApiError && error.retryAfter !== undefined) {
    return `${error.message} Try again in ${Math.ceil(error.retryAfter)} s.`;
  }
  return error instanceof Error ? error.message : 'Something went wrong.';
}
