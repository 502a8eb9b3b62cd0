import { createLowlight, common } from 'lowlight';
import { expect, test } from 'vitest';
import { labelOf, languageNamed, runsOf } from './code.ts';

test.each([
  ['js', 'javascript', 'JavaScript'],
  ['Go', 'go', 'Go'],
  ['C++', 'cpp', 'C++'],
  ['html', 'xml', 'HTML'],
  ['svg', 'xml', 'SVG'],
  ['ini', 'ini', 'ini'],
  ['toml', 'ini', 'TOML'],
  ['', undefined, ''],
  ['brainfuck', undefined, 'brainfuck'],
  ['constructor', undefined, 'constructor'],
  ['x'.repeat(50), undefined, `${'x'.repeat(24)}…`],
])('%j is the language %s, shown as %j', (name, language, label) => {
  expect(languageNamed(name)).toBe(language);
  expect(labelOf(name)).toBe(label);
});

test('the pieces of code make up the code, and say what they are', () => {
  const code = 'const a = "b"; // c\n\tfunction d(e: number) { return `${1}` }\n';
  const runs = runsOf(createLowlight(common).highlight('typescript', code));
  expect(runs.map(({ text }) => text).join('')).toBe(code);
  const tintOf = (text: string) => runs.find((run) => run.text === text)?.tint;
  expect(tintOf('const')).toBe('keyword');
  expect(tintOf('"b"')).toBe('string');
  expect(tintOf('// c')).toBe('comment');
  expect(tintOf('d')).toBe('title');
  expect(tintOf('1')).toBe('number');
});

test('a tree of any depth is read', () => {
  type Tree = Parameters<typeof runsOf>[0];
  let tree: Tree = { type: 'text', value: 'x' };
  for (let i = 0; i < 50_000; i++) {
    tree = { type: 'element', properties: { className: ['hljs-string'] }, children: [tree] };
  }
  expect(runsOf(tree)).toEqual([{ text: 'x', tint: 'string' }]);
});
