import { expect, test } from 'vitest';
import { fit, fold } from './fold.ts';

test('what looks the same to somebody who types is the same', () => {
  expect(fold('Ána MÚSICA')).toBe('ana musica');
  expect(fold('Łódź, Ørsted, Straße, İzmir, ＡＢＣ')).toBe('lodz, orsted, strasse, izmir, abc');
  expect(fold('Ёлка')).toBe('елка');
  expect(fold('ﷺ')).not.toBe('');
  expect(fold('👍🏽')).toBe('👍🏽');
});

test('a part of a syllable finds the syllable', () => {
  expect(fold('한국')).toContain(fold('하'));
});

test('how well a text fits', () => {
  expect(fit('ana', 'ana')).toBe(0);
  expect(fit('anabel', 'ana')).toBe(1);
  expect(fit('jo ana', 'ana')).toBe(2);
  expect(fit('banana-ana', 'ana')).toBe(2);
  expect(fit('banana', 'ana')).toBe(3);
  expect(fit('ben', 'ana')).toBeUndefined();
  expect(fit('ben', '')).toBe(1);
});
