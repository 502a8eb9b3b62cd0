import data from 'virtual:emoji';
import type { PlainKey } from './i18n.ts';

/** One emoji. This module holds 1,900 of them: it is loaded when first wanted. */
export interface Emoji {
  readonly text: string;
  /** What it is called between colons. */
  readonly name: string;
  readonly names: readonly string[];
  /** What a screen reader says. */
  readonly label: string;
  /** Everything it is found by, each word after a space. */
  readonly words: string;
  readonly tones: boolean;
  /** The version of Unicode's list that brought it, where older systems draw a box; else 0. */
  readonly version: number;
}

export interface EmojiGroup {
  readonly label: PlainKey;
  readonly emoji: readonly Emoji[];
}

const names = [
  'emoji.smileys',
  'emoji.people',
  'emoji.nature',
  'emoji.food',
  'emoji.travel',
  'emoji.activities',
  'emoji.objects',
  'emoji.symbols',
  'emoji.flags',
] as const satisfies readonly PlainKey[];

/** All emoji, in the order Unicode gives them. */
export const emojiGroups: readonly EmojiGroup[] = data.split('\n\n').map((lines, i) => ({
  label: names[i] ?? 'emoji.symbols',
  emoji: lines.split('\n').map(read),
}));

const all = emojiGroups.flatMap((group) => group.emoji);

const byName = new Map<string, Emoji>();
// The first name of one beats a further name of another.
for (const emoji of all) if (!byName.has(emoji.name)) byName.set(emoji.name, emoji);
for (const emoji of all) {
  for (const name of emoji.names) if (!byName.has(name)) byName.set(name, emoji);
}
const byText = new Map(all.map((emoji) => [emoji.text, emoji]));

function read(line: string): Emoji {
  const [text = '', names = '', label = '', more = '', flags = ''] = line.split('\t');
  const list = names.split(' ');
  return {
    text,
    name: list[0] ?? '',
    names: list,
    label,
    words: ` ${names} ${names.replaceAll('_', ' ')} ${label.toLowerCase()} ${more}`,
    tones: flags.startsWith('t'),
    version: Number(flags.replace('t', '')),
  };
}

/** The emoji with that name, written without colons. */
export function emojiNamed(name: string): Emoji | undefined {
  return byName.get(name.toLowerCase());
}

/** The emoji a text is, whatever its skin tone. */
export function emojiOf(text: string): Emoji | undefined {
  return byText.get(text) ?? byText.get(withoutTone(text));
}

/** The emoji that have every word of the query, the best first. */
export function searchEmoji(query: string, limit = 60): Emoji[] {
  const words = query.toLowerCase().replace(/^:|:$/g, '').split(/\s+/).filter(Boolean);
  const [first] = words;
  if (first === undefined) return [];
  const whole = words.join('_');
  return best(limit, (emoji) => {
    if (emoji.names.includes(whole)) return 0;
    if (emoji.names.some((name) => name.startsWith(whole))) return 1;
    if (words.every((word) => emoji.words.includes(` ${word}`))) {
      return emoji.words.includes(` ${first} `) ? 2 : 3;
    }
    return words.every((word) => emoji.words.includes(word)) ? 4 : undefined;
  });
}

/** A name somebody began to write after a colon, and what it may become. */
export interface EmojiCompletion {
  readonly emoji: Emoji;
  /** The name that begins that way. */
  readonly name: string;
}

/** How a name after a colon may go on: names that begin so, then those with such a word in them. */
export function completeEmoji(part: string, limit = 8): EmojiCompletion[] {
  const wanted = part.toLowerCase();
  if (wanted === '') return [];
  const fits = (name: string): boolean => name.startsWith(wanted);
  const holds = (name: string): boolean => name.includes(`_${wanted}`);
  const found = best(limit, (emoji) => {
    if (emoji.names.includes(wanted)) return 0;
    if (emoji.names.some(fits)) return 1;
    return emoji.names.some(holds) ? 2 : undefined;
  });
  return found.map((emoji) => ({
    emoji,
    name: emoji.names.find(fits) ?? emoji.names.find(holds) ?? emoji.name,
  }));
}

function best(limit: number, rank: (emoji: Emoji) => number | undefined): Emoji[] {
  const ranked: Emoji[][] = [[], [], [], [], []];
  for (const emoji of all) {
    const at = rank(emoji);
    if (at !== undefined) ranked[at]?.push(emoji);
  }
  return ranked.flat().slice(0, limit);
}

/** The colour of hands and faces: 0 is the yellow one, then from light to dark. */
export type SkinTone = 0 | 1 | 2 | 3 | 4 | 5;

const tones = ['', '🏻', '🏼', '🏽', '🏾', '🏿'] as const;
const person = /^\p{Emoji_Modifier_Base}/u;
const joiner = '\u200d';

/** An emoji as a person with that skin wants it. */
export function withTone(emoji: Emoji, tone: SkinTone): string {
  if (!emoji.tones || tone === 0) return emoji.text;
  const parts = emoji.text.split(joiner);
  const toned = parts.map((part) => {
    // The hands that two people hold have no colour of their own.
    if (!person.test(part) || (parts.length > 1 && part === '🤝')) return part;
    const [base = '', next, ...rest] = part;
    // The sign that asks for colour is in the tone already.
    return base + tones[tone] + (next === '\ufe0f' ? '' : (next ?? '')) + rest.join('');
  });
  return toned.join(joiner);
}

function withoutTone(text: string): string {
  const plain = text.replace(/[\u{1f3fb}-\u{1f3ff}]/gu, '');
  return byText.has(plain) ? plain : plain.replace(/^(.)/u, '$1\ufe0f');
}
