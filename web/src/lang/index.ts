import type { Catalogue } from '../lib/i18n.ts';
import { en } from './en.ts';

/** The languages of the page: one file and one line each. English comes with the page, others when wanted. */
export const languages = {
  en: { name: 'English', load: async (): Promise<Catalogue> => en },
  de: { name: 'Deutsch', load: async (): Promise<Catalogue> => (await import('./de.ts')).de },
};

export type Language = keyof typeof languages;
export const offered = Object.keys(languages) as Language[];
