/** Bytes as the wire view shows them. */

/** The bytes that hexadecimal digits stand for; as many as there are whole pairs. */
export function ofHex(digits: string): Uint8Array<ArrayBuffer> {
  const pairs = digits.match(/[0-9a-f]{2}/gi) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}

/** A byte as two hexadecimal digits. */
export const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0');

/** A byte as eight digits, the highest bit first. */
export const bitsOf = (byte: number): string => byte.toString(2).padStart(8, '0');

/** What a byte is as a letter; a dot for those that are none by themselves. */
export const letterOf = (byte: number): string =>
  byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : byte === 0x20 ? '␣' : '·';

/** RFC 6455, section 5.3: byte i is combined with byte i mod 4 of the key. Masks, and takes the mask away. */
export function masked(payload: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(payload, (byte, i) => byte ^ (key[i % key.length] ?? 0));
}

/** The masked text of RFC 6455, section 5.7, and its key. */
export const maskedExample = { text: 'Hello', key: '37fa213d', wire: '7f9f4d5158' };
