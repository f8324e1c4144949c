/** Exponential backoff with jitter over its upper half, so that a restarted server does not meet all its clients at once. */
export const BACKOFF_BASE_MS = 250;
/** A clinician should not wait longer than this for captions to come back by themselves. */
export const BACKOFF_MAX_MS = 8_000;

/** Milliseconds to wait before attempt `attempt` (0 for the first retry). `random` is within [0, 1). */
export function backoffDelay(attempt: number, random: () => number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 16));
  return ceiling / 2 + (random() * ceiling) / 2;
}
