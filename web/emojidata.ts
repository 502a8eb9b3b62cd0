import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Plugin } from 'vite';

interface Source {
  emoji: string;
  hexcode: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
  version: number;
  skins?: unknown[];
}

type Shortcodes = Record<string, string | string[]>;

const name = 'virtual:emoji';
/** Skin tones and hair alone are no emoji. */
const components = 2;
/** What systems of the last years all draw; newer ones are shown where they can be. */
const everywhere = 13;

/**
 * The module `virtual:emoji`: what lib/emoji.ts needs of emojibase-data, at half its size. It is one
 * text, since texts are read faster than lists of objects: groups apart by an empty line, emoji by a line, and
 * in it, apart by tabs, the emoji, its names, its label, further words to find it by, and whether it has
 * skin tones (t) and a version that not every system draws.
 */
export function emojiData(): Plugin {
  return {
    name: 'hubbub-emoji',
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load: (id) => (id === `\0${name}` ? `export default ${JSON.stringify(slim())};` : undefined),
  };
}

function slim(): string {
  const all = read<Source[]>('data');
  const github = read<Shortcodes>('shortcodes/github');
  const emojibase = read<Shortcodes>('shortcodes/emojibase');
  const groups = new Map<number, string[]>();
  all.sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  for (const emoji of all) {
    if (emoji.group === undefined || emoji.group === components) continue;
    // GitHub's names are what fingers know; not every emoji has one.
    const names = [...list(github[emoji.hexcode]), ...list(emojibase[emoji.hexcode])];
    const lines = groups.get(emoji.group) ?? [];
    lines.push(line(emoji, [...new Set(names)]));
    groups.set(emoji.group, lines);
  }
  const sorted = [...groups].sort(([a], [b]) => a - b);
  return sorted.map(([, lines]) => lines.join('\n')).join('\n\n');
}

function line({ emoji, label, tags = [], skins, version }: Source, names: string[]): string {
  const known = new Set([...words(label), ...names.flatMap(words)]);
  const more = new Set(tags.flatMap(words).filter((word) => !known.has(word)));
  const flags = (skins ? 't' : '') + (version > everywhere ? String(version) : '');
  // What is colourful by itself needs no sign that asks for it, and nobody types one.
  const text = emoji.replace(/(\p{Emoji_Presentation})\ufe0f/gu, '$1');
  return [text, names.join(' '), label, [...more].join(' '), flags].join('\t');
}

function words(text: string): string[] {
  return text.toLowerCase().split(/[\s_:,]+/);
}

function list(codes: string | string[] | undefined): string[] {
  return typeof codes === 'string' ? [codes] : (codes ?? []);
}

function read<T>(file: string): T {
  const path = createRequire(import.meta.url).resolve(`emojibase-data/en/${file}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}
