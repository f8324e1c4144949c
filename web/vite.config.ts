import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The vocabulary is generated from the Rust types; it is imported where it lies, so that there is one source.
const events = fileURLToPath(new URL('../protocols/events/generated/events.ts', import.meta.url));

/** Where `npm run dev` finds the API: the server, or `npm run replay`. */
const backend = process.env.HEALTHSYNC_BACKEND ?? 'http://127.0.0.1:8080';

export default defineConfig({
  resolve: { alias: { '@events': events } },
  build: {
    target: 'es2022',
    // The content security policy of the server allows no data: URI for fonts and scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: '127.0.0.1',
    port: 18010,
    proxy: { '/api': { target: backend, ws: true } },
  },
  test: { include: ['src/**/*.test.ts'] },
});
