import { request, step } from './request.ts';
import { readRoom } from './roomapi.ts';
import type { ServerDraft } from './shareddrafts.ts';
import type { RoomInfo } from './wire.ts';

/** What asks for somebody's attention, and what they have written and not sent. */

const mine = (id: string, ...more: string[]): string =>
  ['/api/me/rooms', step(id), ...more].join('/');

export const attentionApi = {
  /** Has the message and what follows it count as unread. */
  async markUnread(id: string, seq: number): Promise<RoomInfo> {
    return readRoom(await request('POST', mine(id, 'unread'), { seq }));
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
