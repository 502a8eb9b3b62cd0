import type { Key, Told, With, Words } from './i18n.ts';
import { parseKeep } from './rooms.ts';
import type { Mention, RoomEvent } from './wire.ts';

/** A piece of a sentence: words, somebody's name, or what somebody wrote. */
export type Part = string | Named;
type Named = { person: Mention } | { quote: string };

export interface NoticeContext {
  me: string;
  nameOf: (person: string) => string | undefined;
  /** A moment in words: "14:05", "Friday at 14:05". */
  when: (time: number) => string;
  words: Words;
}

/** What the parts say, for those who cannot see which is which. */
export function plain(parts: readonly Part[], words: Words): string {
  return parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : 'person' in part
          ? part.person.name
          : words.t('word.quote', { text: part.quote }),
    )
    .join('');
}

/** Kinds that are sentences of a timeline. Others are shown as part of something else, or not at all. */
const spoken = new Set(
  (
    'name topic archive restore slow read_only guests_wait keep erase join leave add remove ban ' +
    'unban mute unmute moderator dismiss admit role put_out block unblock guests bot bot_gone ' +
    'previews hook hook_gone restart'
  ).split(' '),
);
/** Kinds of which several in a row are one sentence. */
const folding = new Set(['join', 'leave', 'add']);

/** Whether an event is one of those that `notice` can say in a timeline. */
export function isNotice(event: RoomEvent): boolean {
  return spoken.has(event.kind);
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

/**
 * What an event says, or several of a kind that fold; undefined for a kind that is not known. It is the
 * only place where events become sentences: timelines, logs of changes and announcements share it.
 */
export function notice(events: readonly RoomEvent[], context: NoticeContext): Part[] | undefined {
  const event = events[0];
  if (!event) return undefined;
  return events.length > 1 && folding.has(event.kind)
    ? several(events, event, context)
    : one(event, context);
}

type Who = Told<Named>;

const quote = (text: string): Who => ({ parts: [{ quote: text }] });

function person(who: Mention, { me, nameOf, words }: NoticeContext, begins = false): Who {
  if (who.id !== me)
    return { parts: [{ person: { id: who.id, name: nameOf(who.id) ?? who.name } }] };
  return { parts: [words.t(begins ? 'notice.You' : 'notice.you')], me: true };
}

const author = (event: RoomEvent, context: NoticeContext): Who =>
  event.author === '' || event.name === ''
    ? { parts: [context.words.t('notice.Somebody')] }
    : person({ id: event.author, name: event.name }, context, true);

const about = (event: RoomEvent, context: NoticeContext): Who =>
  event.about ? person(event.about, context) : { parts: [context.words.t('notice.somebody')] };

function several(
  events: readonly RoomEvent[],
  first: RoomEvent,
  context: NoticeContext,
): Part[] | undefined {
  const { words } = context;
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
  const told = all.map((one, i) => person(one, context, begins && i === 0));
  const only = told.length === 1 ? told[0] : undefined;
  const who = only ?? { parts: list(told, words), me: mine !== undefined };
  if (first.kind === 'add') {
    // What is said of the reader alone is not said of the reader and others.
    const whom = only ?? { parts: who.parts };
    return words.parts('notice.add', { who: author(first, context), whom });
  }
  if (first.kind === 'join') return words.parts(only ? 'notice.join' : 'notice.joinMany', { who });
  return words.parts(only ? 'notice.leave' : 'notice.leaveMany', { who });
}

/** "Ana, Ben and 3 others", with names as parts. */
function list(told: readonly Who[], words: Words): Part[] {
  const most = 4;
  const whole = told.length <= most;
  const shown = whole ? told : told.slice(0, most - 1);
  const rest: Who[] = whole
    ? []
    : [{ parts: [words.t('word.others', { n: told.length - shown.length })] }];
  return words
    .join([...shown, ...rest])
    .flatMap((piece) => (typeof piece === 'string' ? [piece] : piece.parts));
}

function every(text: string, words: Words): string {
  const n = Number(text);
  const minutes = n > 0 && n % 60 === 0;
  return minutes ? words.t('every.minutes', { n: n / 60 }) : words.t('every.seconds', { n });
}

/** How long messages are kept, in words. */
export function keepInWords(text: string, words: Words): string {
  const keep = parseKeep(text);
  const days = keep.days ? words.t('kept.days', { n: keep.days }) : '';
  const newest = keep.messages ? words.t('kept.newest', { n: keep.messages }) : '';
  if (days && newest) return words.t('kept.both', { days, newest });
  return days || newest || words.t('kept.forever');
}

const guests = {
  invited: 'notice.guestsInvited',
  open: 'notice.guestsOpen',
  none: 'notice.guestsNone',
} as const;

function one(event: RoomEvent, context: NoticeContext): Part[] | undefined {
  const { when, words } = context;
  const who = author(event, context);
  const whom = about(event, context);
  const { text } = event;
  const until =
    event.until === undefined ? '' : words.t('notice.until', { when: when(event.until) });
  const say = <K extends Key>(key: K, ...values: With<K, Named>): Part[] =>
    words.parts<Named, K>(key, ...values);
  /** The same, and what was given as the reason, where one was. */
  const because = (said: Part[]): Part[] =>
    text === '' ? said : [...said, ...say('notice.reason', { reason: quote(text) })];
  switch (event.kind) {
    case 'name':
      return say('notice.name', { who, name: quote(text) });
    case 'topic':
      return text === ''
        ? say('notice.noTopic', { who })
        : say('notice.topic', { who, topic: quote(text) });
    case 'archive':
      return say('notice.archive', { who });
    case 'restore':
      return say('notice.restore', { who });
    case 'slow':
      return text === '0'
        ? say('notice.fast', { who })
        : say('notice.slow', { who, every: every(text, words) });
    case 'read_only':
      return say(text === 'on' ? 'notice.readOnly' : 'notice.readWrite', { who });
    case 'guests_wait':
      return say(text === 'on' ? 'notice.guestsWait' : 'notice.guestsCome', { who });
    case 'keep':
      return say('notice.keep', { who, kept: keepInWords(text, words) });
    case 'erase':
      return say('notice.erase');
    case 'join':
      return say('notice.join', { who });
    case 'leave':
      return say('notice.leave', { who });
    case 'add':
      return say('notice.add', { who, whom });
    case 'remove':
      return because(say('notice.remove', { who, whom }));
    case 'ban':
      return because(say('notice.ban', { who, whom, until }));
    case 'unban':
      return say('notice.unban', { who, whom });
    case 'mute':
      return because(say('notice.mute', { who, whom, until }));
    case 'unmute':
      return say('notice.unmute', { who, whom });
    case 'moderator':
      return say('notice.moderator', { who, whom });
    case 'dismiss':
      return event.about?.id === event.author
        ? say('notice.stepDown', { who })
        : say('notice.dismiss', { who, whom });
    case 'admit':
      return say('notice.admit', { who, whom });
    case 'delete':
      return event.about ? say('notice.delete', { who, whom }) : say('notice.deleteOwn', { who });
    case 'role':
      return say('notice.role', { who, whom, role: roleName(text, words) });
    case 'put_out':
      return say('notice.putOut', { who, whom });
    case 'block':
      return say('notice.block', { who, range: text, until });
    case 'unblock':
      return say('notice.unblock', { who, range: text });
    case 'guests':
      return text in guests ? say(guests[text as keyof typeof guests], { who }) : undefined;
    case 'bot':
      return say('notice.bot', { who, whom });
    case 'bot_gone':
      return say('notice.botGone', { who, whom });
    case 'hook':
      return text === ''
        ? say('notice.hookIn', { who, whom })
        : say('notice.hookOut', { who, whom, host: text });
    case 'hook_gone':
      return say('notice.hookGone', { who, whom });
    case 'previews':
      return say(text === 'off' ? 'notice.noPreviews' : 'notice.previews', { who });
    case 'restart':
      return say('notice.restart', { who });
    case 'watch':
      return say('notice.watch', { who, of: text });
  }
  return undefined;
}

function roleName(role: string, words: Words): string {
  const roles = ['guest', 'member', 'admin', 'owner'] as const;
  const known = roles.find((name) => name === role);
  return known ? words.t(`role.${known}`) : role;
}

/** A sentence of its own, with a full stop. */
export function sentence(parts: readonly Part[], words: Words): string {
  const said = plain(parts, words);
  const whole = said.charAt(0).toLocaleUpperCase(words.locale) + said.slice(1);
  return /[.!?…”“]$/.test(whole) ? whole : `${whole}.`;
}
