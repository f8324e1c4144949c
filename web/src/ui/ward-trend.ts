/** Half an hour on a thumb's length: heart rate as a line, NEWS2 as a strip in the colours of its bands. */
import type { TrendPoint } from '../state/ward';
import { colour } from './colours';

const WIDTH = 132;
const HEIGHT = 40;
const STRIP = 5;
const SPAN_MS = 30 * 60_000;
/** A line drawn over a longer silence would claim what nobody measured. */
const BREAK_MS = 90_000;
/** The line's room never shows less than this many beats a minute: flat values must look flat. */
const MIN_SPAN = 30;

export function drawTrend(canvas: HTMLCanvasElement, heartRate: readonly TrendPoint[], news2: readonly TrendPoint[], now: number): void {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [width, height] = [Math.round(WIDTH * ratio), Math.round(HEIGHT * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const ctx = canvas.getContext('2d');
  if (ctx === null) return;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, WIDTH, HEIGHT);
  const x = (time: number): number => WIDTH - ((now - time) / SPAN_MS) * WIDTH;
  drawStrip(ctx, news2, x);
  drawLine(ctx, heartRate, x);
}

function drawStrip(ctx: CanvasRenderingContext2D, news2: readonly TrendPoint[], x: (time: number) => number): void {
  news2.forEach(([time, total], i) => {
    const from = Math.max(0, x(time));
    const to = Math.min(WIDTH, x(news2[i + 1]?.[0] ?? Infinity));
    const end = Number.isFinite(to) ? to : WIDTH;
    if (end <= 0 || end <= from) return;
    // Thresholds of NEWS2 (Royal College of Physicians, 2017, chart 2).
    ctx.fillStyle = colour(total >= 7 ? '--band-high' : total >= 5 ? '--band-medium' : total > 0 ? '--band-low-medium' : '--band-low');
    ctx.fillRect(from, HEIGHT - STRIP, end - from, STRIP);
  });
}

function drawLine(ctx: CanvasRenderingContext2D, heartRate: readonly TrendPoint[], x: (time: number) => number): void {
  if (heartRate.length === 0) return;
  const values = heartRate.map(([, rate]) => rate);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(MIN_SPAN, high - low);
  const bottom = (low + high - room) / 2;
  const y = (rate: number): number => HEIGHT - STRIP - 4 - ((rate - bottom) / room) * (HEIGHT - STRIP - 8);
  ctx.strokeStyle = colour('--vital-hr');
  ctx.lineWidth = 1.5;
  ctx.lineJoin = 'round';
  ctx.beginPath();
  let before = -Infinity;
  for (const [time, rate] of heartRate) {
    if (time - before > BREAK_MS) ctx.moveTo(x(time), y(rate));
    else ctx.lineTo(x(time), y(rate));
    before = time;
  }
  ctx.stroke();
  const last = heartRate.at(-1);
  if (last === undefined) return;
  ctx.fillStyle = ctx.strokeStyle;
  ctx.beginPath();
  ctx.arc(Math.min(WIDTH - 2, x(last[0])), y(last[1]), 2, 0, Math.PI * 2);
  ctx.fill();
}
