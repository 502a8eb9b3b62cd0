import Parser, { type MarkdownIt, type StateInline, type Token } from 'markdown-it';
import { Names, mayBegin, type Person } from './mentions.ts';
import { isJumbo } from './plain.ts';
import { isRoomName, toRoomName } from './route.ts';
import { roomOfLink, safeHref } from './safelink.ts';

// This module brings the parser along: it is loaded with the first message that needs it.

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'em' | 'strike'; readonly children: readonly Inline[] }
  /** `bare` where people read the address itself. */
  | {
      readonly kind: 'link';
      readonly href: string;
      readonly bare: boolean;
      readonly children: readonly Inline[];
    }
  | { readonly kind: 'room'; readonly name: string; readonly children: readonly Inline[] }
  | { readonly kind: 'mention'; readonly id: string; readonly name: string }
  | { readonly kind: 'emoji'; readonly text: string; readonly name: string };

export type Align = 'start' | 'center' | 'end' | undefined;

export interface Item {
  readonly blocks: readonly Block[];
  /** Whether it is done; undefined if it is no task. */
  readonly done: boolean | undefined;
}

export type Block =
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly kind: 'list';
      /** The first number, of a list that has numbers. */
      readonly start: number | undefined;
      /** Its items were written without empty lines between them. */
      readonly tight: boolean;
      readonly items: readonly Item[];
    }
  | { readonly kind: 'code'; readonly language: string; readonly text: string }
  | {
      readonly kind: 'table';
      readonly align: readonly Align[];
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    }
  | { readonly kind: 'rule' };

/** A message as the page shows it. Whatever is in its text, there is nothing else in here. */
export interface Doc {
  readonly blocks: readonly Block[];
  /** One to three emoji and nothing else. */
  readonly jumbo: boolean;
}

export interface Context {
  /** Who can be mentioned. The same list should come as the same array: what is made of it is kept. */
  readonly mentions?: readonly Person[] | undefined;
  /** Where this page is from: links to rooms there stay in the page. */
  readonly origin?: string | undefined;
  /** The emoji with a name, once the list of them is there. */
  readonly emoji?: ((name: string) => string | undefined) | undefined;
}

/** What a message may be at most, to be read as Markdown; else it is shown as it was written. */
export const caps = {
  /** As many letters as the server takes bytes. */
  length: 16 << 10,
  /** Nodes in a tree. A page of dense prose has some 200; a table of 50 rows with 8 columns 900. */
  nodes: 2_000,
  /** Nodes inside each other; what is deeper is shown, but no deeper than that. */
  depth: 20,
} as const;

/** As many nodes as a block of code counts for besides itself: it has a head and a button. */
const codeCosts = 9;

/** The parser drops blocks that are deeper than this, which is deeper than anybody writes. */
const deepest = 100;

/** Reads a message. It never fails: what is too much for us is a text without markup. */
export function parse(text: string, context: Context = {}): Doc {
  if (text.length > caps.length) return asWritten(text);
  try {
    const tokens = markdown.parse(text, { [key]: prepare(context) });
    if (tokens.some((token) => token.level >= deepest - 1)) return asWritten(text);
    const blocks = new Builder(context).blocks(tokens);
    // A message of link definitions alone would show nothing.
    return blocks.length === 0 ? asWritten(text) : { blocks, jumbo: jumbo(blocks) };
  } catch {
    // Too many nodes, or too deep for the parser.
    return asWritten(text);
  }
}

function asWritten(text: string): Doc {
  return { blocks: [{ kind: 'paragraph', children: [{ kind: 'text', text }] }], jumbo: false };
}

function jumbo(blocks: readonly Block[]): boolean {
  const [only, more] = blocks;
  if (only?.kind !== 'paragraph' || more) return false;
  let text = '';
  for (const node of only.children) {
    if (node.kind !== 'text' && node.kind !== 'emoji') return false;
    text += node.text;
  }
  return isJumbo(text);
}

const key = 'hubbub';

interface Prepared {
  readonly names: Names;
  readonly emoji: (name: string) => string | undefined;
}

const names = new WeakMap<readonly Person[], Names>();
const nobody = new Names([]);

function prepare({ mentions, emoji }: Context): Prepared {
  let known = mentions ? names.get(mentions) : nobody;
  if (mentions && !known) {
    known = new Names(mentions);
    names.set(mentions, known);
  }
  return { names: known ?? nobody, emoji: emoji ?? (() => undefined) };
}

const markdown = create();

function create(): MarkdownIt {
  const md = new Parser({ html: false, linkify: true, breaks: true, maxNesting: deepest });
  md.validateLink = (url) =>
    safeHref(url) !== undefined || roomOfLink(url, undefined) !== undefined;
  // An address is read as it was typed: decoding it could make it look like another.
  md.normalizeLinkText = (url) => url;
  // As GitHub does: a scheme, www or a mail address make a link; README.md does not.
  md.linkify
    .set({ fuzzyLink: false, maxLength: 2_048 })
    .add('ftp:', null)
    .add('//', null)
    .add('www.', {
      validate: (text, at, { re }) => {
        www ??= new RegExp(re.get_url_host_port().source + re.get_path().source, 'iy');
        www.lastIndex = at;
        return www.exec(text)?.[0].length ?? 0;
      },
      normalize: (match) => {
        match.url = `http://${match.url}`;
      },
    });
  md.inline.ruler.before('linkify', 'room', roomRule);
  md.inline.ruler.before('linkify', 'mention', mentionRule);
  md.inline.ruler.before('linkify', 'emoji', emojiRule);
  return md;
}

let www: RegExp | undefined;

const roomPattern = /#[\p{L}\p{M}\p{N}]+(?:[-_]+[\p{L}\p{M}\p{N}]+)*/uy;

/** #kitchen. A number alone is no room here: people write of issue #12. */
function roomRule(state: StateInline, silent: boolean): boolean {
  if (state.src[state.pos] !== '#' || state.linkLevel > 0 || !mayBegin(state.src, state.pos)) {
    return false;
  }
  roomPattern.lastIndex = state.pos;
  const [typed] = roomPattern.exec(state.src) ?? [];
  if (!typed || !/\p{L}/u.test(typed)) return false;
  const name = toRoomName(typed);
  if (!isRoomName(name)) return false;
  if (!silent) state.push('room', '', 0).meta = { name, typed };
  state.pos += typed.length;
  return true;
}

function mentionRule(state: StateInline, silent: boolean): boolean {
  if (state.src[state.pos] !== '@' || state.linkLevel > 0 || !mayBegin(state.src, state.pos)) {
    return false;
  }
  const person = preparedOf(state).names.at(state.src, state.pos + 1);
  if (!person) return false;
  if (!silent) state.push('mention', '', 0).meta = { ...person };
  state.pos += 1 + person.name.length;
  return true;
}

const emojiPattern = /:([a-z0-9_+-]{1,50}):(?![\p{L}\p{N}])/iuy;

function emojiRule(state: StateInline, silent: boolean): boolean {
  if (state.src[state.pos] !== ':') return false;
  emojiPattern.lastIndex = state.pos;
  const [typed, name = ''] = emojiPattern.exec(state.src) ?? [];
  if (!typed) return false;
  // Neither 10:on:5 nor std::on:: is meant, but emoji may follow each other.
  const before = state.src[state.pos - 1] ?? '';
  const follows = state.pending === '' && state.tokens.at(-1)?.type === 'emoji';
  if (!follows && /[\p{L}\p{N}:/]/u.test(before)) return false;
  const text = preparedOf(state).emoji(name);
  if (text === undefined) return false;
  if (!silent) state.push('emoji', '', 0).meta = { text, name };
  state.pos += typed.length;
  return true;
}

function preparedOf(state: StateInline): Prepared {
  return state.env[key] as Prepared;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type TextNode = Writable<Extract<Inline, { kind: 'text' }>>;

/** Where the next nodes go. */
interface Place {
  readonly blocks: Block[];
  /** The items of the list that this place is, if it is one. */
  readonly items?: Writable<Item>[];
  readonly list?: Writable<Extract<Block, { kind: 'list' }>>;
  readonly item?: Writable<Item>;
}

/** Turns the parser's tokens into our tree, within our caps. It calls itself for nothing that nests. */
class Builder {
  private nodes = 0;

  constructor(private readonly context: Context) {}

  blocks(tokens: readonly Token[]): Block[] {
    const top: Place = { blocks: [] };
    const places = [top];
    // Places that stand for a node; the others are those too deep for one.
    let depth = 0;
    const real: boolean[] = [];
    const open = (place: Place | undefined): void => {
      places.push(place ?? { blocks: here().blocks });
      real.push(place !== undefined);
      if (place) depth++;
    };
    const here = (): Place => places.at(-1) ?? top;
    const add = (block: Block): void => {
      here().blocks.push(this.counted(block));
    };

    for (let i = 0; i < tokens.length; i++) {
      const token = tokens[i];
      if (!token) break;
      const mayNest = depth < caps.depth - 2;
      switch (token.type) {
        case 'blockquote_open': {
          const blocks: Block[] = [];
          if (mayNest) add({ kind: 'quote', blocks });
          open(mayNest ? { blocks } : undefined);
          break;
        }
        case 'bullet_list_open':
        case 'ordered_list_open': {
          const items: Item[] = [];
          const ordered = token.type === 'ordered_list_open';
          const start = ordered ? Number(token.attrGet('start') ?? 1) : undefined;
          const list: Place['list'] = { kind: 'list', start, tight: false, items };
          if (mayNest) add(list);
          open(mayNest ? { blocks: here().blocks, items, list } : undefined);
          break;
        }
        case 'list_item_open': {
          const { items, list } = here();
          if (items && list) {
            const blocks: Block[] = [];
            const item = { blocks, done: undefined };
            items.push(this.counted(item));
            open({ blocks, item, list });
          } else open(undefined);
          break;
        }
        case 'paragraph_open':
        case 'heading_open': {
          const { list, item, blocks } = here();
          if (list && token.hidden) list.tight = true;
          const children = this.inlines(tokens[i + 1]?.children ?? [], depth + 1);
          if (item && blocks.length === 0 && token.type === 'paragraph_open') {
            item.done = takeTask(children);
          }
          if (token.type === 'paragraph_open') add({ kind: 'paragraph', children });
          else add({ kind: 'heading', level: Number(token.tag.slice(1)), children });
          i += 2;
          break;
        }
        case 'blockquote_close':
        case 'bullet_list_close':
        case 'ordered_list_close':
        case 'list_item_close':
          places.pop();
          if (real.pop()) depth--;
          break;
        case 'fence':
        case 'code_block':
          this.nodes += codeCosts;
          add({
            kind: 'code',
            language: token.info.trim().split(/[\s,{]/, 1)[0] ?? '',
            text: token.content.replace(/\n$/, ''),
          });
          break;
        case 'hr':
          add({ kind: 'rule' });
          break;
        case 'table_open': {
          const end = tokens.findIndex((t, j) => j > i && t.type === 'table_close');
          add(this.table(tokens.slice(i, end), depth + 1));
          i = end;
          break;
        }
        default:
          throw new Error(`no block is a ${token.type}`);
      }
    }
    return top.blocks;
  }

  private table(tokens: readonly Token[], depth: number): Block {
    const align: Align[] = [];
    const rows: Inline[][][] = [];
    tokens.forEach((token, i) => {
      if (token.type === 'tr_open') rows.push([]);
      if (token.type !== 'th_open' && token.type !== 'td_open') return;
      if (token.type === 'th_open') align.push(alignOf(token));
      const children = this.inlines(tokens[i + 1]?.children ?? [], depth + 1);
      rows.at(-1)?.push(this.counted(children));
    });
    const [head = [], ...body] = rows;
    return { kind: 'table', align, head, rows: body };
  }

  private inlines(tokens: readonly Token[], depth: number): Inline[] {
    const top: Inline[] = [];
    const places = [top];
    let link: number | undefined;
    const here = (): Inline[] => places.at(-1) ?? top;
    const open = (children: Inline[], node: Inline): void => {
      const mayNest = depth + places.length < caps.depth;
      if (mayNest) here().push(this.counted(node));
      places.push(mayNest ? children : here());
    };

    for (const token of tokens) {
      const children: Inline[] = [];
      switch (token.type) {
        case 'text':
        case 'text_special':
          this.text(here(), link === undefined ? token.content : honest(token.content));
          break;
        case 'softbreak':
        case 'hardbreak':
          this.text(here(), '\n');
          break;
        case 'code_inline':
          here().push(this.counted({ kind: 'code', text: token.content }));
          break;
        case 'strong_open':
          open(children, { kind: 'strong', children });
          break;
        case 'em_open':
          open(children, { kind: 'em', children });
          break;
        case 's_open':
          open(children, { kind: 'strike', children });
          break;
        case 'link_open': {
          const href = String(token.attrGet('href') ?? '');
          // A link is worth more than emphasis, so it is made however deep it is.
          const node = this.link(href, token.info === 'auto', children);
          if (node) here().push(this.counted(node));
          places.push(node ? children : here());
          link = node ? places.length : undefined;
          break;
        }
        case 'link_close':
          if (link !== undefined && here().length === 0) {
            this.text(here(), addressOf(places.at(-2)?.at(-1)));
          }
          link = undefined;
          places.pop();
          break;
        case 'strong_close':
        case 'em_close':
        case 's_close':
          places.pop();
          break;
        case 'image': {
          const href = String(token.attrGet('src') ?? '');
          const label = textOf(token.children ?? []) || href;
          const node = link === undefined ? this.link(href, false, children) : undefined;
          if (node) here().push(this.counted(node));
          this.text(node ? children : here(), honest(label));
          break;
        }
        case 'room': {
          const { name, typed } = token.meta as { name: string; typed: string };
          here().push(
            this.counted({ kind: 'room', name, children: [{ kind: 'text', text: typed }] }),
          );
          break;
        }
        case 'mention':
          here().push(this.counted({ kind: 'mention', ...(token.meta as unknown as Person) }));
          break;
        case 'emoji': {
          const { text, name } = token.meta as { text: string; name: string };
          here().push(this.counted({ kind: 'emoji', text, name }));
          break;
        }
        default:
          throw new Error(`nothing in a line is a ${token.type}`);
      }
    }
    return top;
  }

  /** A link that may be followed; undefined leaves only what it says. */
  private link(address: string, bare: boolean, children: Inline[]): Inline | undefined {
    const room = roomOfLink(address, this.context.origin);
    if (room !== undefined) return { kind: 'room', name: room, children };
    const href = safeHref(address);
    return href === undefined ? undefined : { kind: 'link', href, bare, children };
  }

  private text(into: Inline[], text: string): void {
    if (text === '') return;
    const last = into.at(-1);
    if (last?.kind === 'text') (last as TextNode).text += text;
    else into.push(this.counted({ kind: 'text', text }));
  }

  private counted<T>(node: T): T {
    if (++this.nodes > caps.nodes) throw new Error('too many nodes');
    return node;
  }
}

function alignOf(token: Token): Align {
  const style = String(token.attrGet('style') ?? '');
  if (style.endsWith('center')) return 'center';
  if (style.endsWith('right')) return 'end';
  return style.endsWith('left') ? 'start' : undefined;
}

const task = /^\[([ x])\]\s+/i;

/** Whether an item is a task that is done; its box is taken from its text. */
function takeTask(children: Inline[]): boolean | undefined {
  const [first] = children;
  const match = first?.kind === 'text' ? task.exec(first.text) : undefined;
  if (!match) return undefined;
  const node = first as TextNode;
  node.text = node.text.slice(match[0].length);
  if (node.text === '') children.shift();
  return match[1] !== ' ';
}

/** What an image is called. */
function textOf(tokens: readonly Token[]): string {
  return tokens.map((token) => token.content || (token.type === 'softbreak' ? ' ' : '')).join('');
}

function addressOf(node: Inline | undefined): string {
  if (node?.kind === 'link') return node.href;
  return node?.kind === 'room' ? `#${node.name}` : '';
}

/** The words of a link in the order in which they are written: no sign may turn them around. */
function honest(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, '');
}
