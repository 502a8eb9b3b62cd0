import { doctor as en } from '../lang/doctor.en.ts';
import { makeWords, type Catalogue, type Key, type Message } from '../lib/i18n.ts';
import { speech } from './words.svelte.ts';

export type DoctorKey = keyof typeof en;
/** A text of the doctor: the values in braces are not checked, as most come from the server. */
export type Say = (key: DoctorKey, values?: Record<string, string | number>) => string;

const others: Record<string, () => Promise<Record<DoctorKey, Message>>> = {
  de: async () => (await import('../lang/doctor.de.ts')).doctor,
};

/** The texts of the doctor in the language of the page. Without a connection they are English. */
export async function doctorWords(): Promise<Say> {
  const { locale } = speech.now;
  const load = others[locale.split('-', 1)[0] ?? ''];
  const texts = await (load ? load().catch(() => en) : en);
  const words = makeWords(locale, texts as unknown as Catalogue);
  return (key, values) =>
    (words.t as (key: Key, values?: object) => string)(key as unknown as Key, values);
}

/** Whether there is a text for what the server, which may be newer, says of a check. */
export const isWhy = (why: string | undefined): boolean => `why.${why}` in en;
