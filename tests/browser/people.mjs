// People at their browsers: headless Chromium with a recording for a microphone, and what a test may ask of the page.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { chromium } = require("playwright-core");

/** For anything that is waited for: models share two cores with two browsers. */
export const PATIENCE = Number(process.env.PATIENCE_MS ?? 90_000);
/** What the pages complained of. */
export const problems = [];
const opened = [];

/** A browser of its own for each, as in life: the recording is chosen when it starts. */
export async function person(name, { wav, viewport, permissions, loop = true }) {
  const profile = mkdtempSync(join(tmpdir(), `healthsync-${name}-`));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    viewport,
    permissions,
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
      `--use-file-for-fake-audio-capture=${wav}${loop ? "" : "%noloop"}`,
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  opened.push({ name, context, profile });
  await context.addInitScript(watchMedia);
  context.on("page", (page) => listen(name, page));
  for (const page of context.pages()) listen(name, page);
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE);
  return page;
}

function listen(name, page) {
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  // A failed request is told with its address below, by the browser without.
  const told = (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource");
  page.on("console", (message) => told(message) && problems.push(`${name}: ${message.text()}`));
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    if (response.status() >= 400) problems.push(`${name}: ${response.status()} ${response.request().method()} ${pathname}`);
  });
}

/** The page keeps its connections and its loudspeaker to itself: here they are noted, by what they carry. */
function watchMedia() {
  const peers = [];
  const sounds = [];
  const carriers = new Map();
  const { RTCPeerConnection: Peer, Audio: Sound, fetch: ask } = window;
  window.RTCPeerConnection = class extends Peer {
    constructor(...args) {
      super(...args);
      peers.push(this);
    }
  };
  window.Audio = class extends Sound {
    constructor(...args) {
      super(...args);
      sounds.push(this);
    }
  };
  window.fetch = (path, init = {}) => {
    const wanted = /\/(?:whip|whep)\?(.*)$/.exec(String(path))?.[1];
    const peer = peers.findLast((p) => p.localDescription?.sdp === init.body);
    if (wanted !== undefined && peer !== undefined) carriers.set(decodeURIComponent(wanted), peer);
    return ask(path, init);
  };
  const count = async (peer) => {
    if (peer.connectionState !== "connected") return null;
    const found = { bytes: 0, packets: 0, energy: 0, frames: 0, sent: {} };
    for (const report of (await peer.getStats()).values()) {
      if (report.type === "outbound-rtp") found.sent[report.kind] = report.packetsSent;
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") found.frames += report.framesDecoded ?? 0;
      if (report.kind !== "audio") continue;
      found.bytes += report.bytesReceived;
      found.packets += report.packetsReceived;
      found.energy += report.totalAudioEnergy ?? 0;
    }
    return found;
  };
  const counters = new Map();
  // Statistics come as promises, which waiting for a function does not look into.
  setInterval(() => {
    for (const [what, peer] of carriers) void count(peer).then((found) => carriers.get(what) === peer && counters.set(what, found));
  }, 200);
  /** Counters of what came, or was sent, over the connection that was asked for with `what`; null while it does not stand. */
  window.inbound = (what) => counters.get(what) ?? null;
  /** For a failure: every connection and how it stands, with its counters. */
  window.connections = () => [...carriers].map(([what, peer]) => ({ what, state: peer.connectionState, ...counters.get(what) }));
  /** How loud something is played, 0 to 1; null if it is not. */
  window.volumeOf = (source) => {
    const sound = sounds.findLast((s) => s.dataset.source === source && s.srcObject !== null);
    return sound === undefined ? null : sound.muted ? 0 : sound.volume;
  };
}

/** Gives what `promise` gives, or fails with a sentence that says what did not come about. */
export async function expecting(sentence, promise) {
  try {
    return await promise;
  } catch (error) {
    throw new Error(`Expected: ${sentence}. ${String(error?.message ?? error).split("\n")[0]}`, { cause: error });
  }
}

/** Waits until a function in the page gives something, and gives it. Counters are worth a look a few times a second. */
export async function until(sentence, page, look, argument) {
  return (await expecting(sentence, page.waitForFunction(look, argument, { polling: 200 }))).jsonValue();
}

/** Runs `play`, prints what it found as one JSON object, and closes every browser whatever happens. */
export async function run(play, folder) {
  try {
    console.log(JSON.stringify({ ...(await play()), problems }));
  } catch (error) {
    console.error(String(error), problems);
    for (const { name, context } of opened) {
      for (const [i, page] of context.pages().entries()) {
        console.error(name, i, JSON.stringify(await page.evaluate(() => window.connections?.()).catch(() => "no answer")));
        if (folder !== undefined) await page.screenshot({ path: join(folder, `failed-${name}-${i}.png`) }).catch(() => undefined);
      }
    }
    process.exitCode = 1;
  } finally {
    for (const { context, profile } of opened) {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    }
  }
}
