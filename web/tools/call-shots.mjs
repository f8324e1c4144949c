// Screenshots of a call between two pages, without the server: node tools/call-shots.mjs [FOLDER]
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withBrowser } from './browser.mjs';
import { portrait } from './portrait.mjs';
import { startRelay } from './relay.mjs';
import { startReplay } from './replay.mjs';

const folder = process.argv[2] ?? 'shots';
await mkdir(folder, { recursive: true });

async function shoot(page, name) {
  await page.waitForTimeout(300);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (beyond > 0) console.error(`${name}: ${beyond} px wider than the window`);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  console.log(name);
}

async function enter(page) {
  await page.getByTestId('prejoin-camera').click();
  await page.locator('.preview video.self:not([hidden])').waitFor();
}

async function call(open, replay, films, { tag, ...look }) {
  const clinician = await open({ ...look, film: films.clinician });
  await clinician.goto(`${replay.url}/?session=${replay.session}`);
  await clinician.getByTestId('join-call').waitFor();
  await shoot(clinician, `call-out-${tag}`);
  await clinician.getByTestId('join-call').click();
  await enter(clinician);
  await shoot(clinician, `call-prejoin-${tag}`);
  await clinician.getByTestId('join-now').click();
  await clinician.locator('.call[data-phase="in"]').waitFor();
  await shoot(clinician, `call-alone-${tag}`);
  await clinician.getByTestId('invite').click();
  await clinician.getByTestId('invite-role').selectOption('patient');
  await clinician.getByTestId('invite-create').click();
  const link = await clinician.getByTestId('invite-link').inputValue();
  await shoot(clinician, `call-invite-${tag}`);
  await clinician.keyboard.press('Escape');
  const patient = await open({ ...look, film: films.patient });
  await patient.goto(link);
  await enter(patient);
  await shoot(patient, `call-invited-${tag}`);
  await patient.getByTestId('join-now').click();
  await clinician.locator('[data-stage="draft"]').first().waitFor();
  await shoot(clinician, `call-draft-${tag}`);
  await clinician.getByTestId('hearing').click();
  await shoot(clinician, `call-hearing-${tag}`);
  await clinician.keyboard.press('Escape');
  await patient.locator('.overlay[data-shown][data-stage="final"]').waitFor();
  await shoot(patient, `call-patient-${tag}`);
  await clinician.locator('.overlay[data-flagged]').waitFor();
  await shoot(clinician, `call-flag-${tag}`);
  if (look.viewport.width >= 780) {
    await clinician.getByTestId('focus').click();
    await shoot(clinician, `call-focus-${tag}`);
  }
  await clinician.context().close();
  await patient.context().close();
}

await withBrowser(async (open) => {
  const relay = await startRelay(open);
  const films = { clinician: join(tmpdir(), 'healthsync-clinician.y4m'), patient: join(tmpdir(), 'healthsync-patient.y4m') };
  const drawing = await open();
  for (const [who, file] of Object.entries(films)) await portrait(drawing, who, file);
  const looks = [
    { tag: '1440-light', viewport: { width: 1440, height: 900 }, colorScheme: 'light' },
    { tag: '1024-dark', viewport: { width: 1024, height: 800 }, colorScheme: 'dark' },
    { tag: '390-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark', hasTouch: true },
  ];
  for (const [i, look] of looks.entries()) {
    const replay = await startReplay({ port: 18041 + i, at: 118.5, relay });
    await call(open, replay, films, look);
    await replay.close();
  }
});
