import type { Message } from '../lib/i18n.ts';

/** The texts of what asks for attention, and what does not: part of the catalogue. */
export const attention = {
  'unread.from': 'Mark as unread from here',
  'unread.marked': 'Unread from here on.',
  'unread.readAll': 'Mark all as read',
  'unread.none': 'Everything is marked as read.',
  'help.readAll': 'mark everything as read',
} as const satisfies Record<string, Message>;
