/** A score as a path: steps, because a score holds until the next one. */

export interface Point {
  readonly time: number;
  readonly value: number;
}

export function stepPath(points: readonly Point[], top: number, width: number, height: number): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return '';
  const span = last.time - first.time || 1;
  const x = (time: number): string => (((time - first.time) / span) * width).toFixed(1);
  const y = (value: number): string => (height - (value / top) * height).toFixed(1);
  const steps = points.slice(1).map((p) => `H${x(p.time)}V${y(p.value)}`);
  return `M0 ${y(first.value)}${steps.join('')}H${width}`;
}
