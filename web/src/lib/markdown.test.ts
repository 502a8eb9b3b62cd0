import { describe, expect, test } from 'vitest';
import { emojiNamed } from './emoji.ts';
import { hostile } from './hostile.ts';
import { caps, parse, type Block, type Context, type Doc, type Inline } from './markdown.ts';
import { isJumbo, isPlain } from './plain.ts';

const context: Context = {
  mentions: [
    { id: 'ann', name: 'Ann' },
    { id: 'lee', name: 'Ann Lee' },
    { id: 'hanako', name: '花子' },
    { id: 'star', name: '*star*' },
  ],
  origin: 'https://chat.example',
  emoji: (name) => emojiNamed(name)?.text,
};

/** A short way to write trees down: what is in a message, one line for each block. */
function sketch(text: string, more: Context = context): string[] {
  return parse(text, more).blocks.map(block);
}

function block(node: Block): string {
  switch (node.kind) {
    case 'paragraph':
      return line(node.children);
    case 'heading':
      return `h${node.level} ${line(node.children)}`;
    case 'quote':
      return `quote{${node.blocks.map(block).join('; ')}}`;
    case 'list': {
      const items = node.items.map((item) => {
        const box = item.done === undefined ? '' : item.done ? 'done ' : 'open ';
        return box + item.blocks.map(block).join('; ');
      });
      return `${node.start ?? '-'}${node.tight ? '' : ' loose'}{${items.join(' | ')}}`;
    }
    case 'code':
      return `code ${node.language}{${node.text}}`;
    case 'table': {
      const rows = [node.head, ...node.rows].map((row) => row.map(line).join(' | '));
      return `table ${node.align.map((side) => side ?? '?').join(',')}{${rows.join(' || ')}}`;
    }
    case 'rule':
      return 'rule';
  }
}

function line(nodes: readonly Inline[]): string {
  return nodes.map(inline).join('');
}

function inline(node: Inline): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'code':
      return `code{${node.text}}`;
    case 'link':
      return `${node.bare ? 'bare' : 'link'}{${line(node.children)} -> ${node.href}}`;
    case 'room':
      return `room{${line(node.children)} -> ${node.name}}`;
    case 'mention':
      return `mention{${node.name} -> ${node.id}}`;
    case 'emoji':
      return node.text;
    default:
      return `${node.kind}{${line(node.children)}}`;
  }
}

test.each<[string, ...string[]]>([
  ['a **b *c* d** ~~e~~', 'a strong{b em{c} d} strike{e}'],
  ['one\ntwo\n\nthree', 'one\ntwo', 'three'],
  ['# a\n\nb', 'h1 a', 'b'],
  ['- a\n- b\n  1. c', '-{a | b; 1{c}}'],
  ['3. a\n\n4. b', '3 loose{a | b}'],
  ['- [ ] a\n- [x] b\n- [y] c', '-{open a | done b | [y] c}'],
  ['> a\n>> b', 'quote{a; quote{b}}'],
  ['```js\n  a\n```', 'code js{  a}'],
  ['```js title="x"\na\n\n```', 'code js{a\n}'],
  ['a|b|c\n:-|:-:|-:\nd|`e`|', 'table start,center,end{a | b | c || d | code{e} | }'],
  ['a\n\n---', 'a', 'rule'],
  ['a &amp; b &copy; \\*c\\*', 'a & b © *c*'],
  ['<b>a</b>', '<b>a</b>'],
])('%j is read as GitHub does', (text, ...wanted) => {
  expect(sketch(text)).toEqual(wanted);
});

test.each([
  ['[a](https://x.example/b)', 'link{a -> https://x.example/b}'],
  ['[a](<https://x.example> "t")', 'link{a -> https://x.example/}'],
  ['[a][1]\n\n[1]: https://x.example', 'link{a -> https://x.example/}'],
  ['[1]: https://x.example', '[1]: https://x.example'],
  ['see https://x.example/a_b_c.', 'see bare{https://x.example/a_b_c -> https://x.example/a_b_c}.'],
  ['<mailto:a@x.example>', 'bare{mailto:a@x.example -> mailto:a@x.example}'],
  ['a@x.example', 'bare{a@x.example -> mailto:a@x.example}'],
  ['www.x.example/a', 'bare{www.x.example/a -> http://www.x.example/a}'],
  ['https://xn--pple-43d.com', 'bare{https://xn--pple-43d.com -> https://xn--pple-43d.com/}'],
  ['![a cat](https://x.example/c.png)', 'link{a cat -> https://x.example/c.png}'],
  ['[![a](https://x.example/c)](https://y.example)', 'link{a -> https://y.example/}'],
  ['[](https://x.example)', 'link{https://x.example/ -> https://x.example/}'],
  ['![](https://x.example)', 'link{https://x.example -> https://x.example/}'],
  // What is linked is what is read.
  [
    '[a](https://bank.example@evil.example)',
    '[a](bare{https://bank.example -> https://bank.example/}@evil.example)',
  ],
  ['[https://a.example\u202e](https://x.example)', 'link{https://a.example -> https://x.example/}'],
])('%j is the link %s', (text, wanted) => {
  expect(sketch(text)).toEqual([wanted]);
});

test.each([
  'README.md and main.go, example.com, 1.2.3.4, a.b.c',
  '[a](javascript:alert(1))',
  '[a](/settings)',
  'std::vec::Vec, 10:30:45, a:tada:b',
  'c#sharp a@Ann #12 #-a #',
  '@Annette, @Ann\u0301, @nobody',
  'ftp://x.example //x.example',
])('%j is no link, mention or emoji', (text) => {
  expect(sketch(text)).toEqual([text]);
});

test.each([
  ['#kitchen', 'room{#kitchen -> kitchen}'],
  ['(#Kitchen-Build_2).', '(room{#Kitchen-Build_2 -> kitchen-build_2}).'],
  ['**#台所**', 'strong{room{#台所 -> 台所}}'],
  ['`#kitchen`', 'code{#kitchen}'],
  ['[here](/r/kitchen)', 'room{here -> kitchen}'],
  ['https://chat.example/r/kitchen', 'room{https://chat.example/r/kitchen -> kitchen}'],
  [
    'https://chat.example/r/kitchen?m=3',
    'bare{https://chat.example/r/kitchen?m=3 -> https://chat.example/r/kitchen?m=3}',
  ],
  [
    'https://other.example/r/kitchen',
    'bare{https://other.example/r/kitchen -> https://other.example/r/kitchen}',
  ],
  [`#${'x'.repeat(65)}`, `#${'x'.repeat(65)}`],
])('%j holds the room %s', (text, wanted) => {
  expect(sketch(text)).toEqual([wanted]);
});

test.each([
  ['@Ann Lee and @ann', 'mention{Ann Lee -> lee} and mention{ann -> ann}'],
  ['@Ann, @Ann.', 'mention{Ann -> ann}, mention{Ann -> ann}.'],
  ['**@Ann**', 'strong{mention{Ann -> ann}}'],
  ['@*star*', 'mention{*star* -> star}'],
  ['今日は@花子さん', '今日はmention{花子 -> hanako}さん'],
  ['`@Ann`', 'code{@Ann}'],
  ['[@Ann](https://x.example)', 'link{@Ann -> https://x.example/}'],
])('%j mentions %s', (text, wanted) => {
  expect(sketch(text)).toEqual([wanted]);
});

test('emoji have names, unless nobody knows them', () => {
  expect(sketch('a :tada: b :nothing: `:tada:`')).toEqual(['a 🎉 b :nothing: code{:tada:}']);
  expect(sketch(':tada::+1:')).toEqual(['🎉👍']);
  expect(sketch(':tada:', {})).toEqual([':tada:']);
});

test.each([
  ['🎉', true],
  ['🎉 👍🏽\n🏴‍☠️', true],
  ['👨‍👩‍👧‍👦👩🏽‍🚀🧑🏻‍🤝‍🧑🏿', true],
  ['🇩🇪🇯🇵1️⃣', true],
  ['🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}', true],
  ['❤️', true],
  [':tada: :+1:', true],
  ['🎉🎉🎉🎉', false],
  ['🎉 a', false],
  ['123', false],
  ['©', false],
  ['', false],
  ['**🎉**', false],
  ['> 🎉', false],
  ['🎉\n\n🎉', false],
])('%j is shown large: %s', (text, large) => {
  expect(parse(text, context).jumbo).toBe(large);
  if (isPlain(text)) expect(isJumbo(text) && !text.includes('\n\n')).toBe(large);
});

test.each([
  'hello',
  'Is it 10:30, or 11? I (we) think so; “yes” - no + maybe = well…',
  'one\ntwo\n\nthree',
  'AT&T, R&D, <3, a < b > c, 50%, $5, ~5, 5^2, {a}',
  '+1 -1 3.5 2. and 1)',
  'سلام 台所 😀 README.md example.com',
])('%j is plain', (text) => {
  expect(isPlain(text)).toBe(true);
});

test.each([
  ...['*a*', '_a_', '`a`', '[a](b)', '> a', '# a', '#a', '@a', 'a\n- b', 'a\n1. b', '~~a~~', '+ a'],
  ...[
    'a\n===',
    'a\n---',
    '    a',
    '&amp;',
    '\\*',
    'http://a',
    'x@y',
    'www.a',
    ':a:',
    'a|b',
    '<a:b>',
  ],
])('%j is not plain', (text) => {
  expect(isPlain(text)).toBe(false);
});

describe('hostile texts', () => {
  test('there are many, and each has a name of its own', () => {
    expect(hostile.length).toBeGreaterThan(500);
    expect(new Set(hostile.map(({ what }) => what)).size).toBe(hostile.length);
  });

  test.each(hostile)('$what: stays within the caps, leads nowhere unsafe', ({ text }) => {
    const seen = survey(parse(text, context));
    expect(seen.nodes).toBeLessThanOrEqual(caps.nodes);
    expect(seen.depth).toBeLessThanOrEqual(caps.depth);
    for (const href of seen.hrefs) {
      expect(href).toMatch(/^(https?:\/\/[^/@]+(\/|$)|mailto:)/);
      expect(href.length).toBeLessThan(10_000);
    }
    for (const room of seen.rooms) expect(room).toMatch(/^[\p{L}\p{M}\p{N}_-]+$/u);
  });

  test('what is plain is shown as it is by the parser too', () => {
    const plain = hostile.filter(({ text }) => isPlain(text) && text.trim() !== '');
    expect(plain.length).toBeGreaterThan(20);
    for (const { what, text } of plain) {
      const { blocks } = parse(text, context);
      expect(
        blocks.every((node) => node.kind === 'paragraph'),
        what,
      ).toBe(true);
      expect(words(sketch(text).join('\n')), what).toBe(words(text));
    }
  });

  test('what is too deep, too wide or too long is shown as it was written', () => {
    for (const text of ['> '.repeat(200) + 'x', '*a* '.repeat(3_000), 'x'.repeat(20_000) + '*a*']) {
      expect(sketch(text)).toEqual([text]);
    }
    expect(sketch('> '.repeat(30) + 'x')[0]).toMatch(/^(quote\{){18}x\}+$/);
  });
});

function words(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function survey(doc: Doc) {
  const seen = { nodes: 0, depth: 0, hrefs: [] as string[], rooms: [] as string[] };
  const blocks = (nodes: readonly Block[], depth: number): void => {
    for (const node of nodes) {
      seen.nodes++;
      seen.depth = Math.max(seen.depth, depth);
      if (node.kind === 'quote') blocks(node.blocks, depth + 1);
      else if (node.kind === 'list') for (const item of node.items) blocks(item.blocks, depth + 2);
      else if (node.kind === 'table') {
        for (const row of [node.head, ...node.rows]) {
          for (const cell of row) inlines(cell, depth + 1);
        }
      } else if ('children' in node) inlines(node.children, depth + 1);
    }
  };
  const inlines = (nodes: readonly Inline[], depth: number): void => {
    for (const node of nodes) {
      seen.nodes++;
      seen.depth = Math.max(seen.depth, depth);
      if (node.kind === 'link') seen.hrefs.push(node.href);
      if (node.kind === 'room') seen.rooms.push(node.name);
      if ('children' in node) inlines(node.children, depth + 1);
    }
  };
  blocks(doc.blocks, 1);
  return seen;
}
