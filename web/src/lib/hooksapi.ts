import { request } from './request.ts';
import { room } from './roomapi.ts';
import type { Mention } from './wire.ts';

/** Hooks: what connects a room with a program elsewhere (docs/hooks.md). */

export type HookEvents = 'message' | 'mention' | 'all';

export interface Failure {
  seq: number;
  time: number;
  status?: number;
  error: string;
}

interface Common {
  id: string;
  name: string;
  bot: string;
  by: Mention;
  created: number;
}

/** A program writes in the room. */
export interface Incoming extends Common {
  kind: 'in';
  used?: number;
}

/** A program is told what is said there. */
export interface Outgoing extends Common {
  kind: 'out';
  url: string;
  events: HookEvents;
  state: 'active' | 'failing' | 'paused';
  /** When it is tried again. */
  next?: number;
  /** The newest first. */
  failures?: Failure[];
}

export type Hook = Incoming | Outgoing;

export type NewHook =
  { kind: 'in'; name: string } | { kind: 'out'; name: string; url: string; events: HookEvents };

/** A hook with what is shown only once. */
export interface MadeHook {
  hook: Hook;
  secret: string;
  url?: string;
  curl?: string;
}

export type HookChange = Partial<Pick<Outgoing, 'name' | 'url' | 'events'>> & { paused?: boolean };

export const hooksApi = {
  async list(id: string): Promise<Hook[]> {
    return ((await request('GET', room(id, 'hooks'))) as { hooks: Hook[] }).hooks;
  },

  async make(id: string, hook: NewHook): Promise<MadeHook> {
    return (await request('POST', room(id, 'hooks'), hook)) as MadeHook;
  },

  async change(id: string, hook: string, change: HookChange): Promise<void> {
    await request('PATCH', room(id, 'hooks', hook), change);
  },

  /** Goes on at once with what failed. */
  async retry(id: string, hook: string): Promise<void> {
    await request('POST', room(id, 'hooks', hook, 'retry'));
  },

  async revoke(id: string, hook: string): Promise<void> {
    await request('DELETE', room(id, 'hooks', hook));
  },
};
