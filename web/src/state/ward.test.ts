import { describe, expect, it } from 'vitest';
import { present } from '../testing/fixture';
import { changes, NOW, scored, snapshot, wardRow } from '../testing/ward';
import { alarmsOf, applyWard, emptyWard, sorted, summary, type Filter } from './ward';

const EVERYBODY: Filter = { text: '', show: 'all' };
const alarm = (priority: 'high' | 'medium') => ({ alarms: [{ alarm: 'a', kind: 'news2_urgent' as const, priority, message: 'm', since: NOW }] });
const names = (state: ReturnType<typeof applyWard>, filter = EVERYBODY): string[] => sorted(state, filter).map((p) => p.row.patient);

describe('the ward', () => {
  it('is sorted by NEWS2, its band, alarms and name, with who was never scored at the end', () => {
    const state = applyWard(emptyWard, snapshot([
      wardRow(1),
      wardRow(2, scored(3)),
      wardRow(3, scored(3, 'low_medium')),
      wardRow(4, scored(9)),
      wardRow(5, { ...scored(3), ...alarm('medium') }),
      wardRow(6, { ...scored(3), ...alarm('high') }),
      wardRow(7, scored(3)),
    ]));
    expect(names(state)).toEqual(['BED-004', 'BED-003', 'BED-006', 'BED-005', 'BED-002', 'BED-007', 'BED-001']);
  });

  it('takes changes in, one patient at a time, and leaves the others as they are', () => {
    const before = applyWard(emptyWard, snapshot([wardRow(1, scored(2)), wardRow(2, scored(1))]));
    const after = applyWard(before, changes([wardRow(2, scored(8)), wardRow(3, scored(4))], [wardRow(1).session]));
    expect(names(after)).toEqual(['BED-002', 'BED-003']);
    expect(before.patients.size).toBe(2);
    const same = applyWard(after, changes([wardRow(3, scored(5))]));
    expect(same.patients.get(wardRow(2).session)).toBe(after.patients.get(wardRow(2).session));
  });

  it('draws on where the snapshot’s trends end, thinned as those are', () => {
    const start = Date.parse(NOW);
    let state = applyWard(emptyWard, snapshot([wardRow(1, { heart_rate_trend: [[start - 60_000, 70]], news2_trend: [[start, 2]] })]));
    for (let s = 1; s <= 3_600; s++) {
      const at = new Date(start + s * 1_000).toISOString();
      state = applyWard(state, changes([wardRow(1, { vitals: { heart_rate: { value: 80, at } }, ...scored(s < 1_800 ? 2 : 7) })]));
    }
    const { heartRate, news2 } = present(state.patients.get(wardRow(1).session));
    expect(heartRate.length).toBeGreaterThan(58);
    expect(heartRate.length).toBeLessThan(63);
    expect(present(heartRate.at(-1))[0]).toBe(start + 3_600_000);
    expect(news2.map(([, total]) => total)).toEqual([2, 7]);
  });

  it('forgets everything it knew with a new snapshot', () => {
    const before = applyWard(emptyWard, snapshot([wardRow(1), wardRow(2)]));
    expect(names(applyWard(before, snapshot([wardRow(9)], false)))).toEqual(['BED-009']);
  });

  it('is narrowed to what is asked for, and counted as a whole', () => {
    const state = applyWard(emptyWard, snapshot([wardRow(1, scored(8)), wardRow(2, { ...scored(5), ...alarm('medium') }), wardRow(13, scored(0))]));
    expect(names(state, { text: 'bed-01', show: 'all' })).toEqual(['BED-013']);
    expect(names(state, { text: '', show: 'high' })).toEqual(['BED-001']);
    expect(names(state, { text: '', show: 'medium' })).toEqual(['BED-001', 'BED-002']);
    expect(names(state, { text: '', show: 'alarms' })).toEqual(['BED-002']);
    expect(summary(state)).toEqual({ patients: 3, high: 1, medium: 1, alarms: 1, technical: 0 });
  });

  it('tells alarms about the patient from those about the equipment, which come after any of them', () => {
    const silent = { alarm: 't', kind: 'no_data' as const, priority: 'medium' as const, message: 'The monitor sends nothing', since: NOW };
    const single = { alarm: 'c', kind: 'news2_single_parameter' as const, priority: 'low' as const, message: 'One parameter scores 3', since: NOW };
    const state = applyWard(emptyWard, snapshot([wardRow(1, { alarms: [silent] }), wardRow(2, { alarms: [silent, single] }), wardRow(3)]));
    expect(names(state)).toEqual(['BED-002', 'BED-001', 'BED-003']);
    const { clinical, technical } = alarmsOf(wardRow(2, { alarms: [silent, single] }));
    expect([clinical, technical]).toEqual([[single], [silent]]);
    expect(summary(state)).toMatchObject({ alarms: 2, technical: 1 });
    expect(names(state, { text: '', show: 'alarms' })).toEqual(['BED-002', 'BED-001']);
  });
});
