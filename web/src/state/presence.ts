/** The part of the fold that knows who is there, what they send and which language they speak. */
import type { Event, ParticipantId } from '@events';
import { MAX_PARTICIPANTS, type Media, type Participant, type SessionState } from './model';

export function applyPresence(state: SessionState, event: Event): SessionState {
  switch (event.type) {
    case 'session.ended': {
      const participants = new Map([...state.participants].map(([id, p]) => [id, { ...p, present: false }]));
      return { ...state, participants, media: new Map() };
    }
    case 'participant.joined': {
      const joined: Participant = { language: event.language, present: true, joinedAt: event.at, known: 'told' };
      return { ...state, participants: bounded(state.participants, event.participant, joined) };
    }
    case 'participant.left': {
      const media = without(state.media, event.participant);
      return { ...change(state, event.participant, (p) => ({ ...p, present: false })), media };
    }
    case 'participant.invited': {
      const invitation = { seq: event.seq, at: event.at, value: event };
      return { ...state, invitations: bounded(state.invitations, event.participant, invitation) };
    }
    case 'media.changed': {
      const sent: Media = { audio: event.audio, video: event.video };
      // Who sends nothing is not in the call; the server may say so after it has said that they left.
      if (sent.audio === 'off' && sent.video === 'off') return { ...state, media: without(state.media, event.participant) };
      return { ...state, media: bounded(state.media, event.participant, sent) };
    }
    case 'language.detected': {
      const { language, probability } = event;
      return change(state, event.participant, ({ present, joinedAt }) => ({ language, present, joinedAt, known: 'detected', probability }));
    }
    case 'language.set':
      return change(state, event.participant, ({ present, joinedAt }) => ({ language: event.language, present, joinedAt, known: 'set' }));
    default:
      return state;
  }
}

/** Who was invited, may still come, and has not. */
export function awaited({ invitations, participants }: SessionState, nowMs: number): ParticipantId[] {
  const open = [...invitations].filter(([id, { value }]) => Date.parse(value.expires_at) > nowMs && participants.get(id)?.present !== true);
  return open.map(([id]) => id);
}

function change(state: SessionState, id: ParticipantId, next: (p: Participant) => Participant): SessionState {
  const participant = state.participants.get(id);
  if (participant === undefined) return state;
  return { ...state, participants: new Map(state.participants).set(id, next(participant)) };
}

function without<V>(map: ReadonlyMap<ParticipantId, V>, id: ParticipantId): ReadonlyMap<ParticipantId, V> {
  const next = new Map(map);
  return next.delete(id) ? next : map;
}

function bounded<V>(map: ReadonlyMap<ParticipantId, V>, id: ParticipantId, value: V): ReadonlyMap<ParticipantId, V> {
  const next = new Map(map).set(id, value);
  const oldest = next.keys().next();
  if (next.size > MAX_PARTICIPANTS && oldest.done !== true) next.delete(oldest.value);
  return next;
}
