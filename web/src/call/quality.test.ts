import { describe, expect, it } from 'vitest';
import { complaint, measure, nextQuality, rate, Stall, type Measure, type Quality, type Sample } from './quality';
import { wordsFor } from '../ui/words';
import { sampleOf } from './stats';

const sample = (atMs: number, change: Partial<Sample> = {}): Sample => ({ atMs, packets: 0, lost: 0, bytes: 0, audioBytes: 0, videoBytes: 0, jitterMs: 5, rttMs: 40, ...change });
const good: Measure = { lossPercent: 0, jitterMs: 5, rttMs: 40, kbps: 800 };

describe('a measure of a connection', () => {
  it('is of the last interval, not of all time', () => {
    const m = measure(sample(1_000, { packets: 1_000, lost: 500, bytes: 9_000 }), sample(3_000, { packets: 1_095, lost: 505, bytes: 34_000 }));
    expect(m.lossPercent).toBeCloseTo(5);
    expect(m.kbps).toBeCloseTo(100);
  });

  it('takes packets that came late after all for no loss', () => {
    expect(measure(sample(0, { lost: 10 }), sample(2_000, { packets: 50, lost: 7 })).lossPercent).toBe(0);
  });

  it('finds nothing lost where nothing was sent', () => {
    expect(measure(sample(0), sample(0))).toMatchObject({ lossPercent: 0, kbps: 0 });
  });
});

describe('a rating', () => {
  it.each([
    [{}, 'good'],
    [{ lossPercent: 1.9, jitterMs: 29, rttMs: 299 }, 'good'],
    [{ lossPercent: 2 }, 'fair'],
    [{ rttMs: 300 }, 'fair'],
    [{ jitterMs: 30 }, 'fair'],
    [{ lossPercent: 8 }, 'poor'],
    [{ rttMs: 800 }, 'poor'],
    [{ jitterMs: 80 }, 'poor'],
    [{ jitterMs: undefined, rttMs: undefined }, 'good'],
  ] as const)('of %o is %s', (change, rating) => {
    expect(rate({ ...good, ...change })).toBe(rating);
  });

  it('gets worse at once and better only when it stays so', () => {
    const bad = { ...good, lossPercent: 20 };
    const ratings: string[] = [];
    let quality: Quality | undefined;
    for (const m of [good, bad, good, bad, good, good, good]) {
      quality = nextQuality(quality, m);
      ratings.push(quality.rating);
    }
    expect(ratings).toEqual(['good', 'poor', 'poor', 'poor', 'poor', 'good', 'good']);
  });

  it('says what a person would notice', () => {
    const said = (change: Partial<Measure>): string => wordsFor('en').complaint(complaint(nextQuality(undefined, { ...good, ...change })));
    expect(said({ lossPercent: 9.4 })).toBe('9 % of the data is lost: words may be missing.');
    expect(said({ rttMs: 900 })).toContain('0.9 s longer');
    expect(said({ jitterMs: 50 })).toContain('stutter');
    expect(said({})).toContain('well');
  });
});

describe('a stalled connection', () => {
  const both = { audio: true, video: true };
  const still = [sample(0, { audioBytes: 10, videoBytes: 10 }), sample(2_000, { audioBytes: 10, videoBytes: 10 })] as const;
  const run = (stall: Stall, times: number, [a, b]: readonly [Sample, Sample], expected: { audio: boolean; video: boolean }): number[] =>
    Array.from({ length: times }, (_, i) => i + 1).filter(() => stall.next(a, b, expected));

  it('is begun anew, later each time it was in vain', () => {
    const stall = new Stall();
    const begun = Array.from({ length: 40 }, (_, i) => i + 1).filter(() => stall.next(...still, both));
    expect(begun).toEqual([4, 12, 28]);
  });

  it('is patient again once sound has come', () => {
    const stall = new Stall();
    expect(run(stall, 4, still, both)).toEqual([4]);
    stall.next(sample(0), sample(2_000, { audioBytes: 5 }), both);
    expect(run(stall, 4, still, both)).toEqual([4]);
  });

  it('is not one that brings the sound, though no picture', () => {
    const stall = new Stall();
    expect(run(stall, 20, [sample(0), sample(2_000, { audioBytes: 900 })], both)).toEqual([]);
  });

  it('is not one of somebody who sends nothing', () => {
    expect(run(new Stall(), 20, still, { audio: false, video: false })).toEqual([]);
    expect(run(new Stall(), 4, still, { audio: false, video: true })).toEqual([4]);
  });
});

describe('counters', () => {
  const pair = { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.08 };

  it('of what is received come from its own reports', () => {
    const reports = [
      pair,
      { type: 'inbound-rtp', kind: 'audio', packetsReceived: 100, packetsLost: 2, bytesReceived: 1_000, jitter: 0.012 },
      { type: 'inbound-rtp', kind: 'video', packetsReceived: 50, packetsLost: 1, bytesReceived: 9_000, jitter: 0.4 },
      { type: 'outbound-rtp', kind: 'audio', bytesSent: 77 },
    ];
    expect(sampleOf(reports, true, 7)).toEqual({ atMs: 7, packets: 150, lost: 3, bytes: 10_000, audioBytes: 1_000, videoBytes: 9_000, jitterMs: 12, rttMs: 80 });
  });

  it('of what is sent come from what the server reports', () => {
    const reports = [
      pair,
      { type: 'outbound-rtp', kind: 'audio', packetsSent: 100, bytesSent: 1_000 },
      { type: 'remote-inbound-rtp', kind: 'audio', packetsLost: 4, jitter: 0.02, roundTripTime: 0.15 },
    ];
    expect(sampleOf(reports, false, 0)).toMatchObject({ packets: 100, lost: 4, audioBytes: 1_000, jitterMs: 20, rttMs: 150 });
  });

  it('that a browser does not give are not made up', () => {
    expect(sampleOf([{ type: 'inbound-rtp', kind: 'audio', jitter: Number.NaN }], true, 0)).toMatchObject({ packets: 0, jitterMs: undefined, rttMs: undefined });
  });
});
