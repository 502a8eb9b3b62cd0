/** The heads of a handshake, line by line. */

import type { PlainWireKey } from '../lang/wire.en.ts';

export interface HeadLine {
  /** Of a header; the first line has none. */
  name?: string;
  text: string;
  means: PlainWireKey;
}

const known = new Set([
  'host',
  'upgrade',
  'connection',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
  'sec-websocket-accept',
  'origin',
  'cookie',
  'authorization',
  'user-agent',
  'accept-encoding',
  'accept-language',
  'date',
]);

function meansOf(name: string): PlainWireKey {
  const lower = name.toLowerCase();
  if (known.has(lower)) return `head.${lower}` as PlainWireKey;
  if (lower === 'set-cookie') return 'head.cookie';
  if (lower === 'proxy-authorization') return 'head.authorization';
  if (lower === 'pragma' || lower === 'cache-control') return 'head.cache';
  if (lower.startsWith('sec-fetch-')) return 'head.sec-fetch';
  if (lower === 'forwarded' || lower === 'via' || lower.startsWith('x-forwarded-')) {
    return 'head.forwarded';
  }
  return 'head.other';
}

/** A request or an answer in lines, without the empty one at its end. */
export function linesOf(head: string): HeadLine[] {
  const [first = '', ...rest] = head.split(/\r?\n/).filter((line) => line !== '');
  const means: PlainWireKey = first.startsWith('HTTP/') ? 'head.status' : 'head.line';
  const headers = rest.map((text): HeadLine => {
    const [, name = '', value] = /^([^:]*):(.*)$/.exec(text) ?? [];
    return value === undefined
      ? { text, means: 'head.other' }
      : { name, text: value.trim(), means: meansOf(name) };
  });
  return [{ text: first, means }, ...headers];
}

/** The value of a header, whose name is given in small letters, or undefined. */
export function valueIn(head: string, name: string): string | undefined {
  return linesOf(head).find((line) => line.name?.toLowerCase() === name)?.text;
}
