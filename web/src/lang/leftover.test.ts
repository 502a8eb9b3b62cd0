import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// Words that are the same in every language, or are no words of the page.
const allowed = [
  /^hubbub$/, // its name
  /^(Enter|Esc|Escape|Tab|Home|End|PageUp|PageDown|Delete|Backspace|Arrow\w+)$/, // keys
  /^Authorization: Bearer/, // a command to copy
  /^hello from a script/,
  /^(Chrome|Edge|Firefox|Safari|Opera|Android|Mac|Windows|Linux|Chrome ?OS|iPhone|iPad)/, // devices
  /^(Segmenter|[A-Z][a-z]+(Error|Event|Element))$/,
];
const shown =
  /\b(?:aria-label|aria-description|placeholder|title|alt|label|note|none|action)="([^"]*)"/g;
const folder = new URL('../components/', import.meta.url);

/** Takes what stands in braces out of a template, and gives both. */
function split(template: string): { outside: string; inside: string[] } {
  let outside = '';
  const inside: string[] = [];
  let depth = 0;
  let from = 0;
  for (const [i, letter] of [...template].entries()) {
    if (letter === '{' && depth++ === 0) from = i + 1;
    else if (letter === '}' && --depth === 0) inside.push([...template].slice(from, i).join(''));
    else if (depth === 0) outside += letter;
  }
  return { outside, inside };
}

/** Texts in quotes that look like something to read: a capital letter, or several words. */
function sentences(code: string): string[] {
  const quoted = [...code.matchAll(/(['`])((?:(?!\1)[^\\]|\\.)*)\1/g)].map(
    ([, , text = '']) => text,
  );
  return quoted.filter((text) => /^\p{Lu}\p{Ll}+(?:$|[ ’…!?.,:])/u.test(text));
}

test.each(readdirSync(folder).filter((name) => name.endsWith('.svelte')))(
  '%s shows only texts of the catalogue',
  (name) => {
    const source = readFileSync(new URL(name, folder), 'utf8');
    const scripts = [...source.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, code]) => code);
    const { outside, inside } = split(
      source
        .replace(/<(script|style)[^>]*>.*?<\/\1>/gs, '')
        .replace(/<!--.*?-->/gs, '')
        .replace(/\bclass="[^"]*"/g, ''),
    );
    const left = [
      ...outside.replace(/<[^>]*>/g, '\n').split('\n'),
      ...[...outside.matchAll(shown)].map(([, text]) => text ?? ''),
      ...[...scripts, ...inside].flatMap((code = '') => sentences(code.replace(/\/\/.*$/gm, ''))),
    ]
      .map((text) => text.trim())
      .filter((text) => /\p{L}{2}/u.test(text) && !allowed.some((word) => word.test(text)));
    expect(left).toEqual([]);
  },
);
