import { line } from '../lib/action.ts';
import { api } from '../lib/api.ts';
import type { Clock } from '../lib/clock.ts';
import type { TextStorage } from '../lib/composertexts.ts';
import type { DraftStore } from '../lib/draftstore.ts';
import { parseCommand } from '../lib/commands.ts';
import { excerpt } from '../lib/excerpt.ts';
import { spoken } from '../lib/files.ts';
import { isNotice, notice, sentence } from '../lib/notices.ts';
import { Moments } from '../lib/moments.ts';
import type { OutboxNews } from '../lib/outbox.ts';
import { Keeper, mostEvents, type KeptLog, type Person, type Snapshot } from '../lib/snapshot.ts';
import { Connection, type ConnectionState, type Socket } from '../lib/socket.ts';
import type {
  ErrorBody,
  Limits,
  RoomEvent,
  RoomInfo,
  ServerBodies,
  ServerFrame,
  You,
} from '../lib/wire.ts';
import { Alerting } from './alerting.ts';
import { alerts } from './alerts.svelte.ts';
import { Company } from './company.svelte.ts';
import { History } from './history.ts';
import { Membership } from './membership.svelte.ts';
import { OpenRooms } from './openrooms.ts';
import { Reading } from './reading.svelte.ts';
import type { Room } from './room.svelte.ts';
import { RoomList } from './roomlist.svelte.ts';
import type { Search } from './search.svelte.ts';
import { Threads } from './threads.svelte.ts';
import { Trays } from './trays.svelte.ts';
import { explainFile } from './explain.ts';
import { speech, t } from './words.svelte.ts';
import { Writing } from './writing.svelte.ts';

export interface ChatOptions {
  you: You;
  epoch: string;
  rooms: RoomInfo[];
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

const keptAfterLeaving = 500;
const keptUnseen = 200;
const recountAfter = 300;
/** After a frame was lost, what has no number is asked for at most so often. */
const doubtEvery = 10_000;
/** So many letters of a message are read aloud. */
const heard = 500;
/** Events after which a room has more people, or fewer. */
const crowd = new Set(['join', 'leave', 'add', 'remove', 'ban', 'admit']);

/** Everything one person has on screen, and the connection that it comes by. */
export class Chat {
  you = $state<You>({ id: '', name: '', role: 'guest' });
  connection = $state.raw<ConnectionState>({ phase: 'connecting' });
  limits = $state.raw<Limits>({
    text: 16_384,
    frame: 131_072,
    rooms: 500,
    resume: 10_000,
    file: 104_857_600,
  });
  /** How far this device's clock is behind the server's. */
  skew = $state(0);

  readonly rooms: RoomList;
  readonly membership: Membership;
  readonly history: History;
  readonly reading: Reading;
  readonly threads: Threads;
  readonly writing: Writing;
  readonly company: Company;
  readonly trays: Trays;
  readonly moments: Moments;

  /** What was searched for, once something was. */
  search: Search | undefined;

  private readonly options: ChatOptions;
  private readonly link: Connection;
  private readonly open: OpenRooms;
  private readonly keeper: Keeper | undefined;
  private readonly alerting: Alerting;
  private crowdTimer: (() => void) | undefined;
  /** How much of what came while there was no connection is in the log already. */
  private missed = 0;
  /** When something was lost on the way last. */
  private doubted = 0;
  /** What the server knows of whether somebody looks. */
  private attended: boolean | undefined;

  constructor(options: ChatOptions) {
    const { you, clock, onannounce, onlisted } = options;
    const skew = () => this.skew;
    this.options = options;
    this.moments = new Moments(() => clock.now());
    this.you = you;
    this.link = new Connection({
      connect: options.connect,
      clock,
      random: Math.random,
      onopen: () => this.open.addAll(),
      onframe: (frame) => this.take(frame),
      onstate: (state) => this.enter(state),
    });
    const { link } = this;
    const keeper = options.snapshot && new Keeper(options.snapshot, clock, this);
    this.keeper = keeper;
    this.rooms = new RoomList({
      me: you.id,
      epoch: options.epoch,
      rooms: options.rooms,
      clock,
      keeper,
      logs: options.logs,
      onmoved: options.onmoved,
    });
    const { rooms } = this;
    this.open = new OpenRooms(rooms, link, clock);
    this.reading = new Reading(link, clock, keeper);
    this.threads = new Threads(link, clock, this.reading);
    this.company = new Company(clock);
    this.alerting = new Alerting(you.id, clock, skew, this.threads);
    this.reading.onread = (room) => this.alerting.read(room, room.read);
    this.threads.onread = (room, seq, root) => this.alerting.read(room, seq, root);
    this.history = new History(this.threads, keeper);
    const { open, reading } = this;
    this.membership = new Membership({
      me: you.id,
      rooms,
      open,
      reading,
      onannounce,
      onlisted,
      onleft: (room) => this.search?.forget(room),
      ondrafts: (drafts, asked) => this.writing.shared.takeAll(drafts, asked),
    });
    const { store, newId, tell, texts } = options;
    const onsent = (id: string) => this.moments.note(id, 'sent');
    this.writing = new Writing({
      me: you.id,
      link,
      clock,
      store,
      newId,
      tell,
      texts,
      skew,
      onsent,
    });
    const { writing } = this;
    this.trays = new Trays({
      clock,
      newKey: newId,
      send(room, key, more) {
        const text = writing.texts.get(key).trim().toWellFormed();
        const meant = parseCommand(text);
        writing.send(room, meant.do === 'send' ? meant.text : text, more);
        writing.compose(key, '');
      },
      onfailed: ({ file, upload }) => {
        const why = explainFile(upload.problem);
        onannounce(t('files.failedSay', { name: file.name, why }));
      },
    });
  }

  start(): void {
    // What the page begins with came from the server a moment ago, or was kept of what came long ago.
    if (!this.options.logs)
      this.membership.tellDrafts(this.options.rooms, this.options.clock.now());
    void this.writing.outbox.load();
    this.link.start();
  }

  stop(): void {
    this.writing.outbox.disconnected();
    this.search?.leave();
    this.writing.shared.stop();
    this.trays.stop();
    this.link.stop();
    this.keeper?.stop();
  }

  // What is kept for the next time

  person(): Person {
    return { you: { ...this.you }, epoch: this.rooms.epoch, rooms: this.rooms.summaries() };
  }

  log(id: string): KeptLog | undefined {
    const room = this.rooms.get(id);
    const kept = room?.used && room.ready ? room.log.kept(mostEvents) : undefined;
    return kept && { ...kept, id, used: room?.used ?? 0 };
  }

  // What the person does

  /** Shows a room, from its first unread message. */
  show(room: Room | undefined): void {
    const left = this.rooms.current;
    if (left === room) return;
    if (left) {
      left.fresh = undefined;
      left.log.trim(keptAfterLeaving);
      left.aside = left.target = left.editing = undefined;
      left.touch();
    }
    this.rooms.current = room;
    if (this.threads.open?.room !== room) this.threads.close();
    if (!room) return;
    this.membership.outside = undefined;
    room.held = false;
    room.used = this.options.clock.now();
    this.keeper?.changed(room.id);
    room.fresh = room.unread > 0 ? room.read + 1 : undefined;
    if (!this.open.has(room)) this.open.add(room);
    this.recountMembers();
    this.company.learn(room);
    void this.history.first(room);
  }

  async rename(name: string): Promise<void> {
    this.you = await api.rename(name);
  }

  /** Takes over what one is called and may do. Another role may do other things in each room. */
  become(you: You): void {
    const { role } = this.you;
    this.you = you;
    if (you.role !== role) void this.membership.refresh();
  }

  attend(attentive: boolean): void {
    this.reading.attentive = attentive;
    this.sayAttention();
    if (attentive) return;
    this.reading.say();
    this.writing.shared.flush();
    void this.keeper?.write();
  }

  wake(): void {
    this.link.wake();
  }

  /** Makes the connection anew, so that somebody sees it from its beginning. */
  redial(): void {
    this.link.redial();
  }

  /** While somebody looks, nothing alerts them, here or on another device. */
  private sayAttention(): void {
    const on = this.reading.attentive;
    alerts.look(on);
    if (on !== this.attended && this.link.send('attend', { on })) this.attended = on;
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
        return this.reset(frame.body.room);
      case 'sent':
        this.moments.note(frame.body.id, 'acknowledged');
        return this.writing.outbox.acknowledged(frame.body.id, frame.body.seq, frame.body.time);
      case 'typing':
        if (frame.body.author === this.you.id) return;
        return this.rooms.get(frame.body.room)?.startsTyping(frame.body.author, frame.body.name);
      case 'read':
        return this.takeRead(frame.body);
      case 'draft':
        return this.writing.shared.take(frame.body);
      case 'presence': {
        const { person, online, away } = frame.body;
        return this.company.take(person.id, { online, away });
      }
      case 'joined':
        return this.membership.joined(frame.body);
      case 'left':
        return this.left(frame.body);
      case 'report': {
        const room = this.rooms.get(frame.body.room);
        if (!room) return;
        room.reports = frame.body.open;
        room.waiting = frame.body.waiting ?? 0;
        return;
      }
      case 'heartbeat':
        return this.heartbeat(frame.body);
      case 'fence':
        return this.answered(frame.body.n);
      case 'error':
        return this.refused(frame.body);
    }
  }

  private welcome({ you, time, limits, epoch }: ServerBodies['welcome']): void {
    if (you.id !== this.you.id) return this.options.onstranger();
    this.become(you);
    this.rooms.epoch = epoch;
    this.limits = limits;
    this.open.most = limits.rooms;
    this.skew = time - this.options.clock.now();
  }

  private enter(state: ConnectionState): void {
    this.connection = state;
    if (state.phase === 'connected') {
      this.writing.outbox.connected();
      this.writing.shared.online();
      this.company.online();
      if (this.rooms.current) this.company.learn(this.rooms.current);
      this.sayAttention();
      this.trays.uploads.connected();
      this.reading.say();
      void this.membership.refresh();
      void this.threads.refresh();
      void this.threads.open?.load();
    } else {
      this.writing.outbox.disconnected();
      this.writing.shared.offline();
      this.company.offline();
      this.attended = undefined;
      this.open.clear();
    }
    if (state.phase === 'stopped' && state.unauthorized) this.options.onstranger();
  }

  private left(body: ServerBodies['left']): void {
    const room = this.rooms.get(body.room);
    this.membership.left(body);
    if (room) this.trays.forget(room);
  }

  private opened(body: ServerBodies['opened']): void {
    const room = this.rooms.get(body.room);
    // What nobody waits for any more came twice, and tells of a place that may be past.
    if (!room?.opening) return;
    room.opening = false;
    const { room: _, epoch, after, ...fields } = body;
    const { read = 0, head } = fields;
    // Another epoch is another history, in which everything may stand before what we know.
    if (room.head > head) room.restart();
    room.log.opened({ ...body, epoch, after });
    room.openedHead = head;
    this.rooms.describe(room, fields);
    room.head = head;
    if (room === this.rooms.current) this.missed = 0;
    if (room.read > read) this.reading.sayAgain(room);
    this.caughtUp(room);
    room.touch();
  }

  private reset(id: string): void {
    const room = this.rooms.get(id);
    if (room) this.open.addAnew(room);
  }

  private takeEvent(event: RoomEvent): void {
    const room = this.rooms.get(event.room);
    if (!room) return;
    // Who is in a public room makes no event, but what a stranger says.
    const stranger = room.log.nameOf(event.author) === undefined;
    this.moments.note(event.id, 'came');
    const taken = room.log.add(event);
    if (taken === 'gap') {
      this.open.add(room);
      return this.doubt();
    }
    if (taken === 'known') return;
    room.aside?.take(event);
    const own = event.author === this.you.id;
    this.rooms.change(room, () => room.take(event));
    room.stopsTyping(event.author);
    if (own) this.writing.outbox.seen(event.id);
    if (own || event.kind !== 'message' || event.thread) this.reading.passOver(room, event.seq);
    else this.announce(room, event);
    if (isNotice(event)) this.announceNotice(room, event);
    const onScreen = room === this.rooms.current;
    if (onScreen && (stranger || crowd.has(event.kind))) this.recountMembers();
    this.keeper?.changed(room.id);
    if (!onScreen && room.log.events.length > 2 * keptUnseen) room.log.trim(keptUnseen);
    this.caughtUp(room);
    this.alerting.take(room, event);
    this.threads.take(room, event);
    this.search?.take(event);
    room.touch();
  }

  private announce(room: Room, event: RoomEvent): void {
    if (room !== this.rooms.current) return;
    if (event.seq <= room.openedHead) {
      if (room.ready) this.missed++;
      return;
    }
    // Nobody has seen what comes now: this is where they will want to go on.
    if (!this.reading.attentive && room.read === event.seq - 1) room.fresh = event.seq;
    const said = spoken(excerpt(event.text, heard), event.files, speech.now);
    this.options.onannounce(line(event.as ?? event.name, said));
  }

  private announceNotice(room: Room, event: RoomEvent): void {
    if (room !== this.rooms.current || event.seq <= room.openedHead) return;
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
    this.writing.outbox.seenUpTo(room.id, position);
    if (room !== this.rooms.current) return;
    if (!room.ready) void this.history.first(room);
    else if (this.missed > 0) {
      const count = this.missed;
      this.missed = 0;
      this.options.onannounce(t('net.missed', { n: count }));
    }
  }

  /** How many are in the room on screen: who comes to a public room makes no event. */
  private recountMembers(): void {
    this.crowdTimer ??= this.options.clock.after(recountAfter, () => {
      this.crowdTimer = undefined;
      const { current } = this.rooms;
      if (current && this.connection.phase === 'connected') {
        void this.membership.refreshRoom(current);
      }
    });
  }

  private takeRead({ room, seq, thread }: ServerBodies['read']): void {
    const known = this.rooms.get(room);
    if (!known) return;
    this.alerting.read(known, seq, thread);
    if (thread) return this.threads.refreshSoon();
    if (!this.reading.take(known, seq)) void this.membership.refreshRoom(known);
    this.keeper?.changed();
  }

  private heartbeat({ time, heads }: ServerBodies['heartbeat']): void {
    this.skew = time - this.options.clock.now();
    this.reading.heard();
    this.threads.sayAgain();
    this.open.check(heads);
  }

  /** The server has answered everything before a `fence`. */
  private answered(n: number): void {
    const sent = this.writing.outbox.answered(n);
    const opened = this.open.answered(n);
    if (sent || opened) this.doubt();
  }

  /** Something was lost on the way. What has a number comes again by it; the rest is asked for. */
  private doubt(): void {
    const now = this.options.clock.now();
    if (now - this.doubted < doubtEvery) return;
    this.doubted = now;
    this.attended = undefined;
    this.sayAttention();
    void this.membership.refresh();
    void this.threads.refresh();
  }

  private refused(error: ErrorBody): void {
    if (error.id !== undefined) return this.refusedDraft(error);
    const room = error.room === undefined ? undefined : this.rooms.get(error.room);
    if (!room || error.frame !== 'open') return;
    room.opening = false;
    if (error.code === 'beyond_head') this.open.addAnew(room);
    else if (error.code === 'not_found') this.membership.left({ room: room.id, reason: 'gone' });
    else if (error.code === 'removed' || error.code === 'banned') {
      this.membership.left({ room: room.id, reason: error.code });
    }
  }

  private refusedDraft(error: ErrorBody): void {
    this.writing.outbox.refused(error);
    const failed = this.writing.drafts.some((draft) => draft.id === error.id && draft.failed);
    if (!failed) return;
    const reason = speech.now.error(error.code, error.message);
    this.options.onannounce(t('message.notSent', { reason }));
  }
}
