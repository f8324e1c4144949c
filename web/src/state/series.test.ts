import { describe, expect, it } from 'vitest';
import { present, stateAt } from '../testing/fixture';
import { Chunked } from './chunked';
import type { VitalsSample } from './model';
import { BREAK_MS, decimate, series, type SeriesData } from './series';

const samples = (...points: (readonly [ms: number, heartRate: number])[]): Chunked<VitalsSample> =>
  points.reduce(
    (list, [time, heart_rate], i) => list.push({ seq: i + 1, at: '', time, epoch: 0, taken: time, vitals: { heart_rate } }),
    Chunked.empty<VitalsSample>(),
  );

describe('the course of a vital sign', () => {
  it('has a point for each sample of the fixture that measured it', () => {
    const all = stateAt().samples;
    expect(series(all, ['heart_rate'], 0)[1]).toHaveLength(30);
    const [times, temperatures] = series(all, ['temperature'], 0);
    expect(times).toHaveLength(present(temperatures).length);
    expect(temperatures).toEqual([...all].map((s) => s.vitals.temperature).filter((t) => t !== undefined));
  });

  it('is in order of time though a monitor sent late, and starts where the window does', () => {
    const [times, rates] = series(samples([1_000, 1], [9_000, 9], [5_000, 5]), ['heart_rate'], 2_000);
    expect(times).toEqual([5, 9]);
    expect(rates).toEqual([5, 9]);
  });

  it('breaks over a silence instead of claiming what nobody measured', () => {
    const [, joined] = series(samples([0, 1], [BREAK_MS, 2]), ['heart_rate'], 0);
    expect(joined).toEqual([1, 2]);
    const [, broken] = series(samples([0, 1], [BREAK_MS + 1, 2]), ['heart_rate'], 0);
    expect(broken).toEqual([1, null, 2]);
  });

  it('keeps a short drop when thousands of samples become few points', () => {
    const data: SeriesData = [Array.from({ length: 5_000 }, (_, i) => i), Array.from({ length: 5_000 }, (_, i) => (i === 3_333 ? 71 : 96))];
    const thin = decimate(data, 100);
    expect(thin[0].length).toBeLessThan(300);
    expect(present(thin[1])[thin[0].indexOf(3_333)]).toBe(71);
    expect([thin[0][0], thin[0].at(-1)]).toEqual([0, 4_999]);
  });
});
