import { describe, expect, it } from 'vitest';
import { bands } from './news2-chart';
import type { NumericVital } from './series';

function points(field: NumericVital, value: number, scale: 'scale1' | 'scale2' = 'scale1', oxygen = false): number | undefined {
  return bands(field, scale, oxygen).find((b) => value >= b.from && value < b.to)?.points;
}

/** The chart, row by row: values at both ends of each box. */
const CHART: readonly (readonly [NumericVital, readonly (readonly [number, number])[]])[] = [
  ['respiratory_rate', [[8, 3], [9, 1], [11, 1], [12, 0], [20, 0], [21, 2], [24, 2], [25, 3]]],
  ['spo2', [[91, 3], [92, 2], [93, 2], [94, 1], [95, 1], [96, 0]]],
  ['systolic_bp', [[90, 3], [91, 2], [100, 2], [101, 1], [110, 1], [111, 0], [219, 0], [220, 3]]],
  ['heart_rate', [[40, 3], [41, 1], [50, 1], [51, 0], [90, 0], [91, 1], [110, 1], [111, 2], [130, 2], [131, 3]]],
  ['temperature', [[35.0, 3], [35.1, 1], [36.0, 1], [36.1, 0], [38.0, 0], [38.1, 1], [39.0, 1], [39.1, 2]]],
];

describe('the bands of the chart', () => {
  it.each(CHART)('of %s are those of NEWS2 at every edge', (field, row) => {
    for (const [value, expected] of row) expect(points(field, value), `${field} ${value}`).toBe(expected);
  });

  it('of SpO₂ on scale 2 depend on whether oxygen is given', () => {
    const air = [[83, 3], [84, 2], [86, 1], [88, 0], [92, 0], [93, 0], [97, 0]] as const;
    for (const [value, expected] of air) expect(points('spo2', value, 'scale2', false), `air ${value}`).toBe(expected);
    const oxygen = [[88, 0], [92, 0], [93, 1], [95, 2], [97, 3]] as const;
    for (const [value, expected] of oxygen) expect(points('spo2', value, 'scale2', true), `oxygen ${value}`).toBe(expected);
  });

  it('has no band for what NEWS2 does not score', () => {
    expect(bands('diastolic_bp', 'scale1', false)).toEqual([]);
  });
});
