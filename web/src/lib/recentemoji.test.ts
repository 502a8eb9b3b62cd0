import { expect, test } from 'vitest';
import { afterUse, moveInGrid, recentEmoji } from './recentemoji.ts';

test('the last emoji comes first, once', () => {
  expect(recentEmoji('')).toEqual([]);
  let saved = '';
  for (const emoji of ['a', 'b', 'a', 'c']) saved = afterUse(saved, emoji);
  expect(recentEmoji(saved)).toEqual(['c', 'a', 'b']);
});

test('not too many are kept', () => {
  let saved = '';
  for (let i = 0; i < 100; i++) saved = afterUse(saved, String(i));
  expect(recentEmoji(saved)).toHaveLength(24);
  expect(recentEmoji(saved)[0]).toBe('99');
});

test.each([
  [0, 'ArrowLeft', 0],
  [0, 'ArrowRight', 1],
  [7, 'ArrowRight', 8],
  [0, 'ArrowUp', 0],
  [0, 'ArrowDown', 8],
  [13, 'ArrowDown', 18],
  [18, 'ArrowDown', 18],
  [17, 'ArrowRight', 18],
  [18, 'ArrowRight', 18],
  [10, 'Home', 8],
  [10, 'End', 15],
  [17, 'End', 18],
  [17, 'PageUp', 1],
  [1, 'PageDown', 17],
  [5, 'x', 5],
])('in three rows of 8, 8 and 3: from %i, %s leads to %i', (from, key, to) => {
  expect(moveInGrid(from, key, 19, 8)).toBe(to);
});
