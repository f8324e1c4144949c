// Makes a call from headless Chromium as a person would: opens the page, starts a session, joins with the
// microphone (a WAV file plays into it) and without a camera, and waits for the caption and its translation to appear.
//
//   node call.mjs URL WAV SCREENSHOT
//
// Prints one JSON object: {caption, translation, session, problems}.
import { expecting, person, run } from "./people.mjs";

const [url, wav, screenshot] = process.argv.slice(2);

await run(async () => {
  const page = await person("patient", { wav, viewport: { width: 1440, height: 900 }, permissions: ["microphone"], loop: false });
  await page.goto(url);
  await page.getByTestId("start-patient").fill("BROWSER-1");
  await page.getByTestId("start-button").click();
  await page.getByTestId("join-call").click();
  await page.getByRole("radio", { name: "Patient" }).check({ force: true });
  await page.getByTestId("join-now").click();
  await expecting("the call begins", page.locator('.call[data-phase="in"]').waitFor());
  const row = page.locator('[data-testid="caption-row"][data-final="true"]', { has: page.getByTestId("translation").filter({ hasText: /\S/ }) }).first();
  await expecting("a caption and its translation come", row.waitFor());
  await page.screenshot({ path: screenshot });
  return {
    caption: await row.innerText(),
    translation: await row.getByTestId("translation").first().innerText(),
    session: new URL(page.url()).searchParams.get("session"),
  };
});
