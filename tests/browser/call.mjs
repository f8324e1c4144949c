// Makes a call from headless Chromium as a person would: opens the page, starts a session, joins with the
// microphone (a WAV file plays into it) and without a camera, and waits for the caption and its translation to appear.
//
//   node call.mjs URL WAV SCREENSHOT
//
// Prints one JSON object: {caption, translation, session}.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const [url, wav, screenshot] = process.argv.slice(2);
const PATIENCE = 60_000;
const profile = mkdtempSync(join(tmpdir(), "healthsync-call-"));

const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1440, height: 900 },
  permissions: ["microphone"],
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    `--use-file-for-fake-audio-capture=${wav}%noloop`,
    "--autoplay-policy=no-user-gesture-required",
  ],
});
const problems = [];
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(url);
  await page.getByTestId("start-patient").fill("BROWSER-1");
  await page.getByTestId("start-button").click();
  await page.getByTestId("join-call").click();
  await page.getByRole("radio", { name: "Patient" }).check({ force: true });
  await page.getByTestId("join-now").click();
  const row = page.locator('[data-testid="caption-row"][data-final="true"]').first();
  await row.waitFor();
  const translation = page.getByTestId("translation").first();
  await translation.waitFor();
  await page.waitForFunction(() => {
    const shown = document.querySelector('[data-testid="translation"]');
    return shown !== null && shown.textContent.trim().length > 0;
  });
  await page.screenshot({ path: screenshot });
  console.log(
    JSON.stringify({
      caption: await row.innerText(),
      translation: await translation.innerText(),
      session: new URL(page.url()).searchParams.get("session"),
      problems,
    }),
  );
} catch (error) {
  console.error(String(error), problems);
  process.exitCode = 1;
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
