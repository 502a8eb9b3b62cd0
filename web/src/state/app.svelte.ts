import { uuidv7 } from 'uuidv7';
import { api, ApiError } from '../lib/api.ts';
import { deviceClock } from '../lib/clock.ts';
import { memoryDraftStore, openDraftStore, type DraftStore } from '../lib/draftstore.ts';
import type { OutboxNews } from '../lib/outbox.ts';
import { firstRoom, isRoomName, pathOfRoom } from '../lib/route.ts';
import { makeTimes } from '../lib/time.ts';
import type { You } from '../lib/wire.ts';
import { browserSocket } from './browsersocket.ts';
import { Chat, explain } from './chat.svelte.ts';
import { Router } from './router.svelte.ts';

/**
 * Where the page stands: `starting` until the server has said who we are, `gate` for those it does
 * not know, `unreachable` while it does not answer, `ready` with a chat.
 */
export type Phase = 'starting' | 'gate' | 'unreachable' | 'ready';

/** The parts of the settings. */
export type SettingsPart = 'profile' | 'access' | 'devices' | 'invites' | 'people';

const storeLimit = 2_000;
const retryEvery = 4_000;
const listRefresh = 15_000;
const strangerPause = 500;
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
  /** The time, to the minute: enough to know what "today" is. */
  now = $state(Date.now());

  readonly router = new Router();
  readonly times = makeTimes();

  private spokenCount = 0;
  private listedAt = 0;
  private readonly tabs =
    'BroadcastChannel' in window ? new BroadcastChannel('hubbub.outbox') : undefined;

  constructor() {
    if (this.tabs) {
      this.tabs.onmessage = ({ data }) => this.chat?.hear(data as OutboxNews);
    }
    setInterval(() => (this.now = Date.now()), minute);
    window.addEventListener('online', () => this.chat?.wake());
    window.addEventListener('offline', () => this.chat?.wake());
    window.addEventListener('focus', () => this.attend());
    window.addEventListener('blur', () => this.attend());
    window.addEventListener('pagehide', () => this.chat?.attend(false));
    document.addEventListener('visibilitychange', () => {
      this.attend();
      if (document.visibilityState === 'visible') this.chat?.wake();
    });
  }

  /** Asks the server who we are, and starts the chat. */
  async start(): Promise<void> {
    try {
      const { you } = await api.place();
      if (!you) {
        this.phase = 'gate';
        return;
      }
      if (this.router.door === 'join' && this.router.secret !== '') await this.accept();
      await this.begin(you, await api.myRooms());
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
    if (this.router.door) this.router.go(pathOfRoom(room || firstRoom), { replace: true });
    await this.start();
    if (claim) this.openSettings('access');
  }

  openSettings(part: SettingsPart): void {
    this.settings = part;
    this.router.open('me');
  }

  /** Ends the session of this device. What is here of others goes with it. */
  async signOut(): Promise<void> {
    await api.signOut();
    this.chat?.stop();
    this.chat = undefined;
    await this.forget();
    location.replace('/');
  }

  async refreshPeople(): Promise<void> {
    const people = await api.people('?with=picture');
    this.pictures = new Map(people.flatMap((p) => (p.picture ? [[p.id, p.picture]] : [])));
  }

  /** Shows the room of the address. */
  async follow(): Promise<void> {
    const chat = this.chat;
    const name = this.router.room;
    if (!chat) return;
    this.problem = undefined;
    if (name === undefined || !isRoomName(name)) {
      chat.show(undefined);
      this.problem =
        'There is no such place. The name of a room has letters and digits, with - and _ between them.';
      return;
    }
    const known = chat.rooms.find((room) => room.name === name);
    if (!known) chat.show(undefined);
    try {
      const room = known ?? (await chat.join(name));
      if (this.router.room !== name) return;
      if (location.pathname === '/') this.router.go(pathOfRoom(name), { replace: true });
      chat.show(room);
    } catch (error) {
      if (this.router.room === name) this.problem = explain(error);
    }
  }

  goTo(roomName: string): void {
    this.router.go(pathOfRoom(roomName));
  }

  /** Goes to the room above or below in the list. */
  step(by: 1 | -1): void {
    const chat = this.chat;
    if (!chat || chat.rooms.length === 0) return;
    const at = chat.rooms.findIndex((room) => room === chat.current);
    const next = chat.rooms.at((at + by) % chat.rooms.length);
    if (next) this.goTo(next.name);
  }

  private async begin(you: You, list: Awaited<ReturnType<typeof api.myRooms>>): Promise<void> {
    this.chat?.stop();
    const store = await openStore();
    const chat = new Chat({
      you,
      epoch: list.epoch,
      rooms: list.rooms,
      api,
      clock: deviceClock,
      store,
      newId: uuidv7,
      connect: browserSocket,
      tell: (news) => this.tabs?.postMessage(news),
      texts: textStorage(),
      onstranger: () => this.stranger(),
      onannounce: (text) => this.announce(text),
    });
    this.chat = chat;
    this.phase = 'ready';
    this.attend();
    chat.start();
  }

  /** Leaves nothing of anybody on this device. */
  private async forget(): Promise<void> {
    textStorage()?.clear();
    await new Promise((resolve) => {
      const request = indexedDB.deleteDatabase('hubbub');
      request.onsuccess = request.onerror = request.onblocked = resolve;
    });
  }

  /** Uses an invitation that somebody opened who is here already. */
  private async accept(): Promise<void> {
    const secret = this.router.secret;
    this.router.secret = '';
    try {
      const { room } = await api.acceptInvite(secret);
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
      void this.chat.refreshRooms();
      this.refreshPeople().catch(() => undefined);
    }
  }

  private announce(text: string): void {
    this.spoken = [...this.spoken.slice(-9), { n: this.spokenCount++, text }];
  }

  private stranger(): void {
    this.chat?.stop();
    this.chat = undefined;
    this.phase = 'starting';
    // Not at once: a server that answers here and refuses there would be asked without end.
    deviceClock.after(strangerPause, () => void this.start());
  }
}

/** The database of drafts, or memory where there is none, or where it does not answer. */
function openStore(): Promise<DraftStore> {
  const late = new Promise<DraftStore>((resolve) =>
    setTimeout(() => resolve(memoryDraftStore()), storeLimit),
  );
  return Promise.race([openDraftStore().catch(memoryDraftStore), late]);
}

function textStorage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
