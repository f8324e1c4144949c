/** Trend of a score with its thresholds: steps, because a score holds until the next one. */
import { svg } from './dom';

const WIDTH = 200;
const HEIGHT = 44;
/** NEWS2 thresholds for an urgent and an emergency response. */
const THRESHOLDS = [5, 7];

export interface Point {
  readonly time: number;
  readonly value: number;
}

export function stepPath(points: readonly Point[], top: number, width = WIDTH, height = HEIGHT): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return '';
  const span = last.time - first.time || 1;
  const x = (time: number): string => (((time - first.time) / span) * width).toFixed(1);
  const y = (value: number): string => (height - (value / top) * height).toFixed(1);
  const steps = points.slice(1).map((p) => `H${x(p.time)}V${y(p.value)}`);
  return `M0 ${y(first.value)}${steps.join('')}H${width}`;
}

export function sparkline(points: readonly Point[], until: number): SVGElement {
  const top = Math.max(10, ...points.map((p) => p.value));
  const last = points.at(-1);
  const held = last === undefined ? points : [...points, { time: Math.max(until, last.time), value: last.value }];
  const lines = THRESHOLDS.map((threshold) => {
    const y = HEIGHT - (threshold / top) * HEIGHT;
    return svg('line', { x1: 0, x2: WIDTH, y1: y, y2: y, class: `threshold t${threshold}` });
  });
  return svg(
    'svg',
    { class: 'sparkline', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    ...lines,
    svg('path', { d: stepPath(held, top), class: 'trend' }),
  );
}
