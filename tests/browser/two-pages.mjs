// A consultation between two people in two browsers: the clinician starts a session and invites, the patient joins by
// the link; both send sound and pictures, mute, leave and come back.
//
//   node two-pages.mjs URL CLINICIAN_WAV PATIENT_WAV FOLDER [WORD]
//
// The recordings play into the microphones over and over; the caption that is reported is the first final one over
// the patient's picture that has WORD in it. Screenshots go into FOLDER. Prints one JSON object.
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const [url, clinicianWav, patientWav, folder, word = ""] = process.argv.slice(2);
const PATIENCE = Number(process.env.PATIENCE_MS ?? 90_000);
mkdirSync(folder, { recursive: true });
const opened = [];
const problems = [];

/** A browser of its own for each, as in life: the recording is chosen when it starts. */
async function person(name, wav, viewport) {
  const profile = mkdtempSync(join(tmpdir(), `healthsync-${name}-`));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport,
    permissions: ["microphone", "camera", "clipboard-read", "clipboard-write"],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream=fps=10",
      `--use-file-for-fake-audio-capture=${wav}`,
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  opened.push({ context, profile });
  // The page keeps its connections to itself: what came in is read from them here.
  await context.addInitScript(() => {
    const Real = window.RTCPeerConnection;
    window.peers = [];
    window.RTCPeerConnection = class extends Real {
      constructor(...args) {
        super(...args);
        window.peers.push(this);
      }
    };
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  // A failed request is told with its address below, by the browser without.
  const told = (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource");
  page.on("console", (message) => told(message) && problems.push(`${name}: ${message.text()}`));
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    // A server that does not restart ICE may say so; the page connects anew.
    const harmless = response.request().method() === "PATCH";
    if (response.status() >= 400 && !harmless) problems.push(`${name}: ${response.status()} ${response.request().method()} ${pathname}`);
  });
  return page;
}

/** Waits until the picture of somebody moves, and says how large it is and how far it moved. */
async function moving(page, speaker) {
  const handle = await page.waitForFunction((who) => {
    const video = document.querySelector(`[data-testid="tile"][data-speaker="${who}"] video`);
    if (video === null || video.hidden || video.videoWidth === 0 || video.paused) return null;
    window.seen ??= {};
    const before = (window.seen[who] ??= { video, time: video.currentTime });
    if (before.video !== video) window.seen[who] = { video, time: video.currentTime };
    const moved = video.currentTime - before.time;
    return moved > 1 ? { width: video.videoWidth, height: video.videoHeight, moved } : null;
  }, speaker);
  await page.evaluate((who) => delete window.seen[who], speaker);
  return handle.jsonValue();
}

/** Waits for a voice, not the noise of a silent encoder, over connections that are up. */
async function heard(page) {
  const until = Date.now() + PATIENCE;
  for (;;) {
    const sound = await page.evaluate(async () => {
      let [bytes, energy] = [0, 0];
      for (const peer of window.peers) {
        if (peer.connectionState !== "connected") continue;
        for (const report of (await peer.getStats()).values()) {
          if (report.type !== "inbound-rtp" || report.kind !== "audio") continue;
          bytes += report.bytesReceived;
          energy += report.totalAudioEnergy ?? 0;
        }
      }
      return { bytes, energy };
    });
    if (sound.energy > 1e-4) return sound;
    if (Date.now() > until) throw new Error(`nothing was heard: ${JSON.stringify(sound)}`);
    await page.waitForTimeout(250);
  }
}

/** Waits for a final translation over the patient's picture; read at once, before the next one takes its place. */
async function translated(page) {
  const handle = await page.waitForFunction((wanted) => {
    const overlay = document.querySelector('[data-testid="tile"][data-speaker="patient"] [data-testid="overlay"][data-shown][data-stage="final"]');
    const lead = overlay?.querySelector('[data-testid="overlay-lead"]')?.textContent ?? "";
    if (lead === "" || !lead.toLowerCase().includes(wanted)) return null;
    return { overlay: lead, original: overlay.querySelector(".original")?.textContent ?? "", language: overlay.querySelector(".lead").lang };
  }, word.toLowerCase());
  return handle.jsonValue();
}

async function enter(page) {
  await page.getByTestId("prejoin-camera").click();
  await page.locator(".preview video.self:not([hidden])").waitFor();
  await page.getByTestId("join-now").click();
  await page.locator('.call[data-phase="in"]').waitFor();
}

const tile = (page, speaker) => page.locator(`[data-testid="tile"][data-speaker="${speaker}"]`);
const shot = (page, name) => page.screenshot({ path: join(folder, `${name}.png`) });

async function consultation() {
  const found = {};
  const clinician = await person("clinician", clinicianWav, { width: 1440, height: 900 });
  await clinician.goto(url);
  await clinician.getByTestId("start-patient").fill("TWO-PAGES-1");
  await clinician.getByTestId("start-button").click();
  await clinician.getByTestId("join-call").click();
  await clinician.getByRole("radio", { name: "Clinician" }).check({ force: true });
  await enter(clinician);
  found.session = new URL(clinician.url()).searchParams.get("session");
  await clinician.getByTestId("invite").click();
  await clinician.getByTestId("invite-role").selectOption("patient");
  await clinician.getByTestId("invite-create").click();
  const link = await clinician.getByTestId("invite-link").inputValue();
  found.copied = (await clinician.evaluate(() => navigator.clipboard.readText())) === link;
  await clinician.keyboard.press("Escape");

  const patient = await person("patient", patientWav, { width: 1280, height: 800 });
  await patient.goto(link);
  found.invitedAs = await patient.getByTestId("invited-as").innerText();
  await enter(patient);

  const [clinicianSees, patientSees, clinicianHears, patientHears, read] = await Promise.all([
    moving(clinician, "patient"),
    moving(patient, "clinician"),
    heard(clinician),
    heard(patient),
    translated(clinician),
  ]);
  Object.assign(found, { clinicianSees, patientSees, clinicianHears, patientHears, ...read });
  await shot(clinician, "clinician");
  await shot(patient, "patient");

  await patient.locator("body").press("m");
  await tile(clinician, "patient").getByTestId("muted-mark").waitFor();
  found.muteSeen = true;
  await patient.locator("body").press("v");
  await clinician.locator('[data-testid="tile"][data-speaker="patient"][data-video="muted"]').waitFor();
  found.cameraOffSeen = true;
  await shot(clinician, "muted");
  await patient.locator("body").press("m");
  await patient.locator("body").press("v");
  await tile(clinician, "patient").getByTestId("muted-mark").waitFor({ state: "hidden" });
  found.movesAgain = await moving(clinician, "patient");

  // The network changes under the patient: the page asks for a new path, and nobody leaves.
  const renewed = patient.waitForResponse((response) => response.request().method() === "PATCH");
  await patient.evaluate(() => dispatchEvent(new Event("online")));
  found.renewed = { status: (await renewed).status(), ...(await moving(clinician, "patient")) };

  await patient.getByTestId("leave").click();
  await tile(clinician, "patient").waitFor({ state: "detached" });
  found.leavingSeen = true;
  await patient.getByTestId("join-call").click();
  await enter(patient);
  found.rejoined = await moving(clinician, "patient");
  found.rejoinedSees = await moving(patient, "clinician");
  return found;
}

try {
  console.log(JSON.stringify({ ...(await consultation()), problems }));
} catch (error) {
  console.error(String(error), problems);
  for (const [i, { context }] of opened.entries()) await context.pages()[0]?.screenshot({ path: join(folder, `failed-${i}.png`) }).catch(() => undefined);
  process.exitCode = 1;
} finally {
  for (const { context, profile } of opened) {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
