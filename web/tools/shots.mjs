// Screenshots of the built page at 1440 and 390 pixels, light and dark: node tools/shots.mjs [FOLDER]
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { withBrowser } from './browser.mjs';
import { startReplay } from './replay.mjs';

const folder = process.argv[2] ?? 'shots';
await mkdir(folder, { recursive: true });
const replay = await startReplay({ port: 18031, at: 118.5 });
const early = await startReplay({ port: 18032, at: 33 });
const url = (r) => `${r.url}/?session=${r.session}`;

async function shoot(page, name) {
  await page.waitForTimeout(350);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (beyond > 0) console.error(`${name}: ${beyond} px wider than the window`);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  console.log(name);
}

/** The lobby with sessions, and of a server that has none yet. */
async function lobby(page, tag) {
  await page.goto(replay.url);
  await page.getByTestId('session-link').first().waitFor();
  await shoot(page, `lobby-${tag}`);
  const none = (route) => route.fulfill({ json: [] });
  await page.route(/\/api\/v1\/(sessions|unmatched)$/, none);
  await page.goto(replay.url);
  await shoot(page, `empty-${tag}`);
  await page.unroute(/\/api\/v1\/(sessions|unmatched)$/, none);
}

/** The consultation once its server has gone away for a while. */
async function offline(page, tag) {
  await page.goto(url(replay));
  await page.waitForTimeout(1000);
  replay.refuseSockets(true);
  replay.cut();
  await page.getByTestId('offline').waitFor();
  await shoot(page, `offline-${tag}`);
  replay.refuseSockets(false);
}

async function wide(page, tag) {
  await lobby(page, tag);
  await page.goto(url(replay));
  await page.getByTestId('report-sentence').first().waitFor();
  await page.waitForTimeout(1800);
  await shoot(page, `consult-${tag}`);
  await page.locator('.report-text:visible .chip').nth(2).hover();
  await shoot(page, `source-${tag}`);
  await page.getByRole('tab', { name: /Images/ }).click();
  await shoot(page, `images-${tag}`);
  await page.locator('.cell .info').nth(1).click();
  await shoot(page, `provenance-${tag}`);
  await page.keyboard.press('Escape');
  await page.goto(url(early));
  await page.waitForTimeout(1500);
  await shoot(page, `early-${tag}`);
  await offline(page, tag);
}

async function narrow(page, tag) {
  await lobby(page, tag);
  await page.goto(url(replay));
  await page.waitForTimeout(1800);
  await shoot(page, `consult-${tag}`);
  await page.locator('[data-pane-button=vitals]').click();
  await shoot(page, `vitals-${tag}`);
  await page.locator('[data-pane-button=side]').click();
  await shoot(page, `report-${tag}`);
  await page.getByRole('tab', { name: /Images/ }).click();
  await shoot(page, `images-${tag}`);
  await offline(page, tag);
}

await withBrowser(async (open) => {
  for (const colorScheme of ['light', 'dark']) {
    await wide(await open({ viewport: { width: 1440, height: 900 }, colorScheme }), `1440-${colorScheme}`);
    await narrow(await open({ viewport: { width: 390, height: 844 }, colorScheme, deviceScaleFactor: 2, hasTouch: true }), `390-${colorScheme}`);
  }
  const middle = await open({ viewport: { width: 1024, height: 800 } });
  await middle.goto(url(replay));
  await middle.waitForTimeout(1500);
  await shoot(middle, 'consult-1024-light');
});
await replay.close();
await early.close();
