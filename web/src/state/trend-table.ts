/** The trend as a table: what the charts show, for those who would rather read it. Pure. */
import type { Chunked } from './chunked';
import type { VitalsSample } from './model';
import type { NumericVital } from './series';

export interface TableRow {
  /** Milliseconds since the epoch: when the row's newest value was measured. */
  readonly time: number;
  readonly values: Readonly<Partial<Record<NumericVital, number>>>;
}

/** What one row may stand for, in milliseconds; 0 is one measurement. */
const STEPS = [0, 10_000, 60_000, 300_000, 900_000, 3_600_000] as const;

/** Rows a person still reads. */
export const MAX_ROWS = 120;

export interface Table {
  /** Newest first. */
  readonly rows: readonly TableRow[];
  /** Milliseconds that one row stands for; 0 where it is one measurement. */
  readonly step: number;
}

/** Measurements from `fromMs` on, several to a row where there are many: then each value is the newest of its row. */
export function trendTable(samples: Chunked<VitalsSample>, fields: readonly NumericVital[], fromMs: number): Table {
  const kept = [...samples].filter((s) => s.time >= fromMs && fields.some((field) => s.vitals[field] !== undefined));
  kept.sort((a, b) => a.time - b.time);
  for (const step of STEPS) {
    const rows = grouped(kept, fields, step);
    if (rows.length <= MAX_ROWS || step === STEPS.at(-1)) return { rows: rows.reverse().slice(0, MAX_ROWS), step };
  }
  return { rows: [], step: 0 };
}

function grouped(samples: readonly VitalsSample[], fields: readonly NumericVital[], step: number): TableRow[] {
  const rows: TableRow[] = [];
  let group = NaN;
  for (const { time, vitals } of samples) {
    const values: Partial<Record<NumericVital, number>> = {};
    for (const field of fields) if (vitals[field] !== undefined) values[field] = vitals[field];
    const at = step === 0 ? NaN : Math.floor(time / step);
    const last = rows.at(-1);
    if (last !== undefined && at === group) rows[rows.length - 1] = { time, values: { ...last.values, ...values } };
    else rows.push({ time, values });
    group = at;
  }
  return rows;
}
