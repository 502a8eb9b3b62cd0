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
