import * as look from '../lib/doctor.ts';
import type { Answer, Check, CheckId, Remedies } from '../lib/doctor.ts';
import type { Say } from './doctorwords.ts';

/** Milliseconds for which an answer is waited for. */
const patience = 10_000;
const words = 'Does this come back? '.repeat(60);

/** Looks at the way to the server, one check after the other. */
export class Doctor {
  checks = $state<Check[]>([]);
  running = $state(false);
  /** Whether the device itself says that there is no network. */
  offline = $state(false);
  /** How long the silent socket has been watched, and will be at most, in milliseconds. */
  silent = $state<{ now: number; most: number } | undefined>();
  remedies = $state.raw<Remedies | undefined>();
  version = $state('');
  private readonly say: Say;
  private stopped = new AbortController();
  private heartbeat = 0;
  private opened = false;

  constructor(say: Say) {
    this.say = say;
  }

  readonly faults = $derived(this.checks.filter(({ state }) => state === 'fault').length);
  readonly untested = $derived(this.checks.some(({ state }) => state === 'untested'));

  async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    this.opened = false;
    this.stopped = new AbortController();
    this.checks = look.order.map((id) => ({ id, state: 'waiting' }));
    this.offline = !navigator.onLine;
    try {
      await this.all();
    } finally {
      this.running = false;
      this.silent = undefined;
    }
  }

  /** Leaves out what was not tested yet. */
  stop(): void {
    this.stopped.abort();
  }

  private async all(): Promise<void> {
    const there = await this.reach();
    void this.fetchRemedies();
    if (!there) {
      const why = this.of('host').state === 'fault' ? 'after_host' : 'after_reach';
      for (const id of look.order) this.rest(id, why);
      return;
    }
    await this.step('upgrade', () => this.talk());
    await this.step('buffering', () => this.stream());
    await this.step('idle', () => this.watch());
    for (const id of look.order) this.rest(id, 'skipped');
  }

  private of(id: CheckId): Check {
    return this.checks.find((check) => check.id === id) ?? { id, state: 'waiting' };
  }

  private set(...found: Check[]): void {
    for (const is of found) {
      const at = this.checks.findIndex(({ id }) => id === is.id);
      const was = this.checks[at];
      if (was) this.checks[at] = look.better(was, is);
    }
  }

  /** Says why a check was not made, if it was not. */
  private rest(id: CheckId, why: string): void {
    const { state } = this.of(id);
    if (state === 'waiting' || state === 'running') this.set({ id, state: 'untested', why });
  }

  private async step(id: CheckId, test: () => Promise<void>): Promise<void> {
    if (this.stopped.signal.aborted) return;
    if (this.of(id).state === 'waiting') this.set({ id, state: 'running' });
    try {
      await test();
    } catch {
      if (this.stopped.signal.aborted) return;
      this.set({ id, state: 'untested', why: 'cut', with: { error: this.say('noAnswer') } });
    }
  }

  private async ask(path: string): Promise<{ response: Response; answer: Partial<Answer> }> {
    const response = await fetch(path, {
      cache: 'no-store',
      credentials: 'omit',
      redirect: 'manual',
      signal: AbortSignal.any([this.stopped.signal, AbortSignal.timeout(patience)]),
    });
    return { response, answer: await (response.json() as Promise<Answer>).catch(() => ({})) };
  }

  /** Asks what arrives, and says whether a hubbub answers. */
  private async reach(): Promise<boolean> {
    this.set({ id: 'reach', state: 'running' });
    const { host, hostname, origin, protocol } = location;
    const path = `/api/doctor?as=${encodeURIComponent(origin)}`;
    const before = Date.now();
    try {
      let { response, answer } = await this.ask(path);
      const after = Date.now();
      // A hubbub sends neither.
      const proxied = response.headers.has('server') || response.headers.has('via');
      if (proxied && response.ok) ({ response, answer } = await this.ask(`${path}&proxied`));
      if (!response.ok || !answer.server) {
        this.set(...look.refused(response.status, answer.error, host, hostname));
        return false;
      }
      this.heartbeat = answer.server.heartbeat;
      this.version = answer.server.version;
      this.set(
        { id: 'reach', state: 'ok', why: 'reached', with: { version: this.version } },
        {
          id: 'certificate',
          state: 'ok',
          why: protocol === 'https:' ? 'certificate_seen' : 'certificate_none',
        },
        look.clock(answer.server.time, before, after),
        ...(answer.checks ?? []),
      );
      return true;
    } catch {
      const error = this.say('noAnswer');
      this.set({ id: 'reach', state: 'fault', why: 'unreachable', with: { host, error } });
      return false;
    }
  }

  private async fetchRemedies(): Promise<void> {
    try {
      const response = await fetch('/api/doctor/remedies', { credentials: 'omit' });
      if (response.ok) this.remedies = (await response.json()) as Remedies;
    } catch {
      // The page says how to see them without it.
    }
  }

  /** Opens a test socket, sees what arrived of its request, and has words repeated. */
  private async talk(): Promise<void> {
    const attempt = crypto.getRandomValues(new Uint32Array(4)).join('');
    const query = `as=${encodeURIComponent(location.origin)}&try=${attempt}`;
    const socket = new Talk(`/api/doctor?${query}`, this.stopped.signal);
    try {
      const { checks } = JSON.parse(await socket.next(patience)) as Answer;
      this.set(...(checks ?? []));
      if (!socket.compressed) {
        this.set({ id: 'compression', state: 'fault', why: 'compression_lost' });
      }
      this.opened = true;
    } catch {
      if (!this.stopped.signal.aborted) await this.notOpened(query);
      return;
    } finally {
      if (!this.opened) socket.close();
    }
    this.set({ id: 'socket', state: 'running' });
    try {
      socket.send(words);
      while ((await socket.next(patience)) !== words);
      await this.chat();
    } catch (error) {
      if (error instanceof Ended) this.set(this.socketFault('socket_dead', error));
    } finally {
      socket.close();
    }
  }

  private socketFault(why: string, ended: Ended): Check {
    return { id: 'socket', state: 'fault', why, with: { error: ended.told(this.say) } };
  }

  /** Asks the server what arrived of a socket that did not open: browsers do not say. */
  private async notOpened(query: string): Promise<void> {
    const { answer } = await this.ask(`/api/doctor?${query}`);
    this.set(...(answer.try?.checks ?? []));
    const status = this.say('noAnswer');
    if (this.of('origin').state === 'fault' || this.of('scheme').state === 'fault') {
      this.rest('socket', 'after_origin');
    } else if (this.of('upgrade').state !== 'fault') {
      this.checks = this.checks.map((check) =>
        check.id === 'upgrade'
          ? { id: 'upgrade', state: 'fault', why: 'upgrade_refused', with: { status } }
          : check,
      );
    }
    for (const id of ['socket', 'compression', 'idle'] as const) this.rest(id, 'after_socket');
  }

  /** Opens the chat's own socket, where it is, and says something that is answered: or refused. */
  private async chat(): Promise<void> {
    const socket = new Talk('/', this.stopped.signal, 'hubbub.v1');
    try {
      await socket.open(patience);
      socket.send('{"hello":{}}');
      await socket.next(patience);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      // Without a session it is closed, with a code of its own.
      if (!socket.opened || error.code < 4000) {
        this.set(this.socketFault('chat_socket', error));
        return;
      }
    } finally {
      socket.close();
    }
    this.set({ id: 'socket', state: 'ok', why: 'socket_good' });
  }

  /** Looks whether the first line of an answer comes before the last is made. */
  private async stream(): Promise<void> {
    const { body, ok, status } = await fetch(`/api/doctor/stream?pause=${look.pause}`, {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([this.stopped.signal, AbortSignal.timeout(patience)]),
    });
    if (!ok || !body) {
      const error = String(status);
      this.set({ id: 'buffering', state: 'untested', why: 'refused', with: { error } });
      return;
    }
    const reader = body.getReader();
    await reader.read();
    const began = performance.now();
    while (!(await reader.read()).done);
    this.set(look.streamed(performance.now() - began));
  }

  /** Says nothing on a socket, and looks how long it lives. */
  private async watch(): Promise<void> {
    if (!this.opened) return this.rest('idle', 'after_socket');
    const most = Math.max(look.watched, look.needed(this.heartbeat));
    const socket = new Talk('/api/doctor', this.stopped.signal);
    try {
      await socket.next(patience);
      await this.sit(socket, most);
    } finally {
      socket.close();
    }
  }

  private async sit(socket: Talk, most: number): Promise<void> {
    const began = performance.now();
    const lived = () => performance.now() - began;
    this.silent = { now: 0, most };
    const tick = setInterval(() => (this.silent = { now: Math.min(lived(), most), most }), 1000);
    try {
      await socket.next(most);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      if (error.code > 0) return this.set(look.silence(lived(), 'cut', this.heartbeat));
      const end = await this.answers(socket);
      this.set(look.silence(most, end, this.heartbeat));
    } finally {
      clearInterval(tick);
      this.silent = undefined;
    }
  }

  /** Whether a socket that is there still passes something on. */
  private async answers(socket: Talk): Promise<'there' | 'deaf'> {
    try {
      socket.send('still there');
      await socket.next(patience);
      return 'there';
    } catch {
      return 'deaf';
    }
  }
}

/** How a socket ended; code 0: nothing came in time. */
class Ended extends Error {
  readonly code: number;
  private readonly waited: number;

  constructor(code: number, waited = 0) {
    super(`ended with ${code}`);
    this.code = code;
    this.waited = waited;
  }

  told(say: Say): string {
    if (this.code > 0) return say('closed', { code: String(this.code) });
    return say('late', { seconds: String(this.waited / 1000) });
  }
}

/** A socket on which one waits for the next message. */
class Talk {
  private readonly socket: WebSocket;
  private readonly signal: AbortSignal;
  private readonly came: string[] = [];
  private ended = 0;
  private wake: (() => void) | undefined;
  opened = false;

  constructor(path: string, signal: AbortSignal, protocol?: string) {
    this.socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${path}`, protocol ?? []);
    this.signal = signal;
    const woken = () => this.wake?.();
    this.socket.onopen = () => {
      this.opened = true;
      woken();
    };
    this.socket.onmessage = ({ data }) => {
      this.came.push(String(data));
      woken();
    };
    this.socket.onclose = ({ code }) => {
      this.ended = code;
      woken();
    };
    signal.addEventListener('abort', woken);
  }

  get compressed(): boolean {
    return this.socket.extensions.includes('permessage-deflate');
  }

  send(text: string): void {
    this.socket.send(text);
  }

  close(): void {
    this.socket.close();
  }

  async open(most: number): Promise<void> {
    await this.until(() => this.opened, most);
  }

  async next(most: number): Promise<string> {
    await this.until(() => this.came.length > 0, most);
    return this.came.shift() ?? '';
  }

  private async until(there: () => boolean, most: number): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.wake?.();
    }, most);
    try {
      while (!there()) {
        this.signal.throwIfAborted();
        if (this.ended > 0) throw new Ended(this.ended);
        if (late) throw new Ended(0, most);
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }
}
