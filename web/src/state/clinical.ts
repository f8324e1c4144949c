/** The clinical part of the fold: vitals, scores, alarms, images, reports and what models noted. */
import type { Event } from '@events';
import { applyAlarm } from './alarms';
import { MAX_NOTICES, MAX_SCORES, MAX_SYMPTOMS, type ImageEntry, type SessionState } from './model';
import { amend, observe } from './readings';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

export function applyClinical(state: SessionState, event: Event): SessionState {
  const stamp = { seq: event.seq, at: event.at };
  switch (event.type) {
    case 'vitals.observed':
      return observed(state, event);
    case 'vitals.amended':
      return amend(state, stamp, event.amendments);
    case 'monitor.clock_jumped':
      return event.jump === 'back' ? { ...state, epoch: state.epoch + 1 } : state;
    case 'risk.scored': {
      // The tile, the timeline and the chart's bands are NEWS2's.
      if (event.score !== 'NEWS2') return state;
      const { total, band, items, missing = [] } = event;
      const scored = { ...stamp, value: { total, band, items, missing } };
      return { ...state, risk: { ...stamp, value: event }, scores: state.scores.push(scored).trimFront(MAX_SCORES) };
    }
    case 'scores.computed':
      return { ...state, otherScores: { ...stamp, value: event } };
    case 'risk.predicted':
      return { ...state, prediction: { ...stamp, value: event } };
    case 'alarm.raised':
    case 'alarm.cleared':
    case 'alarm.latched':
    case 'alarm.acknowledged':
    case 'alarm.silenced':
    case 'alarm.escalated':
      return { ...state, alarms: applyAlarm(state.alarms, event) };
    case 'image.received': {
      if (state.images.some((i) => i.received.value.image === event.image)) return state;
      const entry: ImageEntry = { received: { ...stamp, value: event }, findings: [] };
      return { ...state, images: [...state.images, entry] };
    }
    case 'image.ready':
      return image(state, event, (entry) => ({ ...entry, ready: { ...stamp, value: event } }));
    case 'image.rejected':
      return image(state, event, (entry) => ({ ...entry, rejected: { ...stamp, value: event.reason } }));
    case 'image.finding':
      return image(state, event, (entry) => ({
        ...entry,
        findings: [...entry.findings, { ...stamp, value: event }].slice(-MAX_NOTICES),
      }));
    case 'symptom.mentioned': {
      const symptoms = [...state.symptoms, { ...stamp, value: event }];
      return { ...state, symptoms: symptoms.slice(-MAX_SYMPTOMS) };
    }
    case 'conditions.ranked':
      return { ...state, conditions: { ...stamp, value: event } };
    case 'cases.matched':
      return { ...state, cases: { ...stamp, value: event } };
    case 'report.requested':
      return { ...state, reportPending: event.seq };
    case 'report.ready': {
      const next = { ...state, report: { ...stamp, value: event } };
      delete next.reportPending;
      return next;
    }
    default:
      return state;
  }
}

function observed(state: SessionState, event: Of<'vitals.observed'>): SessionState {
  const { seq, at, vitals } = event;
  const next = { ...observe(state, { seq, at }, event.taken_at, vitals), monitor: event.source };
  const rejected = event.rejected ?? [];
  if (rejected.length === 0) return next;
  const entry = { seq, at, component: 'vitals' as const, what: { kind: 'rejected_vitals' as const, rejected } };
  return { ...next, notices: [...state.notices, entry].slice(-MAX_NOTICES) };
}

function image(
  state: SessionState,
  event: Of<'image.ready' | 'image.rejected' | 'image.finding'>,
  change: (entry: ImageEntry) => ImageEntry,
): SessionState {
  const images = state.images.map((entry) => (entry.received.value.image === event.image ? change(entry) : entry));
  return { ...state, images };
}
