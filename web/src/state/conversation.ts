/** The conversation part of the fold: utterances, translations, speech, chat. */
import type { Event } from '@events';
import { wasInterrupted } from '../net/frames';
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
        (row) => ({ ...row, phase: 'dropped', ended: true, tentative: '', drafts: [], dropped: event.reason }),
      );
    case 'translation.partial':
      return update(state, event.utterance, (row) => draft(row, event));
    case 'translation.final':
      return update(state, event.utterance, (row) => ({
        ...row,
        drafts: without(row.drafts, event.target_language),
        translations: [...without(row.translations, event.target_language), { seq: event.seq, at: event.at, value: event }],
      }));
    case 'speech.announced':
      return update(state, event.utterance, (row) => ({
        ...row,
        speech: [...row.speech, { seq: event.seq, at: event.at, value: event }],
      }));
    case 'speech.completed':
      return completed(state, event);
    case 'speech.skipped':
      return update(state, event.utterance, (row) => ({
        ...row,
        skipped: [...row.skipped, { seq: event.seq, at: event.at, value: event }],
      }));
    default:
      return state;
  }
}

/** What was translated of an unfinished utterance is replaced by more of it, and never comes after the whole. */
function draft(row: UtteranceRow, event: Of<'translation.partial'>): UtteranceRow {
  const settled = row.phase === 'dropped' || row.translations.some((t) => t.value.target_language === event.target_language);
  if (settled) return row;
  const drafts = [...without(row.drafts, event.target_language), { seq: event.seq, at: event.at, value: event }];
  return { ...row, drafts };
}

function without<T extends { readonly value: { readonly target_language: string } }>(list: readonly T[], language: string): readonly T[] {
  return list.some((t) => t.value.target_language === language) ? list.filter((t) => t.value.target_language !== language) : list;
}

function completed(state: SessionState, event: Of<'speech.completed'>): SessionState {
  const spokenIn = (row: Row): boolean => row.kind === 'utterance' && row.speech.some((s) => s.value.speech === event.speech);
  const row = state.rows.findLast(spokenIn);
  if (row === undefined) return state;
  const interrupted = wasInterrupted(event);
  return update(state, row.key, (u) => ({
    ...u,
    speech: u.speech.map((s) => (s.value.speech === event.speech ? { ...s, completed: { interrupted } } : s)),
  }));
}

function partial(state: SessionState, event: Of<'caption.partial'>): SessionState {
  const text = {
    phase: 'partial' as const,
    heardAt: event.at,
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
  // Absent in logs from before engines told them.
  const words = (event.words as Of<'caption.final'>['words'] | undefined) ?? [];
  const text = {
    phase: 'final' as const,
    heardAt: event.at,
    ended: true,
    language: event.language,
    committed: event.text,
    tentative: '',
    provenance: event.provenance,
    final: {
      seq: event.seq,
      at: event.at,
      latencyMs: event.latency_ms,
      confidence: event.confidence,
      ...(words.length > 0 ? { words } : {}),
    },
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
    heardAt: at,
    ended: phase === 'final' || phase === 'dropped',
    committed: '',
    tentative: '',
    drafts: [],
    translations: [],
    speech: [],
    skipped: [],
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
