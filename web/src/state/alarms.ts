/**
 * Alarms: what was raised, and what people did about it. Pure. An alarm is what the server's fold says it is
 * (`protocols/events/src/state.rs`); the page keeps cleared ones, too.
 */
import type { AlarmClass, AlarmId, AlarmKind, AlarmPriority, AlarmRaised, Event } from '@events';
import { MAX_ALARMS, type AlarmEntry } from './model';

export type AlarmEvent = Extract<Event, { type: `alarm.${string}` }>;

export function applyAlarm(alarms: readonly AlarmEntry[], event: AlarmEvent): readonly AlarmEntry[] {
  const stamp = { seq: event.seq, at: event.at };
  switch (event.type) {
    case 'alarm.raised':
      return bounded([...alarms, { raised: { ...stamp, value: event } }]);
    case 'alarm.cleared': {
      const { because, reason } = event;
      return change(alarms, event.alarm, (entry) => ({ ...entry, cleared: { ...stamp, because, reason } }));
    }
    case 'alarm.latched':
      return change(alarms, event.alarm, (entry) => ({ ...entry, latched: stamp }));
    case 'alarm.acknowledged':
      return change(alarms, event.alarm, (entry) => ({ ...entry, acknowledged: { ...stamp, by: event.by } }));
    case 'alarm.silenced': {
      const until = Date.parse(event.at) + event.seconds * 1_000;
      return change(alarms, event.alarm, (entry) => ({ ...entry, silenced: { ...stamp, by: event.by, until } }));
    }
    case 'alarm.escalated': {
      const { step, reason } = event;
      return change(alarms, event.alarm, (entry) => {
        const next = { ...entry, escalated: { ...stamp, step, reason } };
        if (reason === 'worse') {
          // Whoever answered it did so for a patient who was better.
          delete next.acknowledged;
          delete next.silenced;
        }
        return next;
      });
    }
  }
}

/** One alarm, or all when `alarm` is absent, as far as they stand: what is over stays as it was. */
function change(
  alarms: readonly AlarmEntry[],
  alarm: AlarmId | undefined,
  next: (entry: AlarmEntry) => AlarmEntry,
): readonly AlarmEntry[] {
  const meant = (entry: AlarmEntry): boolean => alarm === undefined || entry.raised.value.alarm === alarm;
  return alarms.map((entry) => (entry.cleared === undefined && meant(entry) ? next(entry) : entry));
}

function bounded(alarms: readonly AlarmEntry[]): readonly AlarmEntry[] {
  if (alarms.length <= MAX_ALARMS) return alarms;
  const oldestCleared = alarms.findIndex((a) => a.cleared !== undefined);
  return alarms.toSpliced(oldestCleared < 0 ? 0 : oldestCleared, 1);
}

const CLASS: Readonly<Record<AlarmKind, AlarmClass>> = {
  news2_single_parameter: 'clinical',
  news2_urgent: 'clinical',
  news2_emergency: 'clinical',
  pews_urgent: 'clinical',
  pews_emergency: 'clinical',
  limit_low: 'clinical',
  limit_high: 'clinical',
  sensor_off: 'technical',
  no_data: 'technical',
  artefact: 'technical',
};

/** About the equipment rather than the patient. The ward, and logs from before there were classes, say only the kind. */
export function isTechnical(alarm: Pick<AlarmRaised, 'kind'> & Partial<Pick<AlarmRaised, 'class'>>): boolean {
  return (alarm.class ?? CLASS[alarm.kind]) === 'technical';
}

/** `active`: nobody has answered it. `latched`: nor is there anything left to answer but the alarm. */
export type AlarmPhase = 'active' | 'latched' | 'acknowledged' | 'cleared';

export function phaseOf(entry: AlarmEntry): AlarmPhase {
  if (entry.cleared !== undefined) return 'cleared';
  if (entry.acknowledged !== undefined) return 'acknowledged';
  return entry.latched === undefined ? 'active' : 'latched';
}

/** Until when its sound is off, in milliseconds since the epoch, as far as that is still so. */
export function silentUntil({ silenced, cleared }: AlarmEntry, now: number): number | undefined {
  return silenced !== undefined && cleared === undefined && silenced.until > now ? silenced.until : undefined;
}

/** Alarms that stand and that nobody has acknowledged. */
export function unanswered(alarms: readonly AlarmEntry[]): number {
  return alarms.filter((a) => a.cleared === undefined && a.acknowledged === undefined).length;
}

const RANK: Readonly<Record<AlarmPriority, number>> = { high: 0, medium: 1, low: 2 };

/**
 * What stands first; then by priority, the patient before the equipment, the newest first. An answer does not move an
 * alarm: nothing may slip under the pointer of somebody who is about to answer the next.
 */
export function byUrgency(a: AlarmEntry, b: AlarmEntry): number {
  const [x, y] = [a.raised.value, b.raised.value];
  return (
    Number(a.cleared !== undefined) - Number(b.cleared !== undefined) ||
    RANK[x.priority] - RANK[y.priority] ||
    Number(isTechnical(x)) - Number(isTechnical(y)) ||
    b.raised.seq - a.raised.seq
  );
}
