import { expect, it } from 'vitest';
import { madeAt, Moments, mostMoments } from './moments.ts';
import { TestClock } from './testclock.ts';

it('knows when something happened for the first time', () => {
  const clock = new TestClock(100);
  const moments = new Moments(() => clock.now());
  moments.note('a', 'sent');
  clock.advance(5);
  moments.note('a', 'sent');
  moments.note('a', 'acknowledged');
  clock.advance(5);
  moments.note('a', 'came');
  expect(moments.of('a')).toEqual({ sent: 100, acknowledged: 105, came: 110 });
  expect(moments.of('b')).toEqual({});
});

it('keeps the latest', () => {
  const moments = new Moments(() => 1);
  for (let i = 0; i <= mostMoments; i++) moments.note(`${i}`, 'came');
  expect(moments.of('0')).toEqual({});
  expect(moments.of('1')).toEqual({ came: 1 });
  expect(moments.of(`${mostMoments}`)).toEqual({ came: 1 });
});

it('reads the time of an id, if it has one', () => {
  expect(madeAt('0199d5c2-7a31-7c4e-9b1f-3d2a6c8e5f01')).toBe(0x0199d5c27a31);
  expect(madeAt('0199d5c2-7a31-4c4e-9b1f-3d2a6c8e5f01')).toBeUndefined();
  expect(madeAt('0199d5c2-7a31-7c4e-cb1f-3d2a6c8e5f01')).toBeUndefined();
  expect(madeAt('nonsense')).toBeUndefined();
});
