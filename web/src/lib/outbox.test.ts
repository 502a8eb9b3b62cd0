import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { memoryDraftStore, openDraftStore, type Draft, type DraftStore } from './draftstore.ts';
import { Outbox, sendDraft, type OutboxNews } from './outbox.ts';
import { TestClock } from './testclock.ts';

const clock = new TestClock();
let ids = 0;
let databases = 0;

/** A tab of the browser: an outbox, the wire it sends on, and the other tabs it talks to. */
class Tab {
  wire: string[] = [];
  linked = true;
  overdue = 0;
  outbox: Outbox;

  constructor(store: DraftStore, others: Tab[] = [], author = 'a') {
    this.outbox = new Outbox({
      author,
      store,
      clock,
      newId: () => `id-${++ids}`,
      send: (draft) => {
        if (this.linked) this.wire.push(draft.text);
        return this.linked;
      },
      tell: (news: OutboxNews) =>
        others.filter((t) => t !== this).forEach((t) => t.outbox.hear(news)),
      onoverdue: () => ++this.overdue,
      onchange: () => {},
    });
    others.push(this);
  }

  async start(): Promise<this> {
    await this.outbox.load();
    this.outbox.connected();
    return this;
  }

  get texts(): string[] {
    return this.outbox.all().map((draft) => draft.text);
  }
}

const refusal = (draft: Draft, code: string, more = {}) => ({
  code,
  message: `refused: ${code}`,
  frame: 'send',
  room: draft.room,
  id: draft.id,
  ...more,
});

let store: DraftStore;
let tab: Tab;
beforeEach(async () => {
  store = await openDraftStore(`test-${++databases}`);
  tab = await new Tab(store).start();
});

describe('sending', () => {
  test('one at a time in a room, in order; rooms do not wait for each other', () => {
    const one = tab.outbox.add('r', 'one');
    tab.outbox.add('r', 'two');
    tab.outbox.add('s', 'other');
    expect(tab.wire).toEqual(['one', 'other']);
    tab.outbox.acknowledged(one.id, 1, 0);
    expect(tab.wire).toEqual(['one', 'other', 'two']);
  });

  test('an answer keeps the row until the event is seen', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.acknowledged(draft.id, 7, 99);
    expect(tab.outbox.all()).toMatchObject([{ text: 'one', sent: { seq: 7, time: 99 } }]);
    expect(tab.outbox.waiting).toBe(0);
    tab.outbox.seen(draft.id);
    expect(tab.texts).toEqual([]);
  });

  test('the event may come before the answer', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.add('r', 'two');
    tab.outbox.seen(draft.id);
    expect(tab.wire).toEqual(['one', 'two']);
    tab.outbox.acknowledged(draft.id, 7, 99);
    expect(tab.texts).toEqual(['two']);
  });

  test('what lies behind the place of the log is forgotten', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.acknowledged(draft.id, 7, 99);
    tab.outbox.seenUpTo('r', 6);
    expect(tab.texts).toEqual(['one']);
    tab.outbox.seenUpTo('r', 7);
    expect(tab.texts).toEqual([]);
  });

  test('without a connection waits, and goes out in order with the same ids', () => {
    tab.outbox.disconnected();
    const drafts = ['one', 'two', 'three'].map((text) => tab.outbox.add('r', text));
    expect(tab.wire).toEqual([]);
    tab.outbox.connected();
    for (const draft of drafts) tab.outbox.acknowledged(draft.id, 1, 0);
    expect(tab.wire).toEqual(['one', 'two', 'three']);
  });

  test('without an answer is repeated on the next connection', () => {
    tab.outbox.add('r', 'one');
    tab.outbox.disconnected();
    tab.outbox.connected();
    expect(tab.wire).toEqual(['one', 'one']);
    expect(tab.texts).toEqual(['one']);
  });

  test('without an answer asks after two seconds what became of it, until it knows', () => {
    const draft = tab.outbox.add('r', 'one');
    clock.advance(1999);
    expect(tab.overdue).toBe(0);
    clock.advance(1);
    expect(tab.overdue).toBe(1);
    clock.advance(4000);
    expect(tab.overdue).toBe(3);
    tab.outbox.acknowledged(draft.id, 1, 0);
    clock.advance(60_000);
    expect(tab.overdue).toBe(3);
  });

  test('keeps its order when the clock goes back', () => {
    tab.outbox.disconnected();
    tab.outbox.add('r', 'one');
    clock.sleep(-100_000);
    tab.outbox.add('r', 'two');
    expect(tab.texts).toEqual(['one', 'two']);
  });
});

describe('a line that loses frames, or brings them twice', () => {
  test('what has no answer when the other side has answered all before is sent again, in its place', () => {
    const one = tab.outbox.add('r', 'one');
    tab.outbox.add('r', 'two');
    tab.outbox.add('s', 'other');
    clock.advance(2000);
    tab.outbox.acknowledged(tab.outbox.all()[2]?.id ?? '', 1, 0);
    expect(tab.outbox.answered(2)).toBe(true);
    expect(tab.wire).toEqual(['one', 'other', 'one']);
    tab.outbox.acknowledged(one.id, 1, 0);
    expect(tab.wire).toEqual(['one', 'other', 'one', 'two']);
  });

  test('what was not asked about, or was asked about later, waits for its own answer', () => {
    tab.outbox.add('r', 'one');
    expect(tab.outbox.answered(9)).toBe(false);
    tab.overdue = 9;
    clock.advance(2000);
    expect(tab.outbox.answered(9)).toBe(false);
    expect(tab.wire).toEqual(['one']);
  });

  test('an answer that comes twice sends nothing twice', () => {
    tab.outbox.add('r', 'one');
    clock.advance(2000);
    tab.outbox.answered(1);
    expect(tab.outbox.answered(1)).toBe(false);
    expect(tab.wire).toEqual(['one', 'one']);
  });

  test('a later question that is answered will do', () => {
    tab.outbox.add('r', 'one');
    clock.advance(6000);
    expect(tab.outbox.answered(3)).toBe(true);
    expect(tab.wire).toEqual(['one', 'one']);
  });

  test('an acknowledgement that comes twice changes nothing', () => {
    const one = tab.outbox.add('r', 'one');
    tab.outbox.add('r', 'two');
    tab.outbox.acknowledged(one.id, 1, 0);
    tab.outbox.acknowledged(one.id, 1, 0);
    expect(tab.wire).toEqual(['one', 'two']);
    tab.outbox.seen(one.id);
    tab.outbox.seen(one.id);
    tab.outbox.acknowledged(one.id, 1, 0);
    expect(tab.texts).toEqual(['two']);
  });

  test('a refusal that comes twice is one, and pauses once', () => {
    const one = tab.outbox.add('r', 'one');
    const asked = refusal(one, 'rate_limited', { retry_after: 2 });
    tab.outbox.refused(asked);
    tab.outbox.refused(asked);
    clock.advance(2000);
    expect(tab.wire).toEqual(['one', 'one']);
    const no = refusal(one, 'too_long');
    tab.outbox.refused(no);
    tab.outbox.refused(no);
    expect(tab.outbox.all()).toHaveLength(1);
    expect(tab.wire).toEqual(['one', 'one']);
  });

  test('a reaction that comes back twice is gone once', () => {
    const wish = tab.outbox.add('r', '👍', { wish: 'react', target: 3 });
    tab.outbox.refused(refusal(wish, 'conflict'));
    tab.outbox.refused(refusal(wish, 'conflict'));
    expect(tab.outbox.all()).toEqual([]);
  });
});

describe('refusals', () => {
  test('keep the text with the reason, and let the next one go', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.add('r', 'two');
    tab.outbox.refused(refusal(draft, 'too_long'));
    expect(tab.outbox.all()[0]).toMatchObject({
      text: 'one',
      failed: { message: 'refused: too_long' },
    });
    expect(tab.wire).toEqual(['one', 'two']);
    expect(tab.outbox.waiting).toBe(1);
  });

  test('can be retried under the same id, or discarded', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.refused(refusal(draft, 'not_found'));
    tab.outbox.retry(draft.id);
    expect(tab.wire).toEqual(['one', 'one']);
    expect(tab.outbox.all()).toEqual([draft]);
    tab.outbox.refused(refusal(draft, 'not_found'));
    tab.outbox.discard(draft.id);
    expect(tab.texts).toEqual([]);
  });

  test('of an id that is in use are retried under a new one', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.refused(refusal(draft, 'conflict'));
    tab.outbox.retry(draft.id);
    expect(tab.texts).toEqual(['one']);
    expect(tab.outbox.all()[0]?.id).not.toBe(draft.id);
  });

  test('keep the files of the message when they are retried', () => {
    const files = [{ id: 'f', name: 'a.txt', type: 'text/plain', size: 1 }];
    const draft = tab.outbox.add('r', '', { files });
    tab.outbox.refused(refusal(draft, 'conflict'));
    tab.outbox.retry(draft.id);
    expect(tab.outbox.all()[0]?.files).toEqual(files);
  });

  test('for being too fast wait as long as asked, and go on by themselves in order', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.refused(refusal(draft, 'rate_limited', { retry_after: 2 }));
    tab.outbox.add('r', 'two');
    tab.outbox.add('s', 'other');
    expect(tab.outbox.pausedUntil).toBe(clock.now() + 2000);
    clock.advance(1999);
    expect(tab.wire).toEqual(['one']);
    clock.advance(1);
    expect(tab.wire).toEqual(['one', 'one', 'other']);
    expect(tab.outbox.pausedUntil).toBeUndefined();
  });

  test('of a slow room hold only its drafts, which go on by themselves in order', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.refused(refusal(draft, 'slow_mode', { retry_after: 30 }));
    tab.outbox.add('r', 'two');
    const other = tab.outbox.add('s', 'other');
    tab.outbox.acknowledged(other.id, 1, 0);
    tab.outbox.add('s', 'another');
    expect(tab.wire).toEqual(['one', 'other', 'another']);
    expect(tab.outbox.slowUntil('r')).toBe(clock.now() + 30_000);
    expect(tab.outbox.slowUntil('s')).toBeUndefined();
    expect(tab.outbox.pausedUntil).toBeUndefined();
    expect(tab.outbox.all().some((d) => d.failed)).toBe(false);
    clock.advance(29_999);
    expect(tab.wire).toHaveLength(3);
    clock.advance(1);
    expect(tab.wire).toEqual(['one', 'other', 'another', 'one']);
    expect(tab.outbox.slowUntil('r')).toBeUndefined();
    tab.outbox.acknowledged(draft.id, 2, 0);
    expect(tab.wire.at(-1)).toBe('two');
  });

  test('of a slow room are asked again on the next connection', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.refused(refusal(draft, 'slow_mode', { retry_after: 30 }));
    tab.outbox.disconnected();
    tab.outbox.connected();
    expect(tab.wire).toEqual(['one', 'one']);
    expect(tab.outbox.slowUntil('r')).toBeUndefined();
  });

  test.each(['muted', 'banned', 'removed', 'read_only', 'archived', 'waiting', 'not_found'])(
    'because of %s say why, and do not go on by themselves',
    (code) => {
      const draft = tab.outbox.add('r', 'one');
      tab.outbox.refused(refusal(draft, code, { retry_after: 600 }));
      clock.advance(700_000);
      expect(tab.outbox.all()[0]).toMatchObject({ failed: { code } });
      expect(tab.wire).toEqual(['one']);
    },
  );

  test('that concern the connection leave the draft pending', () => {
    const draft = tab.outbox.add('r', 'one');
    tab.outbox.refused(refusal(draft, 'unauthorized'));
    expect(tab.outbox.waiting).toBe(1);
  });

  test('without an id, or of something unknown, change nothing', () => {
    tab.outbox.add('r', 'one');
    tab.outbox.refused({ code: 'too_long', message: 'x' });
    tab.outbox.refused({ code: 'too_long', message: 'x', id: 'nobody' });
    expect(tab.outbox.waiting).toBe(1);
  });
});

describe('a reload', () => {
  test('brings everything back in order, and sends it', async () => {
    tab.outbox.disconnected();
    for (const text of ['one', 'two', 'three']) tab.outbox.add('r', text);
    const next = await new Tab(store).start();
    expect(next.texts).toEqual(['one', 'two', 'three']);
    expect(next.wire).toEqual(['one']);
  });

  test('forgets what was answered, keeps what was refused', async () => {
    const sent = tab.outbox.add('r', 'sent');
    tab.outbox.acknowledged(sent.id, 1, 0);
    const bad = tab.outbox.add('r', 'bad');
    tab.outbox.refused(refusal(bad, 'too_long'));
    const next = await new Tab(store).start();
    expect(next.outbox.all()).toMatchObject([
      { text: 'bad', failed: { message: 'refused: too_long' } },
    ]);
    expect(next.wire).toEqual([]);
  });

  test('new messages do not overtake old ones', async () => {
    tab.outbox.disconnected();
    tab.outbox.add('r', 'old');
    const next = new Tab(store);
    next.outbox.connected();
    next.outbox.add('r', 'new');
    expect(next.wire).toEqual([]);
    await next.outbox.load();
    expect(next.texts).toEqual(['old', 'new']);
    expect(next.wire).toEqual(['old']);
  });

  test('as somebody else sends nothing of the first', async () => {
    tab.outbox.disconnected();
    tab.outbox.add('r', 'mine');
    const other = await new Tab(store, [], 'b').start();
    expect(other.texts).toEqual([]);
  });
});

describe('two tabs', () => {
  let tabs: Tab[];
  let left: Tab;
  let right: Tab;
  beforeEach(async () => {
    tabs = [];
    left = await new Tab(store, tabs).start();
    right = await new Tab(store, tabs).start();
  });

  test('both show the draft, one sends it, both forget it', async () => {
    const draft = left.outbox.add('r', 'one');
    expect(right.texts).toEqual(['one']);
    expect([left.wire, right.wire]).toEqual([['one'], []]);
    left.outbox.acknowledged(draft.id, 1, 5);
    expect(right.outbox.all()).toMatchObject([{ sent: { seq: 1, time: 5 } }]);
    right.outbox.seen(draft.id);
    left.outbox.seen(draft.id);
    expect([left.texts, right.texts]).toEqual([[], []]);
    expect(await store.all('a')).toEqual([]);
  });

  test('a tab that is gone has its drafts sent by the other', () => {
    left.linked = false;
    left.outbox.add('r', 'one');
    clock.advance(9999);
    expect(right.wire).toEqual([]);
    clock.advance(1);
    expect(right.wire).toEqual(['one']);
  });

  test('after a reconnect a tab sends whatever is left', () => {
    left.linked = false;
    left.outbox.add('r', 'one');
    right.outbox.disconnected();
    right.outbox.connected();
    expect(right.wire).toEqual(['one']);
  });

  test('a discarded draft is gone in both, and late news do not bring it back', async () => {
    left.outbox.disconnected();
    right.outbox.disconnected();
    const draft = left.outbox.add('r', 'one');
    left.outbox.discard(draft.id);
    right.outbox.hear({ type: 'draft', draft });
    expect(right.texts).toEqual([]);
    expect(await store.all('a')).toEqual([]);
  });

  test('a refusal shows in both', () => {
    const draft = left.outbox.add('r', 'one');
    left.outbox.refused(refusal(draft, 'too_long'));
    expect(right.outbox.all()).toMatchObject([{ failed: { message: 'refused: too_long' } }]);
    right.outbox.retry(draft.id);
    expect(right.wire).toEqual(['one']);
    expect(left.outbox.waiting).toBe(1);
  });
});

describe('stores', () => {
  const draft: Draft = { id: 'x', room: 'r', author: 'a', text: 't', created: 1, order: 1 };

  test.each([
    ['in a database', () => openDraftStore('stores')],
    ['in memory', async () => memoryDraftStore()],
  ])('%s: replace changes only what is there', async (_, open) => {
    const drafts = await open();
    await drafts.replace(draft);
    expect(await drafts.all('a')).toEqual([]);
    await drafts.put(draft);
    const failed = { code: 'conflict', message: 'no' };
    await drafts.replace({ ...draft, failed });
    expect(await drafts.all('a')).toEqual([{ ...draft, failed }]);
    expect(await drafts.all('b')).toEqual([]);
    await drafts.remove('x');
    expect(await drafts.all('a')).toEqual([]);
  });

  test('a page that is closed in the next moment leaves its draft behind', async () => {
    const drafts = await openDraftStore('closing');
    const commit = vi.spyOn(IDBTransaction.prototype, 'commit');
    const put = drafts.put(draft);
    expect(commit, 'the database was asked for all of it').toHaveBeenCalledOnce();
    await put;
    expect(await drafts.all('a')).toEqual([draft]);
    commit.mockRestore();
  });

  test('a store that fails costs nothing but the reload', async () => {
    const broken = () => Promise.reject(new Error('no disk'));
    const next = await new Tab({
      all: broken,
      put: broken,
      replace: broken,
      remove: broken,
    }).start();
    const sent = next.outbox.add('r', 'one');
    next.outbox.acknowledged(sent.id, 1, 0);
    next.outbox.seen(sent.id);
    expect(next.wire).toEqual(['one']);
    expect(next.texts).toEqual([]);
  });
});

test.each([
  ['send', {}, { room: 'r', id: 'x', text: 't', files: ['f'] }],
  [
    'edit',
    { wish: 'edit', target: 3, base: 0 },
    { room: 'r', id: 'x', target: 3, text: 't', base: 0, files: ['f'] },
  ],
] as const)('a draft that is a %s names its files by their ids', (kind, more, body) => {
  const sent: unknown[] = [];
  const link = { send: (...frame: unknown[]) => sent.push(frame) > 0 };
  const files = [{ id: 'f', name: 'a.txt', type: 'text/plain', size: 1 }];
  const base: Draft = { id: 'x', room: 'r', author: 'a', text: 't', created: 1, order: 1 };
  sendDraft(link, { ...base, ...more, files });
  expect(sent).toEqual([[kind, body]]);
});
