import type { Catalogue } from '../lib/i18n.ts';
import type { attention as en } from './attention.en.ts';

export const attention: Pick<Catalogue, keyof typeof en> = {
  'unread.from': 'Ab hier als ungelesen markieren',
  'unread.marked': 'Ab hier ungelesen.',
  'unread.readAll': 'Alles als gelesen markieren',
  'unread.none': 'Alles ist als gelesen markiert.',
  'help.readAll': 'alles als gelesen markieren',
};
