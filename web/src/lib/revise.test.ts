import { describe, expect, test } from 'vitest';
import { overlay } from './overlay.ts';
import type { Outgoing } from './outbox.ts';
import { apply } from './revise.ts';
import { RoomLog } from './roomlog.ts';
import { message } from './testevent.ts';
import type { RoomEvent } from './wire.ts';

const change = (seq: number, kind: string, text = '', author = 'b'): RoomEvent =>
  message(seq, { kind, text, target: 1, author, name: author.toUpperCase() });
const said = (event: RoomEvent) =>
  (event.reactions ?? []).map(({ emoji, people }) => emoji + people.map(({ id }) => id).join(''));

describe('what comes to a message', () => {
  test('reactions keep the order of the first of each, and come and go by person', () => {
    let event = message(1);
    for (const [emoji, author] of [
      ['👍', 'b'],
      ['🎂', 'c'],
      ['👍', 'c'],
      ['👍', 'b'],
    ] as const)
      event = apply(event, change(2, 'react', emoji, author));
    expect(said(event)).toEqual(['👍bc', '🎂c']);
    event = apply(event, change(3, 'unreact', '🎂', 'c'));
    event = apply(event, change(4, 'unreact', '🎂', 'c'));
    expect(said(event)).toEqual(['👍bc']);
    expect(apply(event, change(5, 'unreact', '👍', 'x'))).toBe(event);
  });

  test('a reply counts once, however often it comes', () => {
    const reply = message(7, { thread: 1 });
    let event = apply(message(1), reply);
    event = apply(event, reply);
    expect([event.replies, event.last_reply]).toEqual([1, 7]);
    expect(apply(message(1, { replies: 3, last_reply: 9 }), reply).replies).toBe(3);
  });

  test('pins, and what a delete takes along', () => {
    let event = apply(apply(message(1), change(2, 'pin')), change(3, 'react', '👍'));
    expect(event.pinned).toBe(true);
    event = apply(event, change(4, 'delete'));
    expect(event).toMatchObject({ text: '', deleted: true, revised: 4 });
    expect(event.pinned ?? event.reactions).toBeUndefined();
    expect(apply(event, change(5, 'react', '👍'))).toBe(event);
  });

  test('older history that was read later ends the same', () => {
    const log = new RoomLog();
    log.begin('e', 1);
    for (const event of [
      change(2, 'react', '👍'),
      change(3, 'unreact', '👍'),
      change(4, 'react', '🎂', 'c'),
      message(5, { thread: 1 }),
    ])
      log.add(event);
    log.prepend(
      [
        message(1, {
          reactions: [{ emoji: '🎂', people: [{ id: 'c', name: 'C' }] }],
          replies: 1,
          last_reply: 5,
        }),
      ],
      'e',
    );
    expect(said(log.at(1) as RoomEvent)).toEqual(['🎂c']);
    expect(log.at(1)?.replies).toBe(1);
  });
});

describe('changes that are still on their way', () => {
  const me = { id: 'me', name: 'Mara' };
  const draft = (more: Partial<Outgoing>): Outgoing => ({
    id: `d${more.order}`,
    room: 'r',
    author: 'me',
    text: '',
    created: 0,
    order: 0,
    target: 1,
    ...more,
  });
  const at = (seq: number) => (seq === 1 ? message(1) : undefined);

  test('show at once, in their order', () => {
    const shown = overlay(
      [
        draft({ order: 1, wish: 'edit', text: 'first' }),
        draft({ order: 2, wish: 'react', text: '👍' }),
        draft({ order: 3, wish: 'edit', text: 'second' }),
      ],
      at,
      me,
    ).get(1);
    expect(shown?.event.text).toBe('second');
    expect(said(shown?.event as RoomEvent)).toEqual(['👍me']);
    expect(shown?.change?.text).toBe('second');
  });

  test('do not show if they were refused, and are named', () => {
    const failed = { code: 'muted', message: 'you are muted' };
    const shown = overlay([draft({ wish: 'delete', failed })], at, me).get(1);
    expect(shown?.event.deleted).toBeUndefined();
    expect(shown?.change?.failed).toBe(failed);
  });

  test('of what is not here show nothing', () => {
    expect(overlay([draft({ wish: 'edit', target: 9, text: 'x' })], at, me).size).toBe(0);
  });
});

describe('files and previews', () => {
  const file = (id: string) => ({ id, name: `${id}.txt`, type: 'text/plain', size: 1 });
  const card = (title: string) => ({ url: 'https://example.org/', title });
  const holding = message(1, { files: [file('a'), file('b')], previews: [card('old')] });

  test('an edit says which files stay, or keeps them all', () => {
    const kept = apply(holding, change(2, 'edit', 'other words'));
    expect(kept.files?.map(({ id }) => id)).toEqual(['a', 'b']);
    const one = apply(kept, { ...change(3, 'edit', 'still'), files: [file('b')] });
    expect(one.files?.map(({ id }) => id)).toEqual(['b']);
    expect(apply(one, { ...change(4, 'edit', 'none'), files: [] }).files).toEqual([]);
  });

  test('a deletion leaves neither', () => {
    const gone = apply(holding, change(2, 'delete'));
    expect(gone.files).toBeUndefined();
    expect(gone.previews).toBeUndefined();
    expect(apply(gone, { ...change(3, 'preview'), previews: [card('late')] })).toBe(gone);
  });

  test('previews come, go with an edit, and are of the words they were made for', () => {
    const found = { ...change(5, 'preview'), previews: [card('new')] };
    expect(apply(message(1), found).previews?.[0]?.title).toBe('new');
    const edited = apply(apply(message(1), found), change(6, 'edit', 'x'));
    expect(edited.previews).toBeUndefined();
    expect(apply(edited, found), 'what was said before the edit').toBe(edited);
    const again = apply(edited, { ...found, seq: 7 });
    expect(again.previews).toHaveLength(1);
    expect(apply(again, change(8, 'unpreview')).previews).toBeUndefined();
  });

  test('a draft of an edit shows at once what stays', () => {
    const me = { id: 'me', name: 'Me' };
    const draft: Outgoing = {
      id: 'd',
      room: 'r',
      author: 'me',
      text: 'less',
      created: 0,
      order: 0,
      wish: 'edit',
      target: 1,
    };
    const at = () => holding;
    expect(overlay([draft], at, me).get(1)?.event.files).toHaveLength(2);
    const fewer = overlay([{ ...draft, files: [file('a')] }], at, me).get(1);
    expect(fewer?.event.files?.map(({ id }) => id)).toEqual(['a']);
  });
});
