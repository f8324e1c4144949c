/** What the page knows of a session: the fold of its events, and nothing else. */
import type {
  AlarmRaised,
  CaptionDropReason,
  CasesMatched,
  Component,
  ConditionsRanked,
  ImageFinding,
  ImageReady,
  ImageReceived,
  Language,
  MonitorSource,
  ParticipantId,
  Provenance,
  Refusal,
  RejectedObservation,
  ReportReady,
  RiskScored,
  Seq,
  SessionEndReason,
  SpeechAnnounced,
  Spo2Scale,
  SymptomMentioned,
  Timestamp,
  TranslationFinal,
  UtteranceId,
  VitalSigns,
} from '@events';
import { Chunked } from './chunked';

/** A value and the event it came with. */
export interface At<T> {
  readonly seq: Seq;
  readonly at: Timestamp;
  readonly value: T;
}

/** An utterance as far as it is known. */
export interface UtteranceRow {
  readonly kind: 'utterance';
  readonly key: UtteranceId;
  /** The first event that spoke of it. */
  readonly seq: Seq;
  readonly at: Timestamp;
  readonly participant: ParticipantId;
  /** Not known until there is text. */
  readonly language?: Language;
  readonly phase: 'speaking' | 'partial' | 'final' | 'dropped';
  /** The voice has stopped, the final text has not come. */
  readonly ended: boolean;
  readonly committed: string;
  readonly tentative: string;
  readonly final?: { readonly seq: Seq; readonly latencyMs: number; readonly confidence: number };
  readonly provenance?: Provenance;
  readonly dropped?: CaptionDropReason;
  readonly translations: readonly At<TranslationFinal>[];
  readonly speech: readonly At<SpeechAnnounced>[];
}

export interface ChatRow {
  readonly kind: 'chat';
  readonly key: string;
  readonly seq: Seq;
  readonly at: Timestamp;
  readonly participant: ParticipantId;
  readonly language: Language;
  readonly text: string;
}

export type Row = UtteranceRow | ChatRow;

export interface Participant {
  readonly language: Language;
  readonly present: boolean;
}

export interface VitalsSample {
  readonly seq: Seq;
  readonly at: Timestamp;
  /** Milliseconds since the epoch for the time axis: see `sampleTime`. */
  readonly time: number;
  readonly vitals: VitalSigns;
}

export type VitalName = keyof VitalSigns;

export interface Newest {
  readonly value: number | boolean | string;
  readonly time: number;
  readonly seq: Seq;
}

export interface AlarmEntry {
  readonly raised: At<AlarmRaised>;
  readonly cleared?: { readonly seq: Seq; readonly at: Timestamp; readonly because: Seq };
}

export interface ImageEntry {
  readonly received: At<Pick<ImageReceived, 'image' | 'bytes'>>;
  readonly ready?: At<ImageReady>;
  readonly rejected?: At<string>;
  readonly findings: readonly At<ImageFinding>[];
}

/** Something that went wrong, for the discreet list. */
export interface Notice {
  readonly seq: Seq;
  readonly at: Timestamp;
  readonly component: Component;
  readonly what:
    | { readonly kind: 'error'; readonly error: Refusal; readonly of?: Seq }
    | { readonly kind: 'restarted'; readonly restarts: number }
    | { readonly kind: 'rejected_vitals'; readonly rejected: readonly RejectedObservation[] };
}

export interface SessionState {
  /** Sequence number of the newest event taken in. */
  readonly head: Seq;
  /** An event came that does not follow `head`: the stream must be read again from `expected`. */
  readonly gap?: { readonly expected: Seq; readonly got: Seq };
  readonly started?: At<{
    readonly patient: string;
    readonly languages: readonly Language[];
    readonly spo2Scale: Spo2Scale;
  }>;
  readonly ended?: At<SessionEndReason>;
  readonly newestAt?: Timestamp;
  readonly participants: ReadonlyMap<ParticipantId, Participant>;
  readonly rows: Chunked<Row>;
  readonly samples: Chunked<VitalsSample>;
  readonly newest: Readonly<Partial<Record<VitalName, Newest>>>;
  readonly monitor?: MonitorSource;
  readonly risk?: At<RiskScored>;
  readonly scores: Chunked<At<Pick<RiskScored, 'total' | 'band'>>>;
  readonly alarms: readonly AlarmEntry[];
  readonly images: readonly ImageEntry[];
  readonly report?: At<ReportReady>;
  /** A request that no report has answered yet. */
  readonly reportPending?: Seq;
  readonly symptoms: readonly At<SymptomMentioned>[];
  readonly conditions?: At<ConditionsRanked>;
  readonly cases?: At<CasesMatched>;
  readonly notices: readonly Notice[];
}

/** Four hours at one sample a second. Older samples leave the page; the log keeps them. */
export const MAX_SAMPLES = 14_400;
/** As many scores as samples can bring about in a quarter of the time: scores change less often. */
export const MAX_SCORES = 3_600;
/** A list a person can still read. */
export const MAX_NOTICES = 50;
/** Alarms kept; cleared ones give way first. */
export const MAX_ALARMS = 100;
/** Symptoms of one consultation. */
export const MAX_SYMPTOMS = 200;

export const initialState: SessionState = {
  head: 0,
  participants: new Map(),
  rows: Chunked.empty(),
  samples: Chunked.empty(),
  newest: {},
  scores: Chunked.empty(),
  alarms: [],
  images: [],
  symptoms: [],
  notices: [],
};
