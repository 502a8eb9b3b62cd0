import { listOf, parseKeep } from './rooms.ts';
import type { Mention, RoomEvent } from './wire.ts';

/** A piece of a sentence: words, somebody's name, or what somebody wrote. */
export type Part = string | { person: Mention } | { quote: string };

export interface NoticeContext {
  me: string;
  nameOf: (person: string) => string | undefined;
  /** A moment in words: "14:05", "Friday at 14:05". */
  when: (time: number) => string;
}

type Sentence = readonly (Part | Part[])[];

/** What the parts say, for those who cannot see which is which. */
export function plain(parts: readonly Part[]): string {
  return parts
    .map((part) =>
      typeof part === 'string' ? part : 'person' in part ? part.person.name : `“${part.quote}”`,
    )
    .join('');
}

/** Kinds that are shown as part of something else, or not at all. */
const silent = new Set(['message', 'edit', 'delete']);
/** Kinds of which several in a row are one sentence. */
const folding = new Set(['join', 'leave', 'add']);

/** Whether an event is one of those that `notice` can say in a timeline. */
export function isNotice(event: RoomEvent): boolean {
  return !silent.has(event.kind) && notice([event], nobody) !== undefined;
}

/** Whether a later event goes into the sentence of earlier ones. */
export function folds(before: RoomEvent, event: RoomEvent): boolean {
  return (
    folding.has(event.kind) &&
    before.kind === event.kind &&
    // Who added somebody is part of the sentence; who came is all there is of the others.
    (event.kind !== 'add' || before.author === event.author)
  );
}

const nobody: NoticeContext = { me: '', nameOf: () => undefined, when: String };

/**
 * What an event says, or several of a kind that fold; undefined for a kind that is not known. It is the
 * only place where events become sentences: timelines, logs of changes and announcements share it.
 */
export function notice(events: readonly RoomEvent[], context: NoticeContext): Part[] | undefined {
  const event = events[0];
  if (!event) return undefined;
  const sentence =
    events.length > 1 && folding.has(event.kind)
      ? several(events, event, context)
      : one(event, context);
  return sentence?.flat().filter((part) => part !== '');
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function person(who: Mention, { me, nameOf }: NoticeContext, begins = false): Part {
  if (who.id === me) return begins ? 'You' : 'you';
  return { person: { id: who.id, name: nameOf(who.id) ?? who.name } };
}

const author = (event: RoomEvent, context: NoticeContext): Part =>
  event.author === '' || event.name === ''
    ? 'Somebody'
    : person({ id: event.author, name: event.name }, context, true);

const about = (event: RoomEvent, context: NoticeContext, begins = false): Part =>
  event.about ? person(event.about, context, begins) : begins ? 'Somebody' : 'somebody';

/** What was given as the reason, where one was. */
const reason = ({ text }: RoomEvent): Part[] => (text === '' ? [] : [': ', { quote: text }]);

const until = (event: RoomEvent, { when }: NoticeContext): string =>
  event.until === undefined ? '' : ` until ${when(event.until)}`;

function several(
  events: readonly RoomEvent[],
  first: RoomEvent,
  context: NoticeContext,
): Sentence | undefined {
  const people = new Map<string, Mention>();
  for (const event of events) {
    const who = event.kind === 'add' ? event.about : { id: event.author, name: event.name };
    if (who) people.set(who.id, who);
  }
  // One's own part of it comes first.
  const mine = people.get(context.me);
  if (mine) people.delete(context.me);
  const all = [...(mine ? [mine] : []), ...people.values()];
  const begins = first.kind !== 'add';
  const parts = list(all.map((who, i) => person(who, context, begins && i === 0)));
  if (first.kind === 'join') return [...parts, ' joined'];
  if (first.kind === 'leave') return [...parts, ' left'];
  return [author(first, context), ' added ', ...parts];
}

/** "Ana, Ben and 3 others", with names as parts. */
function list(parts: readonly Part[]): Part[] {
  const marks = parts.map((_, i) => `\u0000${i}\u0000`);
  return listOf(marks)
    .split('\u0000')
    .flatMap((piece, i): Part[] => {
      const named = i % 2 === 1 ? parts[Number(piece)] : undefined;
      return named !== undefined ? [named] : piece === '' ? [] : [piece];
    });
}

const seconds = (text: string): string => {
  const n = Number(text);
  if (n % 60 === 0 && n > 60) return `${n / 60} minutes`;
  return n === 1 ? 'second' : n === 60 ? 'minute' : `${n} seconds`;
};

/** How long messages are kept, in words. */
export function keepInWords(text: string): string {
  const { days, messages } = parseKeep(text);
  const parts = [
    ...(days ? [days === 1 ? 'for a day' : `for ${days} days`] : []),
    ...(messages ? [`${days ? 'and ' : ''}up to the newest ${messages.toLocaleString('en')}`] : []),
  ];
  return parts.length === 0 ? 'for good' : parts.join(' ');
}

const guests: Record<string, string> = {
  invited: 'by invitation only',
  open: 'freely',
  none: 'no more',
};

function one(event: RoomEvent, context: NoticeContext): Sentence | undefined {
  const who = author(event, context);
  const whom = about(event, context);
  switch (event.kind) {
    case 'name':
      return [who, ' changed the name to ', { quote: event.text }];
    case 'topic':
      return event.text === ''
        ? [who, ' removed the topic']
        : [who, ' changed the topic to ', { quote: event.text }];
    case 'archive':
      return [who, ' archived the room'];
    case 'restore':
      return [who, ' restored the room'];
    case 'slow':
      return event.text === '0'
        ? [who, ' ended slow mode']
        : [who, ` began slow mode: one message every ${seconds(event.text)} for each`];
    case 'read_only':
      return event.text === 'on'
        ? [who, ' made the room read-only']
        : [who, ' opened the room for everyone to write'];
    case 'guests_wait':
      return event.text === 'on'
        ? [who, ' has guests wait until they are let in']
        : [who, ' lets guests come in without waiting'];
    case 'keep':
      return [who, ` decided that messages are kept ${keepInWords(event.text)}`];
    case 'erase':
      return ['Older messages were erased'];
    case 'join':
      return [who, ' joined'];
    case 'leave':
      return [who, ' left'];
    case 'add':
      return [who, ' added ', whom];
    case 'remove':
      return [who, ' removed ', whom, reason(event)];
    case 'ban':
      return [who, ' banned ', whom, until(event, context), reason(event)];
    case 'unban':
      return [who, ' lifted the ban of ', whom];
    case 'mute':
      return [who, ' muted ', whom, until(event, context), reason(event)];
    case 'unmute':
      return [who, ' let ', whom, ' speak again'];
    case 'moderator':
      return [who, ' made ', whom, ' a moderator'];
    case 'dismiss':
      return event.about?.id === event.author
        ? [who, ' stepped down as a moderator']
        : [who, ' dismissed ', whom, ' as a moderator'];
    case 'admit':
      return [who, ' let ', whom, ' in'];
    case 'delete':
      return event.about
        ? [who, ' deleted a message by ', whom]
        : [who, ' deleted a message of their own'];
    case 'role':
      return [who, ' gave ', whom, ` the role ${event.text}`];
    case 'put_out':
      return [who, ' put ', whom, ' out'];
    case 'block':
      return [who, ` banned the addresses ${event.text}`, until(event, context)];
    case 'unblock':
      return [who, ` lifted the ban of the addresses ${event.text}`];
    case 'guests':
      return [who, ` decided that guests come in ${guests[event.text] ?? event.text}`];
    case 'bot':
      return [who, ' made the bot ', whom];
    case 'bot_gone':
      return [who, ' removed the bot ', whom];
  }
  return undefined;
}

/** A sentence of its own, with a full stop. */
export function sentence(parts: readonly Part[]): string {
  const words = capital(plain(parts));
  return /[.!?…”]$/.test(words) ? words : `${words}.`;
}
