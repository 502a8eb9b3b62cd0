import type { RoomInfo } from './wire.ts';

/** What is written in a query for a name: with quotes where it has spaces. */
const written = (name: string): string => (/[\s"“”„]/.test(name) ? `"${name}"` : name);

/** What one types to search in a room only; nothing where no name says which it is. */
export function inRoom({
  kind,
  name,
  people = [],
}: Pick<RoomInfo, 'kind' | 'name' | 'people'>): string {
  if (kind !== 'direct') return `in:${written(name)} `;
  const [only, ...others] = people;
  return only && others.length === 0 ? `in:${written(only.name)} ` : '';
}

/** A query with one more part, instead of an operator that is not finished. */
export function withPart(q: string, part: string): string {
  const rest = q.trim().replace(/(?:^|\s)-?(?:from|in|before|after|on|has|is):$/i, '');
  return rest === '' ? part : `${rest} ${part}`;
}

/** A name that is being typed at the end of a query. */
export interface Begun {
  readonly operator: 'from' | 'in';
  readonly part: string;
  /** Where the name begins in the query. */
  readonly at: number;
}

const begun =
  /(?:^|\s)-?(?<operator>from|in):(?<name>["“”„](?<quoted>[^"“”„]*)|[^\s"“”„:][^\s"“”„]*|)$/i;

/** The name that somebody types behind from: or in: */
export function begunIn(q: string): Begun | undefined {
  const { operator = '', name = '', quoted } = begun.exec(q)?.groups ?? {};
  if (operator === '') return undefined;
  return {
    operator: operator.toLowerCase() === 'in' ? 'in' : 'from',
    part: (quoted ?? name).replace(/^[#@]/, ''),
    at: q.length - name.length,
  };
}

/** A query with the whole name in it, ready for what comes next. */
export function named(q: string, { at }: Begun, name: string): string {
  return `${q.slice(0, at)}${written(name)} `;
}
