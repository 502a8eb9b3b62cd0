import { actionOf } from './action.ts';
import type { Span } from './searchapi.ts';

/** A piece of a text, and whether it is what was searched for. */
export interface Piece {
  readonly text: string;
  readonly mark: boolean;
}

const most = 280;
/** So much stands before the first mark. */
const before = 80;
/** So far a place is looked for where a word begins or ends. */
const near = 24;

/** What Markdown writes at the beginning of a line. */
const leading = [/^[ \t]*(?:`{3,}|~{3,}).*$/gm, /^[ \t]*(?:>[ \t]?|#{1,6}[ \t]+|[-+*][ \t]+)+/gm];
/** What it writes around words, which are kept. */
const around = [
  /!?\[(?<kept>[^\][\n]*)\]\([^()\s]*\)/dg,
  /(?<sign>\*\*|__|~~)(?=\S)(?<kept>[^\n]*?\S)\k<sign>/dg,
  /(?<![\w*])\*(?=\S)(?<kept>[^*\n]*[^*\s])\*(?![\w*])/dg,
  /`+(?<kept>[^`\n]+)`+/dg,
];

/**
 * A part of a message in one line, with what was searched for in pieces of its own. The marks are places in
 * the whole text. Signs of Markdown are left out, but where they are what was searched for.
 */
export function pieces(text: string, marks: readonly Span[]): Piece[] {
  const first = marks[0]?.[0] ?? 0;
  const from = first > before ? begin(text, first - before, first) : 0;
  const to = text.length - from > most ? end(text, from + most) : text.length;
  const inside = marks
    .filter(([a, b]) => b > from && a < to)
    .map(([a, b]): Span => [Math.max(a, from), Math.min(b, to)]);
  const gaps = hidden(text, from, to).filter(([a, b]) => !inside.some(([c, d]) => c < b && a < d));
  const all: { text: string; mark: boolean }[] = [];
  const put = (piece: string, mark = false) => {
    const last = all.at(-1);
    if (last?.mark === mark) last.text += piece;
    else if (piece !== '') all.push({ text: piece, mark });
  };
  if (from > 0) put('…');
  let at = from;
  for (const span of [...inside, ...gaps].sort(([a], [b]) => a - b)) {
    const [a, b] = span;
    if (b <= at) continue;
    put(text.slice(at, a));
    if (inside.includes(span)) put(text.slice(a, b), true);
    at = b;
  }
  put(text.slice(at, to));
  if (to < text.length) put('…');
  return all.map((piece) => ({ ...piece, text: piece.text.replace(/\s+/g, ' ') }));
}

/** Where signs of Markdown stand in a part of a text. */
function hidden(text: string, from: number, to: number): Span[] {
  const part = text.slice(from, to);
  const action = from === 0 ? actionOf(text) : undefined;
  const found: Span[] = action === undefined ? [] : [[0, text.length - action.length]];
  // Where the part begins in a line, the line does not begin.
  const broken = from > 0 && text[from - 1] !== '\n';
  for (const sign of leading) {
    for (const { 0: all, index } of part.matchAll(sign)) {
      if (index > 0 || !broken) found.push([from + index, from + index + all.length]);
    }
  }
  for (const sign of around) {
    for (const { 0: all, index, indices } of part.matchAll(sign)) {
      const [a, b] = indices?.groups?.['kept'] ?? [index, index];
      found.push([from + index, from + a], [from + b, from + index + all.length]);
    }
  }
  return found;
}

/** Where a word begins not long behind a place. */
function begin(text: string, from: number, to: number): number {
  const space = text.slice(from, Math.min(from + near, to)).search(/\s\S/);
  return space >= 0 ? from + space + 1 : whole(text, from);
}

/** Where a word ends not long before a place. */
function end(text: string, to: number): number {
  const space = text.slice(to - near, to).search(/\s\S*$/);
  return space >= 0 ? to - near + space : whole(text, to);
}

/** Moves a place forward until nothing is cut in two there that is seen as one: letters with accents, families. */
function whole(text: string, at: number): number {
  let place = at;
  const goesOn = () =>
    text[place - 1] === '\u200d' ||
    /^(?:[\udc00-\udfff\p{M}\u200d]|[\u{1f3fb}-\u{1f3ff}])/u.test(text.slice(place, place + 2));
  while (place < text.length && goesOn()) place++;
  return place;
}
