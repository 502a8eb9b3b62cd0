import { expect, test } from 'vitest';
import { pieces } from './marked.ts';
import type { Span } from './searchapi.ts';

/** Marks each place where a word stands, as the server does. */
function marked(text: string, word: string): string {
  const marks: Span[] = [];
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    marks.push([at, at + word.length]);
  }
  return show(text, marks);
}

const show = (text: string, marks: Span[]) =>
  pieces(text, marks)
    .map((piece) => (piece.mark ? `[${piece.text}]` : piece.text))
    .join('');

test('what was searched for is in pieces of its own', () => {
  expect(pieces('🎉 The oven arrived', [[7, 11]])).toEqual([
    { text: '🎉 The ', mark: false },
    { text: 'oven', mark: true },
    { text: ' arrived', mark: false },
  ]);
  expect(marked('oven, oven', 'oven')).toBe('[oven], [oven]');
  expect(pieces('hello', [])).toEqual([{ text: 'hello', mark: false }]);
  expect(pieces('', [])).toEqual([]);
  expect(show('two\n\n lines', [[2, 7]])).toBe('tw[o l]ines');
});

test('signs of Markdown are left out', () => {
  expect(marked('**The** *oven* is ~~late~~ `here`', 'oven')).toBe('The [oven] is late here');
  expect(marked('see [the oven](https://example.com/oven_1) now', 'now')).toBe(
    'see the oven [now]',
  );
  expect(marked('# Ovens\n\n- one\n> two\n```js\nlet a\n```', 'one')).toBe(
    'Ovens [one] two let a ',
  );
  expect(marked('/me warms the oven', 'oven')).toBe('warms the [oven]');
  expect(marked('2 * 3 and snake_case_word and 4 * 5', '3')).toBe(
    '2 * [3] and snake_case_word and 4 * 5',
  );
});

test('signs that were searched for stay', () => {
  expect(marked('**bold** words', '**')).toBe('[**]bold[**] words');
  expect(marked('see [it](https://example.com/x)', 'example')).toBe(
    'see it](https://[example].com/x)',
  );
  expect(marked('- a list', '-')).toBe('[-] a list');
});

test('of a long text the part is shown where the words are', () => {
  const text = `${'before '.repeat(60)}oven ${'after '.repeat(90)}`;
  const shown = marked(text, 'oven');
  expect(shown).toMatch(/^…before (before )+\[oven\] (after )+after…$/);
  expect(shown.length).toBeLessThan(300);
  expect(marked(`${'x'.repeat(500)}oven${'y'.repeat(500)}`, 'oven')).toMatch(
    /^…x{80}\[oven\]y{196}…$/,
  );
  // What begins in the middle of a line is no list.
  expect(marked(`${'a'.repeat(100)} - ${'b'.repeat(70)} oven`, 'oven')).toContain('- b');
});

test('nothing is cut in two that is seen as one', () => {
  for (const one of ['👩‍👩‍👧', '👍🏽', 'é', '🎉']) {
    for (let n = 0; n < 12; n++) {
      const text = `${'.'.repeat(n)}${one.repeat(60)}oven${one.repeat(100)}`;
      const shown = marked(text, 'oven').replace('[oven]', '');
      expect(shown.replaceAll(one, '').replace(/[.…]/g, ''), `${one} ${n}`).toBe('');
    }
  }
});

test('a mark that goes beyond what is shown ends there', () => {
  const shown = pieces('a'.repeat(2_000), [[0, 2_000]]);
  expect(shown.map(({ mark }) => mark)).toEqual([true, false]);
  expect(shown[1]?.text).toBe('…');
});
