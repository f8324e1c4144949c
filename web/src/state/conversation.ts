/** The conversation part of the fold: utterances, translations, speech, chat. */
import type { Event } from '@events';
import type { ChatRow, Row, SessionState, UtteranceRow } from './model';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

export function applyChat(state: SessionState, event: Of<'chat.message'>): SessionState {
  const { seq, at, participant, language, text } = event;
  const row: ChatRow = { kind: 'chat', key: `chat-${seq}`, seq, at, participant, language, text };
  return { ...state, rows: state.rows.push(row) };
}

export function applyCaption(state: SessionState, event: Event): SessionState {
  switch (event.type) {
    case 'utterance.started':
      return upsert(state, event.utterance, () => begin(event, 'speaking'), (row) => row);
    case 'utterance.ended':
      return update(state, event.utterance, (row) => ({ ...row, ended: true }));
    case 'caption.partial':
      return partial(state, event);
    case 'caption.final':
      return final(state, event);
    case 'caption.dropped':
      return upsert(
        state,
        event.utterance,
        () => ({ ...begin(event, 'dropped'), dropped: event.reason }),
        (row) => ({ ...row, phase: 'dropped', ended: true, tentative: '', dropped: event.reason }),
      );
    case 'translation.final':
      return update(state, event.utterance, (row) => ({
        ...row,
        translations: [
          ...row.translations.filter((t) => t.value.target_language !== event.target_language),
          { seq: event.seq, at: event.at, value: event },
        ],
      }));
    case 'speech.announced':
      return update(state, event.utterance, (row) => ({
        ...row,
        speech: [...row.speech, { seq: event.seq, at: event.at, value: event }],
      }));
    default:
      return state;
  }
}

function partial(state: SessionState, event: Of<'caption.partial'>): SessionState {
  const text = {
    phase: 'partial' as const,
    language: event.language,
    committed: event.committed,
    tentative: event.tentative,
    provenance: event.provenance,
  };
  return upsert(
    state,
    event.utterance,
    () => ({ ...begin(event, 'partial'), ...text }),
    // A final text never changes.
    (row) => (row.phase === 'final' || row.phase === 'dropped' ? row : { ...row, ...text }),
  );
}

function final(state: SessionState, event: Of<'caption.final'>): SessionState {
  const text = {
    phase: 'final' as const,
    ended: true,
    language: event.language,
    committed: event.text,
    tentative: '',
    provenance: event.provenance,
    final: { seq: event.seq, latencyMs: event.latency_ms, confidence: event.confidence },
  };
  return upsert(
    state,
    event.utterance,
    () => ({ ...begin(event, 'final'), ...text }),
    (row) => (row.phase === 'final' ? row : { ...row, ...text }),
  );
}

function begin(
  event: Pick<Event, 'seq' | 'at'> & { participant: string; utterance: string },
  phase: UtteranceRow['phase'],
): UtteranceRow {
  const { seq, at, participant, utterance } = event;
  return {
    kind: 'utterance',
    key: utterance,
    seq,
    at,
    participant,
    phase,
    ended: phase === 'final' || phase === 'dropped',
    committed: '',
    tentative: '',
    translations: [],
    speech: [],
  };
}

function update(state: SessionState, key: string, change: (row: UtteranceRow) => UtteranceRow): SessionState {
  const index = state.rows.findLastIndex((row) => row.key === key);
  const row = state.rows.at(index);
  if (index < 0 || row?.kind !== 'utterance') return state;
  const changed = change(row);
  return changed === row ? state : { ...state, rows: state.rows.set(index, changed) };
}

function upsert(
  state: SessionState,
  key: string,
  insert: () => Row,
  change: (row: UtteranceRow) => UtteranceRow,
): SessionState {
  const known = state.rows.findLastIndex((row) => row.key === key) >= 0;
  return known ? update(state, key, change) : { ...state, rows: state.rows.push(insert()) };
}
