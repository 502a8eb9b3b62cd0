import { expect, test } from 'vitest';
import { badgedIcon, onIcon } from './badge.ts';

test('a number fits on the icon', () => {
  expect([1, 9, 10, 4711].map(onIcon)).toEqual(['1', '9', '9+', '9+']);
});

test('the icon with a number is a picture that needs no server', () => {
  const [type, picture = ''] = badgedIcon(12).split(',');
  expect(type).toBe('data:image/svg+xml');
  expect(decodeURIComponent(picture)).toMatch(/^<svg .*>9\+<\/text><\/svg>$/);
});
