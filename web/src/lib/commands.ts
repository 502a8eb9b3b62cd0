/** What can be typed after a slash, in the order of the help sheet. */
export const commandNames = [
  'help',
  'me',
  'shrug',
  'join',
  'leave',
  'msg',
  'topic',
  'invite',
  'mute',
  'nick',
  'search',
  'wire',
] as const;

export type CommandName = (typeof commandNames)[number];

/** What stands behind a command on the help sheet, where a command wants something. */
export const wants: Partial<
  Record<CommandName, readonly ('name' | 'room' | 'text' | 'more' | 'for')[]>
> = {
  me: ['text'],
  shrug: ['more'],
  join: ['room'],
  msg: ['name', 'more'],
  topic: ['text'],
  invite: ['name'],
  mute: ['name', 'for'],
  nick: ['name'],
  search: ['more'],
};

/** Commands that mean something without what may follow them. */
const alone: ReadonlySet<CommandName> = new Set(['help', 'shrug', 'leave', 'search', 'wire']);

export type Parsed =
  /** A message. */
  | { readonly do: 'send'; readonly text: string }
  | { readonly do: 'run'; readonly command: CommandName; readonly rest: string }
  | { readonly do: 'unknown'; readonly name: string }
  /** A command without what it needs. */
  | { readonly do: 'lacking'; readonly command: CommandName };

/** ¯\_(ツ)_/¯, written so that Markdown shows all of it. */
const shrug = String.raw`¯\\\_(ツ)\_/¯`;

// A path such as /etc/hosts is no command.
const shape = /^\/([\p{L}\p{N}_-]+)(?:\s+([^]*))?$/u;

/** What somebody means who wrote that, without white space around it. */
export function parseCommand(text: string): Parsed {
  if (text.startsWith('//')) {
    // Otherwise it would be an action all the same.
    const escaped = /^\/\/me[ \t]/.test(text);
    return { do: 'send', text: escaped ? `\\${text.slice(1)}` : text.slice(1) };
  }
  const [, typed, rest = ''] = shape.exec(text) ?? [];
  if (typed === undefined) return { do: 'send', text };
  const command = commandNames.find((name) => name === typed.toLowerCase());
  if (!command) return { do: 'unknown', name: typed };
  if (rest === '' && !alone.has(command)) return { do: 'lacking', command };
  if (command === 'me') return { do: 'send', text: `/me ${rest}` };
  if (command === 'shrug') return { do: 'send', text: rest === '' ? shrug : `${rest} ${shrug}` };
  return { do: 'run', command, rest };
}

const units = { m: 60, h: 3_600, d: 86_400 } as const;

/** "10m", "1h", "1 d" in seconds; undefined if it is no span of time. */
export function parseSpan(text: string): number | undefined {
  const [, n, unit] = /^(\d{1,6})\s*([mhd])(?:in)?$/i.exec(text) ?? [];
  if (!n || !unit) return undefined;
  return Number(n) * units[unit.toLowerCase() as keyof typeof units] || undefined;
}
