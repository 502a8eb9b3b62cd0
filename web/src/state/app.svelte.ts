import { uuidv7 } from 'uuidv7';
import { api, type Place } from '../lib/api.ts';
import { deviceClock } from '../lib/clock.ts';
import type { OutboxNews } from '../lib/outbox.ts';
import { ApiError } from '../lib/request.ts';
import { roomApi } from '../lib/roomapi.ts';
import { stepIn } from '../lib/rooms.ts';
import { firstRoom, isRoomName, pathOf, pathOfRoom, withoutSeq } from '../lib/route.ts';
import { freshen, mostEvents, type KeptLog } from '../lib/snapshot.ts';
import { makeTimes } from '../lib/time.ts';
import type { RoomInfo, You } from '../lib/wire.ts';
import { alerts } from './alerts.svelte.ts';
import { browserSocket } from './browsersocket.ts';
import { Chat } from './chat.svelte.ts';
import { explain } from './explain.ts';
import { forgetAll, openSnapshot, openStore, textStorage } from './kept.ts';
import type { Outside } from './membership.svelte.ts';
import type { Room } from './room.svelte.ts';
import { Router } from './router.svelte.ts';
import { quietude } from './silence.svelte.ts';
import { speech, t } from './words.svelte.ts';

/**
 * Where the page stands: `starting` until the server has said who we are, `gate` for those it does
 * not know, `unreachable` while it does not answer, `ready` with a chat.
 */
export type Phase = 'starting' | 'gate' | 'unreachable' | 'ready';

/** The parts of the settings. */
export type SettingsPart =
  'profile' | 'alerts' | 'access' | 'devices' | 'invites' | 'people' | 'bans' | 'bots' | 'audit';

/** The parts of what is to know about a room. */
export type RoomPart = 'pins' | 'about' | 'members' | 'settings' | 'hooks' | 'moderation' | 'audit';

/** A message that somebody wants to report. */
export interface Reported {
  room: string;
  seq: number;
  name: string;
  text: string;
}

/** What the server says of rooms in which one is not. */
const outsides: Record<string, Outside['reason']> = {
  not_found: 'missing',
  removed: 'removed',
  banned: 'banned',
  waiting: 'waiting',
};

const retryEvery = 4_000;
/** How long the server may take before the page shows what was there last. */
const answerLimit = 1_000;
/** The start has more important things to ask. */
const freshenAfter = 5_000;
const listRefresh = 15_000;
const strangerPause = 500;
const complaintShown = 7_000;
const minute = 60_000;

export class App {
  phase = $state<Phase>('starting');
  chat = $state.raw<Chat | undefined>();
  /** Why the room of the address cannot be shown. */
  problem = $state<string | undefined>();
  /** The latest words for those who listen, oldest first. */
  spoken = $state.raw<readonly { n: number; text: string }[]>([]);
  /** Names of the pictures that people have, by person. */
  pictures = $state.raw<ReadonlyMap<string, string>>(new Map());
  /** The part of the settings that opens first. */
  settings = $state<SettingsPart>('profile');
  /** The part of the room's panel that opens first. */
  roomPart = $state<RoomPart>('about');
  /** Counts the wishes to search: where the search is on screen already, its field gets the focus. */
  searches = $state(0);
  /** The message that is about to be reported. */
  reported = $state.raw<Reported | undefined>();
  /** The picture that is shown large, and among which others. */
  pictured = $state.raw<{ room: Room; seq: number; file: string; thread: boolean } | undefined>();
  /** The message whose history and readers are shown. */
  detailed = $state.raw<{ room: Room; seq: number } | undefined>();
  /** The message of which the wire view shows what passed. */
  traced = $state.raw<{ room: string; seq?: number; id?: string } | undefined>();
  /** Counts the wishes to see that: a frame that is shown by itself gives way. */
  traces = $state(0);
  /** What did not work a moment ago, in words. */
  complaint = $state('');
  /** The time, to the minute: enough to know what "today" is. */
  now = $state(Date.now());

  /** What the place said of itself when it did not know us. */
  place: Place | undefined;
  readonly router = new Router();
  readonly times = $derived(makeTimes(speech.now.locale));

  /** The name of the room of an invitation that was just used. */
  private wish: string | undefined;
  private readonly snapshot = openSnapshot();
  private spokenCount = 0;
  private listedAt = 0;
  private complained: (() => void) | undefined;
  private readonly tabs =
    'BroadcastChannel' in window ? new BroadcastChannel('hubbub.outbox') : undefined;

  constructor() {
    if (this.tabs) {
      this.tabs.onmessage = ({ data }) => this.chat?.writing.outbox.hear(data as OutboxNews);
    }
    alerts.onlead = (url) => this.lead(url);
    setInterval(() => (this.now = Date.now()), minute);
    window.addEventListener('online', () => this.chat?.wake());
    window.addEventListener('offline', () => this.chat?.wake());
    window.addEventListener('focus', () => this.attend());
    window.addEventListener('blur', () => this.attend());
    window.addEventListener('beforeunload', (event) => {
      // Words are kept here and with the server; files that are not sent would be gone.
      if (this.chat?.trays.holds) event.preventDefault();
    });
    window.addEventListener('pagehide', () => this.chat?.attend(false));
    document.addEventListener('visibilitychange', () => {
      this.attend();
      if (document.visibilityState === 'visible') this.chat?.wake();
    });
  }

  /** Asks the server who we are, and starts the chat. */
  async start(): Promise<void> {
    const asked = api.place();
    asked.catch(() => undefined); // it may fail before somebody waits for it
    const snapshot = await this.snapshot;
    const last = this.router.door ? undefined : await snapshot?.read().catch(() => undefined);
    // From here on it is as after a lost connection: what was missed comes when there is one.
    if (last && !(await answers(asked))) return this.begin(last.you, last, last.logs);
    try {
      const place = await asked;
      const { you } = place;
      if (!you) {
        await snapshot?.clear().catch(() => undefined);
        this.place = place;
        this.phase = 'gate';
        return;
      }
      if (this.router.door === 'join' && this.router.secret !== '') await this.accept();
      await this.begin(you, await roomApi.mine());
    } catch (error) {
      if (error instanceof ApiError && error.code === 'unauthorized') {
        this.phase = 'gate';
      } else {
        this.phase = 'unreachable';
        deviceClock.after(retryEvery, () => void this.start());
      }
    }
  }

  /** Goes on as who was just let in: to the room of the invitation, or where the address leads. */
  async arrive(
    letIn: Promise<unknown>,
    { room, claim = false }: { room?: string | undefined; claim?: boolean } = {},
  ): Promise<void> {
    await letIn;
    if (this.router.door) {
      this.wish = room;
      this.router.go(pathOfRoom(room || firstRoom), { replace: true });
    }
    await this.start();
    if (claim) this.openSettings('access');
  }

  openSettings(part: SettingsPart): void {
    this.settings = part;
    this.router.open('me');
  }

  openRoomPanel(part: RoomPart): void {
    this.roomPart = part;
    this.router.open('room');
  }

  details(room: Room, seq: number): void {
    this.detailed = { room, seq };
    this.router.open('details');
  }

  /** Shows a picture of a message large. */
  look(room: Room, seq: number, file: string, thread: boolean): void {
    this.pictured = { room, seq, file, thread };
    this.router.open('picture');
  }

  /** Opens the search, with words in it. */
  search(words = ''): void {
    if (!this.router.sought || words !== '') this.router.search({ q: words, sort: 'newest' });
    if (this.chat?.search) this.chat.search.opened = undefined;
    this.searches++;
  }

  /** Shows what passed of a message on the wire. */
  trace(about: NonNullable<App['traced']>): void {
    this.traced = about;
    this.traces++;
    this.router.openWire({ tab: 'frames' });
  }

  /** Shows the wire view beside the room, or takes it away. */
  toggleWire(): void {
    if (this.router.wire) this.router.closeWire();
    else if (this.chat?.rooms.current) this.router.openWire({ tab: 'frames' });
  }

  /** Shows what stands under a message, beside the room. */
  openThread(room: Room, root: number): void {
    this.chat?.threads.show(room, root);
    this.router.open('thread');
  }

  closeThread(): void {
    if (this.router.panel === 'thread') this.router.close();
    this.chat?.threads.close();
  }

  /**
   * Cancels one thing: an edit, then an answer, then the thread, or the thread first where one is in it, then
   * the look at older messages. With nothing to cancel the room counts as read. Says whether something was left, so that the focus moves.
   */
  cancel(inThread: boolean): boolean {
    const chat = this.chat;
    const room = chat?.rooms.current;
    if (!chat || !room) return false;
    const thread = chat.threads.open?.room === room;
    if (room.editing !== undefined) room.editing = undefined;
    else if (room.replying && !(thread && inThread)) room.replying = undefined;
    else if (thread) this.closeThread();
    else if (room.aside) chat.history.leaveAside(room);
    else {
      chat.reading.leaveUnread(room);
      return false;
    }
    return true;
  }

  report(reported: Reported): void {
    this.reported = reported;
    this.router.open('report');
  }

  /** Has nothing count as unread, in any room. */
  async readAll(): Promise<void> {
    const chat = this.chat;
    try {
      await chat?.reading.readAll(chat.rooms.current);
      this.announce(t('unread.none'));
    } catch (error) {
      this.complain(error);
    }
  }

  /** Ends the session of this device. What is here of others goes with it. */
  async signOut(): Promise<void> {
    await alerts.leave();
    await api.signOut();
    this.chat?.stop();
    this.chat = undefined;
    (await this.snapshot)?.close();
    await forgetAll();
    location.replace('/');
  }

  async refreshPeople(): Promise<void> {
    const people = await api.people('?with=picture');
    this.pictures = new Map(people.flatMap((p) => (p.picture ? [[p.id, p.picture]] : [])));
  }

  /** Shows the room of the address. */
  async follow(): Promise<void> {
    const chat = this.chat;
    const { path, room: name, roomId: id, seq } = this.router;
    if (!chat) return;
    this.problem = undefined;
    chat.membership.outside = undefined;
    if (this.router.sought) return chat.show(undefined);
    if (id === undefined && (name === undefined || !isRoomName(name))) {
      chat.show(undefined);
      this.problem = t('create.noPlace');
      return;
    }
    const known = id === undefined ? chat.rooms.find(pathOfRoom(name ?? '')) : chat.rooms.get(id);
    if (!known) chat.show(undefined);
    try {
      const room =
        known ??
        (await (id === undefined
          ? chat.membership.make({ name: name ?? '' })
          : chat.membership.enter(id)));
      if (this.router.path !== path) return;
      if (!room) return;
      if (room.path !== withoutSeq(location.pathname)) {
        this.router.go(room.path, { replace: true });
      }
      chat.show(room);
      if (seq !== undefined && !(await chat.history.jumpTo(room, seq)))
        this.announce(t('talk.noMessage'));
    } catch (error) {
      if (this.router.path !== path) return;
      const reason = error instanceof ApiError ? outsides[error.code] : undefined;
      if (!reason) this.problem = explain(error);
      else
        chat.membership.outside = { name: name ?? '', kind: name ? 'public' : 'private', reason };
    }
  }

  /** Goes to a public room, which is made if need be. */
  goTo(roomName: string): void {
    this.router.go(pathOfRoom(roomName));
  }

  /** Goes where an alert leads: to a message. */
  lead(url: string): void {
    const { origin, pathname } = new URL(url, location.href);
    if (origin === location.origin) this.router.go(pathname);
  }

  visit(room: Room): void {
    this.router.go(room.path);
  }

  /** Opens the conversation with these people. */
  async talkTo(people: string[]): Promise<void> {
    const room = await this.chat?.membership.talkTo(people);
    if (room) this.visit(room);
  }

  /** Comes in again where one was before. */
  async comeBack(id: string): Promise<void> {
    const room = await this.chat?.membership.enter(id);
    if (room) this.chat?.show(room);
  }

  /** Goes to the room above or below in the list, or to the next one there with something unread that is not muted. */
  step(by: 1 | -1, unread = false): void {
    const chat = this.chat;
    if (!chat) return;
    const rooms = [...chat.rooms.parts.rooms, ...chat.rooms.parts.direct];
    const next = stepIn(rooms, chat.rooms.current, by, (room) => !unread || room.news.messages > 0);
    if (next) this.visit(next);
  }

  private async begin(
    you: You,
    list: { epoch: string; rooms: RoomInfo[] },
    logs?: ReadonlyMap<string, KeptLog>,
  ): Promise<void> {
    this.chat?.stop();
    this.followInvite(list.rooms);
    const store = await openStore();
    const chat = new Chat({
      you,
      epoch: list.epoch,
      rooms: list.rooms,
      clock: deviceClock,
      store,
      snapshot: await this.snapshot,
      ...(logs ? { logs } : {}),
      newId: uuidv7,
      connect: browserSocket,
      tell: (news) => this.tabs?.postMessage(news),
      texts: textStorage(),
      onstranger: () => void this.stranger(),
      onannounce: (text) => this.announce(text),
      onmoved: (from, to) => this.router.move(from, to),
      onlisted: (room) => {
        if (room.path === withoutSeq(this.router.path)) void this.follow();
      },
      when: (time) => this.times.moment(time, Date.now()),
    });
    this.chat = chat;
    this.phase = 'ready';
    this.attend();
    chat.start();
    void alerts.begin();
    quietude.refresh().catch(() => undefined); // it is asked for again where it counts
    if (!logs) deviceClock.after(freshenAfter, () => void this.freshen(chat));
  }

  /** Looks after what is kept of rooms that are not looked at now. */
  private async freshen(chat: Chat): Promise<void> {
    const snapshot = await this.snapshot;
    const headOf = (id: string) => {
      const room = this.chat === chat ? chat.rooms.get(id) : undefined;
      return room?.used === 0 ? room.head : undefined;
    };
    const load = (id: string, before: number) => roomApi.page(id, { before }, mostEvents);
    // Another time, where it fails now.
    if (snapshot) await freshen(snapshot, headOf, load).catch(() => undefined);
  }

  /** An invitation names its room; where a private one is meant, its address is another. */
  private followInvite(rooms: readonly RoomInfo[]): void {
    const meant = rooms.filter((room) => room.name === this.wish);
    this.wish = undefined;
    const room = meant.find(({ kind }) => kind === 'private') ?? meant[0];
    if (room) this.router.go(pathOf(room), { replace: true });
  }

  /** Uses an invitation that somebody opened who is here already. */
  private async accept(): Promise<void> {
    const secret = this.router.secret;
    this.router.secret = '';
    try {
      const { room } = await api.acceptInvite(secret);
      this.wish = room;
      this.router.go(pathOfRoom(room || firstRoom), { replace: true });
    } catch (error) {
      this.router.go('/', { replace: true });
      this.announce(explain(error));
    }
  }

  private attend(): void {
    const attentive = document.visibilityState === 'visible' && document.hasFocus();
    this.chat?.attend(attentive);
    if (attentive && this.chat && Date.now() - this.listedAt > listRefresh) {
      this.listedAt = Date.now();
      void this.chat.membership.refresh();
      quietude.refresh().catch(() => undefined);
      this.refreshPeople().catch(() => undefined);
    }
  }

  /** Says what did not work that was asked for in passing, to everybody. */
  complain(error: unknown): void {
    this.complained?.();
    this.complaint = explain(error);
    this.announce(this.complaint);
    this.complained = deviceClock.after(complaintShown, () => (this.complaint = ''));
  }

  /** Says something to those who listen instead of look. */
  announce(text: string): void {
    this.spoken = [...this.spoken.slice(-9), { n: this.spokenCount++, text }];
  }

  private async stranger(): Promise<void> {
    this.chat?.stop();
    this.chat = undefined;
    this.phase = 'starting';
    await (await this.snapshot)?.clear().catch(() => undefined);
    // Not at once: a server that answers here and refuses there would be asked without end.
    deviceClock.after(strangerPause, () => void this.start());
  }
}

/** Whether the server says something, be it a refusal, before it is time to do without. */
function answers(asked: Promise<unknown>): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), answerLimit));
  const said = asked.then(
    () => true,
    (error: unknown) => error instanceof ApiError,
  );
  return Promise.race([said, late]);
}
