import { isRoomName, roomOfPath } from './route.ts';

const schemes = new Set(['http:', 'https:', 'mailto:']);
const longest = 2_048;
// The parser of addresses drops some of these silently, so that what is read is not what is meant.
const hidden = /[\p{Cc}\p{Cf}\p{Z}]/u;

/** The address of a link that people may be led to, in the form browsers give it; else undefined. */
export function safeHref(address: string): string | undefined {
  const url = parse(address);
  if (!url || !schemes.has(url.protocol)) return undefined;
  // https://bank.example@evil.example leads to the second.
  if (url.username !== '' || url.password !== '') return undefined;
  return url.href;
}

/** The name of the room that a link of this server, or one that names no server, leads to. */
export function roomOfLink(address: string, origin: string | undefined): string | undefined {
  const here = address.startsWith('/r/');
  const url = parse(here ? `http://here${address}` : address);
  if (!url || (!here && url.origin !== origin)) return undefined;
  if (url.search !== '' || url.hash !== '' || !url.pathname.startsWith('/r/')) return undefined;
  const name = roomOfPath(url.pathname);
  return name !== undefined && isRoomName(name) ? name : undefined;
}

function parse(address: string): URL | undefined {
  if (address.length > longest || hidden.test(address)) return undefined;
  try {
    return new URL(address);
  } catch {
    return undefined;
  }
}
