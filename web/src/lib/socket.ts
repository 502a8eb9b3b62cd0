import type { Clock } from './clock.ts';
import {
  decode,
  encode,
  subprotocol,
  type ClientBodies,
  type ServerBodies,
  type ServerFrame,
} from './wire.ts';

/**
 * The state of the connection, for the banner:
 *
 *     connecting --welcome--> connected --lost--> waiting --time, or wake--> connecting
 *
 * `stopped` is the end: the server does not know who we are, or we left.
 */
export type ConnectionState =
  | { phase: 'connecting' }
  | { phase: 'connected' }
  | { phase: 'waiting'; until: number }
  | { phase: 'stopped'; unauthorized: boolean };

/** What a connection needs of a WebSocket. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: ((close: { code: number }) => void) | null;
  send(data: string): void;
  close(): void;
}

export interface ConnectionOptions {
  /** Makes a socket to the server that speaks the given subprotocol. */
  connect: (subprotocol: string) => Socket;
  clock: Clock;
  random: () => number;
  /** The socket is open and `hello` is out; what is sent now needs not wait for `welcome`. */
  onopen: () => void;
  onframe: (frame: ServerFrame) => void;
  onstate: (state: ConnectionState) => void;
}

const seconds = 1000;
const firstDelay = 0.5 * seconds;
const longestDelay = 30 * seconds;
const handshakeLimit = 10 * seconds;
const probeLimit = 4 * seconds;
/** A connection has to last this long before the delays begin at the first one again. */
const steady = 5 * seconds;
const unauthorizedClose = 4401;
/** What the server says only to those it has greeted, and asked by us. */
const answers: ReadonlySet<string> = new Set(['opened', 'reset', 'event', 'sent', 'fence']);

/** One connection to the server, made again whenever it is lost. */
export class Connection {
  state: ConnectionState = { phase: 'stopped', unauthorized: false };

  private readonly options: ConnectionOptions;
  private socket: Socket | undefined;
  private attempts = 0;
  private heartbeat = 25 * seconds;
  private heardAt = 0;
  private welcomedAt = 0;
  private comeBackAfter: number | undefined;
  private unauthorized = false;
  private fences = 0;
  private cancelWatch = () => {};
  /** When the watch gives the connection up. */
  private watchUntil = 0;
  private cancelRetry = () => {};

  constructor(options: ConnectionOptions) {
    this.options = options;
  }

  start(): void {
    if (this.state.phase === 'stopped') this.dial();
  }

  stop(): void {
    this.drop();
    this.enter({ phase: 'stopped', unauthorized: false });
  }

  /** Sends a frame; false if there is no open socket to send it on. */
  send<T extends keyof ClientBodies>(type: T, body: ClientBodies[T]): boolean {
    if (!this.socket || !this.opened) return false;
    this.socket.send(encode(type, body));
    return true;
  }

  /** Somebody asked to try now, or the network came back. */
  wake(): void {
    if (this.state.phase === 'waiting') this.dial();
    else this.probe();
  }

  /** Makes the connection anew at once, where there is one or one is wanted. */
  redial(): void {
    if (this.state.phase !== 'stopped') this.dial();
  }

  /**
   * Asks whether the connection still lives, where waiting for the watchdog would take too long, and returns
   * the number of the `fence` that asks. Its answer comes behind those to all that was sent before: what has
   * none by then was lost on the way. Asking again gives a connection that is silent no more time.
   */
  probe(limit = probeLimit): number | undefined {
    const { clock } = this.options;
    if (this.state.phase !== 'connected') return undefined;
    if (clock.now() - this.heardAt > 2 * this.heartbeat) {
      this.lost();
      return undefined;
    }
    this.send('fence', { n: ++this.fences });
    if (clock.now() + limit < this.watchUntil) this.watch(limit);
    return this.fences;
  }

  private opened = false;

  private dial(): void {
    this.drop();
    this.comeBackAfter = undefined;
    this.unauthorized = false;
    this.enter({ phase: 'connecting' });
    let socket: Socket;
    try {
      socket = this.options.connect(subprotocol);
    } catch {
      return this.lost();
    }
    this.socket = socket;
    this.watch(handshakeLimit);
    socket.onopen = () => {
      this.opened = true;
      this.send('hello', {});
      this.options.onopen();
    };
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code }) => {
      if (code === unauthorizedClose) this.unauthorized = true;
      this.lost();
    };
  }

  private receive(data: unknown): void {
    this.heardAt = this.options.clock.now();
    if (this.state.phase === 'connected') this.watch(2 * this.heartbeat);
    const frame = decode(data);
    if (!frame) return;
    if (this.greetingLost(frame)) return this.lost();
    if (frame.type === 'welcome') this.welcome(frame.body);
    else if (frame.type === 'error' && frame.body.code === 'unauthorized') this.unauthorized = true;
    this.options.onframe(frame);
    if (frame.type === 'goodbye') {
      this.comeBackAfter = Math.max(0, frame.body.retry_after * seconds);
      this.lost();
    }
  }

  /** `hello` did not reach the server, or its `welcome`, which goes before all other answers, not us. */
  private greetingLost(frame: ServerFrame): boolean {
    if (this.state.phase !== 'connecting') return false;
    if (frame.type === 'error') return frame.body.code === 'hello_first';
    return answers.has(frame.type);
  }

  private welcome({ heartbeat }: ServerBodies['welcome']): void {
    this.heartbeat = Math.max(1, heartbeat) * seconds;
    this.welcomedAt = this.heardAt;
    this.watch(2 * this.heartbeat);
    this.enter({ phase: 'connected' });
  }

  private lost(): void {
    const { clock } = this.options;
    const lasted = this.state.phase === 'connected' && clock.now() - this.welcomedAt >= steady;
    if (lasted) this.attempts = 0;
    this.drop();
    if (this.unauthorized) return this.enter({ phase: 'stopped', unauthorized: true });
    const delay = this.comeBackAfter ?? this.backoff();
    this.enter({ phase: 'waiting', until: clock.now() + delay });
    this.cancelRetry = clock.after(delay, () => this.dial());
  }

  /** Doubling, capped, and anywhere between half of that and all of it, so that clients spread out. */
  private backoff(): number {
    const ceiling = Math.min(longestDelay, firstDelay * 2 ** this.attempts++);
    return Math.max(firstDelay, ceiling * (0.5 + this.options.random() / 2));
  }

  private watch(limit: number): void {
    const { clock } = this.options;
    this.cancelWatch();
    this.watchUntil = clock.now() + limit;
    this.cancelWatch = clock.after(limit, () => this.lost());
  }

  /** Lets go of the socket without hearing from it again. */
  private drop(): void {
    this.cancelWatch();
    this.cancelRetry();
    this.opened = false;
    const socket = this.socket;
    this.socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private enter(state: ConnectionState): void {
    this.state = state;
    this.options.onstate(state);
  }
}
