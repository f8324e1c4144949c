// Chromium for the tools: quiet, with a profile of its own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const ARGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];

/** Runs `use(open)`; `open(options)` gives a page in a fresh profile, `film` a Y4M file for its camera. Everything is closed afterwards. */
export async function withBrowser(use) {
  const opened = [];
  const open = async ({ film, ...options } = {}) => {
    const profile = await mkdtemp(join(tmpdir(), 'healthsync-web-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: film === undefined ? ARGS : [...ARGS, `--use-file-for-fake-video-capture=${film}`], permissions: ['microphone', 'camera'], ...options,
    });
    opened.push({ context, profile });
    return context.pages()[0] ?? (await context.newPage());
  };
  try {
    return await use(open);
  } finally {
    for (const { context, profile } of opened) {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    }
  }
}
