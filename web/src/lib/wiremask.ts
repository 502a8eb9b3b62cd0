/** Keeps secrets out of the wire view, also those that a server would have told. */

import type { WireRecord } from './wirelog.ts';

export const masked = '•••';

const secretHeaders = /^((?:proxy-)?authorization|(?:set-)?cookie)(\s*:\s*).*$/gim;
const secretParameters = /([?&](?:token|invite|wire)=)[^&\s#]*/gi;

/** The head of a request or an answer without its secrets. */
export function maskHead(head: string): string {
  return head.replace(secretHeaders, `$1$2${masked}`).replace(secretParameters, `$1${masked}`);
}

/** A text of the protocol without the token that `hello` may hold. */
export function maskText(text: string): string {
  if (!/^\s*\{\s*"hello"/.test(text)) return text;
  return text.replace(/("token"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[^,}\s]+)/g, `$1"${masked}"`);
}

/** A report of the server without secrets. */
export function maskRecord(record: WireRecord): WireRecord {
  if (record.kind === 'handshake') {
    return { ...record, request: maskHead(record.request), response: maskHead(record.response) };
  }
  if (record.kind !== 'frame' || record.text === undefined) return record;
  return { ...record, text: maskText(record.text) };
}
