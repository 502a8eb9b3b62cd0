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
/** So many characters of texts are kept, and fewer entries if they are long. */
export const mostText = 16 << 20;
/** Of so many of the page's latest connections the texts are counted: those before are closed. */
const mostCounted = 8;

type Place = Pick<Common, 'dial' | 'conn'> & { from: Side; message?: number };

/** The latest entries, in the order in which this page came to know of them. */
export class WireLog {
  onchange = () => {};
  /** Up to twice as many as are shown, ascending by their number. */
  private entries: Entry[] = [];
  /** Which entry is which text message. */
  private readonly messages = new Map<string, number>();
  private textKept = 0;
  private count = 0;
  private dials = 0;
  private frameCount = 0;
  /** How many texts went each way, by connection of the page. */
  private readonly passed = new Map<number, Record<Side, number>>();
  /** Which of the page's connections has which number at the server. */
  private readonly known = new Map<number, number>();
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  /** How many frames passed so far. Reports of a text that the page saw too are not counted twice, nor is what the switch did. */
  get frames(): number {
    return this.frameCount;
  }

  /** The latest, at most `mostEntries`. */
  all(): readonly Entry[] {
    return this.entries.slice(-mostEntries);
  }

  clear(): void {
    this.entries = [];
    this.messages.clear();
    this.textKept = 0;
    this.onchange();
  }

  // What the page sees. Without a number of the connection the latest is meant.

  /** A connection is being made. Returns its number, which goes into its address. */
  dialled(): number {
    const dial = ++this.dials;
    this.passed.set(dial, { client: 0, server: 0 });
    this.passed.delete(dial - mostCounted);
    this.add({ kind: 'dial', n: 0, at: this.now(), dial });
    return dial;
  }

  opened(protocol: string, extensions: string, dial = this.dials): void {
    const dialled = this.dialOf(dial);
    if (dialled) this.replace({ ...dialled, protocol, extensions });
  }

  passedText(from: Side, text: string, dial = this.dials): void {
    const counts = this.passed.get(dial) ?? { client: 0, server: 0 };
    this.passed.set(dial, counts);
    const place = { dial, from, message: ++counts[from] };
    // The report may have come first.
    const { conn, reports = [] } = this.takeReport(place) ?? {};
    this.add({
      kind: 'frame',
      n: 0,
      at: this.now(),
      ...place,
      ...(conn === undefined ? {} : { conn }),
      text,
      reports,
    });
  }

  closed(code: number, reason: string, dial = this.dials): void {
    this.add({ kind: 'end', n: 0, at: this.now(), dial, code, reason });
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
    const { conn, at, request } = record;
    const dial = Number(/[?&]dial=(\d+)/.exec(request.split('\r\n', 1)[0] ?? '')?.[1]);
    this.forgetNumber(conn);
    // Others who have the id could say that they are a connection of this page.
    const ours = this.dialOf(dial);
    if (!ours || ours.handshake || record.dialect === 'plain') {
      this.add({ kind: 'dial', n: 0, at, conn, handshake: record });
      return;
    }
    this.known.set(conn, dial);
    this.replace({ ...ours, conn, handshake: record });
  }

  /** A server that started again counts its connections from 1. */
  private forgetNumber(conn: number): void {
    this.known.delete(conn);
    for (const key of this.messages.keys()) {
      if (key.startsWith(`c${conn}client`) || key.startsWith(`c${conn}server`)) {
        this.messages.delete(key);
      }
    }
  }

  private frame(report: FrameRecord): void {
    const { conn, from, message, at } = report;
    const dial = this.known.get(conn);
    const place: Place = {
      conn,
      from,
      ...(dial === undefined ? {} : { dial }),
      ...(message === undefined ? {} : { message }),
    };
    const known = this.entries[this.indexOf(place)];
    if (known?.kind !== 'frame') {
      const { text } = report;
      const told = text === undefined ? {} : { text };
      this.add({ kind: 'frame', n: 0, at, ...place, reports: [report], ...told });
      return;
    }
    const reports = [...known.reports, report];
    this.replace({ ...known, conn, ...textOf(known, report), reports });
  }

  // How they are kept

  private add(entry: Entry): void {
    const n = ++this.count;
    this.entries.push({ ...entry, n });
    this.textKept += lengthOf(entry);
    if (entry.kind === 'frame') {
      if (!entry.fate) this.frameCount++;
      const key = keyOf(entry);
      if (key !== undefined) this.messages.set(key, n);
    }
    // Not one by one: moving a thousand for each frame would show in a flood.
    if (this.entries.length >= 2 * mostEntries) this.forget(this.entries.length - mostEntries);
    while (this.textKept > mostText && this.entries.length > 1) {
      this.forget(Math.ceil(this.entries.length / 4));
    }
    this.onchange();
  }

  private forget(oldest: number): void {
    for (const entry of this.entries.splice(0, oldest)) this.drop(entry);
  }

  private drop(entry: Entry): void {
    this.textKept -= lengthOf(entry);
    if (entry.kind !== 'frame') return;
    const key = keyOf(entry);
    if (key !== undefined && this.messages.get(key) === entry.n) this.messages.delete(key);
  }

  /** Where the entry of a text message is, or -1. */
  private indexOf(place: Place): number {
    const key = keyOf(place);
    const n = key === undefined ? undefined : this.messages.get(key);
    if (n === undefined) return -1;
    let from = 0;
    let to = this.entries.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.entries[middle]?.n ?? n) < n) from = middle + 1;
      else to = middle;
    }
    return this.entries[from]?.n === n ? from : -1;
  }

  /** Takes the report of a text out that the page did not know when it came. */
  private takeReport(place: Place): FrameEntry | undefined {
    const index = this.indexOf(place);
    const early = this.entries[index];
    if (early?.kind !== 'frame' || early.text !== undefined) return undefined;
    this.entries.splice(index, 1);
    this.drop(early);
    this.frameCount--;
    return early;
  }

  /** The beginning of one of the page's connections, if it is still there. */
  private dialOf(dial: number): DialEntry | undefined {
    return this.entries.find((e): e is DialEntry => e.kind === 'dial' && e.dial === dial);
  }

  /** Puts an entry in the place of the one with its number. */
  private replace(entry: Entry): void {
    const index = this.entries.findLastIndex(({ n }) => n === entry.n);
    const before = this.entries[index];
    if (!before) return;
    this.textKept += lengthOf(entry) - lengthOf(before);
    this.entries[index] = entry;
    this.onchange();
  }
}

function keyOf({ dial, conn, from, message }: Place): string | undefined {
  if (message === undefined) return undefined;
  return `${dial === undefined ? `c${conn}` : dial}${from}${message}`;
}

const lengthOf = (entry: Entry) => (entry.kind === 'frame' ? (entry.text?.length ?? 0) : 0);

/** A text in fragments comes in pieces. */
function textOf(known: FrameEntry, { text }: FrameRecord): { text?: string } {
  return text === undefined ? {} : { text: (known.text ?? '') + text };
}
