import type { Amendment, VitalSigns } from '@events';
import { describe, expect, it } from 'vitest';
import { Chunked } from './chunked';
import { amend, observe, type Readings } from './readings';
import { series } from './series';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const iso = (minute: number): string => new Date(NOON + minute * 60_000).toISOString();

/** A bedside whose messages come at `at` minutes past noon. */
class Bedside {
  state: Readings = { samples: Chunked.empty(), newest: {}, epoch: 0 };
  private seq = 0;

  observe(at: number, taken: number, vitals: VitalSigns): this {
    this.state = observe(this.state, { seq: ++this.seq, at: iso(at) }, iso(taken), vitals);
    return this;
  }

  amend(at: number, ...amendments: Amendment[]): this {
    this.state = amend(this.state, { seq: ++this.seq, at: iso(at) }, amendments);
    return this;
  }

  get pulse(): unknown {
    return this.state.newest.heart_rate?.value;
  }

  /** Minutes past noon and heart rates, as the chart has them. */
  get course(): [number, number | null][] {
    const [times, rates] = series(this.state.samples, ['heart_rate'], 0);
    const points = times.map((time, i): [number, number | null] => [Math.round((time * 1_000 - NOON) / 60_000), rates?.[i] ?? null]);
    return points.filter(([, rate]) => rate !== null);
  }
}

describe('readings', () => {
  it('keep the newest value where an older one comes late', () => {
    const bedside = new Bedside().observe(20, 20, { heart_rate: 80 }).observe(21, 10, { heart_rate: 120, spo2: 97 });
    expect(bedside.pulse).toBe(80);
    expect(bedside.state.newest.spo2?.value).toBe(97);
    expect(bedside.course).toEqual([[10, 120], [20, 80]]);
  });

  it('take what was measured earlier and sent together', () => {
    const bedside = new Bedside().observe(20, 20, { heart_rate: 80 });
    bedside.amend(20, { change: 'earlier', taken_at: iso(5), vitals: { heart_rate: 60 } });
    expect(bedside.pulse).toBe(80);
    expect(bedside.course).toEqual([[5, 60], [20, 80]]);
  });

  it('show a corrected value in the place of the wrong one, and no later one changed', () => {
    const bedside = new Bedside().observe(10, 10, { heart_rate: 180, spo2: 97 });
    bedside.amend(11, { change: 'corrected', taken_at: iso(10), vitals: { heart_rate: 80 } });
    expect(bedside.pulse).toBe(80);
    expect(bedside.state.newest.spo2?.value).toBe(97);
    bedside.observe(20, 20, { heart_rate: 90 });
    bedside.amend(21, { change: 'corrected', taken_at: iso(10), vitals: { heart_rate: 70 } });
    expect(bedside.pulse).toBe(90);
    expect(bedside.course).toEqual([[10, 70], [20, 90]]);
  });

  it('fall back to what was measured before, where a value is withdrawn', () => {
    const bedside = new Bedside().observe(10, 10, { heart_rate: 80 }).observe(20, 20, { heart_rate: 180, spo2: 97 });
    bedside.amend(21, { change: 'withdrawn', taken_at: iso(20), parameters: ['heart_rate'] });
    expect(bedside.pulse).toBe(80);
    expect(bedside.state.newest.spo2?.value).toBe(97);
    expect(bedside.course).toEqual([[10, 80]]);
    bedside.amend(22, { change: 'withdrawn', taken_at: iso(10), parameters: ['heart_rate'] });
    expect(bedside.pulse).toBeUndefined();
  });

  it('take what comes after a clock was set back for newer', () => {
    const bedside = new Bedside().observe(20, 20, { heart_rate: 80 });
    bedside.state = { ...bedside.state, epoch: 1 };
    bedside.observe(21, -40, { heart_rate: 90 });
    expect(bedside.pulse).toBe(90);
    expect(bedside.course).toEqual([[20, 80], [21, 90]]);
  });

  it('do not let a clock that runs ahead hide what follows', () => {
    const bedside = new Bedside().observe(20, 600, { heart_rate: 80 }).observe(21, 21, { heart_rate: 90 });
    expect(bedside.pulse).toBe(90);
    expect(bedside.course).toEqual([[20, 80], [21, 90]]);
  });
});
