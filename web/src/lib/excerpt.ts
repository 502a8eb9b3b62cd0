/** So much of a text is looked at: enough for a line, whatever stands behind it. */
const looked = 1_000;

/**
 * A message as one line of plain words, for a quote, a list or a voice: without the marks of Markdown.
 * What hides behind them is not parsed, only left out where it is plain what it is.
 */
export function excerpt(text: string, most = 200): string {
  const words = text
    .slice(0, looked)
    .replace(/^[ \t]*(?:`{3,}|~{3,}).*$/gm, '')
    .replace(/^[ \t]*\|?[ \t]*:?-{3,}[-:| \t]*$/gm, '')
    .replace(/^[ \t]*(?:>[ \t]?|#{1,6}[ \t]+|[-+*][ \t]+|\d{1,9}[.)][ \t]+)+/gm, '')
    .replace(/!?\[([^\][\n]*)\]\([^()\s]*\)/g, '$1')
    .replace(/(\*\*|__|~~)(?=\S)([^\n]*?\S)\1/g, '$2')
    .replace(/(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])/g, '$1')
    .replace(/(?<![\w_])_(?=\S)([^_\n]*[^_\s])_(?![\w_])/g, '$1')
    .replace(/`+([^`\n]+)`+/g, '$1')
    .replace(/^[ \t]*\|(.*)\|[ \t]*$/gm, (_, cells: string) => cells.replaceAll('|', ' · '))
    .replace(/\s+/g, ' ')
    .trim();
  const letters = [...(words || text.replace(/\s+/g, ' ').trim())];
  return letters.length > most ? `${letters.slice(0, most).join('')}…` : letters.join('');
}
