/**
 * What was measured, as it is known now: values come late, are corrected and withdrawn. Pure. A value counts by when
 * it was measured, as in the server's fold (`protocols/events/src/readings.rs`).
 */
import type { Amendment, Seq, Timestamp, VitalSigns } from '@events';
import type { Chunked } from './chunked';
import { MAX_SAMPLES, type Newest, type VitalName, type VitalsSample } from './model';

/** A monitor's clock further off than this is not believed for the time axis. */
const MAX_CLOCK_DIFFERENCE_MS = 5 * 60_000;

export interface Readings {
  readonly samples: Chunked<VitalsSample>;
  readonly newest: Readonly<Partial<Record<VitalName, Newest>>>;
  /** How often the monitor's clock was set back: what comes after that is newer whatever the clock says. */
  readonly epoch: number;
}

interface Stamp {
  readonly seq: Seq;
  readonly at: Timestamp;
}

/** Takes an observation. */
export function observe<T extends Readings>(state: T, stamp: Stamp, takenAt: Timestamp, vitals: VitalSigns): T {
  const sample = sampleOf(state, stamp, takenAt, vitals);
  const samples = state.samples.push(sample).trimFront(MAX_SAMPLES);
  return { ...state, samples, newest: taking(state.newest, sample) };
}

/** Takes corrections and withdrawals. */
export function amend<T extends Readings>(state: T, stamp: Stamp, amendments: readonly Amendment[]): T {
  return amendments.reduce((now, amendment) => amendOne(now, stamp, amendment), state);
}

function amendOne<T extends Readings>(state: T, stamp: Stamp, amendment: Amendment): T {
  const taken = believed(stamp.at, amendment.taken_at);
  if (amendment.change === 'earlier') return observe(state, stamp, amendment.taken_at, amendment.vitals);
  const gone = amendment.change === 'withdrawn' ? amendment.parameters : Object.keys(amendment.vitals);
  const samples = without(state.samples, taken, gone);
  const left = { ...state, samples, newest: newestOf(samples, forgotten(state, taken, gone)) };
  // Corrected values stand where the ones that they replace stood.
  return amendment.change === 'withdrawn' ? left : observe(left, stamp, amendment.taken_at, amendment.vitals);
}

/** The samples less what was measured at that moment. */
function without(samples: Chunked<VitalsSample>, taken: number, names: readonly string[]): Chunked<VitalsSample> {
  let left = samples;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples.at(i);
    if (sample?.taken !== taken) continue;
    const kept = Object.entries(sample.vitals).filter(([name]) => !names.includes(name));
    left = left.set(i, { ...sample, vitals: Object.fromEntries(kept) });
  }
  return left;
}

/** Newest values whose samples the page no longer has, but for those withdrawn. */
function forgotten(state: Readings, taken: number, names: readonly string[]): Readings['newest'] {
  const oldest = state.samples.at(0)?.seq ?? 0;
  const entries = Object.entries(state.newest) as [VitalName, Newest][];
  return Object.fromEntries(entries.filter(([name, one]) => one.seq < oldest && !(one.taken === taken && names.includes(name))));
}

function newestOf(samples: Chunked<VitalsSample>, older: Readings['newest']): Readings['newest'] {
  let newest = older;
  for (const sample of samples) newest = taking(newest, sample);
  return newest;
}

/** The newest values with those of a sample that were not measured earlier. */
function taking(newest: Readings['newest'], sample: VitalsSample): Readings['newest'] {
  const { time, seq, epoch, taken } = sample;
  const now: Partial<Record<VitalName, Newest>> = { ...newest };
  for (const [name, value] of Object.entries(sample.vitals) as [VitalName, VitalSigns[VitalName]][]) {
    const known = now[name];
    const isOlder = known !== undefined && (epoch < known.epoch || (epoch === known.epoch && taken < known.taken));
    if (value !== undefined && !isOlder) now[name] = { value, time, seq, epoch, taken };
  }
  return now;
}

function sampleOf(state: Readings, { seq, at }: Stamp, takenAt: Timestamp, vitals: VitalSigns): VitalsSample {
  const taken = believed(at, takenAt);
  return { seq, at, time: timeOf(state, at, takenAt, taken), epoch: state.epoch, taken, vitals };
}

/** When something was measured; a clock that runs ahead is held to when the message was recorded. */
function believed(at: Timestamp, takenAt: Timestamp): number {
  return Math.min(Date.parse(takenAt), Date.parse(at));
}

/**
 * The place on the time axis: the monitor's clock, unless it is plainly wrong. What was measured before the newest
 * sample is late, and stands before it by as much as the monitor's clock says.
 */
function timeOf(state: Readings, at: Timestamp, takenAt: Timestamp, taken: number): number {
  const received = Date.parse(at);
  if (Math.abs(Date.parse(takenAt) - received) <= MAX_CLOCK_DIFFERENCE_MS) return Date.parse(takenAt);
  const latest = state.samples.findLast((sample) => sample.epoch === state.epoch && sample.taken > taken);
  return latest === undefined ? received : latest.time - (latest.taken - taken);
}
