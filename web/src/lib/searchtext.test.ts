import { expect, test } from 'vitest';
import { inRoom, withPart } from './searchtext.ts';

const [ana, tom] = [
  { id: '1', name: 'Ana María' },
  { id: '2', name: 'Tom' },
];

test('a room is named so that the search knows it', () => {
  expect(inRoom({ kind: 'public', name: 'kitchen' })).toBe('in:kitchen ');
  expect(inRoom({ kind: 'private', name: 'Moving house' })).toBe('in:"Moving house" ');
  expect(inRoom({ kind: 'direct', name: '', people: [ana] })).toBe('in:"Ana María" ');
  expect(inRoom({ kind: 'direct', name: '', people: [tom, ana] })).toBe('');
  expect(inRoom({ kind: 'direct', name: '' })).toBe('');
});

test('a part is added to a query, instead of what is half typed', () => {
  expect(withPart('', 'from:me')).toBe('from:me');
  expect(withPart(' oven ', 'from:me')).toBe('oven from:me');
  expect(withPart('oven from:', 'from:me')).toBe('oven from:me');
  expect(withPart('-In:', 'in:lobby')).toBe('in:lobby');
  expect(withPart('foo:', 'in:lobby')).toBe('foo: in:lobby');
});
