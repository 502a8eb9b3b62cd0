/** Lines to paste that join a room as a client of plain text (docs/protocol.md, section 1). */

export const clientKinds = ['wscat', 'websocat', 'page', 'script'] as const;
export type ClientKind = (typeof clientKinds)[number];

/** The address of a public room for a socket that speaks plain text. */
export function plainAddress(origin: string, room: string, query: string): string {
  return `${origin.replace(/^http/, 'ws')}/rooms/${encodeURIComponent(room)}${query}`;
}

const page = (address: string) => `<!doctype html>
<meta charset="utf-8">
<title>Talk</title>
<input id="said" placeholder="Say something" autofocus>
<ul id="heard"></ul>
<script>
  const socket = new WebSocket('${address}');
  socket.onmessage = ({ data }) => heard.append(Object.assign(document.createElement('li'), { textContent: data }));
  said.onchange = () => { socket.send(said.value); said.value = ''; };
</script>`;

const script = (address: string) => `import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const socket = new WebSocket('${address}');
const keyboard = createInterface({ input: process.stdin });

socket.on('open', () => console.log('connected: type and press Enter'));
socket.on('message', (data) => console.log(String(data)));
socket.on('close', (code) => process.exit(code === 1000 ? 0 : 1));
keyboard.on('line', (line) => socket.send(line));`;

/** What is pasted, for a client of each kind. */
export const clientLines: Record<ClientKind, (address: string) => string> = {
  wscat: (address) => `npx wscat --connect '${address}'`,
  websocat: (address) => `websocat '${address}'`,
  page,
  script,
};
