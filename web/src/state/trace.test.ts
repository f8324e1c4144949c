import { describe, expect, it } from 'vitest';
import { decodeWaveBlock, type WaveBlock } from '../net/wave-blocks';
import { present } from '../testing/fixture';
import { encodeWaveBlock } from '../testing/waves';
import { LAG_S, Playhead } from './playhead';
import { Trace } from './trace';

const START = 1_795_000_000;

/** The `n`-th block of a tenth of a second at 100 Hz; its values are `n`. */
function nth(n: number, change: Partial<Parameters<typeof encodeWaveBlock>[0]> = {}): WaveBlock {
  const steps = Array.from({ length: 10 }, () => n);
  return present(decodeWaveBlock(encodeWaveBlock({ sequence: n, rate: 100, scale: 1, start: START + n / 10, steps, ...change })));
}

function values(trace: Trace, from: number, to: number): number[] {
  return Array.from({ length: (to - from) * 10 }, (_, i) => trace.at(trace.indexAt(START + from / 10) + i));
}

describe('a trace', () => {
  it('has every sample at its time', () => {
    const trace = new Trace(nth(0), 10);
    for (let n = 1; n < 20; n++) trace.push(nth(n));
    expect(values(trace, 3, 5)).toEqual([...Array<number>(10).fill(3), ...Array<number>(10).fill(4)]);
    expect(trace.newest).toBeCloseTo(START + 2, 6);
    expect(trace.lostBlocks).toBe(0);
  });

  it('has a gap as long as what was lost, and counts it', () => {
    const trace = new Trace(nth(0), 10);
    trace.push(nth(3));
    expect(values(trace, 1, 3).every(Number.isNaN)).toBe(true);
    expect(values(trace, 3, 4)).toEqual(Array(10).fill(3));
    expect(trace.lostBlocks).toBe(2);
  });

  it('forgets what is older than it keeps, gaps included', () => {
    const trace = new Trace(nth(0), 1);
    for (let n = 1; n < 12; n++) trace.push(nth(n));
    expect(trace.at(trace.indexAt(START + 0.1))).toBeNaN();
    expect(trace.at(trace.indexAt(START + 0.2))).toBe(2);
    trace.push(nth(1_000));
    expect(trace.range(START, START + 99.9)).toBeUndefined();
    expect(trace.range(START, START + 200)).toEqual({ low: 1_000, high: 1_000, mean: 1_000 });
  });

  it('is not gone on with at another rate or when the clock was set back', () => {
    const trace = new Trace(nth(5), 10);
    expect(trace.takes(nth(6))).toBe(true);
    expect(trace.takes(nth(6, { rate: 200 }))).toBe(false);
    expect(trace.takes(nth(6, { start: START - 60 }))).toBe(false);
  });

  it('does not count a stream that begins anew as lost', () => {
    const trace = new Trace(nth(900), 10);
    trace.push(nth(901, { sequence: 0, first: true }));
    trace.push(nth(902, { sequence: 1 }));
    expect(trace.lostBlocks).toBe(0);
  });
});

describe('the pen', () => {
  /** Plays blocks of 0.2 s that come at `speed` times real time for `seconds`; gives the pen's distance at each frame. */
  function play(speed: number, seconds: number): number[] {
    const pen = new Playhead();
    const distances: number[] = [];
    for (let frame = 0; frame < seconds * 60; frame++) {
      const newest = START + Math.floor((frame / 60) * speed / 0.2) * 0.2 + 0.2;
      distances.push(newest - pen.advance(1 / 60, newest));
    }
    return distances.slice(120);
  }

  it('keeps an even distance to lumps of samples and never runs out of them', () => {
    const distances = play(1, 20);
    expect(Math.min(...distances)).toBeGreaterThan(0);
    expect(Math.max(...distances)).toBeLessThan(2 * LAG_S);
  });

  it('keeps up with a recording that is played five times as fast', () => {
    expect(Math.max(...play(5, 20))).toBeLessThan(5);
  });

  it('waits for what is late, goes on over a silence, and back to a source that had paused', () => {
    const pen = new Playhead();
    pen.advance(0.016, START);
    for (let frame = 0; frame < 300; frame++) pen.advance(1 / 60, START);
    expect(present(pen.time)).toBeGreaterThan(START + 3);
    expect(pen.advance(1 / 60, START + 0.2)).toBeLessThan(START + 0.2);
  });

  it('is where the samples are after the page was hidden', () => {
    const pen = new Playhead();
    pen.advance(0.016, START);
    expect(pen.advance(600, START + 600)).toBeCloseTo(START + 600 - LAG_S, 6);
  });
});
