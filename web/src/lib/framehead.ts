import { ofHex } from './bytes.ts';

/** The header of a frame, taken apart: RFC 6455, section 5.2. */
export interface FrameHead {
  fin: boolean;
  /** RSV1: the message is packed (RFC 7692). */
  packed: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  /** What the seven bits say: the length, or 126 or 127 for "see behind". */
  short: number;
  /** The bytes behind, if the length has some of its own. */
  more: Uint8Array;
  /** The bytes of the payload. */
  length: number;
  /** The mask key, empty if there is none. */
  key: Uint8Array;
  bytes: Uint8Array;
}

/** How many bytes of its own a length has behind its seven bits. */
export const lengthBytes = (short: number): number => (short === 127 ? 8 : short === 126 ? 2 : 0);

/** Takes a header apart; undefined if it is not all there. */
export function readHead(digits: string): FrameHead | undefined {
  const bytes = ofHex(digits);
  const [first, second] = bytes;
  if (first === undefined || second === undefined) return undefined;
  const masked = (second & 0x80) !== 0;
  const short = second & 0x7f;
  const behind = 2 + lengthBytes(short);
  if (bytes.length < behind + (masked ? 4 : 0)) return undefined;
  const more = bytes.subarray(2, behind);
  return {
    fin: (first & 0x80) !== 0,
    packed: (first & 0x40) !== 0,
    rsv: (first >> 4) & 7,
    opcode: first & 0x0f,
    masked,
    short,
    more,
    length: more.length === 0 ? short : more.reduce((sum, byte) => sum * 256 + byte, 0),
    key: masked ? bytes.subarray(behind, behind + 4) : bytes.subarray(0, 0),
    bytes,
  };
}

/** A close frame's code and reason: RFC 6455, section 5.5.1. Without a code, undefined. */
export function closeOf(bytes: Uint8Array): { code: number; reason: string } | undefined {
  const [high, low] = bytes;
  if (high === undefined || low === undefined) return undefined;
  return { code: high * 256 + low, reason: new TextDecoder().decode(bytes.subarray(2)) };
}
