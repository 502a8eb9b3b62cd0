import type { Socket } from '../lib/socket.ts';

/** Sees what passes on this page's connections, while somebody looks. */
export interface Watcher {
  /** A connection is being made. */
  dialled(): Watched;
}

/** Sees what passes on one connection. */
export interface Watched {
  /** What its address says beside. */
  readonly query: string;
  opened(protocol: string, extensions: string): void;
  sent(text: string): void;
  received(text: unknown): void;
  closed(code: number, reason: string): void;
}

/** What stands between the page and its connection: nothing, unless somebody looks at it or breaks it on purpose. */
export const line: {
  watcher?: Watcher | undefined;
  through?: ((socket: Socket) => Socket) | undefined;
  /** While it is there, what the server says waits in it: the browser has read it, the page has not. */
  held?: (() => void)[] | undefined;
  /** Closes the present connection without telling the page, which hears of it as of any loss. */
  close?: ((code?: number, reason?: string) => void) | undefined;
  /** No connection can be made, as where there is no network. */
  down?: boolean;
} = {};

/** A WebSocket to the server this page came from. Throws if there can be none. */
export function browserSocket(subprotocol: string): Socket {
  if (line.down) throw new Error('the line is down');
  const { watcher } = line;
  const watched = watcher?.dialled();
  // Whoever stops looking hears no more of it.
  const seen = () => (line.watcher === watcher ? watched : undefined);
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const address = `${scheme}//${location.host}/${watched?.query ?? ''}`;
  const real = new WebSocket(address, subprotocol);
  line.close = (code, reason) => real.close(code, reason);
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send(data) {
      seen()?.sent(data);
      real.send(data);
    },
    close: () => real.close(),
  };
  real.onopen = () => {
    seen()?.opened(real.protocol, real.extensions);
    socket.onopen?.();
  };
  real.onmessage = ({ data }) => {
    seen()?.received(data);
    const pass = () => socket.onmessage?.({ data });
    if (line.held) line.held.push(pass);
    else pass();
  };
  real.onclose = ({ code, reason }) => {
    seen()?.closed(code, reason);
    socket.onclose?.({ code });
  };
  return line.through ? line.through(socket) : socket;
}
