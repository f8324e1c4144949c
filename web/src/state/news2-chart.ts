/** Rows of the NEWS2 chart (Royal College of Physicians, 2017, chart 1), as bands of values for drawing. Pure. */
import type { Spo2Scale } from '@events';
import type { NumericVital } from './series';

/** Values from `from` to `to` score `points`. Edges lie between what can be charted. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly points: 0 | 1 | 2 | 3;
}

/** Points from the lowest values up, and the edges between them. */
type Row = readonly [points: readonly Band['points'][], edges: readonly number[]];

const ROWS: Readonly<Record<Exclude<NumericVital, 'spo2' | 'diastolic_bp'>, Row>> = {
  respiratory_rate: [[3, 1, 0, 2, 3], [8.5, 11.5, 20.5, 24.5]],
  systolic_bp: [[3, 2, 1, 0, 3], [90.5, 100.5, 110.5, 219.5]],
  heart_rate: [[3, 1, 0, 1, 2, 3], [40.5, 50.5, 90.5, 110.5, 130.5]],
  temperature: [[3, 1, 0, 1, 2], [35.05, 36.05, 38.05, 39.05]],
};

const SPO2_SCALE_1: Row = [[3, 2, 1, 0], [91.5, 93.5, 95.5]];
const SPO2_SCALE_2: Row = [[3, 2, 1, 0], [83.5, 85.5, 87.5]];
/** On scale 2 too much oxygen scores, too, while oxygen is given. */
const SPO2_SCALE_2_OXYGEN: Row = [[3, 2, 1, 0, 1, 2, 3], [83.5, 85.5, 87.5, 92.5, 94.5, 96.5]];

export function bands(field: NumericVital, scale: Spo2Scale, oxygen: boolean): readonly Band[] {
  if (field === 'diastolic_bp') return [];
  const spo2 = scale === 'scale1' ? SPO2_SCALE_1 : oxygen ? SPO2_SCALE_2_OXYGEN : SPO2_SCALE_2;
  const [points, edges] = field === 'spo2' ? spo2 : ROWS[field];
  return points.map((p, i) => ({ from: edges[i - 1] ?? -Infinity, to: edges[i] ?? Infinity, points: p }));
}
