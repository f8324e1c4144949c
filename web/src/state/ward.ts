/** The ward as the page knows it: a fold of snapshots and changes. Pure. */
import type { AlarmPriority, RiskBand, SessionId, WardAlarm, WardMessage, WardRow } from '@events';
import { isTechnical } from './alarms';

/** A point of a trend: milliseconds since the epoch, value. */
export type TrendPoint = readonly [number, number];

export interface Patient {
  readonly row: WardRow;
  readonly heartRate: readonly TrendPoint[];
  readonly news2: readonly TrendPoint[];
}

export interface WardState {
  readonly patients: ReadonlyMap<SessionId, Patient>;
  /** The server has read every log: nobody is missing. */
  readonly complete: boolean;
  /** By the server's clock, of the newest message; milliseconds since the epoch. */
  readonly at: number;
}

export const emptyWard: WardState = { patients: new Map(), complete: false, at: 0 };

/** What the server's trends hold as well (actors/src/ward/fold.rs). */
const TREND_MS = 30 * 60_000;
const TREND_STEP_MS = 30_000;
const MAX_SCORES = 60;

export function applyWard(state: WardState, message: WardMessage): WardState {
  const at = Date.parse(message.at);
  if (message.ward === 'snapshot') {
    const patients = message.rows.map((row): [SessionId, Patient] => {
      const { heart_rate_trend: heartRate = [], news2_trend: news2 = [], ...rest } = row;
      return [row.session, { row: rest, heartRate, news2 }];
    });
    return { patients: new Map(patients), complete: message.complete, at };
  }
  const patients = new Map(state.patients);
  for (const session of message.removed ?? []) patients.delete(session);
  for (const row of message.rows) patients.set(row.session, changed(patients.get(row.session), row));
  return { patients, complete: message.complete, at };
}

function changed(known: Patient | undefined, row: WardRow): Patient {
  const rate = row.vitals.heart_rate;
  const score = row.news2;
  const heartRate = known?.heartRate ?? [];
  const news2 = known?.news2 ?? [];
  return {
    row,
    heartRate: rate === undefined ? heartRate : extend(heartRate, [Date.parse(rate.at), rate.value]),
    news2: score === undefined || news2.at(-1)?.[1] === score.total ? news2 : [...news2, [Date.parse(score.at), score.total] as const].slice(-MAX_SCORES),
  };
}

/** One point for each step of time: the newest of it. */
function extend(trend: readonly TrendPoint[], point: TrendPoint): readonly TrendPoint[] {
  const last = trend.at(-1);
  if (last !== undefined && point[0] <= last[0]) return trend;
  const step = (at: number): number => Math.floor(at / TREND_STEP_MS);
  const before = last !== undefined && step(last[0]) === step(point[0]) ? trend.slice(0, -1) : trend;
  const oldest = point[0] - TREND_MS;
  return [...before.filter(([at]) => at >= oldest), point];
}

const PRIORITY: Record<AlarmPriority, number> = { high: 3, medium: 2, low: 1 };
const BAND: Record<RiskBand, number> = { high: 3, medium: 2, low_medium: 1, low: 0 };

/**
 * Who needs somebody first: by NEWS2, its band (a single parameter of 3 comes before a spread of the same total), the
 * most urgent alarm, then by name, so that equals keep their places. Who was never scored comes last.
 */
export function byRisk(a: Patient, b: Patient): number {
  const [x, y] = [a.row, b.row];
  return (
    (y.news2?.total ?? -1) - (x.news2?.total ?? -1) ||
    (y.news2 === undefined ? 0 : BAND[y.news2.band]) - (x.news2 === undefined ? 0 : BAND[x.news2.band]) ||
    urgency(y) - urgency(x) ||
    x.patient.localeCompare(y.patient, 'en') ||
    x.session.localeCompare(y.session)
  );
}

/** Alarms of a patient, told apart: about the patient, and about the equipment. Each most urgent first. */
export interface WardAlarms {
  readonly clinical: readonly WardAlarm[];
  readonly technical: readonly WardAlarm[];
}

export function alarmsOf({ alarms = [] }: WardRow): WardAlarms {
  return { clinical: alarms.filter((alarm) => !isTechnical(alarm)), technical: alarms.filter(isTechnical) };
}

/** Any alarm about the patient comes before all about the equipment. */
function urgency(row: WardRow): number {
  const { clinical: [clinical], technical: [technical] } = alarmsOf(row);
  if (clinical !== undefined) return 3 + PRIORITY[clinical.priority];
  return technical === undefined ? 0 : PRIORITY[technical.priority];
}

export type Show = 'all' | 'alarms' | 'high' | 'medium';

export interface Filter {
  /** Part of a patient's identifier. */
  readonly text: string;
  readonly show: Show;
}

const SHOWN: Record<Show, (row: WardRow) => boolean> = {
  all: () => true,
  alarms: (row) => (row.alarms?.length ?? 0) > 0,
  high: (row) => row.news2?.band === 'high',
  medium: (row) => row.news2?.band === 'high' || row.news2?.band === 'medium',
};

export function sorted(state: WardState, filter: Filter): Patient[] {
  const text = filter.text.trim().toLowerCase();
  const wanted = SHOWN[filter.show];
  const shown = [...state.patients.values()].filter(({ row }) => wanted(row) && row.patient.toLowerCase().includes(text));
  return shown.sort(byRisk);
}

export interface Summary {
  readonly patients: number;
  readonly high: number;
  readonly medium: number;
  /** Patients with a standing alarm. */
  readonly alarms: number;
  /** Those of them whose alarms are all about the equipment. */
  readonly technical: number;
}

export function summary(state: WardState): Summary {
  const counts = { patients: state.patients.size, high: 0, medium: 0, alarms: 0, technical: 0 };
  for (const { row } of state.patients.values()) {
    if (row.news2?.band === 'high') counts.high += 1;
    if (row.news2?.band === 'medium') counts.medium += 1;
    const { clinical, technical } = alarmsOf(row);
    if (clinical.length + technical.length > 0) counts.alarms += 1;
    if (clinical.length === 0 && technical.length > 0) counts.technical += 1;
  }
  return counts;
}
