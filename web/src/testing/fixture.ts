/** The recorded consultation, for tests: what the server would send, line by line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '@events';
import { initialState, type SessionState } from '../state/model';
import { reduce } from '../state/reduce';

export const fixtureLines: readonly string[] = readFileSync(
  join(import.meta.dirname, '../../fixtures/consultation.ndjson'),
  'utf8',
)
  .trim()
  .split('\n');

export const fixture: readonly Event[] = fixtureLines.map((line) => JSON.parse(line) as Event);

export type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

export function eventsOf<T extends Event['type']>(type: T): EventOf<T>[] {
  return fixture.filter((event): event is EventOf<T> => event.type === type);
}

/** The state after the events up to and including `seq`, or after all of them. */
export function stateAt(seq: number = fixture.length): SessionState {
  return fixture.slice(0, seq).reduce(reduce, initialState);
}

/** For values a test needs and the fixture is known to have. */
export function present<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('expected a value');
  return value;
}
