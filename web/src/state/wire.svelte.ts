import { WireLog } from '../lib/wirelog.ts';
import { wireApi } from '../lib/wireapi.ts';
import { wire as english } from '../lang/wire.en.ts';
import { wire as german } from '../lang/wire.de.ts';
import type { Chat } from './chat.svelte.ts';
import { line } from './browsersocket.ts';
import { laterWords } from './laterwords.svelte.ts';

/** A text of the wire view. */
export const w = laterWords(english, { de: german });

const again = 2_000;

/**
 * The wire view while it is open: watches this page's connection, and hears what the server reports of
 * it. Both end with it.
 */
export class Wire {
  /** Counts the changes of the log, at most one a frame of the screen. */
  version = $state(0);
  /** Why the server reports nothing. */
  problem = $state.raw<unknown>();
  readonly log = new WireLog(Date.now);

  private readonly chat: Chat;
  private readonly ended = new AbortController();
  private drawing = false;
  private id = '';

  constructor(chat: Chat) {
    this.chat = chat;
    this.log.onchange = () => this.draw();
  }

  /** The part of an address by which a connection is reported here. */
  get query(): string {
    return this.id === '' ? '' : `?wire=${this.id}`;
  }

  async open(): Promise<void> {
    line.watcher = {
      dialled: () => {
        const dial = this.log.dialled();
        return this.id === '' ? '' : `${this.query}&dial=${dial}`;
      },
      opened: (protocol, extensions) => this.log.opened(protocol, extensions),
      sent: (text) => this.log.passedText('client', text),
      received: (text) => this.log.passedText('server', String(text)),
      closed: (code, reason) => this.log.closed(code, reason),
    };
    while (!this.ended.signal.aborted) {
      await this.hear();
      if (!this.ended.signal.aborted) await new Promise((resolve) => setTimeout(resolve, again));
    }
  }

  /** Hears what the server reports until that ends. The connection is made anew, so that all of it is seen. */
  private async hear(): Promise<void> {
    try {
      this.id = await wireApi.watch();
      const began = () => {
        this.problem = undefined;
        this.chat.redial();
      };
      const records = wireApi.records(this.id, this.ended.signal, began);
      for await (const record of records) this.log.take(record);
    } catch (error) {
      if (!this.ended.signal.aborted) this.problem = error;
    }
  }

  close(): void {
    this.ended.abort();
    line.watcher = undefined;
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
