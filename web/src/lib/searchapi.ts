import { request, UnreachableError } from './request.ts';
import type { Sought } from './route.ts';
import { isEvent, type Mention, type RoomEvent, type RoomKind } from './wire.ts';

/** Searching over HTTP (docs/protocol.md, section 3; docs/search.md). */

/** A place in a text: from and to. */
export type Span = readonly [number, number];

/** A message that was found. */
export interface Hit {
  readonly room: { id: string; name: string; kind: RoomKind; people?: Mention[] };
  readonly event: RoomEvent;
  readonly marks: readonly Span[];
}

/** What the server understood of a query. */
export interface Understood {
  /** Operators that are not finished. */
  open?: string[];
  /** It was too long. */
  cut?: boolean;
  [part: string]: unknown;
}

export interface Answer {
  query: Understood;
  hits: Hit[];
  /** Where the next page begins, if there is one. */
  next?: string;
  /** The index is being made. */
  behind?: boolean;
}

export interface Ask extends Sought {
  before?: string;
  limit: number;
  /** Minutes that one's days are ahead of UTC. */
  zone: number;
}

/** So many characters of a query count. */
export const longest = 256;

export async function search(ask: Ask, signal: AbortSignal): Promise<Answer> {
  const { q, sort, before, limit, zone } = ask;
  const asked = new URLSearchParams({ q, sort, limit: String(limit), zone: String(zone) });
  if (before !== undefined) asked.set('before', before);
  const answer = (await request('GET', `/api/search?${asked}`, undefined, signal)) as Answer;
  if (!Array.isArray(answer.hits) || !answer.hits.every(({ event }) => isEvent(event))) {
    throw new UnreachableError();
  }
  return answer;
}
