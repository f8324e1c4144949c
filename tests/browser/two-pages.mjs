// A consultation between two people in two browsers: the clinician starts a session and invites, the patient joins by
// the link; both send sound and pictures, hear the interpreter, mute, leave and come back.
//
//   node two-pages.mjs URL CLINICIAN_WAV PATIENT_WAV FOLDER CLINICIAN_WORD PATIENT_WORD
//
// The recordings play into the microphones over and over. CLINICIAN_WORD is to be found in the Portuguese translation
// of what the clinician says, PATIENT_WORD in the English one of what the patient says. Screenshots go into FOLDER.
// Prints one JSON object.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expecting, person, problems, run, until } from "./people.mjs";

const [url, clinicianWav, patientWav, folder, clinicianWord = "", patientWord = ""] = process.argv.slice(2);
const PERMISSIONS = ["microphone", "camera", "clipboard-read", "clipboard-write"];
mkdirSync(folder, { recursive: true });

const tile = (page, speaker) => page.locator(`[data-testid="tile"][data-speaker="${speaker}"]`);
const shot = (page, name) => page.screenshot({ path: join(folder, `${name}.png`) });

/** Waits until the picture of somebody is decoded and moves on the page, and says how large it is and how far it moved. */
async function sees(page, speaker) {
  const seen = await until(`the picture of the ${speaker} moves`, page, (who) => {
    const video = document.querySelector(`[data-testid="tile"][data-speaker="${who}"] video`);
    if (video === null || video.hidden || video.videoWidth === 0 || video.paused) return null;
    window.seen ??= {};
    if (window.seen[who]?.video !== video) window.seen[who] = { video, time: video.currentTime };
    const moved = video.currentTime - window.seen[who].time;
    const { frames } = window.inbound(`of=${who}`) ?? { frames: 0 };
    return moved > 1 && frames > 0 ? { width: video.videoWidth, height: video.videoHeight, moved, frames } : null;
  }, speaker);
  await page.evaluate((who) => delete window.seen[who], speaker);
  return seen;
}

/** Waits for a voice, not the noise of a silent encoder, beyond what had been heard of it before. */
async function hears(page, what, before = 0) {
  return until(`a voice comes over ${what}`, page, ([wanted, energy]) => {
    const sound = window.inbound(wanted);
    return sound !== null && sound.energy - energy > 1e-4 ? sound : null;
  }, [what, before]);
}

/** What is heard of somebody over one second of packets, once what was on its way has come. */
async function loudness(page, what) {
  const after = async (packets) => {
    const from = (await page.evaluate((wanted) => window.inbound(wanted), what))?.packets ?? 0;
    return until(`sound goes on coming over ${what}`, page, ([wanted, least]) => {
      const sound = window.inbound(wanted);
      return sound !== null && sound.packets >= least ? sound : null;
    }, [what, from + packets]);
  };
  const before = await after(50);
  return (await after(50)).energy - before.energy;
}

/** Waits for a final translation over somebody's picture; read at once, before the next one takes its place. */
function overlaid(page, speaker, word) {
  return until(`“${word}” is read over the picture of the ${speaker}`, page, ([who, wanted]) => {
    const overlay = document.querySelector(`[data-testid="tile"][data-speaker="${who}"] [data-testid="overlay"][data-shown][data-stage="final"]`);
    const lead = overlay?.querySelector('[data-testid="overlay-lead"]');
    const text = lead?.textContent ?? "";
    if (text === "" || !text.toLowerCase().includes(wanted)) return null;
    return { text, original: overlay.querySelector(".original")?.textContent ?? "", language: lead.lang };
  }, [speaker, word.toLowerCase()]);
}

/** Waits for a row of the conversation with what somebody said and its translation. */
function listed(page, speaker, from, into, word) {
  return until(`“${word}” is read in the conversation, as said by the ${speaker}`, page, ([who, source, target, wanted]) => {
    for (const row of document.querySelectorAll(`[data-testid="caption-row"][data-final="true"][data-speaker="${who}"]`)) {
      const original = row.querySelector(`[data-column="${source}"] .text`)?.textContent ?? "";
      const translation = row.querySelector(`[data-testid="translation"][data-lang="${target}"]`)?.textContent ?? "";
      if (original !== "" && translation.toLowerCase().includes(wanted)) return { original, translation };
    }
    return null;
  }, [speaker, from, into, word.toLowerCase()]);
}

async function enter(page, who) {
  await page.getByTestId("prejoin-camera").click();
  await expecting(`the ${who} sees their own picture`, page.locator(".preview video.self:not([hidden])").waitFor());
  await page.getByTestId("join-now").click();
  await expecting(`the ${who} is in the call`, page.locator('.call[data-phase="in"]').waitFor());
}

async function begin(clinician) {
  await clinician.goto(url);
  await clinician.getByTestId("start-patient").fill("TWO-PAGES-1");
  await clinician.getByTestId("start-button").click();
  await clinician.getByTestId("join-call").click();
  await clinician.getByRole("radio", { name: "Clinician" }).check({ force: true });
  await enter(clinician, "clinician");
  await clinician.getByTestId("invite").click();
  await clinician.getByTestId("invite-role").selectOption("patient");
  await clinician.getByTestId("invite-create").click();
  const link = await clinician.getByTestId("invite-link").inputValue();
  const copied = (await clinician.evaluate(() => navigator.clipboard.readText())) === link;
  await clinician.keyboard.press("Escape");
  return { link, copied, session: new URL(clinician.url()).searchParams.get("session") };
}

async function conversation(clinician, patient) {
  const [clinicianSees, patientSees, clinicianHears, patientHears, clinicianOverlay, patientOverlay, ...rows] = await Promise.all([
    sees(clinician, "patient"),
    sees(patient, "clinician"),
    hears(clinician, "of=patient"),
    hears(patient, "of=clinician"),
    overlaid(clinician, "patient", patientWord),
    overlaid(patient, "clinician", clinicianWord),
    ...[clinician, patient].flatMap((page) => [listed(page, "patient", "pt", "en", patientWord), listed(page, "clinician", "en", "pt", clinicianWord)]),
  ]);
  await shot(clinician, "clinician");
  await shot(patient, "patient");
  return { clinicianSees, patientSees, clinicianHears, patientHears, clinicianOverlay, patientOverlay, rows };
}

/** How loud the patient and the interpreter are for the clinician, once they are as loud as they should be. */
async function mode(clinician, hearing, patient, interpreter) {
  await clinician.getByTestId("hearing").click();
  await clinician.getByTestId(`hearing-${hearing}`).check({ force: true });
  await clinician.keyboard.press("Escape");
  return until(`in the mode “${hearing}” the patient is played at ${patient}, the interpreter at ${interpreter}`, clinician, ([one, other]) => {
    const [heard, voice] = [window.volumeOf("patient"), window.volumeOf("interpreter")];
    const fits = (volume, wanted) => (wanted === "any" ? volume > 0 : volume === wanted);
    return fits(heard, one) && fits(voice, other) ? { patient: heard, interpreter: voice } : null;
  }, [patient, interpreter]);
}

async function interpreting(clinician, patient) {
  // Who talks takes the turn from the interpreter: the clinician listens.
  await clinician.locator("body").press("m");
  await expecting("the patient sees that the clinician is muted", tile(patient, "clinician").getByTestId("muted-mark").waitFor());
  const silence = await loudness(patient, "of=clinician");
  const before = (await clinician.evaluate(() => window.inbound("speech=en")))?.energy ?? 0;
  const interpreter = await hears(clinician, "speech=en", before);
  const translation = await mode(clinician, "translation", 0, 1);
  const original = await mode(clinician, "original", 1, null);
  const both = await mode(clinician, "both", "any", 1);
  await clinician.locator("body").press("m");
  await expecting("the patient sees that the clinician is not muted", tile(patient, "clinician").getByTestId("muted-mark").waitFor({ state: "hidden" }));
  return { silence, interpreter, hearing: { translation, original, both } };
}

async function muting(clinician, patient) {
  await patient.locator("body").press("m");
  await expecting("the clinician sees that the patient is muted", tile(clinician, "patient").getByTestId("muted-mark").waitFor());
  await patient.locator("body").press("v");
  await expecting("the clinician sees that the patient’s camera is off", clinician.locator('[data-testid="tile"][data-speaker="patient"][data-video="muted"]').waitFor());
  await shot(clinician, "muted");
  await patient.locator("body").press("m");
  await patient.locator("body").press("v");
  await expecting("the clinician sees that the patient is not muted", tile(clinician, "patient").getByTestId("muted-mark").waitFor({ state: "hidden" }));
  return { movesAgain: await sees(clinician, "patient") };
}

/** The network changes under the patient: the page asks for a new path, and nobody leaves. */
async function changingNetworks(clinician, patient) {
  const asked = patient.waitForResponse((response) => response.request().method() === "PATCH");
  await patient.evaluate(() => dispatchEvent(new Event("online")));
  const status = (await expecting("the patient’s page restarts ICE", asked)).status();
  return { renewed: { status, ...(await sees(clinician, "patient")) } };
}

async function comingBack(clinician, patient, link) {
  await patient.getByTestId("leave").click();
  await expecting("the clinician sees that the patient has left", tile(clinician, "patient").waitFor({ state: "detached" }));
  await patient.goto(link);
  await enter(patient, "patient");
  const [rejoined, rejoinedSees, rejoinedHeard] = await Promise.all([sees(clinician, "patient"), sees(patient, "clinician"), hears(clinician, "of=patient")]);
  return { rejoined, rejoinedSees, rejoinedHeard };
}

/** The patient opens the link once more: the newer page has the place, and the older one says so and does not fight. */
async function elsewhere(clinician, patient, link) {
  const before = problems.length;
  const second = await patient.context().newPage();
  await second.goto(link);
  await enter(second, "patient");
  await expecting("the patient’s first page gives its place up", patient.locator('.call[data-phase="failed"]').waitFor());
  const said = await patient.locator(".call-people").innerText();
  const seen = await sees(clinician, "patient");
  // The first page asked after a connection that the server had closed.
  const others = problems.splice(before).filter((problem) => !/: 404 (PATCH|DELETE) /.test(problem));
  problems.push(...others);
  return { elsewhere: { said, ...seen } };
}

await run(async () => {
  const clinician = await person("clinician", { wav: clinicianWav, viewport: { width: 1440, height: 900 }, permissions: PERMISSIONS });
  const { link, ...begun } = await begin(clinician);
  const patient = await person("patient", { wav: patientWav, viewport: { width: 1280, height: 800 }, permissions: PERMISSIONS });
  await patient.goto(link);
  const invitedAs = await patient.getByTestId("invited-as").innerText();
  await enter(patient, "patient");
  return {
    ...begun,
    invitedAs,
    ...(await conversation(clinician, patient)),
    ...(await interpreting(clinician, patient)),
    ...(await muting(clinician, patient)),
    ...(await changingNetworks(clinician, patient)),
    ...(await comingBack(clinician, patient, link)),
    ...(await elsewhere(clinician, patient, link)),
  };
}, folder);
