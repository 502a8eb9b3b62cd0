/** The header of a frame, bit by bit: RFC 6455, section 5.2. */

import type { PlainWireKey } from '../lang/wire.en.ts';
import { bitsOf, hexOf, masked, ofHex } from './bytes.ts';
import { lengthBytes } from './framehead.ts';

/** A field of the header. */
export interface Field {
  name: PlainWireKey;
  /** Of the first bit, from 0. */
  at: number;
  /** The digits of its bits. */
  bits: string;
  value: string;
  means: PlainWireKey;
}

const opcodes: Record<number, PlainWireKey> = {
  0: 'bits.op0',
  1: 'bits.op1',
  2: 'bits.op2',
  8: 'bits.op8',
  9: 'bits.op9',
  10: 'bits.op10',
};

const lengthMeans: Record<number, PlainWireKey> = { 126: 'bits.length126', 127: 'bits.length127' };

/** The fields of a header in hexadecimal digits, as far as it goes. */
export function fieldsOf(head: string): Field[] {
  const bytes = ofHex(head);
  const digits = [...bytes].map(bitsOf).join('');
  let at = 0;
  const fields: Field[] = [];
  const take = (
    name: PlainWireKey,
    width: number,
    means: (value: number) => PlainWireKey,
  ): number => {
    const bits = digits.slice(at, at + width);
    const value = Number.parseInt(bits, 2);
    if (bits.length === width) {
      fields.push({ name, at, bits, value: String(value), means: means(value) });
    }
    at += width;
    return value;
  };
  const flag = (set: PlainWireKey, unset: PlainWireKey) => (value: number) =>
    value === 1 ? set : unset;
  take('bits.fin', 1, flag('bits.finSet', 'bits.finUnset'));
  take('bits.rsv1', 1, flag('bits.rsv1Set', 'bits.rsv1Unset'));
  take('bits.rsv2', 1, flag('bits.rsvSet', 'bits.rsvUnset'));
  take('bits.rsv3', 1, flag('bits.rsvSet', 'bits.rsvUnset'));
  take('bits.opcode', 4, (value) => opcodes[value] ?? 'bits.opOther');
  const keyed = take('bits.mask', 1, flag('bits.maskSet', 'bits.maskUnset')) === 1;
  const length = take('bits.length', 7, (value) => lengthMeans[value] ?? 'bits.lengthItself');
  const more = 8 * lengthBytes(length);
  if (more > 0) take('bits.extended', more, () => 'bits.extendedMeans');
  if (keyed) {
    take('bits.key', 32, () => 'bits.keyMeans');
    const key = fields.at(-1);
    if (key?.name === 'bits.key') key.value = head.slice(-8);
  }
  return fields;
}

/** A part of a field that stands in one row of the diagram. */
export interface Cell {
  field: Field;
  row: number;
  column: number;
  bits: string;
  /** The field begins here: this part has its name. */
  begins: boolean;
}

/** So many bits stand in a row: no field but those of whole rows goes over its end. */
export const rowWidth = 16;

export function cellsOf(fields: readonly Field[]): Cell[] {
  return fields.flatMap((field) => {
    const cells: Cell[] = [];
    for (let from = 0; from < field.bits.length; from += rowWidth) {
      const at = field.at + from;
      cells.push({
        field,
        row: Math.floor(at / rowWidth),
        column: at % rowWidth,
        bits: field.bits.slice(from, from + rowWidth),
        begins: from === 0,
      });
    }
    return cells;
  });
}

/** One byte of a payload: as it passed, the byte of the key, and what they make. */
export interface MaskedByte {
  wire: string;
  key: string;
  clear: string;
}

/** How the first bytes of a text were masked. */
export function maskedBytes(text: string, mask: string, most = 8): MaskedByte[] {
  const key = ofHex(mask);
  if (key.length !== 4) return [];
  const clear = new TextEncoder().encode(text.slice(0, most)).subarray(0, most);
  const wire = masked(clear, key);
  return [...clear].map((byte, i) => ({
    wire: hexOf(wire[i] ?? 0),
    key: hexOf(key[i % 4] ?? 0),
    clear: hexOf(byte),
  }));
}
