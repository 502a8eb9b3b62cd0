import { describe, expect, test } from 'vitest';
import {
  folds,
  isNotice,
  keepInWords,
  notice,
  plain,
  sentence,
  type NoticeContext,
} from './notices.ts';
import { english } from './testwords.ts';
import type { RoomEvent } from './wire.ts';

const event = (kind: string, more: Partial<RoomEvent> = {}): RoomEvent => ({
  room: 'r',
  seq: 1,
  kind,
  id: 'id',
  author: 'a',
  name: 'Ana',
  time: 0,
  text: '',
  ...more,
});
const ben = { id: 'b', name: 'Ben' };
const me = { id: 'me', name: 'Mara' };
const context: NoticeContext = {
  me: 'me',
  nameOf: (person) => (person === 'b' ? 'Benny' : undefined),
  when: (time) => `<${time}>`,
  words: english,
};
const said = (...events: RoomEvent[]) => plain(notice(events, context) ?? ['?'], english);

describe('one event', () => {
  test.each<[string, string, Partial<RoomEvent>]>([
    ['Ana changed the name to “cooking”', 'name', { text: 'cooking' }],
    ['Ana changed the topic to “bread”', 'topic', { text: 'bread' }],
    ['Ana removed the topic', 'topic', {}],
    ['Ana archived the room', 'archive', {}],
    ['Ana restored the room', 'restore', {}],
    ['Ana began slow mode: one message every 30 seconds for each', 'slow', { text: '30' }],
    ['Ana began slow mode: one message every minute for each', 'slow', { text: '60' }],
    ['Ana began slow mode: one message every 5 minutes for each', 'slow', { text: '300' }],
    ['Ana ended slow mode', 'slow', { text: '0' }],
    ['Ana made the room read-only', 'read_only', { text: 'on' }],
    ['Ana opened the room for everyone to write', 'read_only', { text: 'off' }],
    ['Ana has guests wait until they are let in', 'guests_wait', { text: 'on' }],
    ['Ana lets guests come in without waiting', 'guests_wait', { text: 'off' }],
    ['Ana decided that messages are kept for 30 days', 'keep', { text: '30 days' }],
    ['Ana decided that messages are kept for good', 'keep', { text: 'off' }],
    ['Older messages were erased', 'erase', { target: 9 }],
    ['Ana joined', 'join', {}],
    ['Ana left', 'leave', {}],
    ['Ana added Benny', 'add', { about: ben }],
    ['Ana removed Benny', 'remove', { about: ben }],
    ['Ana removed Benny: “spam”', 'remove', { about: ben, text: 'spam' }],
    ['Ana banned Benny', 'ban', { about: ben }],
    ['Ana banned Benny until <5>: “spam”', 'ban', { about: ben, text: 'spam', until: 5 }],
    ['Ana lifted the ban of Benny', 'unban', { about: ben }],
    ['Ana muted Benny until <5>', 'mute', { about: ben, until: 5 }],
    ['Ana let Benny speak again', 'unmute', { about: ben }],
    ['Ana made you a moderator', 'moderator', { about: me }],
    ['Ana dismissed Benny as a moderator', 'dismiss', { about: ben }],
    ['Ana stepped down as a moderator', 'dismiss', { about: { id: 'a', name: 'Ana' } }],
    ['Ana let Benny in', 'admit', { about: ben }],
    ['Ana deleted a message by Benny', 'delete', { about: ben }],
    ['You left', 'leave', { author: 'me', name: 'Mara' }],
    ['You muted Benny', 'mute', { author: 'me', name: 'Mara', about: ben }],
    ['Ana gave Benny the role admin', 'role', { about: ben, text: 'admin' }],
    ['Ana put Benny out', 'put_out', { about: ben }],
    ['Ana banned the addresses 127.0.0.7 until <5>', 'block', { text: '127.0.0.7', until: 5 }],
    ['Ana lifted the ban of the addresses 127.0.0.7', 'unblock', { text: '127.0.0.7' }],
    ['Ana decided that guests come in by invitation only', 'guests', { text: 'invited' }],
    ['Ana decided that messages show where links lead', 'previews', { text: 'on' }],
    ['Ana decided that messages do not show where links lead', 'previews', { text: 'off' }],
    ['Ana started the server again', 'restart', {}],
    ['Ana followed what passes on a connection of Benny', 'watch', { text: 'Benny' }],
    ['Ana made the bot Benny', 'bot', { about: ben }],
    ['Ana removed the bot Benny', 'bot_gone', { about: ben }],
    ['Ana let the program Benny write here', 'hook', { about: ben }],
    [
      'Ana had the program Benny told what is said here, at ci.example.org',
      'hook',
      { about: ben, text: 'ci.example.org' },
    ],
    ['Ana revoked the hook Benny', 'hook_gone', { about: ben }],
  ])('%s', (words, kind, more) => {
    expect(said(event(kind, more))).toBe(words);
  });

  test('of a kind that is not known says nothing', () => {
    expect(notice([event('wave')], context)).toBeUndefined();
    expect(notice([], context)).toBeUndefined();
  });

  test('keeps names and words apart from the sentence', () => {
    expect(notice([event('ban', { about: ben, text: 'no' })], context)).toEqual([
      { person: { id: 'a', name: 'Ana' } },
      ' banned ',
      { person: { id: 'b', name: 'Benny' } },
      ': ',
      { quote: 'no' },
    ]);
  });
});

describe('several of a kind', () => {
  const joins = (...names: string[]) =>
    names.map((name) => event('join', { author: name.toLowerCase(), name }));

  test('are one sentence', () => {
    expect(said(...joins('Ana', 'Ben'))).toBe('Ana and Ben joined');
    expect(said(...joins('Ana', 'Cem', 'Dia', 'Eli', 'Fay'))).toBe(
      'Ana, Cem, Dia and 2 others joined',
    );
  });

  test('name everybody once, and me first', () => {
    const mine = event('join', { author: 'me', name: 'Mara' });
    expect(said(...joins('Ana', 'Ana', 'Cem'), mine)).toBe('You, Ana and Cem joined');
  });

  test('of one who adds people name who it was', () => {
    const added = [ben, me, { id: 'c', name: 'Cem' }].map((about) => event('add', { about }));
    expect(said(...added)).toBe('Ana added you, Benny and Cem');
  });

  test('fold only with their like', () => {
    const [join] = joins('Ana');
    expect(folds(join!, event('join', { author: 'b' }))).toBe(true);
    expect(folds(join!, event('leave'))).toBe(false);
    expect(folds(event('mute'), event('mute'))).toBe(false);
    expect(folds(event('add', { about: ben }), event('add', { about: me }))).toBe(true);
    expect(folds(event('add', { about: ben }), event('add', { author: 'x', about: me }))).toBe(
      false,
    );
  });
});

test('messages and their changes are no notices, and what is not known is none', () => {
  expect(
    ['message', 'edit', 'delete', 'wave', 'topic'].map((kind) => isNotice(event(kind))),
  ).toEqual([false, false, false, false, true]);
});

test.each([
  ['1 days', 'for a day'],
  ['1000 messages', 'up to the newest 1,000'],
  ['30 days, 1000 messages', 'for 30 days and up to the newest 1,000'],
  ['off', 'for good'],
])('“%s” is kept %s', (text, words) => {
  expect(keepInWords(text, english)).toBe(words);
});

test('a sentence ends with a full stop, or with what was quoted', () => {
  expect(sentence(['you left'], english)).toBe('You left.');
  expect(sentence(['Ana said ', { quote: 'hi' }], english)).toBe('Ana said “hi”');
});
