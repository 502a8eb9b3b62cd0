import type { Message } from '../lib/i18n.ts';
import type { wire as english } from './wire.en.ts';
import { meaning } from './wiremeaning.de.ts';
import { view } from './wireview.de.ts';

export const wire: Record<keyof typeof english, Message> = {
  title: 'Blick auf die Leitung',
  close: 'Blick auf die Leitung schließen',
  parts: 'Teile des Blicks auf die Leitung',
  'tab.frames': 'Rahmen',
  'tab.tour': 'Rundgang',
  'tab.break': 'Stören',
  'tab.client': 'Andere Programme',

  ...view,
  ...meaning,
};
