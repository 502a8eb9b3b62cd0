import { expect, test } from 'vitest';
import { bestOf, callsAll, inCode, put, wantedAt } from './completion.ts';

/** What is completed where the bar stands. */
function at(marked: string): string | undefined {
  const caret = marked.indexOf('|');
  const found = wantedAt(marked.replace('|', ''), caret);
  return found && `${found.kind} ${found.from} ${found.part}`;
}

test('people', () => {
  expect(at('@|')).toBe('person 0 ');
  expect(at('hello @An|')).toBe('person 6 An');
  expect(at('(@An|)')).toBe('person 1 An');
  expect(at('hello @Ana Mús|, you')).toBe('person 6 Ana Mús');
  expect(at('@one two three four five|')).toBeUndefined();
  expect(at('@An\n|')).toBeUndefined();
  expect(at('@ |')).toBeUndefined();
  expect(at('@Ana @B|')).toBe('person 5 B');
  expect(at('@张|')).toBe('person 0 张');
  expect(at('你好@张|你好')).toBe('person 2 张');
  expect(at('שלום @דנ|')).toBe('person 5 דנ');
});

test('rooms', () => {
  expect(at('#|')).toBe('room 0 ');
  expect(at('see #kitchen-b|')).toBe('room 4 kitchen-b');
  expect(at('# heading|')).toBeUndefined();
  expect(at('C#|')).toBeUndefined();
  expect(at('##|')).toBeUndefined();
  expect(at('https://x.org/#top|')).toBeUndefined();
});

test('emoji, after two letters', () => {
  expect(at(':|')).toBeUndefined();
  expect(at(':s|')).toBeUndefined();
  expect(at(':sm|')).toBe('emoji 0 sm');
  expect(at('yes :+1|')).toBe('emoji 4 +1');
  expect(at('at 10:30|')).toBeUndefined();
  expect(at('std::ve|')).toBeUndefined();
  expect(at('http://ex|')).toBeUndefined();
  expect(at('note:this|')).toBeUndefined();
  expect(at(':smile:|')).toBeUndefined();
});

test('commands, at the beginning', () => {
  expect(at('/|')).toBe('command 0 ');
  expect(at('/sh|')).toBe('command 0 sh');
  expect(at(' /sh|')).toBeUndefined();
  expect(at('/msg @An|')).toBe('person 5 An');
  expect(at('//|')).toBeUndefined();
  expect(at('|/me')).toBeUndefined();
});

test('no addresses of mail, no words that are there already', () => {
  expect(at('ana@exam|')).toBeUndefined();
  expect(at('ana.m@exam|')).toBeUndefined();
  expect(at('@A|na')).toBeUndefined();
  expect(at(':sm|ile')).toBeUndefined();
});

test('nothing in code', () => {
  expect(at('`@An|')).toBeUndefined();
  expect(at('`x` @An|')).toBe('person 4 An');
  expect(at('``a ` @An|')).toBeUndefined();
  expect(at('\\` @An|')).toBe('person 3 An');
  expect(at('```\n@An|')).toBeUndefined();
  expect(at('```js\nx\n```\n@An|')).toBe('person 12 An');
  expect(at('~~~\n#ro|')).toBeUndefined();
  expect(at('it`s\n\n@An|')).toBe('person 6 An');
  expect(inCode('a `b` c', 3)).toBe(true);
  expect(inCode('a `b` c', 7)).toBe(false);
});

test('characters of two halves', () => {
  expect(at('🎉@An|')).toBeUndefined();
  expect(at('🎉 @An|')).toBe('person 3 An');
  expect(at('@𝒜n|')).toBe('person 0 𝒜n');
  expect(wantedAt('@🎉', 2)).toBeUndefined();
  expect(wantedAt('\ud83c@a', 3)).toBeUndefined();
  expect(wantedAt('@a\udf89', 2)).toBeUndefined();
});

test('long texts take no time', () => {
  const long = '@'.repeat(16_000);
  const begun = performance.now();
  wantedAt(long, long.length);
  callsAll('@here'.repeat(100) + '`'.repeat(10_000));
  expect(performance.now() - begun).toBeLessThan(200);
});

test('what is put has one space behind it', () => {
  expect(put('hi @an', 3, 6, '@Ana')).toEqual({ text: 'hi @Ana ', caret: 8 });
  expect(put('hi @an, you', 3, 6, '@Ana')).toEqual({ text: 'hi @Ana , you', caret: 8 });
  expect(put('hi @an you', 3, 6, '@Ana')).toEqual({ text: 'hi @Ana you', caret: 8 });
  expect(put('a\n@b\nc', 2, 4, '@Ben')).toEqual({ text: 'a\n@Ben \nc', caret: 7 });
});

test('the best come first, whatever their accents', () => {
  const all = ['Banana', 'Jo Ana', 'Ánabel', 'Ana', 'Ben'].map((name) => ({ name }));
  const found = bestOf(all, 'ana', 4).map(({ name }) => name);
  expect(found).toEqual(['Ana', 'Ánabel', 'Jo Ana', 'Banana']);
  expect(bestOf(all, '', 2)).toHaveLength(2);
  expect(bestOf(all, 'x', 2)).toEqual([]);
});

test('whom a text calls', () => {
  expect(callsAll('@here look')).toBe('here');
  expect(callsAll('@Channel: look, @here')).toBe('channel');
  expect(callsAll('(@here)')).toBe('here');
  for (const text of ['@hereby', 'me@here', '@@here', '`@here`', '```\n@channel', 'here', '']) {
    expect(callsAll(text), text).toBeUndefined();
  }
});
