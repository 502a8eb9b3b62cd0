import type { en } from '../lang/en.ts';

/** A text for each form that a language has for numbers. */
export type Plural = { readonly [F in Intl.LDMLPluralRule]?: string } & { readonly other: string };
export type Message = string | Plural;

/** The name of a text of the page. */
export type Key = keyof typeof en;
/** Every text of the page in one language. */
export type Catalogue = Readonly<Record<Key, Message>>;

/** The names in braces: of `{n}`, and of `{who:You|}`. */
type Named<T extends string> = T extends `${string}{${infer Inside}}${infer Rest}`
  ? (Inside extends `${infer Name}:${string}` ? Name : Inside) | Named<Rest>
  : never;
/** A plural is chosen by `n`, also where the text does not say it. */
type NamesOf<M> = M extends string
  ? Named<M>
  : M extends { other: infer O extends string }
    ? Named<O> | 'n'
    : never;
type NamesIn<K extends Key> = NamesOf<(typeof en)[K]>;
/** The values of one text, for catalogues beside that of the page. */
export type Fills<M> = [NamesOf<M>] extends [never]
  ? []
  : [{ [Name in NamesOf<M>]: Name extends 'n' ? number : string | number }];
/** The texts in which nothing is filled in. */
export type PlainKey = { [K in Key]: [NamesIn<K>] extends [never] ? K : never }[Key];

/** What stands in a text for a name: other things than words, and whether they are the reader. */
export interface Told<P> {
  parts: readonly (string | P)[];
  me?: boolean;
}
type Value<Name, P> = Name extends 'n' ? number : string | number | Told<P>;
export type Values<K extends Key, P = never> = { [Name in NamesIn<K>]: Value<Name, P> };
/** The values of a text, which are asked for where it has any. */
export type With<K extends Key, P = never> = [NamesIn<K>] extends [never] ? [] : [Values<K, P>];

/** One language: its texts, and how it writes numbers, lists and the order of names. */
export interface Words {
  /** For `Intl`, and for `<html lang>`. */
  readonly locale: string;
  readonly dir: 'ltr' | 'rtl';
  t<K extends Key>(key: K, ...values: With<K>): string;
  /** The same in pieces, where a value is more than words. */
  parts<P, K extends Key>(key: K, ...values: With<K, P>): (string | P)[];
  /** What the server refused, by its code; in its own words where the language has none for it. */
  error(code: string, said: string): string;
  number(n: number): string;
  /** "Ana", "Ana and Ben", "Ana, Ben and 3 others". */
  list(names: readonly string[], most?: number): string;
  /** The same in pieces, of all. */
  join<P>(all: readonly P[]): (string | P)[];
  compare(a: string, b: string): number;
}

const name = /\{(\w+)(?::([^|}]*)\|([^}]*))?\}/g;
const rightToLeft = new Set([
  'Adlm',
  'Arab',
  'Hebr',
  'Mand',
  'Nkoo',
  'Rohg',
  'Samr',
  'Syrc',
  'Thaa',
]);

export function directionOf(locale: string): 'ltr' | 'rtl' {
  return rightToLeft.has(new Intl.Locale(locale).maximize().script ?? '') ? 'rtl' : 'ltr';
}

/** What somebody chose, else the first of the wanted languages that is there, else English. */
export function chooseLanguage<L extends string>(
  chosen: string,
  wanted: readonly string[],
  offered: readonly L[],
): L | 'en' {
  const has = (tag: string) => offered.find((offer) => offer === tag.split('-', 1)[0]);
  return offered.find((offer) => offer === chosen) ?? wanted.map(has).find(Boolean) ?? 'en';
}

/** How the reader's region writes a language: "de-AT" for "de", where the browser wants that. */
export function regional(language: string, wanted: readonly string[]): string {
  return wanted.find((tag) => tag.split('-', 1)[0] === language) ?? language;
}

/** What is filled into a text. */
export type Given = Record<string, string | number | Told<unknown>>;

/** How a language fills a text in: what is given comes back as it is, if it is more than words. */
export function makeFill(locale: string): (message: Message, given?: Given) => unknown[] {
  const plurals = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  return (message, given = {}) => {
    const text =
      typeof message === 'string'
        ? message
        : (message[plurals.select(Number(given['n']))] ?? message.other);
    const pieces: unknown[] = [];
    let from = 0;
    for (const { 0: all, 1: called = '', 2: mine, 3: other, index } of text.matchAll(name)) {
      if (index > from) pieces.push(text.slice(from, index));
      from = index + all.length;
      const value = given[called] ?? '';
      const told = typeof value === 'object';
      const word = told && value.me ? mine : other;
      if (word) pieces.push(word);
      else if (told) pieces.push(...value.parts);
      else pieces.push(typeof value === 'number' ? numbers.format(value) : value);
    }
    if (from < text.length) pieces.push(text.slice(from));
    return pieces.filter((piece) => piece !== '');
  };
}

export function makeWords(locale: string, catalogue: Catalogue): Words {
  const fill = makeFill(locale);
  const numbers = new Intl.NumberFormat(locale);
  const lists = new Intl.ListFormat(locale, { type: 'conjunction' });
  const collator = new Intl.Collator(locale, { sensitivity: 'base', numeric: true });

  const parts = (key: Key, given?: Given): unknown[] => fill(catalogue[key], given);
  const t = (key: Key, given?: Given): string => parts(key, given).join('');
  const join = <P>(all: readonly P[]): (string | P)[] =>
    lists
      .formatToParts(all.map((_, i) => String(i)))
      .map(({ type, value }) => (type === 'element' ? (all[Number(value)] as P) : value));

  return {
    locale,
    dir: directionOf(locale),
    t: t as Words['t'],
    parts: parts as Words['parts'],
    error: (code, said) =>
      `error.${code}` in catalogue ? t(`error.${code}` as Key, { said }) : said,
    number: (n) => numbers.format(n),
    list(names, most = 4) {
      if (names.length <= most) return lists.format(names);
      const rest = names.length - most + 1;
      return lists.format([...names.slice(0, most - 1), t('word.others', { n: rest })]);
    },
    join,
    compare: collator.compare,
  };
}
