import type { Clock } from './clock.ts';
import type { Asked, Language, Run } from './code.ts';

/** What we need of a Worker. */
export interface HighlightWorker {
  postMessage(asked: Asked): void;
  terminate(): void;
  onmessage: ((data: readonly Run[] | 'ready') => void) | null;
  onerror: (() => void) | null;
}

interface Job extends Asked {
  readonly key: string;
  readonly done: (runs: readonly Run[] | undefined) => void;
}

/** Code that takes longer stays without colours. */
export const allowed = 200;
/** A worker that does not come up in that time is not waited for. */
const start = 10_000;
const pause = 30_000;
const kept = 200;

/** Colours code in a worker, one block at a time, and ends the worker that takes too long. */
export class Highlighter {
  private readonly known = new Map<string, readonly Run[] | undefined>();
  private readonly waiting: Job[] = [];
  private worker: HighlightWorker | undefined;
  private ready = false;
  private running: Job | undefined;
  private cancel: (() => void) | undefined;
  /** No worker could be had; when it is worth another try. */
  private brokenUntil = 0;

  constructor(
    private readonly create: () => HighlightWorker,
    private readonly clock: Clock,
  ) {}

  /** The colours of a text, if they are known. */
  of(language: Language, text: string): readonly Run[] | undefined {
    return this.known.get(keyOf(language, text));
  }

  /** Tells the colours of a text; undefined if it took too long. */
  highlight(language: Language, text: string): Promise<readonly Run[] | undefined> {
    const key = keyOf(language, text);
    if (this.known.has(key) || this.clock.now() < this.brokenUntil) {
      return Promise.resolve(this.known.get(key));
    }
    return new Promise((done) => {
      this.waiting.push({ language, text, key, done });
      this.next();
    });
  }

  private next(): void {
    if (this.running) return;
    this.running = this.waiting.shift();
    if (!this.running) return;
    if (this.known.has(this.running.key)) this.finish(this.known.get(this.running.key));
    else if (this.worker && this.ready) this.ask(this.worker, this.running);
    else if (!this.worker) this.begin();
  }

  private begin(): void {
    this.ready = false;
    try {
      const worker = this.create();
      this.worker = worker;
      worker.onmessage = (data) => {
        if (data !== 'ready') return this.finish(data);
        this.ready = true;
        this.cancel?.();
        if (this.running) this.ask(worker, this.running);
      };
      // What the worker cannot read stays without colours; a worker that never came up is no use.
      worker.onerror = () => (this.ready ? this.stop() : this.giveUp());
      this.cancel = this.clock.after(start, () => this.giveUp());
    } catch {
      this.giveUp();
    }
  }

  private ask(worker: HighlightWorker, { language, text }: Asked): void {
    this.cancel = this.clock.after(allowed, () => this.stop());
    worker.postMessage({ language, text });
  }

  /** Ends the worker; the next text gets a new one. */
  private stop(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.finish(undefined);
  }

  private giveUp(): void {
    this.brokenUntil = this.clock.now() + pause;
    this.cancel?.();
    this.worker?.terminate();
    this.worker = undefined;
    const all = [this.running, ...this.waiting.splice(0)];
    this.running = undefined;
    for (const job of all) job?.done(undefined);
  }

  private finish(runs: readonly Run[] | undefined): void {
    this.cancel?.();
    this.cancel = undefined;
    const job = this.running;
    this.running = undefined;
    if (job) {
      this.keep(job.key, runs);
      job.done(runs);
    }
    this.next();
  }

  private keep(key: string, runs: readonly Run[] | undefined): void {
    this.known.delete(key);
    this.known.set(key, runs);
    const [oldest] = this.known.keys();
    if (this.known.size > kept && oldest !== undefined) this.known.delete(oldest);
  }
}

function keyOf(language: Language, text: string): string {
  return `${language}\n${text}`;
}
