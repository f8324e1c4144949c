// Drawn people for cameras that do not exist: writes a short Y4M film that Chromium plays as its camera, so that
// screenshots of a call show somebody without showing anybody. node tools/portrait.mjs clinician|patient FILE
import { open } from 'node:fs/promises';
import { withBrowser } from './browser.mjs';

const [WIDTH, HEIGHT, FRAMES, FPS] = [960, 540, 40, 10];

const LOOKS = {
  clinician: { wall: ['#d9e7ea', '#b7ced4'], coat: '#f7fafb', shirt: '#3f7f8c', skin: '#c98e6b', hair: '#2b1d18', long: true },
  patient: { wall: ['#efe3d3', '#d9c4a8'], coat: '#5a6e8c', shirt: '#e9edf2', skin: '#e2b08f', hair: '#8d9096', long: false },
};

export async function portrait(page, who, file) {
  const handle = await open(file, 'w');
  await handle.write(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420mpeg2\n`);
  for (let frame = 0; frame < FRAMES; frame++) {
    const bytes = await page.evaluate(draw, { ...LOOKS[who], width: WIDTH, height: HEIGHT, phase: frame / FRAMES });
    await handle.write('FRAME\n');
    await handle.write(Buffer.from(bytes, 'base64'));
  }
  await handle.close();
}

function draw({ wall, coat, shirt, skin, hair, long, width: w, height: h, phase }) {
  const canvas = new OffscreenCanvas(w, h);
  const c = canvas.getContext('2d');
  const sway = Math.sin(phase * 2 * Math.PI);
  const shape = (fill, path) => { c.fillStyle = fill; c.beginPath(); path(); c.fill(); };
  const back = c.createLinearGradient(0, 0, w, h);
  back.addColorStop(0, wall[0]);
  back.addColorStop(1, wall[1]);
  c.fillStyle = back;
  c.fillRect(0, 0, w, h);
  // A window on one side, a shelf on the other.
  c.fillStyle = 'rgb(255 255 255 / 55%)';
  c.fillRect(w * 0.06, h * 0.1, w * 0.2, h * 0.46);
  c.fillStyle = wall[1];
  c.fillRect(w * 0.155, h * 0.1, 8, h * 0.46);
  c.fillStyle = 'rgb(90 70 50 / 35%)';
  c.fillRect(w * 0.74, h * 0.38, w * 0.22, 8);
  ['#7d9aa3', '#a3785d', '#5f7a6b', '#b7a27c'].forEach((colour, i) => { c.fillStyle = colour; c.fillRect(w * (0.76 + i * 0.035), h * (0.24 + (i % 2) * 0.03), w * 0.026, h * (0.14 - (i % 2) * 0.03)); });
  c.translate(w / 2 + sway * 7, h * 0.47 + Math.abs(sway) * 3);
  if (long) shape(hair, () => c.ellipse(0, 18, 112, 158, 0, 0, 7));
  shape(coat, () => { c.moveTo(-250, 300); c.bezierCurveTo(-240, 130, -130, 120, -60, 108); c.lineTo(60, 108); c.bezierCurveTo(130, 120, 240, 130, 250, 300); });
  shape(shirt, () => { c.moveTo(-52, 106); c.lineTo(0, 236); c.lineTo(52, 106); });
  shape(skin, () => { c.moveTo(-38, 60); c.lineTo(-44, 116); c.lineTo(0, 168); c.lineTo(44, 116); c.lineTo(38, 60); });
  shape('rgb(0 0 0 / 9%)', () => c.ellipse(0, 92, 46, 22, 0, 0, 7));
  shape(skin, () => c.ellipse(0, 0, 84, 108, 0, 0, 7));
  shape(hair, () => { c.ellipse(0, -46, 92, 72, 0, Math.PI, 0); c.bezierCurveTo(70, -64, 20, -78, -28, -70); c.bezierCurveTo(-60, -64, -78, -50, -92, -40); });
  const blink = phase > 0.45 && phase < 0.49 ? 0.15 : 1;
  for (const side of [-1, 1]) {
    shape('#fff', () => c.ellipse(side * 33, -6, 14, 9 * blink, 0, 0, 7));
    shape('#2c3a40', () => c.ellipse(side * 33 + sway * 2, -6, 6, 7 * blink, 0, 0, 7));
    c.strokeStyle = hair; c.lineWidth = 5; c.lineCap = 'round';
    c.beginPath(); c.moveTo(side * 20, -29); c.quadraticCurveTo(side * 34, -36, side * 48, -27); c.stroke();
  }
  c.strokeStyle = 'rgb(80 40 25 / 45%)'; c.lineWidth = 4;
  c.beginPath(); c.moveTo(2, 0); c.quadraticCurveTo(14, 24, -2, 27); c.stroke();
  const open = 5 + 6 * Math.abs(Math.sin(phase * 6 * Math.PI));
  shape('#8f3f3c', () => c.ellipse(0, 56, 25, open, 0, 0, 7));
  if (long) { c.strokeStyle = '#33454d'; c.lineWidth = 7; c.beginPath(); c.moveTo(-70, 122); c.bezierCurveTo(-60, 200, -20, 215, 0, 222); c.moveTo(70, 122); c.bezierCurveTo(60, 200, 20, 215, 0, 222); c.lineTo(0, 262); c.stroke(); }
  const { data } = c.getImageData(0, 0, w, h);
  const out = new Uint8Array((w * h * 3) / 2);
  for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) {
    const i = (y * w + x) * 4;
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    out[y * w + x] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
    if (y % 2 || x % 2) continue;
    const at = w * h + (y / 2) * (w / 2) + x / 2;
    out[at] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
    out[at + (w * h) / 4] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
  }
  let text = '';
  for (let i = 0; i < out.length; i += 32768) text += String.fromCharCode(...out.subarray(i, i + 32768));
  return btoa(text);
}

if (process.argv[1]?.endsWith('portrait.mjs')) {
  const [who, file] = process.argv.slice(2);
  await withBrowser(async (openPage) => portrait(await openPage(), who, file));
}
