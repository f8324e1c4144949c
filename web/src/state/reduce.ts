/** The pure fold: `reduce(state, event)`. Nothing here looks at a clock, a socket or the page. */
import type { Event, StreamNotice } from '@events';
import { applyCaption, applyChat } from './conversation';
import { applyClinical } from './clinical';
import { MAX_NOTICES, type Notice, type SessionState } from './model';
import { applyPresence } from './presence';

/**
 * Takes the next event in. One at or below `head` has been taken already and changes nothing, so a replay may
 * overlap; one beyond `head + 1` is not taken, and `gap` says from where to read again.
 */
export function reduce(state: SessionState, event: Event): SessionState {
  if (event.seq <= state.head) return state;
  if (event.seq > state.head + 1) return { ...state, gap: { expected: state.head + 1, got: event.seq } };
  const next = { ...fold(state, event), head: event.seq, newestAt: event.at };
  delete next.gap;
  return next;
}

/** What the stream says about itself: partials left out for a slow client leave no gap. */
export function reduceNotice(state: SessionState, notice: StreamNotice): SessionState {
  if (notice.notice !== 'stream.coalesced') return state;
  if (notice.to <= state.head) return state;
  if (notice.from > state.head + 1) return { ...state, gap: { expected: state.head + 1, got: notice.from } };
  return { ...state, head: notice.to };
}

function fold(state: SessionState, event: Event): SessionState {
  switch (event.type) {
    case 'session.started': {
      const value = { patient: event.patient, languages: event.languages, spo2Scale: event.spo2_scale };
      return { ...state, started: { seq: event.seq, at: event.at, value } };
    }
    case 'session.ended':
      return applyPresence({ ...state, ended: { seq: event.seq, at: event.at, value: event.reason } }, event);
    case 'participant.joined':
    case 'participant.left':
    case 'participant.invited':
    case 'media.changed':
    case 'language.detected':
    case 'language.set':
      return applyPresence(state, event);
    case 'chat.message':
      return applyChat(state, event);
    case 'error.raised': {
      const { error } = event;
      const what = { kind: 'error' as const, error, ...(event.of === undefined ? {} : { of: event.of }) };
      return notice(state, { seq: event.seq, at: event.at, component: event.component, what });
    }
    case 'actor.restarted': {
      const what = { kind: 'restarted' as const, restarts: event.restarts };
      return notice(state, { seq: event.seq, at: event.at, component: event.component, what });
    }
    default:
      return applyClinical(applyCaption(state, event), event);
  }
}

export function notice(state: SessionState, entry: Notice): SessionState {
  return { ...state, notices: [...state.notices, entry].slice(-MAX_NOTICES) };
}
