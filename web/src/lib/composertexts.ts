/** What a browser's localStorage offers of itself. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** What stands in a composer. */
export interface Composed {
  text: string;
  /** When it was written, by the server's clock. */
  time: number;
  /** The server does not have it yet. */
  unsaid?: boolean;
}

const key = 'hubbub.composer';

/**
 * The unfinished text of each room's composer. It survives a reload where the browser allows it, and
 * belongs to one person: somebody else on this device starts with empty composers.
 */
export class ComposerTexts {
  private readonly texts = new Map<string, Composed>();
  private readonly person: string;
  private readonly storage: TextStorage | undefined;

  constructor(person: string, storage: TextStorage | undefined) {
    this.person = person;
    this.storage = storage;
    for (const [room, text] of this.stored()) this.texts.set(room, text);
  }

  get(room: string): string {
    return this.texts.get(room)?.text ?? '';
  }

  /** The same with what is known of it; also of one that was emptied. */
  entry(room: string): Composed | undefined {
    return this.texts.get(room);
  }

  all(): [string, Composed][] {
    return [...this.texts];
  }

  set(room: string, text: string, time = 0, unsaid = false): void {
    this.texts.set(room, { text, time, ...(unsaid ? { unsaid } : {}) });
    this.save();
  }

  private stored(): [string, Composed][] {
    try {
      const saved: unknown = JSON.parse(this.storage?.getItem(key) ?? '{}');
      const { person, texts } = saved as { person?: unknown; texts?: Record<string, unknown> };
      if (person !== this.person || !texts) return [];
      return Object.entries(texts).flatMap(([room, entry]) => {
        const read = readEntry(entry);
        return read ? [[room, read]] : [];
      });
    } catch {
      return [];
    }
  }

  private save(): void {
    try {
      // That it is empty is kept until the server knows.
      const kept = this.all().filter(([, { text, unsaid }]) => text !== '' || unsaid);
      if (kept.length === 0) this.storage?.removeItem(key);
      else {
        const saved = { person: this.person, texts: Object.fromEntries(kept) };
        this.storage?.setItem(key, JSON.stringify(saved));
      }
    } catch {
      // A full or forbidden storage costs the text at a reload, nothing now.
    }
  }
}

function readEntry(entry: unknown): Composed | undefined {
  // Pages before drafts were shared kept nothing but the text.
  if (typeof entry === 'string') return { text: entry, time: 0, unsaid: true };
  const { text, time, unsaid } = (entry ?? {}) as Record<string, unknown>;
  if (typeof text !== 'string' || typeof time !== 'number') return undefined;
  return { text, time, ...(unsaid === true ? { unsaid } : {}) };
}
