import { untrack } from 'svelte';
import { line } from '../lib/action.ts';
import type { api } from '../lib/api.ts';
import { Aside } from '../lib/aside.ts';
import type { Clock } from '../lib/clock.ts';
import { ComposerTexts, type TextStorage } from '../lib/composertexts.ts';
import type { DraftStore } from '../lib/draftstore.ts';
import { excerpt } from '../lib/excerpt.ts';
import { isNotice, notice, sentence } from '../lib/notices.ts';
import { Outbox, sendDraft, type More, type Outgoing, type OutboxNews } from '../lib/outbox.ts';
import type { RoomApi, RoomWish } from '../lib/roomapi.ts';
import { sections, titleOf, type Sections } from '../lib/rooms.ts';
import { Keeper, mostEvents, type KeptLog, type Person, type Snapshot } from '../lib/snapshot.ts';
import type { Quote } from '../lib/rows.ts';
import { Connection, type ConnectionState, type Socket } from '../lib/socket.ts';
import type { TalkApi, Thread } from '../lib/talkapi.ts';
import type {
  ErrorBody,
  Limits,
  RoomEvent,
  RoomFields,
  RoomInfo,
  ServerBodies,
  ServerFrame,
  Standing,
  You,
} from '../lib/wire.ts';
import { Room } from './room.svelte.ts';
import { speech, t } from './words.svelte.ts';
import { OpenThread } from './thread.svelte.ts';

export interface ChatOptions {
  you: You;
  epoch: string;
  rooms: RoomInfo[];
  api: Pick<typeof api, 'rename'>;
  roomApi: RoomApi;
  talkApi: TalkApi;
  clock: Clock;
  store: DraftStore;
  /** Where the page keeps what it shows without a connection. */
  snapshot: Snapshot | undefined;
  /** What was kept of the rooms, if it is all there is for now. */
  logs?: ReadonlyMap<string, KeptLog>;
  newId: () => string;
  connect: (subprotocol: string) => Socket;
  tell: (news: OutboxNews) => void;
  texts: TextStorage | undefined;
  /** The server does not know us any more, or knows us as somebody else. */
  onstranger: () => void;
  /** Something was said in the room on screen, for those who listen instead of look. */
  onannounce: (text: string) => void;
  /** A room has another address now. */
  onmoved: (from: string, to: string) => void;
  /** A room came onto the list that was not there. */
  onlisted: (room: Room) => void;
  /** A moment in words. */
  when: (time: number) => string;
}

/** A room that one is not in, and why. */
export interface Outside {
  id?: string;
  name: string;
  kind: RoomInfo['kind'];
  reason: Standing | 'gone' | 'missing';
  /** Who did it, and what they said. */
  by?: string;
  why?: string;
  until?: number;
  /** One may come in again. */
  joinable?: boolean;
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
const recountAfter = 300;
/** So many letters of a message are read aloud. */
const heard = 500;
/** Events after which a room has more people, or fewer. */
const crowd = new Set(['join', 'leave', 'add', 'remove', 'ban', 'admit']);
/** So far back a message is fetched together with all that came after it. */
const nearby = 400;
const longList = 500;
const listEvery = 100;

/** Everything one person has on screen: their rooms, their outbox, the connection between. */
export class Chat {
  you = $state<You>({ id: '', name: '', role: 'guest' });
  connection = $state.raw<ConnectionState>({ phase: 'connecting' });
  /** The list of rooms in its parts, each by name. */
  parts = $state.raw<Sections<Room>>({ rooms: [], direct: [], archived: [] });
  current = $state.raw<Room | undefined>();
  /** What the address leads to instead, where that is no room one is in. */
  outside = $state.raw<Outside | undefined>();
  outgoing = $state.raw<readonly Outgoing[]>([]);
  pausedUntil = $state<number | undefined>();
  /** Until when the room on screen holds its messages back, because it is slow. */
  slowUntil = $state<number | undefined>();
  limits = $state.raw<Limits>({ text: 16_384, frame: 131_072, rooms: 500, resume: 10_000 });
  /** How far this device's clock is behind the server's. */
  skew = $state(0);
  /** The thread that is open beside the room. */
  thread = $state.raw<OpenThread | undefined>();
  /** The threads that I follow, the newest first. */
  threads = $state.raw<readonly Thread[]>([]);
  /** Counts the changes of composer texts, for the marks in the room list. */
  composed = $state(0);

  readonly rooms = $derived([...this.parts.rooms, ...this.parts.direct, ...this.parts.archived]);
  readonly unread = $derived(this.rooms.reduce((sum, room) => sum + room.unread, 0));
  readonly waiting = $derived(this.outgoing.filter((d) => !d.sent && !d.failed).length);

  readonly texts: ComposerTexts;

  private readonly options: ChatOptions;
  private readonly byId = new Map<string, Room>();
  /** The rooms that are open on this connection, the longest ago first. */
  private readonly open = new Set<Room>();
  private epoch: string;
  private readonly link: Connection;
  private readonly outbox: Outbox;
  private readonly keeper: Keeper | undefined;
  /** Whether somebody sits before the page. */
  private attentive = $state(true);
  private typedAt = 0;
  private readonly unsaidReads = new Set<Room>();
  private readTimer: (() => void) | undefined;
  private listTimer: (() => void) | undefined;
  private crowdTimer: (() => void) | undefined;
  private missed = 0;
  private jumps = 0;
  private threadsTimer: (() => void) | undefined;

  constructor(options: ChatOptions) {
    const { you, epoch, rooms, clock, store, newId, tell, texts } = options;
    this.options = options;
    this.you = you;
    this.epoch = epoch;
    this.texts = new ComposerTexts(you.id, texts);
    this.keeper = options.snapshot && new Keeper(options.snapshot, clock, this);
    for (const info of rooms) this.addRoom(info);
    this.parts = sections(this.byId.values(), speech.now);
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
      send: (draft) => sendDraft(this.link, draft),
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
    this.keeper?.stop();
  }

  // What is kept for the next time

  person(): Person {
    const rooms = [...this.byId.values()].map((room) => room.summary);
    return { you: { ...this.you }, epoch: this.epoch, rooms };
  }

  log(id: string): KeptLog | undefined {
    const room = this.byId.get(id);
    const kept = room?.used && room.ready ? room.log.kept(mostEvents) : undefined;
    return kept && { ...kept, id, used: room?.used ?? 0 };
  }

  // What the person does

  /** The room of an address, if it is on the list. */
  find(path: string): Room | undefined {
    for (const room of this.byId.values()) if (room.path === path) return room;
    return undefined;
  }

  byRoomId(id: string): Room | undefined {
    return this.byId.get(id);
  }

  /** Makes a room, or joins the public one of that name. Undefined if that takes somebody's leave. */
  async make(wish: RoomWish): Promise<Room | undefined> {
    return this.adopt(await this.options.roomApi.make(wish));
  }

  /** Comes into a room by its id. */
  async enterRoom(id: string): Promise<Room | undefined> {
    const info = await this.options.roomApi.get(id);
    if (info.you?.state === 'member') return this.adopt(info);
    return this.adopt(await this.options.roomApi.join(id));
  }

  /** Opens the conversation with these people. */
  async talkTo(people: string[]): Promise<Room | undefined> {
    return this.adopt(await this.options.roomApi.direct(people));
  }

  /** Takes a room that the server says one is in, or what it says instead. */
  adopt(info: RoomInfo): Room | undefined {
    if (info.you && info.you.state !== 'member') {
      this.outside = {
        id: info.id,
        name: titleOf(info, speech.now),
        kind: info.kind,
        reason: info.you.state,
        joinable: info.you.can.includes('join'),
      };
      return undefined;
    }
    const known = this.byId.get(info.id);
    if (known) {
      this.describe(known, info);
      return known;
    }
    const room = this.addRoom(info);
    this.listRooms();
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
      left.aside = left.target = left.editing = undefined;
      left.touch();
    }
    this.current = room;
    if (this.thread?.room !== room) this.thread = undefined;
    this.slowUntil = room && this.outbox.slowUntil(room.id);
    if (!room) return;
    this.outside = undefined;
    room.used = this.options.clock.now();
    this.keeper?.changed(room.id);
    room.fresh = room.unread > 0 ? room.read + 1 : undefined;
    if (!this.open.has(room)) this.openRoom(room);
    this.recountMembers();
    void this.loadFirst(room);
  }

  send(room: Room, text: string, more: More = {}): void {
    this.outbox.add(room.id, text, more);
    this.typedAt = -Infinity; // what is typed next is news again
  }

  /** Changes what one said. It shows at once. */
  edit(room: Room, target: Pick<RoomEvent, 'seq' | 'revised'>, text: string): void {
    const { seq, revised: base = 0 } = target;
    const before = this.outgoing.filter((d) => d.target === seq && d.wish === 'edit');
    for (const { id, failed } of before) if (failed) this.outbox.discard(id);
    // What is based on one's own edit that is still on its way has no number to be based on.
    const under = before.some(({ failed }) => !failed);
    this.outbox.add(room.id, text, { wish: 'edit', target: seq, ...(under ? {} : { base }) });
  }

  /** Erases a message. */
  erase(room: Room, target: number): void {
    this.outbox.add(room.id, '', { wish: 'delete', target });
  }

  /** Puts an emoji to a message, or takes it back, whatever is still on its way. */
  react(room: Room, target: number, emoji: string, on: boolean): void {
    const wish = on ? 'react' : 'unreact';
    this.outbox.add(room.id, emoji, { wish, target });
  }

  /** Leads to a message, wherever in the room's history it stands. False if it is not there. */
  async jumpTo(room: Room, seq: number): Promise<boolean> {
    const { log } = room;
    const known = () => log.at(seq)?.kind === 'message';
    if (!known() && seq < log.start && log.start - seq <= nearby) {
      await this.loadOlder(room, log.start - seq + context);
    }
    let event = known() ? log.at(seq) : undefined;
    if (event) room.aside = undefined;
    else {
      const aside = new Aside((place, limit) => this.options.talkApi.page(room.id, place, limit));
      if (!(await aside.open(seq).catch(() => false))) return false;
      event = aside.events.find((one) => one.seq === seq);
      if (!event?.thread) room.aside = aside;
    }
    if (event?.thread) this.openThread(room, event.thread, seq);
    else room.target = { seq, n: ++this.jumps };
    room.touch();
    return true;
  }

  /** Shows the newest messages again. */
  leaveAside(room: Room): void {
    room.aside = undefined;
    room.touch();
  }

  /** Loads more of the history around a message, until it reaches what the room has anyway. */
  async grow(room: Room, where: 'older' | 'newer'): Promise<void> {
    const { aside, log } = room;
    if (!aside) return;
    await aside[where]().catch(() => undefined);
    if (room.aside !== aside) return;
    if (aside.end >= log.start - 1 && aside.epoch !== '') {
      const front = aside.events.filter(({ seq }) => seq < log.start);
      if (front.length === 0 || log.prepend(front, aside.epoch)) room.aside = undefined;
    }
    room.touch();
  }

  /** Finds a message that another one answers. */
  quote(room: Room, seq: number): Quote | undefined {
    const event = room.log.at(seq) ?? room.aside?.events.find((one) => one.seq === seq);
    if (event?.kind === 'message') {
      const { author, name, text, deleted = false } = event;
      return { seq, author, name: room.log.nameOf(author) ?? name, text, deleted };
    }
    const fetched = room.quotes.get(seq);
    if (!fetched) void this.fetchQuote(room, seq);
    return fetched;
  }

  private async fetchQuote(room: Room, seq: number): Promise<void> {
    await Promise.resolve(); // not while rows are being made
    if (room.quotes.has(seq)) return;
    room.quotes = new Map(room.quotes).set(seq, { seq });
    const event = await this.options.talkApi.message(room.id, seq).catch(() => undefined);
    if (!event) return;
    const { author, name, text, deleted = false } = event;
    room.quotes = new Map(room.quotes).set(seq, { seq, author, name, text, deleted });
  }

  /** Opens what stands under a message, beside the room. */
  openThread(room: Room, root: number, target?: number): void {
    if (this.thread?.room !== room || this.thread.root !== root) {
      this.thread = new OpenThread(room, root, this.options.talkApi);
      void this.thread.load();
    }
    this.thread.target = target;
  }

  closeThread(): void {
    this.thread = undefined;
  }

  /** All of a thread is on screen. */
  readThread(thread: OpenThread): void {
    const last = thread.last;
    if (!this.attentive || !last || last <= thread.read) return;
    thread.read = last;
    this.link.send('read', { room: thread.room.id, seq: last, thread: thread.root });
    this.threads = this.threads.map((one) =>
      one.room === thread.room.id && one.root.seq === thread.root
        ? { ...one, read: last, unread: 0 }
        : one,
    );
  }

  async followThread(thread: OpenThread, muted: boolean): Promise<void> {
    await this.options.talkApi.follow(thread.room.id, thread.root, muted);
    await this.refreshThreads();
  }

  async refreshThreads(): Promise<void> {
    this.threads = await this.options.talkApi.threads().catch(() => this.threads);
  }

  /** Whether somebody follows a thread; undefined: they never had to do with it. */
  follows(room: Room, root: number): Thread | undefined {
    return this.threads.find((one) => one.room === room.id && one.root.seq === root);
  }

  retry(id: string): void {
    this.outbox.retry(id);
  }

  discard(id: string): void {
    this.outbox.discard(id);
  }

  /** Keeps what is being written, in a room or under a message. */
  compose(key: string, text: string): void {
    this.texts.set(key, text);
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

  /** Takes over what one is called and may do. Another role may do other things in each room. */
  become(you: You): void {
    const { role } = this.you;
    this.you = you;
    if (you.role !== role) void this.refreshRooms();
  }

  /** The newest message of the room is on screen. It counts as read if somebody is there to see it. */
  sawNewest(room: Room): void {
    if (this.attentive) untrack(() => this.markRead(room, room.log.position ?? 0));
  }

  /** Somebody has seen enough of what is new in a room. */
  leaveUnread(room: Room): void {
    room.fresh = undefined;
    this.markRead(room, room.log.position ?? 0);
  }

  attend(attentive: boolean): void {
    this.attentive = attentive;
    if (attentive) return;
    this.sayReads();
    void this.keeper?.write();
  }

  wake(): void {
    this.link.wake();
  }

  async loadOlder(room: Room, limit = olderPage): Promise<void> {
    if (room.older === 'loading' || room.log.complete || room.log.position === undefined) return;
    room.older = 'loading';
    try {
      const page = await this.options.roomApi.history(room.id, room.log.start, limit);
      room.log.prepend(page.events, page.epoch);
      room.older = 'idle';
    } catch {
      room.older = 'failed';
    }
    room.touch();
  }

  /** Takes over what other tabs and devices did to the list of rooms. */
  async refreshRooms(): Promise<void> {
    const before = new Set(this.byId.keys());
    let rooms: RoomInfo[];
    try {
      ({ rooms } = await this.options.roomApi.mine());
    } catch {
      return;
    }
    const added: Room[] = [];
    for (const info of rooms) {
      const known = this.byId.get(info.id);
      before.delete(info.id);
      if (known) this.describe(known, info, false);
      else added.push(this.addRoom(info));
    }
    for (const id of before) this.left({ room: id, reason: 'gone' });
    this.listRooms();
    for (const room of added) this.listed(room);
  }

  /** Asks what one may do in a room, where that changes by the mere passing of time. */
  async refreshRoom(room: Room): Promise<void> {
    try {
      this.describe(room, await this.options.roomApi.get(room.id));
    } catch {
      // The next connection asks for all rooms.
    }
  }

  /** How many are in the room on screen: who comes to a public room makes no event. */
  private recountMembers(): void {
    this.crowdTimer ??= this.options.clock.after(recountAfter, () => {
      this.crowdTimer = undefined;
      if (this.current && this.connection.phase === 'connected')
        void this.refreshRoom(this.current);
    });
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
        if (frame.body.id === this.you.id) this.become(frame.body);
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
      case 'joined':
        return this.joined(frame.body);
      case 'left':
        return this.left(frame.body);
      case 'report': {
        const room = this.byId.get(frame.body.room);
        if (!room) return;
        room.reports = frame.body.open;
        room.waiting = frame.body.waiting ?? 0;
        return;
      }
      case 'heartbeat':
        return this.heartbeat(frame.body);
      case 'error':
        return this.refused(frame.body);
    }
  }

  private welcome({ you, time, limits, epoch }: ServerBodies['welcome']): void {
    if (you.id !== this.you.id) return this.options.onstranger();
    this.become(you);
    this.epoch = epoch;
    this.limits = limits;
    this.skew = time - this.options.clock.now();
  }

  private enter(state: ConnectionState): void {
    this.connection = state;
    if (state.phase === 'connected') {
      this.outbox.connected();
      this.sayReads();
      void this.refreshRooms();
      void this.refreshThreads();
      if (this.thread) void this.thread.load();
    } else {
      this.outbox.disconnected();
      this.open.clear();
      for (const room of this.byId.values()) room.opening = false;
    }
    if (state.phase === 'stopped' && state.unauthorized) this.options.onstranger();
  }

  private opened(body: ServerBodies['opened']): void {
    const room = this.byId.get(body.room);
    if (!room) return;
    room.opening = false;
    const { room: _, epoch, after, ...fields } = body;
    const { read = 0, head } = fields;
    // Another epoch is another history, in which everything may stand before what we know.
    if (room.head > head) room.restart();
    room.log.opened({ ...body, epoch, after });
    room.openedHead = head;
    this.describe(room, fields);
    room.head = head;
    if (room === this.current) this.missed = 0;
    if (room.read > read) this.unsaidReads.add(room);
    this.caughtUp(room);
    room.touch();
  }

  private takeEvent(event: RoomEvent): void {
    const room = this.byId.get(event.room);
    if (!room) return;
    // Who is in a public room makes no event, but what a stranger says.
    const stranger = room.log.nameOf(event.author) === undefined;
    const taken = room.log.add(event);
    if (taken === 'gap') return this.openRoom(room);
    if (taken === 'known') return;
    room.aside?.take(event);
    const own = event.author === this.you.id;
    this.tell(room, () => room.take(event));
    room.stopsTyping(event.author);
    if (own) this.outbox.seen(event.id);
    if (own || event.kind !== 'message' || event.thread) this.passOver(room, event.seq);
    else this.announce(room, event);
    if (isNotice(event)) this.announceNotice(room, event);
    if (room === this.current && (stranger || crowd.has(event.kind))) this.recountMembers();
    this.keeper?.changed(room.id);
    if (room !== this.current && room.log.events.length > 2 * keptUnseen) room.log.trim(keptUnseen);
    this.caughtUp(room);
    if (event.thread) this.takeReply(room, event);
    else if (this.thread?.room === room) this.thread.take(event);
    room.touch();
  }

  /** Somebody said something in a thread. */
  private takeReply(room: Room, event: RoomEvent): void {
    if (this.thread?.room === room && this.thread.root === event.thread) this.thread.take(event);
    this.threadsTimer ??= this.options.clock.after(recountAfter, () => {
      this.threadsTimer = undefined;
      void this.refreshThreads();
    });
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
    this.options.onannounce(line(event.name, excerpt(event.text, heard)));
  }

  private announceNotice(room: Room, event: RoomEvent): void {
    if (room !== this.current || event.seq <= room.openedHead) return;
    const said = notice([event], {
      me: this.you.id,
      nameOf: (author) => room.log.nameOf(author),
      when: this.options.when,
      words: speech.now,
    });
    if (said) this.options.onannounce(sentence(said, speech.now));
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
      this.options.onannounce(t('net.missed', { n: count }));
    }
  }

  private takeRead({ room: id, seq, thread }: ServerBodies['read']): void {
    if (thread) return void this.refreshThreads();
    const room = this.byId.get(id);
    room?.readUpTo(seq);
  }

  private heartbeat({ time, heads }: ServerBodies['heartbeat']): void {
    this.skew = time - this.options.clock.now();
    for (const room of this.open) {
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
    else if (error.code === 'not_found') this.left({ room: room.id, reason: 'gone' });
    else if (error.code === 'removed' || error.code === 'banned') {
      this.left({ room: room.id, reason: error.code });
    }
  }

  private refusedDraft(error: ErrorBody): void {
    this.outbox.refused(error);
    const failed = this.outgoing.some((draft) => draft.id === error.id && draft.failed);
    if (!failed) return;
    const reason = speech.now.error(error.code, error.message);
    this.options.onannounce(t('message.notSent', { reason }));
  }

  private joined(info: RoomInfo): void {
    const known = this.byId.get(info.id);
    if (info.you && info.you.state !== 'member') {
      // Nothing of a room one is not in stays; `left` has said why, or will.
      if (!known && this.outside?.id === info.id) this.adopt(info);
      return;
    }
    const room = this.adopt(info);
    if (room && !known) this.listed(room);
  }

  private left({ room: id, reason }: ServerBodies['left']): void {
    const room = this.byId.get(id);
    if (!room) {
      // Somebody who waited was turned away.
      if (this.outside?.id !== id || reason === 'waiting') return;
      this.outside = { ...this.outside, reason, joinable: false };
      return void this.askAgain(id);
    }
    const onScreen = room === this.current;
    if (onScreen) {
      this.outside = this.farewell(room, reason);
      this.options.onannounce(t('outside.said'));
    }
    this.removeRoom(room);
    if (onScreen && this.outside?.kind === 'public') void this.askAgain(id);
  }

  /** What to say instead of a room that one is not in any more. */
  private farewell(room: Room, reason: Standing | 'gone'): Outside {
    const { info, id, title, log } = room;
    const kind = reason === 'banned' ? 'ban' : 'remove';
    const last = log.events.findLast((e) => e.kind === kind && e.about?.id === this.you.id);
    const outside: Outside = { id, name: title, kind: info.kind, reason };
    if (!last || (reason !== 'banned' && reason !== 'removed')) return outside;
    return {
      ...outside,
      by: log.nameOf(last.author) ?? last.name,
      ...(last.text === '' ? {} : { why: last.text }),
      ...(last.until === undefined ? {} : { until: last.until }),
    };
  }

  /** Asks whether one may come in again. */
  private async askAgain(id: string): Promise<void> {
    const info = await this.options.roomApi.get(id).catch(() => undefined);
    if (!info || this.outside?.id !== id) return;
    this.outside = { ...this.outside, joinable: info.you?.can.includes('join') === true };
  }

  private listed(room: Room): void {
    this.openRoom(room);
    this.options.onlisted(room);
  }

  // Rooms and their places

  /** Adds a room without listing it, so that many can be added at once. */
  private addRoom(info: RoomInfo): Room {
    const room = new Room(info, this.you.id, this.options.clock);
    const kept = this.options.logs?.get(info.id);
    if (kept) {
      room.log.restore(kept);
      room.used = kept.used;
      room.ready = true;
    } else room.log.begin(this.epoch, info.head);
    room.log.erase(info.floor ?? 0);
    this.byId.set(room.id, room);
    return room;
  }

  /** Takes a room off the list. What was said in it does not stay in the page. */
  private removeRoom(room: Room): void {
    this.byId.delete(room.id);
    this.keeper?.gone(room.id);
    this.open.delete(room);
    this.unsaidReads.delete(room);
    this.listRooms();
    if (this.current === room) this.current = undefined;
    room.log.reset();
    room.touch();
  }

  /** Sorts the list anew; a long one not for each of many changes that come together. */
  private listRooms(): void {
    if (this.byId.size < longList) {
      this.parts = sections(this.byId.values(), speech.now);
      return;
    }
    this.listTimer ??= this.options.clock.after(listEvery, () => {
      this.listTimer = undefined;
      this.parts = sections(this.byId.values(), speech.now);
    });
  }

  private describe(room: Room, fields: Partial<RoomFields> & { head: number }, list = true): void {
    this.tell(room, () => room.describe(fields), list);
    this.keeper?.changed(room.id);
    if (fields.floor) room.log.erase(fields.floor);
  }

  /** Changes a room, and whatever shows its name, its place in the list or its address. */
  private tell(room: Room, change: () => void, list = true): void {
    const { info, path } = room;
    change();
    if (room.info === info) return;
    const moved = room.path !== path;
    if (moved) this.options.onmoved(path, room.path);
    const listed = titleOf(info, speech.now) !== room.title || info.archived !== room.info.archived;
    if (list && (moved || listed)) this.listRooms();
  }

  private openRooms(): void {
    if (this.current) this.openRoom(this.current);
    for (const room of this.rooms) {
      if (this.open.size >= this.limits.rooms) break;
      this.openRoom(room);
    }
  }

  private openRoom(room: Room): void {
    if (room.opening) return;
    if (!this.open.has(room)) this.makePlace(room);
    room.opening = this.link.send('open', { room: room.id, ...room.log.place() });
    if (room.opening) this.open.add(room);
  }

  /** Closes the room that was opened longest ago, where one more would be too many. */
  private makePlace(wanted: Room): void {
    if (this.open.size < this.limits.rooms) return;
    for (const room of this.open) {
      if (room === wanted || room === this.current) continue;
      this.link.send('close', { room: room.id });
      this.open.delete(room);
      room.opening = false;
      return;
    }
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
    this.keeper?.changed(room.id);
  }

  // Read marks

  private markRead(room: Room, seq: number): void {
    if (seq <= room.read) return;
    room.readUpTo(seq);
    this.keeper?.changed();
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
    this.slowUntil = this.current && this.outbox.slowUntil(this.current.id);
  }
}
