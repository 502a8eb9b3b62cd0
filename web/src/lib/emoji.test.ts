import data from 'emojibase-data/en/data.json' with { type: 'json' };
import { expect, test } from 'vitest';
import {
  completeEmoji,
  emojiGroups,
  emojiNamed,
  emojiOf,
  searchEmoji,
  withTone,
  type SkinTone,
} from './emoji.ts';

interface Source {
  emoji: string;
  group?: number;
  skins?: { emoji: string; tone?: number | number[] }[];
}

const source = (data as Source[])
  .filter((emoji) => emoji.group !== undefined && emoji.group !== 2)
  .map(({ emoji, ...rest }) => ({ ...rest, emoji: emoji.replace(/^(\p{EPres})\ufe0f$/u, '$1') }));
const all = emojiGroups.flatMap((group) => group.emoji);

test('every emoji is there, in nine groups', () => {
  expect(all.map((emoji) => emoji.text).sort()).toEqual(source.map(({ emoji }) => emoji).sort());
  expect(new Set(emojiGroups.map((group) => group.label)).size).toBe(9);
  expect(emojiGroups).toHaveLength(9);
});

test('every emoji is written as Unicode recommends', () => {
  // This Node knows version 15.
  const recommended = new RegExp('^\\p{RGI_Emoji}$', 'v');
  for (const emoji of all) if (emoji.version < 16) expect(emoji.text).toMatch(recommended);
});

test('every emoji has a label, and a name that leads back to it', () => {
  for (const emoji of all) {
    expect(emoji.label).not.toBe('');
    expect(emoji.name).toMatch(/^[a-z0-9_+-]+$/);
    expect(emojiNamed(emoji.name), emoji.name).toBe(emoji);
  }
});

test.each([
  ['tada', '🎉'],
  ['+1', '👍'],
  ['thumbsup', '👍'],
  ['Heart', '❤️'],
  ['flag_jp', '🇯🇵'],
])(':%s: is %s', (name, text) => {
  expect(emojiNamed(name)?.text).toBe(text);
});

test('a name nobody gave is no emoji', () => {
  expect(emojiNamed('constructor')).toBeUndefined();
  expect(emojiNamed('30')).toBeUndefined();
});

test.each([
  ['tada', '🎉'],
  [':tada:', '🎉'],
  ['birthday cake', '🎂'],
  ['Japan', '🗾'],
  ['thumbs up', '👍'],
])('a search for %s finds %s', (query, text) => {
  expect(searchEmoji(query, 12).map((emoji) => emoji.text)).toContain(text);
});

test('a search finds nothing for nothing, and not more than wanted', () => {
  expect(searchEmoji(' ')).toEqual([]);
  expect(searchEmoji('zzzzqx')).toEqual([]);
  expect(searchEmoji('face', 5)).toHaveLength(5);
});

test('a name is completed by what it begins with, the exact one first', () => {
  expect(completeEmoji('tad', 1)[0]).toMatchObject({ name: 'tada', emoji: { text: '🎉' } });
  expect(completeEmoji('heart')[0]?.name).toBe('heart');
  for (const { name } of completeEmoji('smi')) expect(name).toMatch(/^smi|_smi/);
  expect(completeEmoji('')).toEqual([]);
});

test('every skin tone is as Unicode writes it', () => {
  for (const { emoji: text, skins } of source) {
    const emoji = emojiOf(text)!;
    expect(emoji.tones, text).toBe(skins !== undefined);
    for (const tone of [1, 2, 3, 4, 5] as SkinTone[]) {
      const wanted = skins?.find((skin) => skin.tone === tone)?.emoji ?? text;
      expect(withTone(emoji, tone)).toBe(wanted);
    }
    expect(withTone(emoji, 0)).toBe(text);
  }
});

test('a toned emoji is known by its plain form', () => {
  for (const emoji of all) expect(emojiOf(withTone(emoji, 3)), emoji.text).toBe(emoji);
  expect(emojiOf('no')).toBeUndefined();
});
