/** The languages whose code gets colours: what people write after ``` for each, and what it is called. */
const known = [
  ['bash', 'Shell', 'sh', 'shell', 'zsh', 'console'],
  ['c', 'C', 'h'],
  ['cpp', 'C++', 'c++', 'cc', 'cxx', 'hpp'],
  ['csharp', 'C#', 'cs', 'c#'],
  ['css', 'CSS'],
  ['diff', 'Diff', 'patch'],
  ['go', 'Go', 'golang'],
  ['ini', 'TOML', 'toml'],
  ['java', 'Java'],
  ['javascript', 'JavaScript', 'js', 'jsx', 'mjs', 'cjs'],
  ['json', 'JSON', 'json5', 'jsonc'],
  ['kotlin', 'Kotlin', 'kt', 'kts'],
  ['markdown', 'Markdown', 'md'],
  ['php', 'PHP'],
  ['python', 'Python', 'py', 'python3'],
  ['ruby', 'Ruby', 'rb'],
  ['rust', 'Rust', 'rs'],
  ['sql', 'SQL', 'postgres', 'postgresql', 'sqlite', 'mysql'],
  ['swift', 'Swift'],
  ['typescript', 'TypeScript', 'ts', 'tsx', 'mts', 'cts'],
  ['xml', 'HTML', 'html', 'svg', 'xhtml', 'svelte', 'vue'],
  ['yaml', 'YAML', 'yml'],
] as const;

export type Language = (typeof known)[number][0];

const byAlias = new Map<string, Language>();
const labels = new Map<Language, string>();
for (const [language, label, ...aliases] of known) {
  labels.set(language, label);
  for (const alias of [language, ...aliases]) byAlias.set(alias, language);
}

/** The language somebody named, if its code gets colours. */
export function languageNamed(name: string): Language | undefined {
  return byAlias.get(name.toLowerCase());
}

const longestLabel = 24;

/** What to call the language of a block; nothing if nobody named one. */
export function labelOf(name: string): string {
  const language = languageNamed(name);
  // A name that has a label of its own keeps it: ```ini is not TOML.
  if (language && name.toLowerCase() !== 'ini') {
    return name.toLowerCase() === 'xml' || name.toLowerCase() === 'svg'
      ? name.toUpperCase()
      : (labels.get(language) ?? name);
  }
  const letters = [...name];
  return letters.length > longestLabel ? `${letters.slice(0, longestLabel).join('')}…` : name;
}

/** As much code as gets colours, in UTF-16 units: what hostile code costs grows faster than its length. */
export const longestCode = 8 << 10;

/** What a piece of code is, as far as colours tell. */
export type Tint =
  | 'comment'
  | 'keyword'
  | 'string'
  | 'number'
  | 'title'
  | 'type'
  | 'attribute'
  | 'meta'
  | 'added'
  | 'removed';

/** A piece of code with one colour. */
export interface Run {
  readonly text: string;
  readonly tint: Tint | undefined;
}

const tints = new Map<string, Tint>([
  ...entries('comment', 'comment', 'quote'),
  ...entries('keyword', 'keyword', 'selector-tag', 'name', 'tag-name', 'operator-word', 'section'),
  ...entries('string', 'string', 'regexp', 'char', 'link', 'template-string', 'code'),
  ...entries('number', 'number', 'literal', 'symbol', 'bullet'),
  ...entries('title', 'title', 'selector-id', 'selector-class'),
  ...entries('type', 'type', 'built_in', 'class', 'selector-pseudo'),
  ...entries(
    'attribute',
    'attr',
    'attribute',
    'property',
    'variable',
    'template-variable',
    'params',
  ),
  ...entries('meta', 'meta', 'doctag', 'selector-attr'),
  ...entries('added', 'addition'),
  ...entries('removed', 'deletion'),
]);

function entries(tint: Tint, ...names: string[]): [string, Tint][] {
  return names.map((name) => [name, tint]);
}

/** As much of a tree of colours as we look at. */
interface Node {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly Node[];
}

/** The pieces of a tree of colours, one after the other; the innermost colour counts. */
export function runsOf(root: Node): Run[] {
  const runs: Run[] = [];
  // A stack of our own, since hostile code makes trees deep.
  const waiting: { node: Node; tint: Tint | undefined }[] = [{ node: root, tint: undefined }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, tint } = next;
    if (node.type === 'text' && node.value) {
      const last = runs.at(-1);
      if (last && last.tint === tint)
        runs[runs.length - 1] = { text: last.text + node.value, tint };
      else runs.push({ text: node.value, tint });
    }
    const inner = tintOf(node) ?? tint;
    for (const child of [...(node.children ?? [])].reverse()) {
      waiting.push({ node: child, tint: inner });
    }
  }
  return runs;
}

function tintOf(node: Node): Tint | undefined {
  const names = node.properties?.className;
  if (!Array.isArray(names)) return undefined;
  for (const name of names) {
    const tint = tints.get(String(name).replace(/^hljs-/, ''));
    if (tint) return tint;
  }
  return undefined;
}

/** What the page asks of the worker. */
export interface Asked {
  readonly language: Language;
  readonly text: string;
}
