import { expect, test } from 'vitest';
import { Roll } from './presence.ts';

test('who is here, away, gone', () => {
  const roll = new Roll();
  expect(roll.get('a')).toBeUndefined();
  expect(roll.set('a', { online: true }, 1)).toBe(true);
  expect(roll.get('a')).toBe('online');
  expect(roll.set('a', { online: true, away: true }, 2)).toBe(true);
  expect(roll.get('a')).toBe('away');
  expect(roll.set('a', { online: true, away: true }, 3)).toBe(false);
  expect(roll.set('a', { online: false }, 4)).toBe(true);
  expect(roll.get('a')).toBeUndefined();
});

test('an answer that was asked for before something was told does not undo it', () => {
  const roll = new Roll();
  roll.set('a', { online: false }, 5);
  expect(roll.set('a', { online: true }, 4)).toBe(false);
  expect(roll.get('a')).toBeUndefined();
});

test('without a connection nothing is known', () => {
  const roll = new Roll();
  roll.set('a', { online: true }, 5);
  roll.clear();
  expect(roll.get('a')).toBeUndefined();
  roll.set('a', { online: true }, 1);
  expect(roll.get('a')).toBe('online');
});
