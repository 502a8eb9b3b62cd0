import { expect, test } from 'vitest';
import {
  isPrivateName,
  isRoomName,
  pathOf,
  pathOfRoom,
  roomIdOfPath,
  roomOfPath,
  toPrivateName,
  toRoomName,
} from './route.ts';

test.each([
  ['/', 'lobby'],
  ['/r/kitchen', 'kitchen'],
  ['/r/kitchen/', 'kitchen'],
  ['/r/%E5%8F%B0%E6%89%80', '台所'],
  ['/r/Kitchen', 'kitchen'],
  ['/r/', undefined],
  ['/r/a/b', undefined],
  ['/r/%E5', undefined],
  ['/p/k3v9x2m7qp4d', undefined],
  ['/settings', undefined],
])('%s is the room %s', (path, room) => {
  expect(roomOfPath(path)).toBe(room);
});

test.each(['kitchen', '台所', 'a-b_c', 'café'])('the address of %s leads back to it', (name) => {
  expect(roomOfPath(pathOfRoom(name))).toBe(name);
});

test.each([
  ['/p/k3v9x2m7qp4d', 'k3v9x2m7qp4d'],
  ['/p/k3v9x2m7qp4d/', 'k3v9x2m7qp4d'],
  ['/p/', undefined],
  ['/r/kitchen', undefined],
  ['/', undefined],
])('%s is the room with the id %s', (path, id) => {
  expect(roomIdOfPath(path)).toBe(id);
});

test('only a public room is addressed by its name', () => {
  expect(pathOf({ id: 'k3v9', kind: 'public', name: 'kitchen' })).toBe('/r/kitchen');
  expect(pathOf({ id: 'k3v9', kind: 'private', name: 'kitchen' })).toBe('/p/k3v9');
  expect(pathOf({ id: 'k3v9', kind: 'direct', name: '' })).toBe('/p/k3v9');
});

test.each([
  ['kitchen', true],
  ['kitchen-build_2', true],
  ['हिन्दी', true],
  ['x'.repeat(64), true],
  ['x'.repeat(65), false],
  ['', false],
  ['-a', false],
  ['a-', false],
  ['a b', false],
  ['a/b', false],
])('%s can be a name: %s', (name, can) => {
  expect(isRoomName(name)).toBe(can);
});

test.each([
  [' # Kitchen build ', 'kitchen-build'],
  ['##music', 'music'],
])('%s is meant as %s', (typed, name) => {
  expect(toRoomName(typed)).toBe(name);
});

test('a private room keeps its spaces and capitals', () => {
  expect(toPrivateName('  # Moving   house ')).toBe('Moving house');
  expect(isPrivateName('Moving house')).toBe(true);
  expect(isPrivateName('Moving/house')).toBe(false);
  expect(isPrivateName('')).toBe(false);
});
