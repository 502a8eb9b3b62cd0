import { attentionApi } from '../lib/attentionapi.ts';
import type { Clock } from '../lib/clock.ts';
import { ComposerTexts, type TextStorage } from '../lib/composertexts.ts';
import type { DraftStore } from '../lib/draftstore.ts';
import { Outbox, sendDraft, type More, type Outgoing, type OutboxNews } from '../lib/outbox.ts';
import { SharedDrafts } from '../lib/shareddrafts.ts';
import type { Connection } from '../lib/socket.ts';
import type { RoomEvent, SharedFile } from '../lib/wire.ts';
import type { Room } from './room.svelte.ts';

export interface WritingOptions {
  me: string;
  link: Pick<Connection, 'send' | 'probe'>;
  clock: Clock;
  store: DraftStore;
  newId: () => string;
  tell: (news: OutboxNews) => void;
  texts: TextStorage | undefined;
  skew: () => number;
  /** A message was put on the connection. */
  onsent: (id: string) => void;
}

const typingEvery = 3_000;
/** So long the connection may be silent when it is asked what became of a message. */
const silence = 10_000;

/** What one writes: the texts in the composers, and what was sent and is not in the log yet. */
export class Writing {
  drafts = $state.raw<readonly Outgoing[]>([]);
  pausedUntil = $state<number | undefined>();
  /** Counts the changes of composer texts, for the marks in the room list. */
  composed = $state(0);
  /** The room in whose composer another text stands, from another device; `n` tells one from the next. */
  arrived = $state.raw<{ room: string; n: number } | undefined>();

  readonly waiting = $derived(this.drafts.filter((d) => !d.sent && !d.failed).length);

  readonly texts: ComposerTexts;
  readonly shared: SharedDrafts;
  readonly outbox: Outbox;

  /** Hears what the outbox tells other tabs. */
  onnews: ((news: OutboxNews) => void) | undefined;

  private readonly link: Pick<Connection, 'send'>;
  private readonly clock: Clock;
  private typedAt = 0;

  constructor(options: WritingOptions) {
    const { me, link, clock, store, newId, tell, texts, skew, onsent } = options;
    this.link = link;
    this.clock = clock;
    this.texts = new ComposerTexts(me, texts);
    this.shared = new SharedDrafts({
      texts: this.texts,
      clock,
      skew,
      push: attentionApi.draft,
      onarrived: (room) => {
        this.composed++;
        this.arrived = { room, n: this.composed };
      },
    });
    this.outbox = new Outbox({
      author: me,
      store,
      clock,
      newId,
      tell: (news) => {
        tell(news);
        this.onnews?.(news);
      },
      send: (draft) => {
        const sent = sendDraft(link, draft);
        if (sent) onsent(draft.id);
        return sent;
      },
      onoverdue: () => link.probe(silence),
      onchange: () => {
        this.drafts = this.outbox.all();
        this.pausedUntil = this.outbox.pausedUntil;
      },
    });
  }

  /** Until when a room holds what is written in it back, because it is slow. */
  slowUntil(room: Room): number | undefined {
    void this.drafts;
    return this.outbox.slowUntil(room.id);
  }

  send(room: Room, text: string, more: More = {}): void {
    this.outbox.add(room.id, text, more);
    this.typedAt = -Infinity; // what is typed next is news again
  }

  /** Changes what one said, and which of its files stay. It shows at once. */
  edit(
    room: Room,
    target: Pick<RoomEvent, 'seq' | 'revised'>,
    text: string,
    files?: readonly SharedFile[],
  ): void {
    const { seq, revised: base = 0 } = target;
    const before = this.drafts.filter((d) => d.target === seq && d.wish === 'edit');
    for (const { id, failed } of before) if (failed) this.outbox.discard(id);
    // What is based on one's own edit that is still on its way has no number to be based on.
    const under = before.some(({ failed }) => !failed);
    this.outbox.add(room.id, text, {
      wish: 'edit',
      target: seq,
      ...(under ? {} : { base }),
      ...(files ? { files } : {}),
    });
  }

  /** Puts an emoji to a message, or takes it back, whatever is still on its way. */
  react(room: Room, target: number, emoji: string, on: boolean): void {
    const wish = on ? 'react' : 'unreact';
    this.outbox.add(room.id, emoji, { wish, target });
  }

  retry(id: string): void {
    this.outbox.retry(id);
  }

  discard(id: string): void {
    this.outbox.discard(id);
  }

  /** Keeps what is being written, in a room or under a message. */
  compose(key: string, text: string): void {
    // What is written under a message stays on this device.
    if (key.includes('#')) this.texts.set(key, text);
    else this.shared.wrote(key, text);
    this.composed++;
  }

  typing(room: Room): void {
    const now = this.clock.now();
    if (now - this.typedAt < typingEvery) return;
    if (this.link.send('typing', { room: room.id })) this.typedAt = now;
  }
}
