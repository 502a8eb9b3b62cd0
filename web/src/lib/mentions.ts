/** Somebody who can be mentioned. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

/** The names of people, as they are looked for in a text. */
export class Names {
  private readonly byName = new Map<string, string>();
  private readonly firsts = new Set<string>();
  /** The lengths that names have, the longest first. */
  private readonly lengths: readonly number[];

  constructor(people: readonly Person[]) {
    const lengths = new Set<number>();
    for (const { id, name } of people) {
      if (name === '') continue;
      this.byName.set(fold(name), id);
      this.firsts.add(first(name));
      lengths.add(name.length);
    }
    this.lengths = [...lengths].sort((a, b) => b - a);
  }

  /** The longest name that stands at that place of a text. */
  at(text: string, from: number): Person | undefined {
    if (!this.firsts.has(first(text.slice(from, from + 2)))) return undefined;
    for (const length of this.lengths) {
      const name = text.slice(from, from + length);
      if (name.length < length) continue;
      const id = this.byName.get(fold(name));
      if (id !== undefined && ends(text, from + length)) return { id, name };
    }
    return undefined;
  }
}

/** Names differ in more than case: the server sees to that. */
function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

function first(name: string): string {
  const [letter = ''] = name;
  return fold(letter);
}

// These scripts put no space between words, so a name may be followed by anything.
export const spaceless =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々]/u;
const letter = /[\p{L}\p{N}_]/u;
const adds = /[\p{M}\p{Emoji_Modifier}\u200c\u200d]/u;

function ends(text: string, at: number): boolean {
  const after = character(text, at);
  if (after === '') return true;
  if (adds.test(after)) return false;
  const before = characterBefore(text, at);
  return !letter.test(after) || !letter.test(before) || spaceless.test(before + after);
}

/** Whether something that is not a word of its own, as a name after @, can begin at that place. */
export function mayBegin(text: string, at: number): boolean {
  const before = characterBefore(text, at);
  return before === '' || opening.test(before) || spaceless.test(before);
}

const opening = /[\s\p{Ps}\p{Pi}"'*_~>|,;:!\u2013\u2014\u3000-\u303f\uff00-\uff0e]/u;

function character(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function characterBefore(text: string, at: number): string {
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low <= 0xdfff && at > 1 ? text.slice(at - 2, at) : text.slice(at - 1, at);
}
