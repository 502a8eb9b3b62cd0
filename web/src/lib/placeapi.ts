import { request, step } from './request.ts';
import { readEvents } from './roomapi.ts';
import type { Keep, Mention, RoomEvent } from './wire.ts';

/** What those who run the place do (docs/protocol.md, section 3). */

export interface Address {
  address: string;
  /** What a ban of this address would cover. */
  range: string;
  used: number;
  online: boolean;
}

export interface Block {
  id: string;
  range: string;
  reason?: string;
  by?: Mention;
  created: number;
  until?: number;
}

export type BotScope = 'read' | 'write' | 'rooms' | 'moderate';

export interface BotToken {
  id: string;
  label: string;
  scopes: BotScope[];
  /** Only in these; none: wherever the bot is. */
  rooms?: Mention[];
  created: number;
  used?: number;
}

export interface Bot {
  id: string;
  name: string;
  by?: Mention;
  created: number;
  tokens: BotToken[];
}

export const placeApi = {
  async setKeep(keep: Keep): Promise<void> {
    await request('PATCH', '/api/place', { keep });
  },

  async setPreviews(previews: boolean): Promise<void> {
    await request('PATCH', '/api/place', { previews });
  },

  async addresses(person: string): Promise<Address[]> {
    const answer = await request('GET', `/api/people/${step(person)}/addresses`);
    return (answer as { addresses: Address[] }).addresses;
  },

  async blocks(): Promise<Block[]> {
    return ((await request('GET', '/api/blocks')) as { blocks: Block[] }).blocks;
  },

  async block(wish: { range: string; for?: number; reason?: string }): Promise<void> {
    await request('POST', '/api/blocks', wish);
  },

  async unblock(id: string): Promise<void> {
    await request('DELETE', `/api/blocks/${step(id)}`);
  },

  async bots(): Promise<Bot[]> {
    return ((await request('GET', '/api/bots')) as { bots: Bot[] }).bots;
  },

  async makeBot(name: string): Promise<Bot> {
    return ((await request('POST', '/api/bots', { name })) as { bot: Bot }).bot;
  },

  async removeBot(id: string): Promise<void> {
    await request('DELETE', `/api/bots/${step(id)}`);
  },

  async addToken(
    bot: string,
    wish: { label: string; scopes: BotScope[]; rooms?: string[] },
  ): Promise<{ token: BotToken; secret: string }> {
    const answer = await request('POST', `/api/bots/${step(bot)}/tokens`, wish);
    return answer as { token: BotToken; secret: string };
  },

  async revokeToken(bot: string, token: string): Promise<void> {
    await request('DELETE', `/api/bots/${step(bot)}/tokens/${step(token)}`);
  },

  /** What was changed in the place, newest first. */
  async audit(before: number | undefined, limit: number): Promise<RoomEvent[]> {
    const query = before === undefined ? `limit=${limit}` : `before=${before}&limit=${limit}`;
    return readEvents(await request('GET', `/api/audit?${query}`));
  },
};
