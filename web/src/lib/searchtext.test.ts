import { expect, test } from 'vitest';
import { begunIn, inRoom, named, withPart } from './searchtext.ts';

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

test('a name that is typed behind an operator can be completed', () => {
  const parts = (q: string) => {
    const { operator, part } = begunIn(q) ?? {};
    return operator && `${operator}:${part}`;
  };
  expect(parts('from:')).toBe('from:');
  expect(parts('oven -From:to')).toBe('from:to');
  expect(parts('in:#kit')).toBe('in:kit');
  expect(parts('in:"Moving h')).toBe('in:Moving h');
  for (const q of [
    '',
    'from',
    'from:tom ',
    'xfrom:t',
    'from:"Tom"',
    'in::x',
    'before:2',
    'from:"a" b',
  ]) {
    expect(parts(q), q).toBeUndefined();
  }
  const complete = (q: string, name: string) => {
    const found = begunIn(q);
    return found && named(q, found, name);
  };
  expect(complete('oven from:an', 'Ana María')).toBe('oven from:"Ana María" ');
  expect(complete('in:"Mov', 'Moving house')).toBe('in:"Moving house" ');
  expect(complete('-in:', 'kitchen')).toBe('-in:kitchen ');
});
