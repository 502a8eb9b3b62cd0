import { expect, test } from 'vitest';
import { silentBy, tomorrow, type Hours } from './silence.ts';

const at = (clock: string) => Date.parse(`2026-11-25T${clock}:00Z`);
const night: Hours = { from: '22:00', to: '07:00', zone: 'UTC' };

test('a pause ends, or does not', () => {
  expect(silentBy({ until: 0, hours: null }, 5)).toBeUndefined();
  expect(silentBy({ until: 6, hours: null }, 5)).toBe('pause');
  expect(silentBy({ until: 5, hours: null }, 5)).toBeUndefined();
  expect(silentBy({ until: -1, hours: null }, 5)).toBe('pause');
});

test.each([
  ['21:59', undefined],
  ['22:00', 'hours'],
  ['03:00', 'hours'],
  ['06:59', 'hours'],
  ['07:00', undefined],
])('at %s, hours over midnight: %s', (clock, by) => {
  expect(silentBy({ until: 0, hours: night }, at(clock))).toBe(by);
});

test('hours within a day, in their own zone', () => {
  const lunch = { from: '12:00', to: '13:00', zone: 'Europe/Zurich' };
  expect(silentBy({ until: 0, hours: lunch }, at('11:30'))).toBe('hours');
  expect(silentBy({ until: 0, hours: lunch }, at('12:30'))).toBeUndefined();
});

test('a zone that the browser does not know silences nothing', () => {
  expect(silentBy({ until: 0, hours: { ...night, zone: 'Mars/Base' } }, at('23:00'))).toBe(
    undefined,
  );
});

test('tomorrow is the next morning, be it late at night', () => {
  expect(tomorrow(new Date(2026, 10, 25, 15, 20).getTime())).toBe(
    new Date(2026, 10, 26, 8).getTime(),
  );
  expect(tomorrow(new Date(2026, 10, 25, 1, 20).getTime())).toBe(
    new Date(2026, 10, 25, 8).getTime(),
  );
});
