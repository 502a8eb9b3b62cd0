import { expect, test } from 'vitest';
import { litParts } from './excerpts.ts';

const shown = (text: string, ...pieces: string[]) =>
  litParts(text, pieces)
    .map((part) => (part.lit ? `[${part.text}]` : part.text))
    .join('');

test('a short text stays whole', () => {
  expect(shown('{"sent":{"seq":42}}', '"seq":42')).toBe('{"sent":{["seq":42]}}');
  expect(shown('{"sent":{}}', '"seq":42')).toBe('{"sent":{}}');
});

test('of a long text there is the beginning and what is lit, in its order', () => {
  const long = `{"opened":{"room":"${'r'.repeat(60)}","after":41,"name":"${'n'.repeat(90)}","head":43}}`;
  expect(shown(long, '"head":43', '"after":41')).toBe(
    '{"opened":{"room":"rrrrrrrrr…["after":41]…["head":43]}}',
  );
});

test('pieces that lie over each other are shown once', () => {
  expect(shown('abcdef', 'bcd', 'cde')).toBe('a[bcd]ef');
});
