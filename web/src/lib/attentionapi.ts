import { request, step } from './request.ts';
import type { Hours } from './silence.ts';
import { readRoom } from './roomapi.ts';
import type { ServerDraft } from './shareddrafts.ts';
import type { Level, RoomInfo } from './wire.ts';

/** What asks for somebody's attention, and what they have written and not sent. */

const mine = (id: string, ...more: string[]): string =>
  ['/api/me/rooms', step(id), ...more].join('/');

export const attentionApi = {
  /** Has the message and what follows it count as unread. */
  async markUnread(id: string, seq: number): Promise<RoomInfo> {
    return readRoom(await request('POST', mine(id, 'unread'), { seq }));
  },

  /** Chooses what somebody is alerted of in a room. */
  async setLevel(id: string, level: Level | 'default'): Promise<RoomInfo> {
    return readRoom(await request('PATCH', mine(id), { level }));
  },

  /** Alerts of nothing until then; -1: until further notice; 0: alerts again. */
  async setSilence(until: number): Promise<void> {
    await request('PATCH', '/api/me', { silent_until: until });
  },

  async setHours(hours: Hours | null): Promise<void> {
    await request('PATCH', '/api/me', { quiet_hours: hours });
  },

  /** What a browser has to know to subscribe to alerts. */
  async pushKey(): Promise<string> {
    return ((await request('GET', '/api/me/push')) as { key: string }).key;
  },

  async addDevice({ endpoint, keys }: PushSubscriptionJSON): Promise<void> {
    await request('POST', '/api/me/push', { endpoint, keys });
  },

  async removeDevice(endpoint: string): Promise<void> {
    await request('DELETE', '/api/me/push', { endpoint });
  },

  async readAll(): Promise<void> {
    await request('POST', '/api/me/read');
  },

  /** Keeps what was written and not sent, and says what is kept now: a newer one stays. */
  async draft({ room, text, time }: ServerDraft): Promise<ServerDraft> {
    const answer = await request('PUT', `/api/me/drafts/${step(room)}`, { text, time });
    return (answer as { draft: ServerDraft }).draft;
  },
};
