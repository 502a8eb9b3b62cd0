import { beforeEach, expect, test } from 'vitest';
import type { Asked, Run } from './code.ts';
import { allowed, Highlighter, type HighlightWorker } from './highlighter.ts';
import { TestClock } from './testclock.ts';

class FakeWorker implements HighlightWorker {
  onmessage: ((data: readonly Run[] | 'ready') => void) | null = null;
  onerror: (() => void) | null = null;
  asked: Asked[] = [];
  ended = false;

  postMessage(asked: Asked): void {
    this.asked.push(asked);
  }
  terminate(): void {
    this.ended = true;
  }
}

const runs: Run[] = [{ text: 'a', tint: 'keyword' }];

let clock: TestClock;
let workers: FakeWorker[];
let highlighter: Highlighter;

beforeEach(() => {
  clock = new TestClock();
  workers = [];
  highlighter = new Highlighter(() => {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker;
  }, clock);
});

test('asks a worker that came up, one thing at a time', async () => {
  const a = highlighter.highlight('go', 'a');
  const b = highlighter.highlight('go', 'b');
  expect(workers[0]!.asked).toEqual([]);
  workers[0]!.onmessage?.('ready');
  expect(workers[0]!.asked).toEqual([{ language: 'go', text: 'a' }]);
  workers[0]!.onmessage?.(runs);
  workers[0]!.onmessage?.([]);
  expect(await a).toEqual(runs);
  expect(await b).toEqual([]);
  expect(workers).toHaveLength(1);
});

test('remembers what it knows', async () => {
  const first = highlighter.highlight('go', 'a');
  const second = highlighter.highlight('go', 'a');
  workers[0]!.onmessage?.('ready');
  workers[0]!.onmessage?.(runs);
  expect(await first).toEqual(runs);
  expect(await second).toEqual(runs);
  expect(highlighter.of('go', 'a')).toEqual(runs);
  expect(highlighter.of('c', 'a')).toBeUndefined();
  expect(await highlighter.highlight('go', 'a')).toEqual(runs);
  expect(workers[0]!.asked).toHaveLength(1);
});

test('ends a worker that takes too long, once and for all for that text', async () => {
  const slow = highlighter.highlight('c', 'slow');
  const next = highlighter.highlight('c', 'next');
  clock.advance(5_000);
  expect(workers[0]!.ended, 'loading is no work').toBe(false);
  workers[0]!.onmessage?.('ready');
  clock.advance(allowed);
  expect(workers[0]!.ended).toBe(true);
  expect(await slow).toBeUndefined();
  workers[1]!.onmessage?.('ready');
  workers[1]!.onmessage?.(runs);
  expect(await next).toEqual(runs);
  expect(await highlighter.highlight('c', 'slow')).toBeUndefined();
  expect(workers).toHaveLength(2);
});

test('an answer in time stops the clock', async () => {
  const quick = highlighter.highlight('c', 'quick');
  workers[0]!.onmessage?.('ready');
  clock.advance(allowed - 1);
  workers[0]!.onmessage?.(runs);
  clock.advance(60_000);
  expect(await quick).toEqual(runs);
  expect(workers[0]!.ended).toBe(false);
});

test('does without where no worker comes up, and tries again later', async () => {
  const a = highlighter.highlight('go', 'a');
  const b = highlighter.highlight('go', 'b');
  workers[0]!.onerror?.();
  expect(await a).toBeUndefined();
  expect(await b).toBeUndefined();
  expect(await highlighter.highlight('go', 'a')).toBeUndefined();
  expect(workers).toHaveLength(1);
  clock.advance(60_000);
  const again = highlighter.highlight('go', 'a');
  workers[1]!.onmessage?.('ready');
  workers[1]!.onmessage?.(runs);
  expect(await again).toEqual(runs);
});

test('does without where the browser refuses', async () => {
  const refused = new Highlighter(() => {
    throw new TypeError('no workers here');
  }, clock);
  expect(await refused.highlight('go', 'a')).toBeUndefined();
});

test('code that breaks the worker stays plain', async () => {
  const bad = highlighter.highlight('go', 'bad');
  workers[0]!.onmessage?.('ready');
  workers[0]!.onerror?.();
  expect(await bad).toBeUndefined();
  const good = highlighter.highlight('go', 'good');
  workers[1]!.onmessage?.('ready');
  workers[1]!.onmessage?.(runs);
  expect(await good).toEqual(runs);
});
