import { codeMeaning } from '../lib/wiremeaning.ts';
import { opcode as known } from '../lib/wireread.ts';
import { tw } from './tour.svelte.ts';

type Key = Parameters<typeof tw>[0];
const plain = tw as (key: Key) => string;

const opcodes: ReadonlySet<number> = new Set(Object.values(known));

/** What an opcode is called. */
export function nameOf(opcode: number): string {
  return plain(opcodes.has(opcode) ? (`op.${opcode}` as Key) : 'op.other');
}

/** What an opcode is for. */
export function meaningOf(opcode: number): string {
  return opcodes.has(opcode) ? plain(`op.meaning.${opcode}` as Key) : '';
}

/** What a close code means: RFC 6455, section 7.4.1, and what hubbub added. */
export function closeMeans(code: number): string {
  return plain(codeMeaning(code));
}
