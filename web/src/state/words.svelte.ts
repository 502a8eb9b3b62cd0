import { en } from '../lang/en.ts';
import { languages, offered, type Language } from '../lang/index.ts';
import {
  chooseLanguage,
  makeWords,
  regional,
  type Key,
  type Told,
  type With,
  type Words,
} from '../lib/i18n.ts';
import { remember, remembered } from './memory.ts';

const key = 'hubbub.language';
const wanted = navigator.languages;

/** The language of the page. Who reads `now` sees the page change with it. */
class Speech {
  now = $state.raw<Words>(makeWords(regional('en', wanted), en));
  /** What was chosen; nothing: what the browser wants. */
  chosen = $state(remembered(key));

  /** Fetches the language that is wanted. Without a connection it stays what it is. */
  async begin(): Promise<void> {
    const language = chooseLanguage(this.chosen, wanted, offered);
    try {
      const catalogue = await languages[language].load();
      if (language !== chooseLanguage(this.chosen, wanted, offered)) return;
      this.now = makeWords(regional(language, wanted), catalogue);
    } catch {
      // English is always there.
    }
    document.documentElement.lang = this.now.locale;
    document.documentElement.dir = this.now.dir;
  }

  async choose(language: Language | ''): Promise<void> {
    this.chosen = language;
    remember(key, language);
    await this.begin();
  }
}

export const speech = new Speech();

/** A text of the page, in the language of the page: `t('room.newMessages', { n: 3 })`. */
export function t<K extends Key>(key: K, ...values: With<K>): string {
  return speech.now.t(key, ...values);
}

/** Something in a text that Phrase shows by itself: a name. */
export interface Apart {
  apart: string;
}

export const apart = (text: string): Told<Apart> => ({ parts: [{ apart: text }] });

/** The same for texts with names: `parts('enter.room', { room: apart('#lobby') })`. */
export function parts<K extends Key>(key: K, ...values: With<K, Apart>): (string | Apart)[] {
  return speech.now.parts<Apart, K>(key, ...values);
}
