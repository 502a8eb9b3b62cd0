import { expect, test } from 'vitest';
import { actionOf, line, words } from './action.ts';
import { parseCommand, parseSpan } from './commands.ts';
import { parse } from './markdown.ts';

test('a message is a message', () => {
  for (const text of ['hello', 'a /me', '/', '/ me', '/etc/hosts', '/)', '/?', '\\/me x', '1/2']) {
    expect(parseCommand(text)).toEqual({ do: 'send', text });
  }
});

test('two slashes send one', () => {
  expect(parseCommand('//x')).toEqual({ do: 'send', text: '/x' });
  expect(parseCommand('//leave now')).toEqual({ do: 'send', text: '/leave now' });
  expect(parseCommand('///')).toEqual({ do: 'send', text: '//' });
});

test('commands with what follows them', () => {
  expect(parseCommand('/topic a  b\nc')).toEqual({ do: 'run', command: 'topic', rest: 'a  b\nc' });
  expect(parseCommand('/JOIN kitchen')).toEqual({ do: 'run', command: 'join', rest: 'kitchen' });
  expect(parseCommand('/leave')).toEqual({ do: 'run', command: 'leave', rest: '' });
  expect(parseCommand('/help me')).toEqual({ do: 'run', command: 'help', rest: 'me' });
  expect(parseCommand('/msg\nAna hi')).toEqual({ do: 'run', command: 'msg', rest: 'Ana hi' });
});

test('commands that are not there, and commands without what they need', () => {
  expect(parseCommand('/frobnicate x')).toEqual({ do: 'unknown', name: 'frobnicate' });
  expect(parseCommand('/größe')).toEqual({ do: 'unknown', name: 'größe' });
  expect(parseCommand('/constructor')).toEqual({ do: 'unknown', name: 'constructor' });
  expect(parseCommand('/mute')).toEqual({ do: 'lacking', command: 'mute' });
  expect(parseCommand('/me')).toEqual({ do: 'lacking', command: 'me' });
});

test('an action is a message that is shown as a sentence', () => {
  expect(parseCommand('/me   waves')).toEqual({ do: 'send', text: '/me waves' });
  expect(actionOf('/me waves')).toBe('waves');
  expect(actionOf('/me waves\nand smiles')).toBe('waves\nand smiles');
  for (const text of ['/me', '/me ', '/mean', ' /me x', 'x /me y', '/ME x', '//me x']) {
    expect(actionOf(text)).toBeUndefined();
  }
  expect(line('Ana', '/me waves')).toBe('Ana waves');
  expect(line('Ana', 'hello')).toBe('Ana: hello');
  expect(words('/me waves')).toBe('waves');
  const plain = parseCommand('//me waves');
  expect(plain).toEqual({ do: 'send', text: '\\/me waves' });
  expect(actionOf('\\/me waves')).toBeUndefined();
  expect(shown('\\/me waves')).toBe('/me waves');
});

test('a shrug keeps its arms', () => {
  const text = (typed: string) => (parseCommand(typed) as { text: string }).text;
  expect(shown(text('/shrug'))).toBe('¯\\_(ツ)_/¯');
  expect(shown(text('/shrug who knows'))).toBe('who knows ¯\\_(ツ)_/¯');
});

test('spans of time', () => {
  expect(['10m', '1h', '1d', '2 H', '5min'].map(parseSpan)).toEqual([600, 3600, 86400, 7200, 300]);
  for (const text of ['', '0m', 'm', '10', '1w', '-1h', '1.5h', '9999999m']) {
    expect(parseSpan(text), text).toBeUndefined();
  }
});

function shown(text: string): string {
  const [block] = parse(text).blocks;
  if (block?.kind !== 'paragraph') throw new Error('no paragraph');
  return block.children.map((node) => ('text' in node ? node.text : '?')).join('');
}
