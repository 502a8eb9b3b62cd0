/** What passed on this page's connection, as the page saw it and as the server reports it (docs/protocol.md, "The wire view"). */

/** A report of the server: what a page cannot see of its own connection. */
export type WireRecord =
  | {
      kind: 'handshake';
      conn: number;
      at: number;
      dialect: string;
      request: string;
      response: string;
      /** The request is shown as its bytes came. */
      exact: boolean;
      remote: string;
    }
  | ({ kind: 'frame' } & FrameRecord)
  | { kind: 'end'; conn: number; at: number }
  /** Reports that were left out because this page was slow to read them. */
  | { kind: 'skipped'; count: number }
  | { kind: 'beat' };

export type Side = 'client' | 'server';

export interface FrameRecord {
  conn: number;
  at: number;
  from: Side;
  /** Number of the frame in its direction. */
  n: number;
  /** Number of the text message in its direction, of which the frame is a part. */
  message?: number;
  fin: boolean;
  rsv1: boolean;
  opcode: number;
  /** The header's bytes in hexadecimal digits, with the mask key. */
  head: string;
  mask?: string;
  /** Bytes of the payload on the wire. */
  length: number;
  /** Bytes of the message after it was unpacked. */
  unpacked?: number;
  text?: string;
  /** The payload in hexadecimal digits. */
  bytes?: string;
  /** The payload is longer than what is told of it. */
  cut?: boolean;
}

export type Handshake = Extract<WireRecord, { kind: 'handshake' }>;

interface Common {
  /** Counts the entries; none has the number of another. */
  n: number;
  /** Unix milliseconds, by the clock of whoever saw it first. */
  at: number;
  /** Which of the page's connections: 1 is the first that was watched. Others', such as a terminal's, have none. */
  dial?: number;
  /** The server's number of the connection. */
  conn?: number;
}

/** What has become of a frame that did not pass as it should: the switch that breaks connections was on. */
export type Fate = 'dropped' | 'doubled' | 'delayed';

export type Entry =
  | (Common & {
      kind: 'dial';
      /** The server has reported it. */
      handshake?: Handshake;
      /** What the browser says was agreed upon. */
      protocol?: string;
      extensions?: string;
    })
  | (Common & {
      kind: 'frame';
      from: Side;
      /** What the page sent or was given. */
      text?: string;
      message?: number;
      /** The frames that carried it, as the server saw them; most often one. */
      reports: readonly FrameRecord[];
      fate?: Fate;
    })
  | (Common & { kind: 'end'; code?: number; reason?: string })
  | (Common & { kind: 'skipped'; count: number });

export type FrameEntry = Extract<Entry, { kind: 'frame' }>;
export type DialEntry = Extract<Entry, { kind: 'dial' }>;

/** So many entries are kept. */
export const mostEntries = 1_000;

/** The latest entries, in the order in which this page came to know of them. */
export class WireLog {
  onchange = () => {};
  private entries: Entry[] = [];
  private count = 0;
  private dials = 0;
  /** Of the present connection: how many texts went each way. */
  private passed: Record<Side, number> = { client: 0, server: 0 };
  /** Which of the page's connections has which number at the server. */
  private readonly known = new Map<number, number>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  all(): readonly Entry[] {
    return this.entries;
  }

  clear(): void {
    this.entries = [];
    this.onchange();
  }

  // What the page sees

  /** A connection is being made. Returns its number, which goes into its address. */
  dialled(): number {
    this.passed = { client: 0, server: 0 };
    this.add({ kind: 'dial', n: 0, at: this.now(), dial: ++this.dials });
    return this.dials;
  }

  opened(protocol: string, extensions: string): void {
    this.change(
      (entry) => entry.kind === 'dial' && entry.dial === this.dials,
      (entry) => ({ ...(entry as DialEntry), protocol, extensions }),
    );
  }

  passedText(from: Side, text: string): void {
    const message = ++this.passed[from];
    const n = this.add({
      kind: 'frame',
      n: 0,
      at: this.now(),
      dial: this.dials,
      from,
      text,
      message,
      reports: [],
    });
    // The report may have come first.
    const early = this.entries.find(
      (e): e is FrameEntry =>
        e.kind === 'frame' &&
        e.dial === this.dials &&
        e.n !== n &&
        e.text === undefined &&
        e.from === from &&
        e.message === message,
    );
    if (!early) return;
    this.entries = this.entries.filter((e) => e !== early);
    this.change(
      (e) => e.n === n,
      (e) => ({ ...(e as FrameEntry), reports: early.reports }),
    );
  }

  closed(code: number, reason: string): void {
    this.add({ kind: 'end', n: 0, at: this.now(), dial: this.dials, code, reason });
  }

  /** What the switch did to a text that therefore did not pass, or not as it was. */
  broken(from: Side, text: string, fate: Fate): void {
    this.add({
      kind: 'frame',
      n: 0,
      at: this.now(),
      dial: this.dials,
      from,
      text,
      reports: [],
      fate,
    });
  }

  // What the server reports

  take(record: WireRecord): void {
    switch (record.kind) {
      case 'handshake':
        return this.handshake(record);
      case 'frame':
        return this.frame(record);
      case 'end':
        if (this.known.has(record.conn)) return; // the page has seen that itself
        this.add({ kind: 'end', n: 0, at: record.at, conn: record.conn });
        return;
      case 'skipped':
        this.add({ kind: 'skipped', n: 0, at: this.now(), count: record.count });
    }
  }

  private handshake(record: Handshake): void {
    const dial = Number(/[?&]dial=(\d+)/.exec(record.request.split('\r\n', 1)[0] ?? '')?.[1]);
    const own = (entry: Entry) => entry.kind === 'dial' && entry.dial === dial;
    if (!this.entries.some(own)) {
      this.add({ kind: 'dial', n: 0, at: record.at, conn: record.conn, handshake: record });
      return;
    }
    this.known.set(record.conn, dial);
    this.change(own, (entry) => ({
      ...(entry as DialEntry),
      conn: record.conn,
      handshake: record,
    }));
  }

  private frame(report: FrameRecord): void {
    const { conn, from, message, at } = report;
    const dial = this.known.get(conn);
    const same = (entry: Entry) =>
      entry.kind === 'frame' &&
      message !== undefined &&
      entry.message === message &&
      entry.from === from &&
      (dial === undefined ? entry.conn === conn : entry.dial === dial);
    if (this.entries.some(same)) {
      return this.change(same, (entry) => {
        const known = entry as FrameEntry;
        return { ...known, conn, ...textOf(known, report), reports: [...known.reports, report] };
      });
    }
    this.add({
      kind: 'frame',
      n: 0,
      at,
      conn,
      from,
      reports: [report],
      ...(dial === undefined ? {} : { dial }),
      ...(message === undefined ? {} : { message }),
      ...(report.text === undefined ? {} : { text: report.text }),
    });
  }

  // How they are kept

  private add(entry: Entry): number {
    const n = ++this.count;
    this.entries.push({ ...entry, n });
    // Not one by one: moving a thousand for each frame would show in a flood.
    if (this.entries.length >= 2 * mostEntries) this.entries = this.entries.slice(-mostEntries);
    this.onchange();
    return n;
  }

  /** The newest that is meant: most often one of the last. */
  private change(meant: (entry: Entry) => boolean, to: (entry: Entry) => Entry): void {
    const index = this.entries.findLastIndex(meant);
    const entry = this.entries[index];
    if (!entry) return;
    this.entries[index] = to(entry);
    this.onchange();
  }
}

/** A text in fragments comes in pieces. */
function textOf(known: FrameEntry, { text }: FrameRecord): { text?: string } {
  return text === undefined ? {} : { text: (known.text ?? '') + text };
}
