import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { compress } from './compress.ts';
import { emojiData } from './emojidata.ts';
import { shell } from './shell.ts';

const server = 'http://127.0.0.1:3000';

// The server accepts only its own address as Origin, so the proxy speaks in its name.
const toServer = { target: server, changeOrigin: true, headers: { origin: server } };

export default defineConfig({
  plugins: [svelte(), emojiData(), shell(), compress()],
  build: {
    target: 'es2022',
    // The content policy allows no data: addresses but for pictures, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/api': toServer,
      // The chat's socket lives at the root, where the page lives too: only upgrades pass.
      '^/$': {
        ...toServer,
        ws: true,
        rewriteWsOrigin: true,
        bypass: (request) => (request.headers.upgrade === 'websocket' ? undefined : request.url),
      },
    },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
