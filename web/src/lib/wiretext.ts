/** What passed as text that is safe to look at. */

// Control characters but line ends and tabs, what has no width or turns the direction, and what stands
// for no character at all.
const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g;

const code = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** The text with codes for characters that would hide, or change how others look. */
export function visible(text: string): string {
  return text.replace(unseen, (found) => found.split('').map(code).join(''));
}

/** JSON in order, or undefined where it is none. */
export function pretty(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? JSON.stringify(value, null, 2) : undefined;
  } catch {
    return undefined;
  }
}

/** The beginning of a text, without half a character at its end. */
export function beginning(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  const half = text.length > most && last >= 0xd800 && last < 0xdc00;
  return text.slice(0, half ? most - 1 : most);
}

/** Hexadecimal digits in groups of two, sixteen bytes a line. */
export function dump(hex: string): string {
  return hex.replace(/(..)(?=.)/g, '$1 ').replace(/((?:.. ){15}..) /g, '$1\n');
}

/** The time of a day, to the millisecond. */
export function clockOf(at: number): string {
  const date = new Date(at);
  const two = (n: number, width = 2) => String(n).padStart(width, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => two(n)).join(':');
  return `${time}.${two(date.getMilliseconds(), 3)}`;
}
