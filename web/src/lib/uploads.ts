import type { Clock } from './clock.ts';

/** Why an upload stopped: it can go on later, or the server wants no more of it. */
export type Failure = { passing: true } | { passing: false; code: string; message: string };

export interface Heard {
  progress: (sent: number) => void;
  /** All of it is there, under this id. */
  done: (id: string) => void;
  failed: (failure: Failure) => void;
}

/** One upload, wherever its bytes come from. After `start` it says what happens until `stop`. */
export interface Transport {
  /** Begins, or goes on where it was. */
  start(): void;
  /** Stops, and keeps what is there. */
  stop(): void;
  /** Gives up what is there. */
  drop(): void;
}

export type UploadState =
  /** Others go first. */
  | 'waiting'
  | 'going'
  /** It was cut, and goes on by itself. */
  | 'cut'
  | 'done'
  | 'failed';

export interface Upload {
  readonly key: string;
  readonly size: number;
  readonly state: UploadState;
  readonly sent: number;
  /** What the server calls it, once all of it is there. */
  readonly id?: string;
  readonly problem?: { code: string; message: string };
}

interface Going {
  upload: Upload;
  transport: Transport;
  attempts: number;
  movedAt: number;
  cancel: () => void;
}

export interface UploadsOptions {
  clock: Clock;
  onchange: (upload: Upload) => void;
}

const atATime = 2;
const pauses = [1_000, 2_000, 5_000, 10_000, 20_000];
/** Without progress for so long, a request from before a new connection counts as lost. */
const stillAfter = 3_000;

/** Sends files one after the other, and goes on with each that was cut. */
export class Uploads {
  private readonly clock: Clock;
  private readonly onchange: (upload: Upload) => void;
  private readonly all = new Map<string, Going>();

  constructor({ clock, onchange }: UploadsOptions) {
    this.clock = clock;
    this.onchange = onchange;
  }

  get(key: string): Upload | undefined {
    return this.all.get(key)?.upload;
  }

  add(key: string, size: number, make: (heard: Heard) => Transport): void {
    const going: Going = {
      upload: { key, size, state: 'waiting', sent: 0 },
      transport: make({
        progress: (sent) => this.hear(going, () => this.moved(going, sent)),
        done: (id) => this.hear(going, () => this.finish(going, { state: 'done', sent: size, id })),
        failed: (failure) => this.hear(going, () => this.stumble(going, failure)),
      }),
      attempts: 0,
      movedAt: 0,
      cancel: () => {},
    };
    this.all.set(key, going);
    this.onchange(going.upload);
    this.pump();
  }

  /** Begins one again that failed. */
  retry(key: string): void {
    const going = this.all.get(key);
    if (going?.upload.state !== 'failed') return;
    going.attempts = 0;
    const { problem, ...rest } = going.upload;
    this.change(going, { ...rest, state: 'waiting' });
    this.pump();
  }

  /** Forgets one: it was sent with a message, or nobody wants it. */
  remove(key: string, drop: boolean): void {
    const going = this.all.get(key);
    if (!going) return;
    this.all.delete(key);
    going.cancel();
    const { state } = going.upload;
    if (state === 'going') going.transport.stop();
    if (drop) going.transport.drop();
    this.pump();
  }

  /** There is a connection again: what was cut goes on at once. */
  connected(): void {
    for (const going of this.all.values()) {
      const { state } = going.upload;
      if (state === 'cut') this.goOn(going);
      else if (state === 'going' && this.clock.now() - going.movedAt > stillAfter) {
        going.transport.stop();
        this.goOn(going);
      }
    }
    this.pump();
  }

  stop(): void {
    for (const key of [...this.all.keys()]) this.remove(key, false);
  }

  private hear(going: Going, act: () => void): void {
    if (this.all.get(going.upload.key) === going && going.upload.state === 'going') act();
  }

  private moved(going: Going, sent: number): void {
    going.movedAt = this.clock.now();
    going.attempts = 0;
    this.change(going, { ...going.upload, sent });
  }

  private finish(going: Going, end: Partial<Upload>): void {
    this.change(going, { ...going.upload, ...end });
    this.pump();
  }

  private stumble(going: Going, failure: Failure): void {
    if (!failure.passing) {
      const { code, message } = failure;
      this.finish(going, { state: 'failed', problem: { code, message } });
      return;
    }
    const pause = pauses[Math.min(going.attempts++, pauses.length - 1)] ?? 0;
    this.change(going, { ...going.upload, state: 'cut' });
    going.cancel = this.clock.after(pause, () => {
      if (going.upload.state === 'cut') this.goOn(going);
      this.pump();
    });
    this.pump();
  }

  private goOn(going: Going): void {
    going.cancel();
    this.change(going, { ...going.upload, state: 'waiting' });
  }

  private pump(): void {
    let free = atATime;
    for (const { upload } of this.all.values()) if (upload.state === 'going') free--;
    for (const going of this.all.values()) {
      if (free <= 0) return;
      if (going.upload.state !== 'waiting') continue;
      free--;
      going.movedAt = this.clock.now();
      this.change(going, { ...going.upload, state: 'going' });
      going.transport.start();
    }
  }

  private change(going: Going, upload: Upload): void {
    going.upload = upload;
    if (this.all.get(upload.key) === going) this.onchange(upload);
  }
}
