// Looks at a patient's charts and at the ward in headless Chromium while values and waveforms come in.
//
//   node charts.mjs URL SESSION SCREENSHOTS
//
// Prints one JSON object: what was drawn, what moved, what the keyboard and a screen reader are told.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE, expecting, person, run } from "./people.mjs";

const [url, session, shots] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });

/** Runs in the page: pixels of a canvas that are not blank, and a number for each column that changes with it. */
function drawn(selector) {
  const canvas = document.querySelector(selector);
  if (canvas === null || canvas.width === 0) return null;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  const columns = new Array(width).fill(0);
  let ink = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4;
      if (data[at + 3] < 40) continue;
      ink += 1;
      columns[x] += (y + 1) * (data[at] + data[at + 1] + data[at + 2] + 1);
    }
  }
  return { ink, columns, blank: columns.filter((c) => c === 0).length };
}

const WAVE = '[data-testid="wave-strip"] canvas';
const STRIP = '.strip[data-vital="hr"] canvas';

/** Runs in the page: pixels of a canvas in the colour of a custom property. */
function inColour([selector, property]) {
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] > 200 && Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 40) found += 1;
  }
  return found;
}

/** What moves is looked at again after a while, by the page's own clock. */
function pause(page, ms) {
  return page.evaluate((ms) => new Promise((resolve) => { setTimeout(resolve, ms); }), ms);
}

/** Looks several times a second until `look` says that it is so. */
async function repeated(sentence, page, look) {
  const deadline = Date.now() + PATIENCE;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`Expected: ${sentence}.`);
    await pause(page, 100);
  }
}

/** Columns that differ between two looks at a canvas half a second apart. */
async function moving(page) {
  const first = await page.evaluate(drawn, WAVE);
  await pause(page, 500);
  const second = await page.evaluate(drawn, WAVE);
  return { changed: second.columns.filter((c, i) => c !== first.columns[i]).length, width: second.columns.length, ink: second.ink };
}

await run(async () => {
  const page = await person("clinician", { wav: "/dev/null", viewport: { width: 1600, height: 1000 }, permissions: [] });
  await page.goto(`${url}/?session=${session}`);
  const value = page.getByTestId("vital-hr");
  await expecting("a heart rate is shown", value.filter({ hasText: /\d/ }).waitFor());
  const heartRates = new Set();
  await repeated("heart rates change as the monitor sends them", page, async () => heartRates.add(await value.innerText()).size >= 3);
  const chart = { line: await page.evaluate(inColour, [STRIP, "--vital-hr"]) };

  await expecting("a waveform strip comes", page.getByTestId("wave-strip").first().waitFor());
  // Until then the strip looks for its scale, and draws everything again when it finds a better one.
  await repeated("the pen crosses the screen", page, async () => ((await page.evaluate(drawn, WAVE))?.blank ?? Infinity) <= 40);
  const sweep = await moving(page);
  const waves = await page.getByTestId("wave-strip").evaluateAll((strips) => strips.map((s) => s.querySelector("strong").textContent));
  await page.screenshot({ path: join(shots, "patient.png") });
  await page.getByTestId("wave-freeze").click();
  const frozen = await moving(page);
  await page.getByTestId("wave-freeze").click();

  await page.getByTestId("trend-cursor").focus();
  await page.keyboard.press("ArrowLeft");
  const moment = await page.getByTestId("trend-cursor").getAttribute("aria-valuetext");
  await page.getByTestId("score-timeline").focus();
  const score = await page.getByTestId("score-timeline").getAttribute("aria-valuetext");
  const card = await page.getByTestId("score-card").innerText();
  await page.screenshot({ path: join(shots, "score.png") });
  await page.getByTestId("trend-table-button").click();
  const table = await page.locator('[data-testid="trend-table"] tbody tr').count();

  await page.goto(`${url}/ward`);
  await expecting("the ward shows its patients", page.getByTestId("ward-row").nth(5).waitFor());
  const ward = await page.getByTestId("ward-row").evaluateAll((rows) =>
    rows.map((row) => ({ patient: row.querySelector(".ward-link").textContent, total: Number(row.querySelector(".ward-score").textContent.replace("≥", "")) })));
  await page.screenshot({ path: join(shots, "ward.png") });
  await page.getByRole("link", { name: ward[0].patient }).click();
  await expecting("a patient's row leads to their session", page.waitForURL(/session=/));
  return { heartRates: [...heartRates], chart, sweep, frozen, waves, moment, score, card, table, ward };
});
