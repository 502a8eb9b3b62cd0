import { ApiError } from '../lib/request.ts';
import { wireApi } from '../lib/wireapi.ts';
import { WireLog } from '../lib/wirelog.ts';
import { maskRecord, maskText } from '../lib/wiremask.ts';
import { wire as english } from '../lang/wire.en.ts';
import { wire as german } from '../lang/wire.de.ts';
import type { Chat } from './chat.svelte.ts';
import { line, type Watched } from './browsersocket.ts';
import { laterWords } from './laterwords.svelte.ts';
import { WireView } from './wireview.svelte.ts';

/** A text of the wire view. */
export const w = laterWords(english, { de: german });

/** Milliseconds until the server is asked again, from the first time on, and at most. */
const again = 2_000;
const longest = 60_000;

/**
 * The wire view while it is open: watches this page's connection, and hears what the server reports of
 * it. Both end with it.
 */
export class Wire {
  /** Counts the changes of the log, at most one a frame of the screen. */
  version = $state(0);
  /** Why the server reports nothing. */
  problem = $state.raw<unknown>();
  /** The server reports what passes. */
  reported = $state(false);
  /** Under which connections are reported here; nothing while none are. */
  id = $state('');
  readonly log = new WireLog(Date.now);
  readonly view = new WireView();

  private readonly chat: Chat;
  private readonly ended = new AbortController();
  private drawing = false;
  private dialled = false;
  /** How long it waits before it asks the server the next time. */
  private pause = again;
  private askNow = () => {};

  constructor(chat: Chat) {
    this.chat = chat;
    this.log.onchange = () => this.draw();
  }

  /** The part of an address by which a connection is reported here. */
  get query(): string {
    return this.id === '' ? '' : `?wire=${this.id}`;
  }

  /** Ends with the view. */
  get ending(): AbortSignal {
    return this.ended.signal;
  }

  async open(): Promise<void> {
    line.watcher = { dialled: () => this.watch() };
    while (!this.ended.signal.aborted) {
      await this.hear();
      const { pause } = this;
      this.pause = Math.min(2 * pause, longest);
      if (!this.ended.signal.aborted) await this.rest(pause);
    }
  }

  /** Waits until the server may be asked again: so long, or until something says that it is there. */
  private async rest(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.askNow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.askNow = () => {};
  }

  /** The server can be reached. */
  private reached(): void {
    this.pause = again;
    this.askNow();
  }

  private watch(): Watched {
    const { log } = this;
    const dial = log.dialled();
    this.dialled = true;
    return {
      query: this.id === '' ? '' : `${this.query}&dial=${dial}`,
      opened: (protocol, extensions) => {
        log.opened(protocol, extensions, dial);
        this.reached();
      },
      sent: (text) => log.passedText('client', maskText(text), dial),
      received: (text) => log.passedText('server', String(text), dial),
      closed: (code, reason) => log.closed(code, reason, dial),
    };
  }

  /** Hears what the server reports until that ends. The connection is made anew, so that all of it is seen. */
  private async hear(): Promise<void> {
    const known = this.id !== '';
    try {
      if (!known) this.id = await wireApi.watch();
      const began = () => {
        this.reported = true;
        this.problem = undefined;
        this.pause = again;
        // What was reported before the stream broke is still reported after it.
        if (!known || !this.dialled) this.chat.redial();
      };
      const records = wireApi.records(this.id, this.ended.signal, began);
      for await (const record of records) this.log.take(maskRecord(record));
    } catch (error) {
      if (this.ended.signal.aborted) return;
      const gone = error instanceof ApiError && (error.status === 404 || error.status === 409);
      // The server does not know it any more, or takes it for one that is still read: another one is needed.
      if (gone) this.id = '';
      if (gone && known) this.pause = again;
      else this.problem = error;
      // The page sees a connection only from its beginning.
      if (!this.dialled) this.chat.redial();
    } finally {
      this.reported = false;
    }
  }

  close(): void {
    // First: what ends with it may make a connection, of which it hears no more.
    line.watcher = undefined;
    this.ended.abort();
    this.askNow();
  }

  private draw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.version++;
    });
  }
}
