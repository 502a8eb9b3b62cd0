import { beforeEach, expect, test, vi } from 'vitest';
import { ComposerTexts } from './composertexts.ts';
import { ApiError, UnreachableError } from './request.ts';
import { SharedDrafts, type ServerDraft } from './shareddrafts.ts';
import { TestClock } from './testclock.ts';

let clock: TestClock;
let texts: ComposerTexts;
let pushed: ServerDraft[];
let arrived: string[];
let answer: (draft: ServerDraft) => Promise<ServerDraft>;
let drafts: SharedDrafts;

beforeEach(() => {
  clock = new TestClock();
  texts = new ComposerTexts('me', undefined);
  pushed = [];
  arrived = [];
  answer = async (draft) => draft;
  drafts = new SharedDrafts({
    texts,
    clock,
    skew: () => 500,
    push: (draft) => {
      pushed.push(draft);
      return answer(draft);
    },
    onarrived: (room) => arrived.push(room),
  });
  drafts.online();
});

async function pass(milliseconds: number): Promise<void> {
  clock.advance(milliseconds);
  await vi.waitFor(() => undefined);
  await Promise.resolve();
  await Promise.resolve();
}

test('what was written is told after a pause, with its time by the clock of the server', async () => {
  drafts.wrote('r', 'h');
  await pass(500);
  drafts.wrote('r', 'ha');
  await pass(500);
  expect(pushed).toEqual([]);
  await pass(500);
  expect(pushed).toEqual([{ room: 'r', text: 'ha', time: 1_001_000 }]);
  await pass(60_000);
  expect(pushed).toHaveLength(1);
});

test('whoever writes without a pause is told of every few seconds', async () => {
  for (let n = 1; n <= 20; n++) {
    drafts.wrote('r', 'x'.repeat(n));
    await pass(500);
  }
  expect(pushed.length).toBeGreaterThan(1);
  expect(pushed.length).toBeLessThan(5);
});

test('what was sent is told at once', async () => {
  drafts.wrote('r', 'hello');
  drafts.wrote('r', '');
  await pass(0);
  expect(pushed.map(({ text }) => text)).toEqual(['']);
});

test('the newest is right, whichever way round it comes', () => {
  drafts.take({ room: 'r', text: 'from the phone', time: 2_000_000 });
  expect(texts.get('r')).toBe('from the phone');
  drafts.take({ room: 'r', text: 'older', time: 1_999_999 });
  expect(texts.get('r')).toBe('from the phone');
  drafts.take({ room: 'r', text: '', time: 2_000_001 });
  expect(texts.get('r')).toBe('');
  expect(arrived).toEqual(['r', 'r']);
});

test('what is being written here is not overwritten, and wins', async () => {
  drafts.wrote('r', 'typing');
  drafts.take({ room: 'r', text: 'from the phone', time: 1_900_000 });
  expect(texts.get('r')).toBe('typing');
  await pass(1_000);
  expect(pushed.at(-1)).toEqual({ room: 'r', text: 'typing', time: 1_900_001 });
  clock.advance(20_000);
  drafts.take({ room: 'r', text: 'from the phone, later', time: 2_000_000 });
  expect(texts.get('r')).toBe('from the phone, later');
});

test('what the server kept instead is taken', async () => {
  drafts.offline();
  drafts.wrote('r', 'on the train');
  clock.advance(60_000);
  answer = async ({ room }) => ({ room, text: 'at home', time: 1_030_000 });
  drafts.online();
  await pass(0);
  expect(texts.get('r')).toBe('at home');
  expect(arrived).toEqual(['r']);
});

test('what could not be told is told when there is a connection again', async () => {
  answer = () => Promise.reject(new UnreachableError());
  drafts.wrote('r', 'x');
  await pass(1_000);
  drafts.offline();
  await pass(60_000);
  expect(pushed).toHaveLength(1);
  answer = async (draft) => draft;
  drafts.online();
  await pass(0);
  expect(pushed).toHaveLength(2);
  expect(texts.entry('r')).not.toHaveProperty('unsaid');
});

test('what was refused stays here and is not told again', async () => {
  answer = () => Promise.reject(new ApiError(403, 'muted', 'You are muted.'));
  drafts.wrote('r', 'x');
  await pass(60_000);
  expect(pushed).toHaveLength(1);
  drafts.takeAll([], clock.now());
  expect(texts.get('r')).toBe('x');
});

test('what is gone from the server was sent elsewhere; what it does not have yet stays', async () => {
  drafts.take({ room: 'sent', text: 'x', time: 5 });
  drafts.wrote('fresh', 'y');
  texts.set('r#12', 'under a message', 5);
  drafts.takeAll([{ room: 'other', text: 'z', time: 6 }], clock.now());
  expect(['sent', 'fresh', 'other', 'r#12'].map((room) => texts.get(room))).toEqual([
    '',
    'y',
    'z',
    'under a message',
  ]);
  // An answer that was asked for before the server had it says nothing of it.
  const asked = clock.now();
  await pass(1_000);
  expect(pushed.map(({ room }) => room)).toEqual(['fresh']);
  clock.advance(20_000);
  drafts.takeAll([], asked);
  expect(texts.get('fresh')).toBe('y');
  drafts.takeAll([], clock.now());
  expect(texts.get('fresh')).toBe('');
});
