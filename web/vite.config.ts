import { defineConfig } from 'vitest/config';

// The built handset is embedded in the server and served at `/`. In development the pages come from
// Vite and everything that is not a page goes to a running server (or to e2e/mock).
const server = process.env.HONGYAN_URL ?? 'http://127.0.0.1:8080';

const proxy = {
  '/sip': { target: server, ws: true },
  '/handset': { target: server },
  '/bot': { target: server },
  '/content': { target: server },
  '/openapi.json': { target: server },
  '/tools/v1': { target: server },
};

export default defineConfig({
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The handset, and the pages beside it.
    rolldownOptions: { input: ['index.html', 'docs/index.html', 'tools/card/index.html'] },
  },
  server: { proxy },
  preview: { proxy },
  // A busy machine is slow, not wrong.
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 50_000 } },
  },
});
