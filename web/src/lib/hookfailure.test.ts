import { expect, test } from 'vitest';
import { whyFailed } from './hookfailure.ts';
import { english } from './testwords.ts';

const why = (error: string, status?: number) =>
  whyFailed({ seq: 1, time: 2, error, ...(status ? { status } : {}) }, english);

test('says why a delivery failed', () => {
  expect(why('its name is not known')).toBe('Its name is not known.');
  expect(why('it answered 500 Internal Server Error', 500)).toBe(
    'It answered “500 Internal Server Error”.',
  );
  expect(why('it answered 599 ', 599)).toBe('It answered “599”.');
  expect(why('something else, of a later server')).toBe('something else, of a later server');
});
