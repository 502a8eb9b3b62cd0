import { describe, expect, it } from 'vitest';
import { en } from '../lang/en.ts';
import { languages, offered } from '../lang/index.ts';
import { wire as germanWire } from '../lang/wire.de.ts';
import { wire } from '../lang/wire.en.ts';
import {
  chooseLanguage,
  directionOf,
  makeWords,
  regional,
  type Catalogue,
  type Message,
} from './i18n.ts';

const texts = (message: Message) =>
  typeof message === 'string' ? [message] : Object.values(message);
const namesIn = (message: Message) =>
  new Set(texts(message).flatMap((text) => [...text.matchAll(/\{(\w+)/g)].map((m) => m[1])));

type Texts = Readonly<Record<string, Message>>;

/** Catalogues in each language: that of the page, and those that come with a part of it. */
const catalogues: [string, string, Texts, Texts][] = [];
for (const language of offered) {
  catalogues.push(['page', language, en, await languages[language].load()]);
  catalogues.push(['wire view', language, wire, { en: wire, de: germanWire }[language]]);
}

describe.each(catalogues)('the %s in the language %s', (_, language, english, catalogue) => {
  const keys = Object.keys(english);
  const both = keys.map((key) => [key, english[key] ?? '', catalogue[key] ?? ''] as const);

  it('has every text and no other', () => {
    expect(Object.keys(catalogue).sort()).toEqual([...keys].sort());
    for (const [key, , message] of both) {
      for (const text of texts(message)) expect(text.trim(), key).not.toBe('');
    }
  });

  it('says what English says, with the same names in braces', () => {
    for (const [key, original, message] of both) {
      // What the server said may be said better in the language itself.
      const own = key.startsWith('error.') ? ['said'] : [];
      for (const name of namesIn(message)) {
        expect([...namesIn(original), ...own], key).toContain(name);
      }
      if (own.length === 0) expect(namesIn(message).size, key).toBe(namesIn(original).size);
      for (const text of texts(message)) {
        expect(text.replace(/\{\w+(:[^{|}]*\|[^{|}]*)?\}/g, ''), key).not.toMatch(/[{}]/);
      }
    }
  });

  it('has all forms of its plurals where there is a number', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, , message] of both) {
      if (namesIn(message).has('n')) {
        expect(Object.keys(message as object).sort(), key).toEqual([...forms].sort());
      }
    }
  });
});

describe('words', async () => {
  const british = makeWords('en-GB', en);
  const german = makeWords('de', await languages.de.load());

  it('fill in what is given, and choose the plural', () => {
    expect(british.t('room.newMessages', { n: 1 })).toBe('1 new message');
    expect(british.t('room.newMessages', { n: 1234 })).toBe('1,234 new messages');
    expect(german.t('room.newMessages', { n: 1 })).toBe('1 neue Nachricht');
    expect(german.t('room.newMessages', { n: 1234 })).toBe('1.234 neue Nachrichten');
    expect(german.t('do.cancel')).toBe('Abbrechen');
    // @ts-expect-error a text with a name in braces needs its value
    expect(german.t('room.messages')).toBe('Nachrichten in ');
    // @ts-expect-error a number is a number
    expect(german.t('room.newMessages', { n: '3' })).toBe('3 neue Nachrichten');
    // What is filled in is no text of ours.
    expect(german.t('room.messages', { room: '{n} {room}' })).toBe('Nachrichten in {n} {room}');
  });

  it('list people', () => {
    const five = ['Ana', 'Ben', 'Carla', 'Dan', 'Eva'];
    expect(british.list(['Ana', 'Ben', 'Carla'])).toBe('Ana, Ben and Carla');
    expect(german.list(five, 3)).toBe('Ana, Ben und 3 weitere');
    expect(german.list(five)).toBe('Ana, Ben, Carla und 2 weitere');
    expect(german.join([1, 2, 3])).toEqual([1, ', ', 2, ' und ', 3]);
    expect(german.join([])).toEqual([]);
  });

  it('keep what is more than words, and speak to the reader', () => {
    const ana = { parts: [{ id: 'a' }] };
    const me = { parts: ['me'], me: true };
    expect(british.parts('notice.remove', { who: ana, whom: me })).toEqual([
      { id: 'a' },
      ' removed ',
      'you',
    ]);
    expect(german.parts('notice.moderator', { who: me, whom: ana })).toEqual([
      'Du',
      ' ',
      'hast',
      ' ',
      { id: 'a' },
      ' die Moderation übertragen',
    ]);
    expect(german.t('notice.moderator', { who: 'Ana', whom: 'Ben' })).toBe(
      'Ana hat Ben die Moderation übertragen',
    );
  });

  it('say what the server refused, in its own words where there are no others', () => {
    expect(british.error('muted', 'you are muted in this room')).toBe('you are muted in this room');
    expect(german.error('muted', 'you are muted in this room')).toBe(
      'Du bist in diesem Raum stummgeschaltet.',
    );
    expect(german.error('conflict', 'that is the last owner')).toContain(
      '„that is the last owner“',
    );
    expect(german.error('something_new', 'the server is a teapot')).toBe('the server is a teapot');
    // A code is no way to other texts.
    expect(german.error('toString', 'x')).toBe('x');
  });

  it('sort as the language does', () => {
    const names = ['Zoe', 'Österreich', 'room 10', 'room 9', 'apfel'];
    expect(names.sort(german.compare)).toEqual(['apfel', 'Österreich', 'room 9', 'room 10', 'Zoe']);
  });

  it('know their direction', () => {
    expect(german.dir).toBe('ltr');
    // Nobody is offered this one: it is English from right to left.
    expect(makeWords('ar-XB', en satisfies Catalogue).dir).toBe('rtl');
    expect(['he', 'fa-IR', 'ur', 'az-Arab'].map(directionOf)).toEqual(['rtl', 'rtl', 'rtl', 'rtl']);
    expect(['zh', 'sr-Cyrl', 'az'].map(directionOf)).toEqual(['ltr', 'ltr', 'ltr']);
  });
});

describe('the choice of a language', () => {
  it('is what somebody chose, else what the browser wants, else English', () => {
    expect(chooseLanguage('de', ['en-GB'], offered)).toBe('de');
    expect(chooseLanguage('', ['fr', 'de-AT', 'en'], offered)).toBe('de');
    expect(chooseLanguage('', ['en-US', 'de'], offered)).toBe('en');
    expect(chooseLanguage('', ['fr'], offered)).toBe('en');
    expect(chooseLanguage('xx', ['fr'], offered)).toBe('en');
    expect(chooseLanguage('', [], offered)).toBe('en');
  });

  it('takes the region from the browser', () => {
    expect(regional('de', ['en-GB', 'de-AT', 'de'])).toBe('de-AT');
    expect(regional('en', ['de-AT'])).toBe('en');
  });
});
