import type { Socket } from '../lib/socket.ts';

/** A WebSocket to the server this page came from. */
export function browserSocket(subprotocol: string): Socket {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const real = new WebSocket(`${scheme}//${location.host}/`, subprotocol);
  const socket: Socket = {
    onopen: null,
    onmessage: null,
    onclose: null,
    send: (data) => real.send(data),
    close: () => real.close(),
  };
  real.onopen = () => socket.onopen?.();
  real.onmessage = ({ data }) => socket.onmessage?.({ data });
  real.onclose = ({ code }) => socket.onclose?.({ code });
  return socket;
}
