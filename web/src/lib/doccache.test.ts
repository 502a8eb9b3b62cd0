import { expect, test, vi } from 'vitest';
import { DocCache } from './doccache.ts';
import type { Context, Doc } from './markdown.ts';

test('reads a text once, until something it is read with changes', () => {
  const parse = vi.fn((): Doc => ({ blocks: [], jumbo: false }));
  const cache = new DocCache(parse);
  const context: Context = { mentions: [], origin: 'https://a.example' };
  const first = cache.get('a', context);
  expect(cache.get('a', { ...context })).toBe(first);
  expect(parse).toHaveBeenCalledTimes(1);
  expect(cache.get('a', { ...context, mentions: [] })).not.toBe(first);
  cache.get('b', { ...context, emoji: () => undefined });
  expect(parse).toHaveBeenCalledTimes(3);
});

test('a message that mentions people leaves what others were read as', () => {
  const parse = vi.fn((): Doc => ({ blocks: [], jumbo: false }));
  const cache = new DocCache(parse);
  const mentions = [{ id: 'ada', name: 'Ada' }];
  const nobody: Context['mentions'] = [];
  const other = cache.get('b', { mentions: nobody });
  const called = cache.get('@Ada', { mentions });
  expect(cache.get('b', { mentions: nobody })).toBe(other);
  expect(cache.get('@Ada', { mentions })).toBe(called);
  expect(parse).toHaveBeenCalledTimes(2);
});

test('forgets what nobody asked for the longest', () => {
  const parse = vi.fn((): Doc => ({ blocks: [], jumbo: false }));
  const cache = new DocCache(parse);
  const context: Context = {};
  for (let i = 0; i < 500; i++) cache.get(String(i), context);
  cache.get('0', context);
  cache.get('new', context);
  expect(parse).toHaveBeenCalledTimes(501);
  cache.get('0', context);
  expect(parse).toHaveBeenCalledTimes(501);
  cache.get('1', context);
  expect(parse).toHaveBeenCalledTimes(502);
});
