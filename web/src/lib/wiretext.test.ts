import { describe, expect, it } from 'vitest';
import { cellsOf, fieldsOf, maskedBytes, rowWidth } from './wirebits.ts';
import { linesOf, valueIn } from './wirehead.ts';
import { beginning, clockOf, dump, pretty, visible } from './wiretext.ts';

describe('a text that is looked at', () => {
  it('has codes where something would hide', () => {
    const text = 'a\u202eb\u0007c\u200bd\ufeffe\ud800f\u{e0041}g\u2066h\u00adi';
    expect(visible(text)).toBe(
      'a\\u202eb\\u0007c\\u200bd\\ufeffe\\ud800f\\udb40\\udc41g\\u2066h\\u00adi',
    );
    const plain = 'two\nlines\tÄ 日本 שלום 👩‍👧 🎉';
    expect(visible(plain).replace('\\u200d', '\u200d')).toBe(plain);
  });

  it('is put in order where it is JSON', () => {
    expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(pretty('hello')).toBeUndefined();
    expect(pretty('12')).toBeUndefined();
  });

  it('is cut between characters', () => {
    expect(beginning('ab🎉c', 3)).toBe('ab');
    expect(beginning('ab🎉c', 4)).toBe('ab🎉');
    expect(beginning('ab', 4)).toBe('ab');
    expect(dump('00'.repeat(17))).toBe(`${Array(16).fill('00').join(' ')}\n00`);
    expect(dump('')).toBe('');
    expect(clockOf(new Date(2026, 0, 1, 2, 3, 4, 5).getTime())).toBe('02:03:04.005');
  });
});

describe('a header', () => {
  const short = (head: string) => fieldsOf(head).map(({ name, value }) => [name.slice(5), value]);

  it('is taken apart bit by bit', () => {
    const start = (...rest: string[][]) => [
      ['fin', '1'],
      ['rsv1', '0'],
      ['rsv2', '0'],
      ['rsv3', '0'],
      ['opcode', '1'],
      ...rest,
    ];
    expect(short('8105')).toEqual(start(['mask', '0'], ['length', '5']));
    expect(short('81fe012ca1b2c3d4')).toEqual(
      start(['mask', '1'], ['length', '126'], ['extended', '300'], ['key', 'a1b2c3d4']),
    );
    expect(short('817f0000000000100000')).toEqual(
      start(['mask', '0'], ['length', '127'], ['extended', '1048576']),
    );
    expect(short('c1').slice(0, 2)).toEqual([
      ['fin', '1'],
      ['rsv1', '1'],
    ]);
    expect(fieldsOf('')).toEqual([]);
    expect(fieldsOf('8900').map(({ means }) => means)).toContain('bits.op9');
  });

  it('is laid out in rows without a hole', () => {
    const cells = cellsOf(fieldsOf('81ff0000000000100000a1b2c3d4'));
    expect(Math.max(...cells.map(({ row }) => row))).toBe(6);
    for (const { column, bits } of cells)
      expect(column + bits.length).toBeLessThanOrEqual(rowWidth);
    expect(cells.reduce((sum, { bits }) => sum + bits.length, 0)).toBe(14 * 8);
    expect(cells.filter(({ begins }) => begins)).toHaveLength(9);
  });

  it('shows how the mask works, with the example of RFC 6455, section 5.7', () => {
    const bytes = maskedBytes('Hello', '37fa213d');
    expect(bytes.map(({ wire }) => wire).join('')).toBe('7f9f4d5158');
    expect(bytes.map(({ clear }) => clear).join('')).toBe('48656c6c6f');
    expect(maskedBytes('Hello', '')).toEqual([]);
  });
});

describe('a head', () => {
  const head =
    'GET /?wire=•••:2 HTTP/1.1\r\nHost: x:1 \r\nX-Odd\r\nsec-fetch-site: same-origin\r\n\r\n';

  it('is read line by line, each with its meaning', () => {
    expect(linesOf(head)).toEqual([
      { text: 'GET /?wire=•••:2 HTTP/1.1', means: 'head.line' },
      { name: 'Host', text: 'x:1', means: 'head.host' },
      { text: 'X-Odd', means: 'head.other' },
      { name: 'sec-fetch-site', text: 'same-origin', means: 'head.sec-fetch' },
    ]);
    expect(valueIn(head, 'host')).toBe('x:1');
    expect(valueIn(head, 'upgrade')).toBeUndefined();
    expect(linesOf('')).toEqual([{ text: '', means: 'head.line' }]);
  });
});
