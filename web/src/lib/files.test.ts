import { describe, expect, test } from 'vitest';
import {
  addressOf,
  boxOf,
  kindOf,
  lengthOf,
  picturesIn,
  refusals,
  shownAddress,
  sift,
  sizeIn,
  spoken,
  stampOf,
  typeIn,
} from './files.ts';
import { english } from './testwords.ts';
import type { RoomEvent, SharedFile } from './wire.ts';

const file = (more: Partial<SharedFile> = {}): SharedFile => ({
  id: 'f1',
  name: 'kitchen.png',
  type: 'image/png',
  size: 1000,
  width: 800,
  height: 600,
  ...more,
});

test.each([
  ['image/png', 'picture'],
  ['image/svg+xml', 'file'],
  ['text/html', 'file'],
  ['application/pdf', 'file'],
  ['image/heic', 'file'],
  ['video/mp4', 'film'],
  ['video/x-matroska', 'file'],
  ['audio/webm', 'sound'],
  ['application/octet-stream', 'file'],
])('%s is shown as a %s', (type, kind) => {
  expect(kindOf(file({ type }))).toBe(kind);
});

test('a picture whose size nobody knows is a file', () => {
  expect(kindOf(file({ width: 0, height: 0 }))).toBe('file');
});

test('names in addresses are only names', () => {
  expect(addressOf(file({ name: 'a b/../c?d#e.png' }))).toBe(
    '/api/files/f1/a%20b%2F..%2Fc%3Fd%23e.png',
  );
  expect(addressOf(file({ name: '..' }))).toBe('/api/files/f1/file');
  expect(addressOf(file({ name: 'x\ud800' }))).toBe('/api/files/f1/x%EF%BF%BD');
  expect(shownAddress(file({ thumb: true }))).toBe('/api/files/f1/thumb');
  expect(shownAddress(file())).toBe('/api/files/f1/kitchen.png');
});

describe('the box of a picture', () => {
  test.each([
    [
      { width: 4000, height: 3000 },
      { width: 400, height: 300 },
    ],
    [
      { width: 300, height: 3000 },
      { width: 44, height: 300 },
    ],
    [
      { width: 100, height: 80 },
      { width: 100, height: 80 },
    ],
    [
      { width: 1, height: 1 },
      { width: 44, height: 44 },
    ],
  ])('%o is shown as %o', (natural, shown) => {
    expect(boxOf(file(natural), true)).toEqual(shown);
  });

  test('beside others it is smaller', () => {
    expect(boxOf(file({ width: 4000, height: 3000 }), false)).toEqual({ width: 227, height: 170 });
  });

  test('a film of unknown size has one too', () => {
    expect(boxOf(file({ width: 0, height: 0 }), true)).toEqual({ width: 400, height: 225 });
  });
});

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1,023 bytes'],
  [1024, '1 KB'],
  [1536, '1.5 KB'],
  [412_880, '403 KB'],
  [1_040_000, '1 MB'],
  [104_857_600, '100 MB'],
  [5 * 1024 ** 3, '5 GB'],
  [5000 * 1024 ** 3, '5,000 GB'],
])('%d bytes are %s', (bytes, said) => {
  expect(sizeIn(bytes, english)).toBe(said);
});

test.each([
  [0, '0:00'],
  [7_900, '0:07'],
  [760_000, '12:40'],
  [3_723_000, '1:02:03'],
])('%d ms are %s', (ms, said) => {
  expect(lengthOf(ms)).toBe(said);
});

test('a moment can stand in a file name', () => {
  expect(stampOf(new Date(2026, 0, 5, 9, 4))).toBe('2026-01-05 09.04');
});

test('what the bytes are counts before the name', () => {
  expect(typeIn(file({ name: 'kitten.png', type: 'text/html' }), english)).toBe('HTML');
  expect(typeIn(file({ name: 'plan.xlsx', type: 'application/zip' }), english)).toBe('XLSX');
  expect(typeIn(file({ name: 'plan', type: 'application/octet-stream' }), english)).toBe('File');
});

test('files in words', () => {
  const bill = file({ name: 'bill.pdf', type: 'application/pdf' });
  expect(spoken('', [file()], english)).toBe('a picture, kitchen.png');
  expect(spoken('In place', [file(), bill], english)).toBe(
    'In place, with a picture, kitchen.png and a file, bill.pdf',
  );
  expect(spoken('only words', undefined, english)).toBe('only words');
});

test('pictures of messages, in their order', () => {
  const event = (seq: number, more: Partial<RoomEvent>): RoomEvent => ({
    room: 'r',
    seq,
    kind: 'message',
    id: `id${seq}`,
    author: 'a',
    name: 'Ana',
    time: seq,
    text: '',
    ...more,
  });
  const events = [
    event(1, { files: [file({ id: 'one' }), file({ id: 'pdf', type: 'application/pdf' })] }),
    event(2, {}),
    event(3, { files: [file({ id: 'beside' })], thread: 1 }),
    event(4, { kind: 'edit', target: 1, files: [file({ id: 'one' })] }),
    event(5, { files: [file({ id: 'two' }), file({ id: 'three' })] }),
  ];
  expect(picturesIn(events, false).map((shown) => shown.file.id)).toEqual(['one', 'two', 'three']);
  expect(picturesIn(events, true)).toHaveLength(4);
});

describe('what cannot be sent', () => {
  const largest = 100 * 1024 ** 2;
  const one = (name: string, size: number, folder = false) => ({ name, size, folder });

  test('is told apart before any of it is read', () => {
    const all = [
      one('Photos', 4096, true),
      one('nothing.txt', 0),
      one('holiday.mov', 5 * 1024 ** 3),
      ...Array.from({ length: 9 }, (_, i) => one(`${i}.txt`, 1)),
    ];
    const { taken, refused } = sift(all, { there: 3, largest });
    expect(taken).toHaveLength(7);
    expect(refused.map(({ candidate, why }) => [candidate.name, why])).toEqual([
      ['Photos', 'folder'],
      ['nothing.txt', 'empty'],
      ['holiday.mov', 'large'],
      ['7.txt', 'many'],
      ['8.txt', 'many'],
    ]);
    expect(refusals(refused, largest, english)).toEqual([
      '“Photos” is a folder. Add the files in it, or pack it into one.',
      '“nothing.txt” is empty.',
      '“holiday.mov” is too large: 5 GB. A file has at most 100 MB here.',
      'A message holds 10 files: “7.txt” and “8.txt” were left out.',
    ]);
  });
});
