import type { Context, Doc } from './markdown.ts';

/** More than a timeline holds at once. */
const most = 500;

/** Keeps what messages were read as: rows come and go while one scrolls. */
export class DocCache {
  private readonly docs = new Map<string, Doc>();
  private context: Context = {};

  constructor(private readonly parse: (text: string, context: Context) => Doc) {}

  get(text: string, context: Context): Doc {
    const { mentions, origin, emoji } = this.context;
    if (context.mentions !== mentions || context.origin !== origin || context.emoji !== emoji) {
      this.docs.clear();
      this.context = context;
    }
    const known = this.docs.get(text);
    const doc = known ?? this.parse(text, context);
    // The oldest in the map is the one not asked for the longest.
    this.docs.delete(text);
    this.docs.set(text, doc);
    const [oldest] = this.docs.keys();
    if (this.docs.size > most && oldest !== undefined) this.docs.delete(oldest);
    return doc;
  }
}
