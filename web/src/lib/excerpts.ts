/** A part of a text; `lit` if it is to be seen first. */
export interface Part {
  text: string;
  lit: boolean;
}

/** Up to so many letters a text stays whole. */
const whole = 150;
const beginning = 28;

/** What is shown of what lies before, between or behind the pieces of a long text. */
function shorten(text: string, first: boolean): string {
  const kept = first ? beginning : 2;
  return text.length <= kept ? text : `${first ? text.slice(0, beginning) : ''}…`;
}

/** A text with some of its pieces lit up. Of a long one, the beginning and the pieces. */
export function litParts(text: string, pieces: readonly string[]): Part[] {
  const parts: Part[] = [];
  let from = 0;
  const plain = (until: number) => {
    const between = text.slice(from, until);
    const said = text.length <= whole ? between : shorten(between, from === 0);
    if (said !== '') parts.push({ text: said, lit: false });
  };
  const places = pieces
    .map((piece) => ({ piece, at: text.indexOf(piece) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  for (const { piece, at } of places) {
    if (at < from) continue;
    plain(at);
    parts.push({ text: piece, lit: true });
    from = at + piece.length;
  }
  plain(text.length);
  return parts;
}
