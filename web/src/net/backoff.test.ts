import { describe, expect, it } from 'vitest';
import { BACKOFF_BASE_MS, BACKOFF_MAX_MS, backoffDelay } from './backoff';

describe('backoff', () => {
  it('doubles with every attempt up to its limit', () => {
    const longest = Array.from({ length: 8 }, (_, attempt) => backoffDelay(attempt, () => 1));
    expect(longest).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('spreads clients over the upper half of the wait', () => {
    expect(backoffDelay(0, () => 0)).toBe(BACKOFF_BASE_MS / 2);
    expect(backoffDelay(3, () => 0.5)).toBe(1_500);
  });

  it('never grows beyond its limit, however long the server is away', () => {
    expect(backoffDelay(10_000, () => 1)).toBe(BACKOFF_MAX_MS);
  });
});
