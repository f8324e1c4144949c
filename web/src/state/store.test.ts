// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { browserSchedule } from './store';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('tells views once, though the page is hidden before the frame it asked for', () => {
  let frame: (() => void) | undefined;
  vi.stubGlobal('requestAnimationFrame', (run: () => void) => {
    frame = run;
    return 1;
  });
  let runs = 0;
  browserSchedule(() => { runs += 1; });
  expect(runs).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(runs).toBe(1);
  frame?.();
  expect(runs).toBe(1);
});
