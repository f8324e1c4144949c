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
      const joined: Participant = { language: event.language, present: true, joined: event.seq, known: 'told' };
      return { ...state, participants: bounded(state.participants, event.participant, joined) };
    }
    case 'participant.left': {
      const media = new Map(state.media);
      media.delete(event.participant);
      return { ...change(state, event.participant, (p) => ({ ...p, present: false })), media };
    }
    case 'participant.invited': {
      const invitation = { seq: event.seq, at: event.at, value: event };
      return { ...state, invitations: bounded(state.invitations, event.participant, invitation) };
    }
    case 'media.changed': {
      const sent: Media = { audio: event.audio, video: event.video };
      return { ...state, media: bounded(state.media, event.participant, sent) };
    }
    case 'language.detected': {
      const { language, probability } = event;
      return change(state, event.participant, ({ present, joined }) => ({ language, present, joined, known: 'detected', probability }));
    }
    case 'language.set':
      return change(state, event.participant, ({ present, joined }) => ({ language: event.language, present, joined, known: 'set' }));
    default:
      return state;
  }
}

function change(state: SessionState, id: ParticipantId, next: (p: Participant) => Participant): SessionState {
  const participant = state.participants.get(id);
  if (participant === undefined) return state;
  return { ...state, participants: new Map(state.participants).set(id, next(participant)) };
}

function bounded<V>(map: ReadonlyMap<ParticipantId, V>, id: ParticipantId, value: V): ReadonlyMap<ParticipantId, V> {
  const next = new Map(map).set(id, value);
  const oldest = next.keys().next();
  if (next.size > MAX_PARTICIPANTS && oldest.done !== true) next.delete(oldest.value);
  return next;
}
