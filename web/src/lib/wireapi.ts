import { ApiError, request, step, UnreachableError } from './request.ts';
import type { WireRecord } from './wirelog.ts';

/** A column of an event, as it is stored. */
export interface StoredColumn {
  column: string;
  value: unknown;
}

/** The server says something every 15 seconds. Milliseconds without a word after which a report counts as broken. */
const silence = 40_000;

function unreachable(): never {
  throw new UnreachableError();
}

export const wireApi = {
  /** Asks for reports of connections that name the watch, and returns its id. */
  async watch(): Promise<string> {
    return ((await request('POST', '/api/wire')) as { id: string }).id;
  },

  /**
   * What the server reports to a watch, until it or the signal ends. From `onbegun` on nothing is missed. A report
   * that breaks off, or says nothing for too long, ends with an UnreachableError.
   */
  async *records(
    id: string,
    signal: AbortSignal,
    onbegun: () => void = () => {},
  ): AsyncGenerator<WireRecord> {
    const ended = new AbortController();
    const end = () => ended.abort();
    let quiet = setTimeout(end, silence);
    try {
      const response = await fetch(`/api/wire/${step(id)}`, {
        credentials: 'same-origin',
        signal: AbortSignal.any([signal, ended.signal]),
      }).catch(unreachable);
      if (!response.ok || !response.body) {
        throw new ApiError(response.status, 'not_found', 'The server reports nothing.');
      }
      onbegun();
      let rest = '';
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read().catch(unreachable);
        clearTimeout(quiet);
        if (done) return;
        quiet = setTimeout(end, silence);
        const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const text of lines) if (text !== '') yield JSON.parse(text) as WireRecord;
      }
    } finally {
      clearTimeout(quiet);
      end(); // a watch has one reader at a time
    }
  },

  /** An event of a room's log, as it is stored. */
  async stored(room: string, seq: number): Promise<{ table: string; row: StoredColumn[] }> {
    const path = `/api/rooms/${step(room)}/events/${step(seq)}/stored`;
    return (await request('GET', path)) as { table: string; row: StoredColumn[] };
  },

  /** Starts the server again. */
  async restart(): Promise<void> {
    await request('POST', '/api/restart');
  },
};
