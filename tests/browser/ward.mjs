// Measures the ward in headless Chromium while many patients are measured once a second.
//
//   node ward.mjs URL PATIENTS SECONDS SCREENSHOT
//
// Prints one JSON object: intervals between animation frames and the time the page's own work took of them, in
// milliseconds, first at rest and then while somebody scrolls; and the scores of the first and the last rows at the end.
import { expecting, person, run, until } from "./people.mjs";

const [url, patients, seconds, screenshot] = process.argv.slice(2);

/** Runs in the page: frame intervals for a while, scrolling all the time or not at all. */
function frames({ ms, scroll }) {
  const list = document.querySelector(".virtual-list");
  const intervals = [];
  const tasks = [];
  const observer = new PerformanceObserver((entries) => tasks.push(...entries.getEntries().map((e) => e.duration)));
  observer.observe({ type: "longtask" });
  return new Promise((resolve) => {
    const begun = performance.now();
    let before = begun;
    const frame = (now) => {
      intervals.push(now - before);
      before = now;
      if (scroll) list.scrollTop = (Math.sin(now / 700) * 0.5 + 0.5) * (list.scrollHeight - list.clientHeight);
      if (now - begun < ms) requestAnimationFrame(frame);
      else {
        observer.disconnect();
        intervals.sort((a, b) => a - b);
        const at = (share) => intervals[Math.min(intervals.length - 1, Math.floor(intervals.length * share))];
        resolve({ frames: intervals.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1), longTasks: tasks.length });
      }
    };
    requestAnimationFrame(frame);
  });
}

await run(async () => {
  const page = await person("charge-nurse", { wav: "/dev/null", viewport: { width: 1600, height: 1000 }, permissions: [] });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const work = async () => {
    const { metrics } = await cdp.send("Performance.getMetrics");
    const of = (name) => metrics.find((m) => m.name === name).value;
    return { script: of("ScriptDuration"), layout: of("LayoutDuration"), style: of("RecalcStyleDuration"), task: of("TaskDuration"), at: of("Timestamp") };
  };
  await page.goto(`${url}/ward`);
  await until(`${patients} patients are on the ward`, page, (n) => document.querySelector('[data-testid="ward-counts"]')?.textContent.startsWith(`${n} patients`), patients);
  await expecting("their scores are there", page.locator(".ward-score[data-band]").first().waitFor());
  const before = await work();
  const still = await page.evaluate(frames, { ms: seconds * 1000, scroll: false });
  const after = await work();
  const share = (what) => (after[what] - before[what]) / (after.at - before.at);
  const scrolled = await page.evaluate(frames, { ms: seconds * 1000, scroll: true });
  await page.evaluate(() => { document.querySelector(".virtual-list").scrollTop = 0; });
  await until("the first row is in sight again", page, () => document.querySelector('[aria-rowindex="2"] .ward-link') !== null);
  const inSight = () => page.getByTestId("ward-row").evaluateAll((rows) => rows.map((row) => Number(row.querySelector(".ward-score").textContent.replace("≥", ""))));
  const top = await inSight();
  const elements = await page.evaluate(() => document.querySelectorAll("*").length);
  await page.screenshot({ path: screenshot });
  await page.evaluate(() => { document.querySelector(".virtual-list").scrollTop = 1e6; });
  await until("the last row is in sight", page, (n) => document.querySelector(`[aria-rowindex="${Number(n) + 1}"] .ward-link`) !== null, patients);
  const totals = [...top, ...await inSight()];
  return { still, scrolled, totals, elements, busy: { script: share("script"), layout: share("layout"), style: share("style"), task: share("task") } };
});
