import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

const packable = /\.(html|js|css|svg|json|webmanifest)$/;
const tooSmall = 512;

const squeeze = [
  { suffix: '.gz', pack: (data: Buffer) => promisify(gzip)(data, { level: 9 }) },
  {
    suffix: '.br',
    pack: (data: Buffer) =>
      promisify(brotliCompress)(data, {
        params: {
          [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
        },
      }),
  },
];

/**
 * Writes a .gz and a .br copy beside every text file of the build, where it is smaller, so that the
 * server compresses nothing. It runs after writing, since index.html does not exist earlier.
 */
export function compress(): Plugin {
  return {
    name: 'hubbub-compress',
    apply: 'build',
    async writeBundle({ dir }) {
      if (!dir) return;
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const files = entries
        .filter((entry) => entry.isFile() && packable.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name));
      await Promise.all(files.map(packFile));
    },
  };
}

async function packFile(file: string): Promise<void> {
  const data = await readFile(file);
  if (data.length < tooSmall) return;
  for (const { suffix, pack } of squeeze) {
    const packed = await pack(data);
    if (packed.length < data.length) await writeFile(file + suffix, packed);
  }
}
