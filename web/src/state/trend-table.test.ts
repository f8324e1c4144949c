import { describe, expect, it } from 'vitest';
import { present } from '../testing/fixture';
import { Chunked } from './chunked';
import type { VitalsSample } from './model';
import { MAX_ROWS, trendTable } from './trend-table';

function samples(count: number, every: number): Chunked<VitalsSample> {
  let list = Chunked.empty<VitalsSample>();
  for (let i = 0; i < count; i++) {
    const vitals = i % 10 === 0 ? { heart_rate: i, temperature: 37 } : { heart_rate: i };
    list = list.push({ seq: i + 1, at: '', time: i * every, epoch: 0, taken: i * every, vitals });
  }
  return list;
}

describe('the table of a trend', () => {
  it('has a row for each measurement, newest first, while there are few', () => {
    const { rows, step } = trendTable(samples(5, 60_000), ['heart_rate', 'temperature'], 60_000);
    expect(step).toBe(0);
    expect(rows.map((r) => r.values.heart_rate)).toEqual([4, 3, 2, 1]);
    expect(rows.some((r) => 'temperature' in r.values)).toBe(false);
  });

  it('puts several into a row where there are many, and keeps the newest of each value', () => {
    const { rows, step } = trendTable(samples(1_000, 1_000), ['heart_rate', 'temperature'], 0);
    expect(step).toBe(10_000);
    expect(rows).toHaveLength(100);
    expect(present(rows[0])).toEqual({ time: 999_000, values: { heart_rate: 999, temperature: 37 } });
  });

  it('never grows beyond what a person reads', () => {
    expect(trendTable(samples(14_400, 120_000), ['heart_rate'], 0).rows.length).toBeLessThanOrEqual(MAX_ROWS);
  });
});
