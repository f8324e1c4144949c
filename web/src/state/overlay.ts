/**
 * What a viewer reads over a speaker's picture: the newest thing said, in the viewer's language, for as long as it
 * takes to read. Pure: the clock comes in.
 */
import type { Language, ParticipantId, PreservationFinding, SpeechSkipReason, UtteranceId } from '@events';
import { sameLanguage } from '../ui/format';
import type { SessionState, UtteranceRow } from './model';


/** Slow readers manage about 17 characters a second in subtitles (BBC subtitle guidelines: 160 to 180 words a minute). */
const READ_MS_PER_CHARACTER = 60;
const READ_MIN_MS = 5_000;
const READ_MAX_MS = 15_000;
/** A warning has to be noticed first. */
export const FLAG_MS = 30_000;
/** A translation that has not come by then will not. */
const WAIT_MS = 12_000;
/** Words stop coming without an end when a speaker's connection breaks. */
const STALE_MS = 20_000;
/** Rows looked at: people take turns, so what somebody last said is never far back. */
const LOOK_BACK = 24;

export interface OverlayText {
  readonly key: UtteranceId;
  /** `draft`: a translation of what is still being said; `waiting`: of words that are final. */
  readonly stage: 'speaking' | 'partial' | 'draft' | 'waiting' | 'final';
  /** In the viewer's language. Settled, then what may still change. */
  readonly committed: string;
  readonly tentative: string;
  /** As it was said, where that is another language. */
  readonly original?: { readonly language: Language | undefined; readonly committed: string; readonly tentative: string };
  readonly flag?: Flag;
}

export interface Flag {
  readonly findings: readonly PreservationFinding[];
  readonly skipped: SpeechSkipReason | undefined;
}

export interface Overlay {
  readonly text?: OverlayText;
  /** A warning about something said before `text`. */
  readonly earlier?: Flag & { readonly translation: string };
}

export function overlayFor(state: SessionState, participant: ParticipantId, viewer: Language | undefined, now: number): Overlay {
  const rows = recent(state, participant);
  const texts = rows.map((row) => textOf(row, viewer, now));
  // Somebody who has only drawn breath does not take away what is still being read.
  const shown = texts.findIndex((t) => t !== undefined && (t.committed !== '' || t.tentative !== '' || t.stage === 'waiting'));
  const text = texts[shown] ?? texts.find((t) => t !== undefined);
  for (const row of rows) {
    if (row.key === text?.key) continue;
    const flagged = flagOf(row, viewer);
    if (flagged !== undefined && now - flagged.at < FLAG_MS) {
      return { ...(text === undefined ? {} : { text }), earlier: { ...flagged.flag, translation: flagged.text } };
    }
  }
  return text === undefined ? {} : { text };
}

/** Newest first. */
function recent(state: SessionState, participant: ParticipantId): UtteranceRow[] {
  const rows: UtteranceRow[] = [];
  for (let i = 1; i <= Math.min(LOOK_BACK, state.rows.length); i++) {
    const row = state.rows.at(-i);
    if (row?.kind === 'utterance' && row.participant === participant && row.phase !== 'dropped') rows.push(row);
  }
  return rows;
}

function textOf(row: UtteranceRow, viewer: Language | undefined, now: number): OverlayText | undefined {
  const { key, committed, tentative } = row;
  const own = viewer === undefined || row.language === undefined || sameLanguage(row.language, viewer);
  if (row.phase === 'speaking') return within(row.heardAt, STALE_MS, now) ? { key, stage: 'speaking', committed: '', tentative: '' } : undefined;
  if (own) {
    if (row.final === undefined) return within(row.heardAt, STALE_MS, now) ? { key, stage: 'partial', committed, tentative } : undefined;
    return within(row.final.at, readingMs(committed), now) ? { key, stage: 'final', committed, tentative: '' } : undefined;
  }
  const original = { language: row.language, committed, tentative };
  const translation = row.translations.find((t) => sameLanguage(t.value.target_language, viewer));
  if (translation !== undefined) {
    const flag = flagOf(row, viewer)?.flag;
    const { text } = translation.value;
    const ms = flag === undefined ? readingMs(text) : FLAG_MS;
    if (!within(translation.at, ms, now)) return undefined;
    return { key, stage: 'final', committed: text, tentative: '', original, ...(flag === undefined ? {} : { flag }) };
  }
  const draft = row.drafts.find((t) => sameLanguage(t.value.target_language, viewer))?.value.text ?? '';
  const stage = row.final !== undefined ? 'waiting' : draft === '' ? 'partial' : 'draft';
  const ms = row.final === undefined ? STALE_MS : WAIT_MS;
  return within(row.heardAt, ms, now) ? { key, stage, committed: draft, tentative: '', original } : undefined;
}

/** Nothing to warn of where the translation was not compared, or passed. */
function flagOf(row: UtteranceRow, viewer: Language | undefined): { at: number; flag: Flag; text: string } | undefined {
  const translation = viewer === undefined ? undefined : row.translations.find((t) => sameLanguage(t.value.target_language, viewer));
  const findings = translation?.value.preservation?.findings ?? [];
  if (translation === undefined || findings.length === 0) return undefined;
  const skipped = row.skipped.find((s) => sameLanguage(s.value.language, translation.value.target_language))?.value.reason;
  return { at: Date.parse(translation.at), flag: { findings, skipped }, text: translation.value.text };
}

export function readingMs(text: string): number {
  return Math.min(READ_MAX_MS, Math.max(READ_MIN_MS, text.length * READ_MS_PER_CHARACTER));
}

function within(at: string, ms: number, now: number): boolean {
  return now - Date.parse(at) < ms;
}
