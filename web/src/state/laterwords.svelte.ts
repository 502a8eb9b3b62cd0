import { makeFill, type Fills, type Given, type Message } from '../lib/i18n.ts';
import type { Language } from '../lang/index.ts';
import { speech } from './words.svelte.ts';

/** The texts of a part of the page that loads later: they come with it, in all languages. */
export function laterWords<C extends Readonly<Record<string, Message>>>(
  english: C,
  others: Record<Exclude<Language, 'en'>, Readonly<Record<keyof C, Message>>>,
): <K extends keyof C>(key: K, ...values: Fills<C[K]>) => string {
  const fill = $derived(makeFill(speech.now.locale));
  const texts = $derived(
    (others as Partial<Record<string, Readonly<Record<keyof C, Message>>>>)[
      speech.now.locale.split('-', 1)[0] ?? ''
    ] ?? english,
  );
  return (key, ...values) => fill(texts[key], values[0] as Given | undefined).join('');
}
