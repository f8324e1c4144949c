/** The recorded consultation, for tests: what the server would send, line by line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '@events';
import { initialState, type SessionState } from '../state/model';
import { reduce } from '../state/reduce';

function lines(name: string): readonly string[] {
  return readFileSync(join(import.meta.dirname, '../../fixtures', name), 'utf8').trim().split('\n');
}

function parsed(from: readonly string[]): readonly Event[] {
  return from.map((line) => JSON.parse(line) as Event);
}

export const fixtureLines = lines('consultation.ndjson');
export const fixture = parsed(fixtureLines);

/** A call: invitation, pictures, a detected language, translations in progress and flagged. */
export const callLines = lines('call.ndjson');
export const call = parsed(callLines);

export type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

export function eventsOf<T extends Event['type']>(type: T, from: readonly Event[] = fixture): EventOf<T>[] {
  return from.filter((event): event is EventOf<T> => event.type === type);
}

/** The state after the events up to and including `seq`, or after all of them. */
export function stateAt(seq: number = fixture.length, from: readonly Event[] = fixture): SessionState {
  return from.slice(0, seq).reduce(reduce, initialState);
}

/** For values a test needs and the fixture is known to have. */
export function present<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('expected a value');
  return value;
}
