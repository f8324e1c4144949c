/** A session written for a test, event by event. */
import type { AlarmKind, ClinicalScore, Event, Provenance, RiskPredicted } from '@events';
import type { SessionState } from '../state/model';
import { Store } from '../state/store';

type Header = 'v' | 'session' | 'seq' | 'at';
/** An event without its header. */
export type Body = Event extends infer E ? (E extends Event ? Omit<E, Header> : never) : never;

export const START = Date.parse('2026-11-28T10:00:00Z');
const SESSION = '00000000-0000-7000-8000-000000000001';

/** A store that shows at once what it is told, and a clock that stands until it is moved. */
export class Told {
  readonly store = new Store((run) => { run(); });
  now = START;
  onSaid: (event: Event) => void = () => undefined;

  get state(): SessionState {
    return this.store.state;
  }

  /** Says what happens now; returns the number of the event. */
  say(body: Body): number {
    const seq = this.state.head + 1;
    const event: Event = { v: 1, session: SESSION, seq, at: new Date(this.now).toISOString(), ...body };
    this.onSaid(event);
    this.store.apply(event);
    return seq;
  }

  wait(seconds: number): void {
    this.now += seconds * 1_000;
  }

  raise(alarm: string, change: Partial<Extract<Body, { type: 'alarm.raised' }>> = {}): number {
    return this.say({ type: 'alarm.raised', alarm, kind: 'news2_urgent', class: 'clinical', priority: 'medium', message: `Alarm ${alarm}`, because: 1, ...change });
  }

  clear(alarm: string, kind: AlarmKind = 'news2_urgent'): number {
    return this.say({ type: 'alarm.cleared', alarm, kind, because: 1, reason: 'condition_over' });
  }

  /** A pulse, measured now. */
  observe(vitals: Extract<Body, { type: 'vitals.observed' }>['vitals'] = { heart_rate: 90 }): number {
    const source = { protocol: 'hl7_v2', application: 'BEDSIDE', facility: 'WARD7', message_id: String(this.state.head) } as const;
    return this.say({ type: 'vitals.observed', source, taken_at: new Date(this.now).toISOString(), vitals });
  }

  predict(change: Partial<RiskPredicted> = {}): number {
    return this.say({ type: 'risk.predicted', ...prediction(change) });
  }
}

export function provenance(name = 'MEWS', version = '1'): Provenance {
  return { name, version, weights_sha256: 'a'.repeat(64), inputs: [1] };
}

export function clinicalScore(change: Partial<ClinicalScore> = {}): ClinicalScore {
  const items = [{ parameter: 'respiratory_rate', value: '24 /min', range: '21–29 /min', points: 2 }];
  return { score: 'mews', value: 2, max: 14, band: 'low', items, provenance: provenance(), ...change };
}

export function prediction(change: Partial<RiskPredicted> = {}): RiskPredicted {
  const contributions = [
    { parameter: 'respiratory_rate', value: '28 /min', hours_ago: 0, effect: 0.47 },
    { parameter: 'temperature', value: '36.8 °C', hours_ago: 3, effect: -0.22 },
  ];
  return {
    outcome: 'sepsis', within_hours: 6, probability: 0.031, log_odds: -2, record_hours: 5, contributions,
    missing: ['creatinine', 'lactate'], provenance: provenance('deteriorate', '1.0.0'), ...change,
  };
}
