/** Whether what the learned model expects still describes the patient. Pure: the clock comes in. */
import type { SessionState } from './model';
import type { NumericVital } from './series';

/** What the model is told of vital signs: consciousness and oxygen are none of its inputs. */
const INPUTS: readonly NumericVital[] = ['heart_rate', 'respiratory_rate', 'spo2', 'systolic_bp', 'diastolic_bp', 'temperature'];

/**
 * The model answers an observation within seconds. One this much newer has gone without an answer; a monitor's clock
 * may be ahead by nearly as much and is believed (`readings.ts`).
 */
export const BEHIND_MS = 5 * 60_000;

const HOUR_MS = 3_600_000;

/** `over`: the hours that it spoke of have passed. `behind`: what was measured since, at `newest`, is not in it. */
export type Stale = { readonly why: 'over' } | { readonly why: 'behind'; readonly newest: number };

export function staleness({ prediction, newest, ended }: Pick<SessionState, 'prediction' | 'newest' | 'ended'>, now: number): Stale | undefined {
  if (prediction === undefined) return undefined;
  const made = Date.parse(prediction.at);
  const measured = Math.max(0, ...INPUTS.map((input) => newest[input]?.time ?? 0));
  if (measured - made > BEHIND_MS) return { why: 'behind', newest: measured };
  // A record is read as it stood at its end.
  const at = ended === undefined ? now : Math.min(now, Date.parse(ended.at));
  return at - made > prediction.value.within_hours * HOUR_MS ? { why: 'over' } : undefined;
}
