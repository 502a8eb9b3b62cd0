import { expect, test } from 'vitest';
import { acceptOf } from './accept.ts';
import { bitsOf, hexOf, letterOf, masked, maskedExample, ofHex } from './bytes.ts';
import { closeOf, readHead } from './framehead.ts';
import { pack, payloadOf, unpack } from './packing.ts';

const digits = (bytes: Uint8Array): string => [...bytes].map(hexOf).join('');
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test('the accept key of RFC 6455, section 1.3, with every value on the way', async () => {
  expect(await acceptOf('dGhlIHNhbXBsZSBub25jZQ==')).toEqual({
    key: 'dGhlIHNhbXBsZSBub25jZQ==',
    joined: 'dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11',
    digest: ofHex('b37a4f2cc0624f1690f64606cf385945b2bec4ea'),
    accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  });
});

test('the mask of RFC 6455, section 5.7, and away again', () => {
  const head = readHead('818537fa213d');
  expect(head).toMatchObject({ fin: true, packed: false, opcode: 1, masked: true, length: 5 });
  const onWire = ofHex('7f9f4d5158');
  expect(text(masked(onWire, head?.key ?? new Uint8Array()))).toBe('Hello');
  const example = masked(new TextEncoder().encode(maskedExample.text), ofHex(maskedExample.key));
  expect(digits(example)).toBe('7f9f4d5158');
  expect(maskedExample).toEqual({ text: 'Hello', key: '37fa213d', wire: '7f9f4d5158' });
});

test.each([
  ['810548656c6c6f', { fin: true, opcode: 1, masked: false, short: 5, length: 5 }],
  ['01036c6c6f', { fin: false, opcode: 1, length: 3 }],
  ['8900', { opcode: 9, length: 0 }],
  ['827e0100', { opcode: 2, short: 126, length: 256 }],
  ['827f0000000000010000', { opcode: 2, short: 127, length: 65_536 }],
  ['c10700', { packed: true, rsv: 4, length: 7 }],
])('the header %s', (bytes, head) => {
  expect(readHead(bytes)).toMatchObject(head);
});

test.each(['', '81', '8185a1b2', '817e01', '81ff00000000'])(
  'half a header, %j, is none',
  (bytes) => {
    expect(readHead(bytes)).toBeUndefined();
  },
);

test('a close frame says a code and a reason, or nothing', () => {
  expect(closeOf(ofHex('03e8646f6e65'))).toEqual({ code: 1000, reason: 'done' });
  for (const less of ['', '03']) expect(closeOf(ofHex(less))).toBeUndefined();
});

test('the packed "Hello" of RFC 7692, section 7.2.3.1', async () => {
  expect(text(await unpack(ofHex('f248cdc9c90700')))).toBe('Hello');
  expect(digits((await pack('Hello', 7)) ?? new Uint8Array())).toBe('f248cdc9c90700');
  expect(await pack('Hello', 8)).toBeUndefined();
});

test('what is packed unpacks to itself, however its bits fall', async () => {
  for (let n = 1; n < 60; n++) {
    const said = JSON.stringify({ send: { id: n, text: 'Grüße 🎉 '.repeat(n).slice(n % 7) } });
    // A message is as long as the stream, or one byte longer: one of both must be it.
    const short = await lengthOf(said);
    const packed = (await pack(said, short)) ?? (await pack(said, short + 1));
    expect(text(await unpack(packed ?? new Uint8Array()))).toBe(said);
  }
});

async function lengthOf(said: string): Promise<number> {
  const stream = new Blob([said]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

test('a payload is shown only if it has the length that was counted', async () => {
  expect(digits((await payloadOf('Hello', { rsv1: false, length: 5 })) ?? new Uint8Array())).toBe(
    '48656c6c6f',
  );
  expect(await payloadOf('Hello', { rsv1: false, length: 6 })).toBeUndefined();
  expect(await payloadOf('Hello', { rsv1: true, length: 5 })).toBeUndefined();
});

test('what is no packed message is refused', async () => {
  await expect(unpack(ofHex('ffffffff'))).rejects.toThrow();
});

test('bytes as people read them', () => {
  expect([bitsOf(0x81), hexOf(7), letterOf(0x48), letterOf(0x20), letterOf(0xc3)]).toEqual([
    '10000001',
    '07',
    'H',
    '␣',
    '·',
  ]);
});
