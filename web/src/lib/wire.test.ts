import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decode, encode, type ClientBodies } from './wire.ts';

const frames = join(import.meta.dirname, '../../../internal/wire/testdata/frames');
const golden = (side: string, file: string) =>
  readFileSync(join(frames, side, file), 'utf8').trimEnd();
const files = (side: string) => readdirSync(join(frames, side)).filter((f) => f.endsWith('.json'));

describe('frames of the server', () => {
  test.each(files('server'))('%s decodes', (file) => {
    const raw = golden('server', file);
    const frame = decode(raw);
    expect(frame).toBeDefined();
    expect({ [frame!.type]: frame!.body }).toEqual(JSON.parse(raw));
  });

  test.each([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['null', 'null'],
    ['no member', '{}'],
    ['two members', '{"fence":{"n":1},"read":{"room":"r","seq":1}}'],
    ['an unknown type', '{"wave":{}}'],
    ['a name every object has', '{"constructor":{}}'],
    ['a missing field', '{"fence":{}}'],
    ['a wrong type', '{"read":{"room":"r","seq":"1"}}'],
    ['a negative place', '{"read":{"room":"r","seq":-1}}'],
    ['a fraction as a place', '{"read":{"room":"r","seq":1.5}}'],
    ['null for a body', '{"goodbye":null}'],
  ])('%s is refused', (_, raw) => {
    expect(decode(raw)).toBeUndefined();
  });

  test('a binary message is refused', () => {
    expect(decode(new ArrayBuffer(2))).toBeUndefined();
  });

  test('unknown fields are no obstacle', () => {
    expect(decode('{"fence":{"n":7,"new":true}}')).toMatchObject({ type: 'fence', body: { n: 7 } });
  });
});

test.each(files('client'))('client/%s is what encode writes', (file) => {
  const raw = golden('client', file);
  const [[type, body]] = Object.entries(JSON.parse(raw)) as [[keyof ClientBodies, never]];
  expect(encode(type, body)).toBe(raw);
});

test('encode keeps the order of the fields', () => {
  expect(encode('open', { room: 'k3v9x2m7qp4d', epoch: 'm4t8zq1x', after: 41 })).toBe(
    golden('client', 'open-resume.json'),
  );
  expect(
    encode('send', {
      room: 'k3v9x2m7qp4d',
      id: '0199d5c2-8b02-7f10-8a55-91c4de770b3c',
      text: 'two\nlines, a "quote", <b> & שלום',
    }),
  ).toBe(golden('client', 'send-escapes.json'));
});
