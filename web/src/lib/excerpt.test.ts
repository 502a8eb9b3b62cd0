import { expect, test } from 'vitest';
import { excerpt } from './excerpt.ts';

test.each([
  ['It fits with **4 mm** to spare 🎉', 'It fits with 4 mm to spare 🎉'],
  ['_so_ *it* ~~was~~ `is`', 'so it was is'],
  ['> quoted\n\n# A head\n- one\n2. two', 'quoted A head one two'],
  ['see [the plan](https://example.com/a) now', 'see the plan now'],
  ['look:\n```go\nfor x := range y {}\n```', 'look: for x := range y {}'],
  ['| a | b |\n|---|--:|\n| 1 | 2 |', 'a · b 1 · 2'],
  ['snake_case_name and 2 * 3 * 4', 'snake_case_name and 2 * 3 * 4'],
  ['<b>not</b> a tag, **', '<b>not</b> a tag, **'],
  ['```', '```'],
  ['two\nlines', 'two lines'],
  ['שלום *עולם*', 'שלום עולם'],
])('%j reads %j', (text, said) => {
  expect(excerpt(text)).toBe(said);
});

test('is short, whole letters, and quick whatever comes', () => {
  expect(excerpt('🎉'.repeat(300))).toBe(`${'🎉'.repeat(200)}…`);
  const started = performance.now();
  for (const nasty of ['*a', '[', '`', '**', '_ ', '|', '> ', '-  ']) excerpt(nasty.repeat(8_000));
  expect(performance.now() - started).toBeLessThan(500);
});
