import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { makeTimes } from './time.ts';

const inZone = (zone: string) => vi.stubEnv('TZ', zone);
afterEach(() => vi.unstubAllEnvs());

const at = (iso: string) => Date.parse(iso);
const plain = (text: string) => text.replace(/\s/g, ' ');

describe('in Lisbon', () => {
  beforeEach(() => void inZone('Europe/Lisbon'));
  const times = makeTimes('en-US');
  const now = at('2026-11-23T10:00:00Z');

  test.each([
    ['2026-11-23T00:00:00Z', 'Today'],
    ['2026-11-22T23:59:59Z', 'Yesterday'],
    ['2026-11-22T00:00:00Z', 'Yesterday'],
    ['2026-11-21T23:59:59Z', 'Saturday, November 21'],
    ['2025-11-23T10:00:00Z', 'Sunday, November 23, 2025'],
    ['2026-11-24T00:00:00Z', 'Tuesday, November 24'],
  ])('%s is %s', (iso, label) => {
    expect(times.dayLabel(at(iso), now)).toBe(label);
  });

  test('a day begins at local midnight, also when the clocks change', () => {
    // Summer time ends on 25 October 2026 at 1:00 UTC: that day has 25 hours.
    expect(times.day(at('2026-10-24T23:00:00Z'))).toBe(times.day(at('2026-10-25T23:59:59Z')));
    expect(times.day(at('2026-10-25T23:59:59Z'))).not.toBe(times.day(at('2026-10-26T00:00:00Z')));
    expect(times.dayLabel(at('2026-10-24T23:00:00Z'), at('2026-10-26T00:30:00Z'))).toBe(
      'Yesterday',
    );
  });
});

test('another zone has other days', () => {
  inZone('Asia/Tokyo');
  const times = makeTimes('en-US');
  expect(times.dayLabel(at('2026-11-22T15:00:00Z'), at('2026-11-23T10:00:00Z'))).toBe('Today');
});

test('times follow the locale', () => {
  inZone('UTC');
  const morning = at('2026-11-23T09:05:00Z');
  expect(plain(makeTimes('en-US').clock(morning))).toBe('9:05 AM');
  expect(makeTimes('de').clock(morning)).toBe('09:05');
  expect(makeTimes('de').dayLabel(morning, morning)).toBe('Heute');
});
