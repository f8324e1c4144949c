import { beforeEach, describe, expect, it } from 'vitest';
import { present } from '../testing/fixture';
import { START, Told } from '../testing/session';
import { byUrgency, isTechnical, phaseOf, silentUntil, unanswered } from './alarms';
import { MAX_ALARMS, type AlarmEntry } from './model';

let told: Told;

const alarm = (id: string): AlarmEntry => present(told.state.alarms.find((a) => a.raised.value.alarm === id));
const phases = (): string[] => told.state.alarms.map((a) => `${a.raised.value.alarm} ${phaseOf(a)}`);

beforeEach(() => {
  told = new Told();
});

describe('an alarm', () => {
  it('is acknowledged by somebody at some time, and stands on', () => {
    told.raise('a');
    told.wait(30);
    const seq = told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    expect(alarm('a').acknowledged).toEqual({ seq, at: new Date(START + 30_000).toISOString(), by: 'nurse' });
    expect(phases()).toEqual(['a acknowledged']);
    expect(unanswered(told.state.alarms)).toBe(0);
  });

  it('waits to be seen when its condition is over, until it is cleared', () => {
    told.raise('a', { latching: true });
    told.say({ type: 'alarm.latched', alarm: 'a', because: 2 });
    expect(phases()).toEqual(['a latched']);
    expect(unanswered(told.state.alarms)).toBe(1);
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    told.say({ type: 'alarm.cleared', alarm: 'a', kind: 'limit_low', because: 2, reason: 'acknowledged' });
    expect(phases()).toEqual(['a cleared']);
    expect(alarm('a')).toMatchObject({ cleared: { reason: 'acknowledged' }, acknowledged: { by: 'nurse' } });
  });

  it('is silent for as long as was asked for, and no longer', () => {
    told.raise('a');
    told.say({ type: 'alarm.silenced', alarm: 'a', by: 'clinician', seconds: 120 });
    expect(alarm('a').silenced?.by).toBe('clinician');
    expect(silentUntil(alarm('a'), START + 119_999)).toBe(START + 120_000);
    expect(silentUntil(alarm('a'), START + 120_000)).toBeUndefined();
  });

  it('is silenced with all that stand when none is named, and not when it comes later or is over', () => {
    told.raise('over');
    told.clear('over');
    told.raise('a');
    told.raise('b');
    told.say({ type: 'alarm.silenced', by: 'clinician', seconds: 60 });
    told.raise('later');
    const silent = told.state.alarms.filter((a) => a.silenced !== undefined).map((a) => a.raised.value.alarm);
    expect(silent).toEqual(['a', 'b']);
  });

  it('keeps its answer when it calls again, and loses it when the patient got worse', () => {
    told.raise('a');
    told.say({ type: 'alarm.silenced', alarm: 'a', by: 'nurse', seconds: 300 });
    told.say({ type: 'alarm.escalated', alarm: 'a', step: 1, reason: 'unacknowledged', because: 1 });
    expect(alarm('a')).toMatchObject({ escalated: { step: 1, reason: 'unacknowledged' }, silenced: { by: 'nurse' } });
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    told.say({ type: 'alarm.escalated', alarm: 'a', step: 2, reason: 'worse', because: 1 });
    expect(alarm('a').escalated?.step).toBe(2);
    expect([alarm('a').acknowledged, alarm('a').silenced]).toEqual([undefined, undefined]);
    expect(phases()).toEqual(['a active']);
  });

  it('is not changed by what comes after it is over', () => {
    told.raise('a');
    told.clear('a');
    const before = alarm('a');
    told.say({ type: 'alarm.acknowledged', alarm: 'a', by: 'nurse' });
    told.say({ type: 'alarm.latched', alarm: 'a', because: 1 });
    told.say({ type: 'alarm.escalated', alarm: 'a', step: 1, reason: 'unacknowledged', because: 1 });
    expect(alarm('a')).toBe(before);
  });

  it('gives way when there are too many, the oldest cleared one first', () => {
    told.raise('first');
    told.raise('second');
    told.clear('second');
    for (let i = 2; i < MAX_ALARMS + 1; i++) told.raise(String(i));
    expect(told.state.alarms).toHaveLength(MAX_ALARMS);
    expect(told.state.alarms.slice(0, 2).map((a) => a.raised.value.alarm)).toEqual(['first', '2']);
  });
});

describe('alarms', () => {
  it('about the equipment are told from those about the patient, by their class or where there is none by their kind', () => {
    expect(isTechnical({ kind: 'sensor_off', class: 'technical' })).toBe(true);
    expect((['sensor_off', 'no_data', 'artefact', 'limit_low', 'pews_urgent'] as const).map((kind) => isTechnical({ kind }))).toEqual([true, true, true, false, false]);
  });

  it('come by what stands, priority, the patient before the equipment, and the newest first', () => {
    told.raise('over', { priority: 'high' });
    told.clear('over');
    told.raise('old');
    told.raise('equipment', { kind: 'no_data', class: 'technical' });
    told.raise('new');
    told.raise('emergency', { priority: 'high' });
    const order = (): string[] => [...told.state.alarms].sort(byUrgency).map((a) => a.raised.value.alarm);
    expect(order()).toEqual(['emergency', 'new', 'old', 'equipment', 'over']);
    told.say({ type: 'alarm.acknowledged', alarm: 'emergency', by: 'nurse' });
    expect(order(), 'an answer moves nothing').toEqual(['emergency', 'new', 'old', 'equipment', 'over']);
  });
});
