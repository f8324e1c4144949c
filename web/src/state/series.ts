/** Chart data from samples. Pure: bounded by the pixels there are, not by how long the session lasts. */
import type { VitalsSample } from './model';
import type { Chunked } from './chunked';

export type NumericVital = 'heart_rate' | 'respiratory_rate' | 'spo2' | 'systolic_bp' | 'diastolic_bp' | 'temperature';

/** Seconds since the epoch, then one list per field; `null` breaks the line. */
export type SeriesData = [number[], ...(number | null)[][]];

/** A line drawn over a longer silence would claim what nobody measured. */
export const BREAK_MS = 90_000;

/**
 * Values of `fields` from `fromMs` on, in order of time. A sample that has none of the fields is left out; a
 * silence longer than `BREAK_MS` becomes a break.
 */
export function series(samples: Chunked<VitalsSample>, fields: readonly NumericVital[], fromMs: number): SeriesData {
  const kept: VitalsSample[] = [];
  for (const sample of samples) {
    if (sample.time >= fromMs && fields.some((field) => sample.vitals[field] !== undefined)) kept.push(sample);
  }
  // Monitors may send late; almost always nothing has to move.
  kept.sort((a, b) => a.time - b.time);
  const data: SeriesData = [[], ...fields.map(() => [])];
  let previous: number | undefined;
  for (const { time, vitals } of kept) {
    if (previous !== undefined && time - previous > BREAK_MS) pushPoint(data, (previous + 1) / 1_000, fields.map(() => null));
    pushPoint(data, time / 1_000, fields.map((field) => vitals[field] ?? null));
    previous = time;
  }
  return data;
}

/**
 * Thins data to about `buckets` columns, keeping each column's lowest and highest value of every series at its
 * own time, so that a short drop never vanishes. Breaks survive.
 */
export function decimate(data: SeriesData, buckets: number): SeriesData {
  const [times, ...columns] = data;
  const first = times[0];
  const last = times.at(-1);
  if (first === undefined || last === undefined || times.length <= buckets * 2) return data;
  const width = (last - first) / buckets || 1;
  const keep = new Set<number>([0, times.length - 1]);
  for (const column of columns) keepExtremes(times, column, first, width, keep);
  const indices = [...keep].sort((a, b) => a - b);
  const pick = <T>(list: readonly T[]): T[] => indices.map((i) => list[i] as T);
  return [pick(times), ...columns.map(pick)];
}

function keepExtremes(
  times: readonly number[],
  column: readonly (number | null)[],
  first: number,
  width: number,
  keep: Set<number>,
): void {
  let bucket = -1;
  let low = -1;
  let high = -1;
  const flush = (): void => {
    if (low >= 0) keep.add(low).add(high);
    low = high = -1;
  };
  column.forEach((value, i) => {
    const at = Math.floor(((times[i] ?? first) - first) / width);
    if (at !== bucket) {
      flush();
      bucket = at;
    }
    if (value === null) {
      keep.add(i);
      return;
    }
    if (low < 0 || value < (column[low] ?? value)) low = i;
    if (high < 0 || value > (column[high] ?? value)) high = i;
  });
  flush();
}

function pushPoint(data: SeriesData, time: number, values: readonly (number | null)[]): void {
  data[0].push(time);
  values.forEach((value, i) => {
    (data[i + 1] as (number | null)[]).push(value);
  });
}
