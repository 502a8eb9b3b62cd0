import type { Fills, Message } from '../lib/i18n.ts';
import { meaning } from './wiremeaning.en.ts';
import { view } from './wireview.en.ts';

/** The texts of the wire view, which come with it. */
export const wire = {
  title: 'Wire view',
  close: 'Close the wire view',
  parts: 'Parts of the wire view',
  'tab.frames': 'Frames',
  'tab.tour': 'Tour',
  'tab.break': 'Break it',
  'tab.client': 'Other clients',

  ...view,
  ...meaning,
} as const satisfies Record<string, Message>;

export type WireKey = keyof typeof wire;
/** The texts in which nothing is filled in. */
export type PlainWireKey = {
  [K in WireKey]: Fills<(typeof wire)[K]> extends [] ? K : never;
}[WireKey];
