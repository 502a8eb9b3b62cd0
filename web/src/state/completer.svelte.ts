import { api, type Person } from '../lib/api.ts';
import { commandNames, wants, type CommandName } from '../lib/commands.ts';
import { bestOf, put, wantedAt, type Wanted } from '../lib/completion.ts';
import { roomApi, type RoomSummary } from '../lib/roomapi.ts';
import type { Mention } from '../lib/wire.ts';
import type { Chat } from './chat.svelte.ts';
import { skinTone, usedEmoji } from './emojiuse.ts';
import { newestEmoji } from './emojisupport.ts';
import type { Room } from './room.svelte.ts';
import { t } from './words.svelte.ts';

/** One way to go on with what is being written. */
export interface Suggestion {
  id: string;
  /** What is put into the text. */
  insert: string;
  /** What the line says first, and what it says more quietly. */
  name: string;
  note?: string;
  /** What stands before it: somebody's picture, an emoji, the sign of a room. */
  person?: Mention;
  emoji?: string;
  room?: boolean;
  used?: () => void;
}

type EmojiModule = typeof import('../lib/emoji.ts');

const most = 8;
const mostCommands = commandNames.length;
const pause = 120;
/** How long the list of everybody may be old. */
const peopleLast = 60_000;

// Everybody here is the same for all composers.
let everybody: Promise<readonly Person[]> | undefined;
let askedAt = 0;

/** All who are here, asked at most once a minute, or now. */
export function allPeople(now = false): Promise<readonly Person[]> {
  if (!everybody || now || Date.now() - askedAt > peopleLast) {
    askedAt = Date.now();
    everybody = api.people();
    everybody.catch(() => (everybody = undefined));
  }
  return everybody;
}

/** What a text field offers to complete, and which of it is chosen. */
export class Completer {
  /** What is being written; undefined while nothing is offered. */
  wanted = $state.raw<Wanted | undefined>();
  picked = $state(0);

  private members = $state.raw<ReadonlyMap<string, Mention>>(new Map());
  private others = $state.raw<readonly Person[]>([]);
  private directory = $state.raw<readonly RoomSummary[]>([]);
  private emoji = $state.raw<EmojiModule | undefined>();
  /** The sign at which somebody said that they want no help. */
  private refused: number | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  readonly suggestions = $derived.by(() => this.suggest());
  readonly open = $derived(this.wanted !== undefined && this.suggestions.length > 0);
  readonly at = $derived(Math.min(this.picked, this.suggestions.length - 1));
  /** All of it is written already, or the next word may begin: Enter has something better to do. */
  readonly written = $derived.by(() => {
    const part = this.wanted?.part.toLowerCase() ?? '';
    const chosen = this.suggestions[this.at]?.insert.slice(1).toLowerCase();
    return part.endsWith(' ') || part === chosen;
  });

  private readonly chat: Chat;
  private readonly room: Room;
  /** The field knows commands. */
  private readonly commands: boolean;

  constructor(chat: Chat, room: Room, commands: boolean) {
    this.chat = chat;
    this.room = room;
    this.commands = commands;
  }

  /** Looks at what stands before the caret. */
  look(text: string, caret: number): void {
    const wanted = wantedAt(text, caret);
    if (!wanted || (wanted.kind === 'command' && !this.commands)) {
      this.refused = undefined;
      return this.close();
    }
    if (this.refused === wanted.from) return;
    this.refused = undefined;
    const before = this.wanted;
    if (before?.kind === wanted.kind && before.from === wanted.from && before.part === wanted.part)
      return;
    this.wanted = wanted;
    this.picked = 0;
    this.ask(wanted, before?.kind === wanted.kind);
  }

  close(): void {
    clearTimeout(this.timer);
    this.wanted = undefined;
  }

  /** Somebody wants no more help with this word. */
  refuse(): void {
    this.refused = this.wanted?.from;
    this.close();
  }

  move(by: number): void {
    const count = this.suggestions.length;
    this.picked = (this.at + by + count) % count;
  }

  /** The text with a suggestion in it, and where the caret is then. */
  accept(text: string, index: number): { text: string; caret: number } | undefined {
    const { wanted } = this;
    const suggestion = this.suggestions[index];
    if (!wanted || !suggestion) return undefined;
    const to = wanted.from + 1 + wanted.part.length;
    suggestion.used?.();
    this.refuse();
    return put(text, wanted.from, to, suggestion.insert);
  }

  private ask({ kind, part }: Wanted, going: boolean): void {
    clearTimeout(this.timer);
    if (kind === 'emoji') void this.loadEmoji();
    if (kind !== 'person' && kind !== 'room') return;
    const find = () => void (kind === 'person' ? this.findPeople(part) : this.findRooms(part));
    this.timer = setTimeout(find, going ? pause : 0);
  }

  private async findPeople(part: string): Promise<void> {
    // What cannot be asked now is offered another time.
    const asked = roomApi.members(this.room.id, 'members', { part: part.trim(), limit: 50 });
    const [found] = await Promise.all([
      asked.catch(() => ({ members: [] })),
      // Nobody else reads what is said in other rooms.
      this.room.info.kind !== 'public'
        ? undefined
        : allPeople().then(
            (people) => (this.others = people),
            () => undefined,
          ),
    ]);
    const members = new Map(this.members);
    for (const { id, name } of found.members) members.set(id, { id, name });
    this.members = members;
  }

  private async findRooms(part: string): Promise<void> {
    this.directory = await roomApi.find(part.toLowerCase()).catch(() => this.directory);
  }

  private async loadEmoji(): Promise<void> {
    this.emoji ??= await import('../lib/emoji.ts').catch(() => undefined);
  }

  private suggest(): Suggestion[] {
    if (!this.wanted) return [];
    const { kind, part } = this.wanted;
    if (kind === 'person') return this.people(part);
    if (kind === 'room') return this.rooms(part);
    return kind === 'emoji' ? this.emojis(part) : commandsLike(part);
  }

  private people(part: string): Suggestion[] {
    const { room, chat } = this;
    const { kind } = room.info;
    const here = new Map<string, Mention>();
    // Who spoke last is who one answers.
    for (const event of room.log.events.toReversed()) {
      const { author, name, kind: what, bot } = event;
      if (what !== 'message' || bot || here.has(author)) continue;
      here.set(author, { id: author, name: room.log.nameOf(author) ?? name });
    }
    for (const person of [...(room.info.people ?? []), ...this.members.values()]) {
      here.set(person.id, person);
    }
    here.delete(chat.you.id);
    const others = this.others.filter(({ id, bot }) => id !== chat.you.id && !here.has(id) && !bot);
    const calls =
      kind === 'direct' || chat.you.role === 'guest'
        ? []
        : (['here', 'channel'] as const).map((name) => ({ name, note: t(`complete.${name}`) }));
    const all = bestOf(calls, part, calls.length).map(({ name, note }): Suggestion => ({
      id: name,
      insert: `@${name}`,
      name: `@${name}`,
      note,
    }));
    const members = bestOf([...here.values()], part, most - all.length);
    const more = bestOf(others, part, most - all.length - members.length);
    const line = ({ id, name }: Mention, note?: string): Suggestion => ({
      id,
      insert: `@${name}`,
      name,
      person: { id, name },
      ...(note === undefined ? {} : { note }),
    });
    const people = [
      ...members.map((person) => line(person)),
      ...more.map((person) => line(person, t('complete.notHere'))),
    ];
    return [...people, ...all];
  }

  private rooms(part: string): Suggestion[] {
    // A name after # is that of a public room: others have no names of their own.
    const mine = this.chat.rooms.all.filter(({ info }) => info.kind === 'public' && !info.archived);
    const known = new Set(mine.map(({ id }) => id));
    const named = mine.map(({ id, title, info }) => ({ id, name: title, topic: info.topic }));
    const own = bestOf(named, part, most);
    const others = this.directory.filter(({ id }) => !known.has(id));
    const found = [...own, ...bestOf(others, part, most - own.length)];
    return found.map(({ id, name, topic }) => ({
      id,
      insert: `#${name}`,
      name,
      room: true,
      ...(topic ? { note: topic } : {}),
    }));
  }

  private emojis(part: string): Suggestion[] {
    const { emoji: list } = this;
    if (!list) return [];
    const tone = skinTone();
    const newest = newestEmoji();
    return list
      .completeEmoji(part, 2 * most)
      .filter(({ emoji }) => emoji.version <= newest)
      .slice(0, most)
      .map(({ emoji, name }) => {
        const text = list.withTone(emoji, tone);
        const used = () => usedEmoji(emoji);
        return { id: emoji.name, insert: text, name: `:${name}:`, emoji: text, used };
      });
  }
}

function commandsLike(part: string): Suggestion[] {
  const typed = part.toLowerCase();
  const fitting = commandNames.filter((name) => name.startsWith(typed));
  return fitting.slice(0, mostCommands).map((name) => ({
    id: name,
    insert: `/${name}`,
    name: usage(name),
    note: t(`command.${name}`),
  }));
}

/** A command with what it wants: "/msg NAME TEXT". */
export function usage(name: CommandName): string {
  const more = (wants[name] ?? []).map((what) => t(`command.needs.${what}`));
  return [`/${name}`, ...more].join(' ');
}
