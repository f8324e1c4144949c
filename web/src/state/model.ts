/** What the page knows of a session: the fold of its events, and nothing else. */
import type {
  AlarmClearReason,
  AlarmRaised,
  CaptionDropReason,
  CaptionWord,
  CasesMatched,
  Component,
  ConditionsRanked,
  EscalationReason,
  ImageFinding,
  ImageReady,
  ImageReceived,
  Language,
  MonitorSource,
  ParticipantId,
  ParticipantInvited,
  Provenance,
  Refusal,
  RejectedObservation,
  ReportReady,
  RiskPredicted,
  RiskScored,
  ScoresComputed,
  Seq,
  Sending,
  SessionEndReason,
  SpeechAnnounced,
  SpeechSkipped,
  Spo2Scale,
  SymptomMentioned,
  Timestamp,
  TranslationFinal,
  TranslationPartial,
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
  /** When words of it last came. */
  readonly heardAt: Timestamp;
  /** The voice has stopped, the final text has not come. */
  readonly ended: boolean;
  readonly committed: string;
  readonly tentative: string;
  readonly final?: {
    readonly seq: Seq;
    readonly at: Timestamp;
    readonly latencyMs: number;
    readonly confidence: number;
    /** Where the engine tells the times of words. */
    readonly words?: readonly CaptionWord[];
  };
  readonly provenance?: Provenance;
  readonly dropped?: CaptionDropReason;
  /** Of what is still being said; gone once the final one of its language has come. */
  readonly drafts: readonly At<TranslationPartial>[];
  readonly translations: readonly At<TranslationFinal>[];
  readonly speech: readonly Spoken[];
  /** Translations that stayed text. */
  readonly skipped: readonly At<SpeechSkipped>[];
}

/** A translation that was spoken, perhaps not to its end. */
export interface Spoken extends At<SpeechAnnounced> {
  readonly completed?: { readonly interrupted: boolean };
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
  /** `und` until it is found out from what they say. */
  readonly language: Language;
  readonly present: boolean;
  /** When they came; later when they came again. */
  readonly joinedAt: Timestamp;
  /** How the language is known. */
  readonly known: 'told' | 'detected' | 'set';
  /** Of a detected language, 0 to 1. */
  readonly probability?: number;
}

/** What a participant sends to the others. */
export interface Media {
  readonly audio: Sending;
  readonly video: Sending;
}

export interface VitalsSample {
  readonly seq: Seq;
  readonly at: Timestamp;
  /** Milliseconds since the epoch for the time axis: see `timeOf` in `readings.ts`. */
  readonly time: number;
  /** When it was measured: how often the monitor's clock had been set back, then that clock in milliseconds. */
  readonly epoch: number;
  readonly taken: number;
  readonly vitals: VitalSigns;
}

export type VitalName = keyof VitalSigns;

export interface Newest {
  readonly value: number | boolean | string;
  readonly time: number;
  readonly seq: Seq;
  readonly epoch: number;
  readonly taken: number;
}

/** What the timeline explains of a score. */
export interface ScorePoint extends Pick<RiskScored, 'total' | 'band' | 'items'> {
  readonly missing: readonly string[];
}

/** When something became of an alarm. */
export interface AlarmStamp {
  readonly seq: Seq;
  readonly at: Timestamp;
}

export interface AlarmEntry {
  readonly raised: At<AlarmRaised>;
  /** Logs from before there were reasons have none. */
  readonly cleared?: AlarmStamp & { readonly because: Seq; readonly reason?: AlarmClearReason };
  /** Its condition is over; it waits for being acknowledged. */
  readonly latched?: AlarmStamp;
  readonly acknowledged?: AlarmStamp & { readonly by: ParticipantId };
  /** `until` in milliseconds since the epoch, by the server's clock. */
  readonly silenced?: AlarmStamp & { readonly by: ParticipantId; readonly until: number };
  /** The newest time it called again; `step` says which. */
  readonly escalated?: AlarmStamp & { readonly step: number; readonly reason: EscalationReason };
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
  /** Of those who are in the call. */
  readonly media: ReadonlyMap<ParticipantId, Media>;
  /** The newest invitation of each participant. */
  readonly invitations: ReadonlyMap<ParticipantId, At<ParticipantInvited>>;
  readonly rows: Chunked<Row>;
  readonly samples: Chunked<VitalsSample>;
  readonly newest: Readonly<Partial<Record<VitalName, Newest>>>;
  /** How often the monitor's clock was set back. */
  readonly epoch: number;
  readonly monitor?: MonitorSource;
  readonly risk?: At<RiskScored>;
  readonly scores: Chunked<At<ScorePoint>>;
  /** The scores beside NEWS2, as they came last. */
  readonly otherScores?: At<ScoresComputed>;
  /** What the learned model expects. */
  readonly prediction?: At<RiskPredicted>;
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
/** A consultation with more people than this has other problems; the oldest gives way. */
export const MAX_PARTICIPANTS = 64;
/** Symptoms of one consultation. */
export const MAX_SYMPTOMS = 200;

export const initialState: SessionState = {
  head: 0,
  participants: new Map(),
  media: new Map(),
  invitations: new Map(),
  rows: Chunked.empty(),
  samples: Chunked.empty(),
  newest: {},
  epoch: 0,
  scores: Chunked.empty(),
  alarms: [],
  images: [],
  symptoms: [],
  notices: [],
};
