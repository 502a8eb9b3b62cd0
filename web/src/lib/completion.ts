import { fit, fold } from './fold.ts';
import { mayBegin, spaceless } from './mentions.ts';

/** What is being written at the caret, that could be completed. */
export interface Wanted {
  kind: 'person' | 'room' | 'emoji' | 'command';
  /** Where its sign stands. */
  from: number;
  /** What stands between the sign and the caret. */
  part: string;
}

const kinds = { '@': 'person', '#': 'room', ':': 'emoji', '/': 'command' } as const;
type Sign = keyof typeof kinds;

const parts: Record<Sign, RegExp> = {
  // Names may hold spaces, but no name is a sentence.
  '@': /^(?:[^\s@#`]+(?: [^\s@#`]+){0,3} ?)?$/u,
  '#': /^[\p{L}\p{M}\p{N}_-]*$/u,
  // A colon with less behind it is a colon, or :D.
  ':': /^[a-z0-9_+-]{2,}$/i,
  '/': /^[a-z]*$/i,
};
/** Nothing that is looked for is longer. */
const longest = 64;

/** What is being written at a place of a text; undefined where nothing is to be completed. */
export function wantedAt(text: string, caret: number): Wanted | undefined {
  const after = text.codePointAt(caret);
  const next = after === undefined ? '' : String.fromCodePoint(after);
  // Somebody who goes back into a word does not write a new one; but some scripts have no spaces.
  if (/[\p{L}\p{M}\p{N}_]/u.test(next) && !spaceless.test(next)) return undefined;
  // Between the halves of a character there is nothing.
  if (/[\udc00-\udfff]/.test(text.charAt(caret))) return undefined;
  if (text.startsWith('/') && caret > 0 && parts['/'].test(text.slice(1, caret))) {
    return { kind: 'command', from: 0, part: text.slice(1, caret) };
  }
  for (let from = caret - 1; from >= Math.max(0, caret - longest); from--) {
    const sign = text.charAt(from);
    if (sign === '\n' || sign === '`') return undefined;
    if (sign !== '@' && sign !== '#' && sign !== ':') continue;
    const part = text.slice(from + 1, caret);
    if (!parts[sign].test(part) || !begins(text, from, sign)) continue;
    return inCode(text, from) ? undefined : { kind: kinds[sign], from, part };
  }
  return undefined;
}

function begins(text: string, at: number, sign: Sign): boolean {
  if (sign !== ':') return mayBegin(text, at);
  // As in a message: neither 10:30 nor std::vector nor http://.
  return !/[\p{L}\p{N}:/]$/u.test(text.slice(Math.max(0, at - 2), at));
}

/**
 * Whether a place is in code: behind backticks that the paragraph before it does not close, or in a fence.
 * Somebody who writes code closes it later.
 */
export function inCode(text: string, at: number): boolean {
  let fence = '';
  let open = '';
  for (const line of text.slice(0, at).split('\n')) {
    const [, mark = ''] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence !== '') {
      if (mark.startsWith(fence) && line.trim() === mark) fence = '';
      continue;
    }
    if (mark !== '' && !line.slice(line.indexOf(mark) + mark.length).includes('`')) {
      fence = mark;
      open = '';
      continue;
    }
    if (line.trim() === '') open = '';
    for (const [run] of line.matchAll(/\\[\\`]|`+/g)) {
      // A backslash keeps a backtick from opening code, not from closing it.
      if (run.startsWith('\\') && open === '') continue;
      const ticks = run.replace(/^\\/, '');
      if (open === '') open = ticks;
      else if (open === ticks) open = '';
    }
  }
  return fence !== '' || open !== '';
}

/** The text with something else where `from` to `to` was, and a space behind it; and where the caret is then. */
export function put(
  text: string,
  from: number,
  to: number,
  what: string,
): { text: string; caret: number } {
  const after = text.slice(to);
  const spaced = /^[^\S\n]/.test(after);
  return {
    text: text.slice(0, from) + what + (spaced ? '' : ' ') + after,
    caret: from + what.length + 1,
  };
}

/** What fits best of what has names, in its order where several fit alike. */
export function bestOf<T extends { readonly name: string }>(
  all: readonly T[],
  part: string,
  limit: number,
): T[] {
  const typed = fold(part);
  const ranks: T[][] = [[], [], [], []];
  for (const one of all) {
    const rank = fit(fold(one.name), typed);
    if (rank !== undefined) ranks[rank]?.push(one);
  }
  return ranks.flat().slice(0, limit);
}

const everybody = /@(here|channel)(?![\p{L}\p{M}\p{N}])/giu;

/** Whom a text calls beside those it names: all who are here now, or all who have the room. */
export function callsAll(text: string): 'here' | 'channel' | undefined {
  let calls: 'here' | 'channel' | undefined;
  for (const { 1: whom = '', index } of text.matchAll(everybody)) {
    const before = text.slice(Math.max(0, index - 2), index);
    if (/[\p{L}\p{N}@]$/u.test(before) || inCode(text, index)) continue;
    calls = whom.toLowerCase() === 'here' ? (calls ?? 'here') : 'channel';
  }
  return calls;
}
