// Letters that Unicode does not take apart into a base and a mark.
const apart: Record<string, string> = {
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  þ: 'th',
};
const letters = new RegExp(`[${Object.keys(apart).join('')}]`, 'g');

/** A text as it is looked for: without case, without marks, full width or not. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/\p{M}/gu, '') // İ has a mark only when it is small
    .replace(letters, (letter) => apart[letter] ?? letter);
}

/**
 * How well a text fits what was typed, both folded: 0 is the very text, 1 begins with it, 2 has a word that
 * begins with it, 3 has it somewhere. Undefined: not at all.
 */
export function fit(text: string, typed: string): 0 | 1 | 2 | 3 | undefined {
  if (text === typed) return 0;
  const at = text.indexOf(typed);
  if (at <= 0) return at === 0 ? 1 : undefined;
  for (let next = at; next > 0; next = text.indexOf(typed, next + 1)) {
    if (!/[\p{L}\p{N}]/u.test(text[next - 1] ?? '')) return 2;
  }
  return 3;
}
