import { expect, test } from 'vitest';
import { ComposerTexts, type TextStorage } from './composertexts.ts';

function fakeStorage(): TextStorage & { items: Map<string, string> } {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

test('texts are kept for each room, over a reload', () => {
  const storage = fakeStorage();
  const texts = new ComposerTexts('a', storage);
  texts.set('r', 'half a thou');
  texts.set('s', 'other');
  texts.set('s', '');
  const again = new ComposerTexts('a', storage);
  expect(again.get('r')).toBe('half a thou');
  expect(again.get('s')).toBe('');
});

test('nothing is left of texts that were sent', () => {
  const storage = fakeStorage();
  const texts = new ComposerTexts('a', storage);
  texts.set('r', 'x');
  texts.set('r', '');
  expect(storage.items.size).toBe(0);
});

test('somebody else does not see them', () => {
  const storage = fakeStorage();
  new ComposerTexts('a', storage).set('r', 'secret');
  expect(new ComposerTexts('b', storage).get('r')).toBe('');
});

test.each(['', '{', '[]', 'null', '{"person":"a","texts":{"r":5}}'])(
  'a damaged store (%s) is empty',
  (damaged) => {
    const storage = fakeStorage();
    storage.items.set('hubbub.composer', damaged);
    expect(new ComposerTexts('a', storage).get('r')).toBe('');
  },
);

test('without a storage they last as long as the page', () => {
  const texts = new ComposerTexts('a', undefined);
  texts.set('r', 'x');
  expect(texts.get('r')).toBe('x');
});

test('that a text was emptied is kept until the server knows', () => {
  const storage = fakeStorage();
  const texts = new ComposerTexts('a', storage);
  texts.set('r', '', 5, true);
  expect(new ComposerTexts('a', storage).entry('r')).toEqual({ text: '', time: 5, unsaid: true });
  texts.set('r', '', 5);
  expect(storage.items.size).toBe(0);
});

test('texts of pages before drafts were shared are told to the server', () => {
  const storage = fakeStorage();
  storage.items.set('hubbub.composer', '{"person":"a","texts":{"r":"old"}}');
  const again = new ComposerTexts('a', storage);
  expect(again.entry('r')).toEqual({ text: 'old', time: 0, unsaid: true });
});
