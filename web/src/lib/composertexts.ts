/** What a browser's localStorage offers of itself. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const key = 'hubbub.composer';

/**
 * The unfinished text of each room's composer. It survives a reload where the browser allows it, and
 * belongs to one person: somebody else on this device starts with empty composers.
 */
export class ComposerTexts {
  private readonly texts = new Map<string, string>();
  private readonly person: string;
  private readonly storage: TextStorage | undefined;

  constructor(person: string, storage: TextStorage | undefined) {
    this.person = person;
    this.storage = storage;
    for (const [room, text] of Object.entries(this.stored())) this.texts.set(room, text);
  }

  get(room: string): string {
    return this.texts.get(room) ?? '';
  }

  set(room: string, text: string): void {
    if (text === '') this.texts.delete(room);
    else this.texts.set(room, text);
    this.save();
  }

  private stored(): Record<string, string> {
    try {
      const saved: unknown = JSON.parse(this.storage?.getItem(key) ?? '{}');
      const { person, texts } = saved as { person?: unknown; texts?: Record<string, unknown> };
      if (person !== this.person || !texts) return {};
      const entries = Object.entries(texts).filter((e) => typeof e[1] === 'string');
      return Object.fromEntries(entries) as Record<string, string>;
    } catch {
      return {};
    }
  }

  private save(): void {
    try {
      if (this.texts.size === 0) this.storage?.removeItem(key);
      else {
        const saved = { person: this.person, texts: Object.fromEntries(this.texts) };
        this.storage?.setItem(key, JSON.stringify(saved));
      }
    } catch {
      // A full or forbidden storage costs the text at a reload, nothing now.
    }
  }
}
