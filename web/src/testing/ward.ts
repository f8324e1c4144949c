/** A ward for tests, as a server would send it. */
import type { RiskBand, WardMessage, WardRow } from '@events';

export const NOW = '2026-11-28T10:00:00Z';

export function wardRow(n: number, change: Partial<WardRow> = {}): WardRow {
  return {
    session: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    patient: `BED-${String(n).padStart(3, '0')}`,
    started_at: '2026-11-28T08:00:00Z',
    head: 10,
    vitals: { heart_rate: { value: 60 + (n % 60), at: NOW }, spo2: { value: 97, at: NOW } },
    ...change,
  };
}

export function scored(total: number, band: RiskBand = total >= 7 ? 'high' : total >= 5 ? 'medium' : 'low'): Pick<WardRow, 'news2'> {
  return { news2: { total, band, missing: 0, at: NOW, seq: 9 } };
}

export function snapshot(rows: WardRow[], complete = true): WardMessage {
  return { ward: 'snapshot', version: 1, at: NOW, complete, rows };
}

export function changes(rows: WardRow[], removed: string[] = []): WardMessage {
  return { ward: 'changes', version: 2, at: NOW, complete: true, rows, removed };
}
