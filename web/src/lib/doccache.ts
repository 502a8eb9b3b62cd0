import type { Context, Doc } from './markdown.ts';

/** More than a timeline holds at once. */
const most = 500;

/** Keeps what messages were read as: rows come and go while one scrolls. */
export class DocCache {
  private readonly docs = new Map<string, { doc: Doc; context: Context }>();

  constructor(private readonly parse: (text: string, context: Context) => Doc) {}

  get(text: string, context: Context): Doc {
    const known = this.docs.get(text);
    const read =
      known && same(known.context, context) ? known : { doc: this.parse(text, context), context };
    // The oldest in the map is the one not asked for the longest.
    this.docs.delete(text);
    this.docs.set(text, read);
    const [oldest] = this.docs.keys();
    if (this.docs.size > most && oldest !== undefined) this.docs.delete(oldest);
    return read.doc;
  }
}

function same(a: Context, b: Context): boolean {
  return a.mentions === b.mentions && a.origin === b.origin && a.emoji === b.emoji;
}
