import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const name = 'virtual:shell';
/** What stands for the list until all files are known. */
const mark = 'hubbub:shell';
const worker = 'sw.js';
/** Files that no page asks for. */
const unneeded = new Set(['placeholder.txt']);

/**
 * Builds src/sw.ts beside the page, as /sw.js, and writes into it the list of all files of the build and
 * a version that changes with any of them.
 */
export function shell(): Plugin {
  let publicDir = '';
  return {
    name: 'hubbub-shell',
    apply: 'build',
    config: () => ({
      build: {
        rolldownOptions: {
          input: { index: 'index.html', sw: 'src/sw.ts' },
          output: {
            entryFileNames: ({ name: entry }) =>
              entry === 'sw' ? worker : 'assets/[name]-[hash].js',
          },
        },
      },
    }),
    configResolved: (config) => {
      publicDir = config.publicDir;
    },
    resolveId: (id) => (id === name ? `\0${name}` : undefined),
    load: (id) =>
      id === `\0${name}`
        ? `const built = JSON.parse(${JSON.stringify(mark)});
           export const { version, shell } = built;`
        : undefined,
    generateBundle: {
      // The page itself is written by another plugin.
      order: 'post',
      handler(_options, bundle) {
        const files = new Map<string, string | Uint8Array>();
        for (const [path, file] of Object.entries(bundle)) {
          if (path !== worker) files.set(path, file.type === 'chunk' ? file.code : file.source);
        }
        if (!files.has('index.html')) this.error('index.html is not written yet');
        for (const entry of readdirSync(publicDir, { recursive: true, withFileTypes: true })) {
          const path = join(entry.parentPath, entry.name);
          const address = path.slice(publicDir.length + 1);
          if (entry.isFile() && !unneeded.has(address)) files.set(address, readFileSync(path));
        }
        const script = bundle[worker];
        if (script?.type !== 'chunk' || script.imports.length > 0) {
          this.error('the service worker must be one script that imports nothing');
        }
        const paths = [...files.keys()].sort();
        const hash = createHash('sha256').update(script.code);
        for (const path of paths) hash.update(path).update(files.get(path) ?? '');
        const built = {
          version: hash.digest('hex').slice(0, 12),
          shell: paths.map((path) => (path === 'index.html' ? '/' : `/${path}`)),
        };
        // Both are texts in quotes of their own, so that the one fits where the other was.
        const text = JSON.stringify(JSON.stringify(built)).slice(1, -1).replaceAll('`', '\\`');
        script.code = script.code.replace(mark, () => text);
      },
    },
  };
}
