// Generated from protocols/events. Do not edit: see schema.rs there.

export type ActorRestarted = { component: Component, restarts: number, };

export type AlarmAcknowledged = { alarm: AlarmId, by: ParticipantId, };

export type AlarmClass = "clinical" | "technical";

export type AlarmClearReason = "condition_over" | "superseded" | "acknowledged" | "monitoring_changed";

export type AlarmCleared = { alarm: AlarmId, kind: AlarmKind, because: Seq, reason: AlarmClearReason, };

export type AlarmEscalated = { alarm: AlarmId, 
/**
 * 1 for the first time this alarm called again, then without gap.
 */
step: number, reason: EscalationReason, 
/**
 * The score or observation it rests on.
 */
because: Seq, };

export type AlarmId = string;

export type AlarmKind = "news2_single_parameter" | "news2_urgent" | "news2_emergency" | "pews_urgent" | "pews_emergency" | "limit_low" | "limit_high" | "sensor_off" | "no_data" | "artefact";

export type AlarmLatched = { alarm: AlarmId, because: Seq, };

export type AlarmLimits = { parameter: VitalSign, 
/**
 * Below it there is an alarm; never when absent.
 */
low?: number, 
/**
 * Above it there is an alarm; never when absent.
 */
high?: number, 
/**
 * How long a value must stay beyond the limit; the parameter's own delay when absent.
 */
delay_seconds?: number, };

export type AlarmPriority = "low" | "medium" | "high";

export type AlarmRaised = { alarm: AlarmId, kind: AlarmKind, class: AlarmClass, priority: AlarmPriority, message: string, 
/**
 * Sequence number of the score or the observation that raised it.
 */
because: Seq, 
/**
 * The vital sign it is about, where it is about one.
 */
parameter?: VitalSign, 
/**
 * The value that broke the limit.
 */
value?: number, 
/**
 * The limit that was broken.
 */
limit?: number, 
/**
 * Stands until it is acknowledged, even when its condition is over.
 */
latching?: boolean, };

export type AlarmSilenced = { 
/**
 * One alarm; all that stand when absent.
 */
alarm?: AlarmId, by: ParticipantId, 
/**
 * 1 to [`MAX_SILENCE_SECONDS`].
 */
seconds: number, };

export type Amendment = { "change": "earlier", taken_at: Timestamp, vitals: VitalSigns, } | { "change": "corrected", taken_at: Timestamp, vitals: VitalSigns, } | { "change": "withdrawn", taken_at: Timestamp, parameters: Array<string>, };

export type AudioCodec = "pcm_s16le" | "opus";

export type CaptionDropReason = "no_speech" | "implausible" | "model_failed" | "interrupted";

export type CaptionDropped = { utterance: UtteranceId, participant: ParticipantId, span: MediaSpan, reason: CaptionDropReason, 
/**
 * Words of the text that was not believed.
 */
words: number, };

export type CaptionFinal = { utterance: UtteranceId, participant: ParticipantId, language: Language, text: string, span: MediaSpan, 
/**
 * Milliseconds from the last voiced sample reaching the server to this text being known.
 */
latency_ms: number, 
/**
 * Mean probability of the chosen tokens, 0 to 1.
 */
confidence: number, 
/**
 * The words of `text` in order, where the engine tells their times.
 */
words: Array<CaptionWord>, provenance: Provenance, };

export type CaptionPartial = { utterance: UtteranceId, participant: ParticipantId, language: Language, committed: string, tentative: string, span: MediaSpan, provenance: Provenance, };

export type CaptionWord = { text: string, start_ms: number, end_ms: number, 
/**
 * Mean probability of its tokens, 0 to 1.
 */
probability: number, };

export type CarriedItem = { parameter: string, 
/**
 * Since when its value is carried forward.
 */
measured_at: Timestamp, 
/**
 * How old it may become: beyond this it counts as missing.
 */
max_age_seconds: number, 
/**
 * Too old: it was not scored and is among the missing.
 */
stale?: boolean, 
/**
 * The newest observation brought a value that was not believed.
 */
doubted?: boolean, };

export type CasesMatched = { cases: Array<MatchedCase>, provenance: Provenance, };

export type ChannelReceived = { channel: MdcCode, 
/**
 * Of the newest block taken.
 */
sequence: number, 
/**
 * Since this source connected.
 */
blocks: number, lost_blocks: number, repeated_blocks: number, };

export type ChatMessage = { participant: ParticipantId, language: Language, text: string, };

export type ClinicalScore = { score: ScoreName, 
/**
 * The sum of the items' points; a quotient for the shock index.
 */
value: number, 
/**
 * The highest value the whole score can take; absent where there is none.
 */
max?: number, band: RiskBand, items: Array<RiskItem>, 
/**
 * Items that could not be scored: the value is a lower bound while any is missing.
 */
missing?: Array<string>, carried?: Array<CarriedItem>, provenance: Provenance, };

export type ClockJump = "back" | "ahead";

export type Coding = { 
/**
 * URI of the terminology, as FHIR writes it.
 */
system: string, code: string, display: string, };

export type Component = "session" | "audio_track" | "interpreter" | "vitals" | "imaging" | "scribe" | "transcribe" | "translate" | "speak" | "deterioration";

export type ConditionsRanked = { conditions: Array<LikelyCondition>, provenance: Provenance, };

export type Consciousness = "alert" | "confusion" | "voice" | "pain" | "unresponsive";

export type Contribution = { 
/**
 * Field of `VitalSigns` where there is one, for example `respiratory_rate`; `creatinine` and the like otherwise.
 */
parameter: string, 
/**
 * The newest value, with its unit.
 */
value: string, 
/**
 * Whole hours since it was measured.
 */
hours_ago: number, 
/**
 * By how much the log-odds would be lower had it never been measured in this record: positive raises the risk.
 */
effect: number, };

export type DeviceAlarm = { source: MonitorSource, at: Timestamp, 
/**
 * What kind of event, as sent, for example `MDC_EVT_LO_VAL_LT_LIM`; at most 64 characters.
 */
event: string, 
/**
 * What it is about, as sent, for example `MDC_PULS_OXIM_SAT_O2`; at most 64 characters.
 */
about?: string, 
/**
 * `start`, `continue`, `update`, `escalate`, `end`, … as sent; at most 32 characters.
 */
phase: string, 
/**
 * `active`, `latched`, `inactive`, … as sent; at most 32 characters.
 */
state?: string, 
/**
 * `PH`, `PM`, `PL`, … as sent; at most 32 characters.
 */
priority?: string, };

export type ErrorRaised = { component: Component, error: Refusal, 
/**
 * The event that could not be dealt with, where there is one.
 */
of?: Seq, };

export type EscalationReason = "unacknowledged" | "worse";

export type Event = { v: number, session: SessionId, seq: Seq, 
/**
 * When the session actor sequenced it.
 */
at: Timestamp, } & ({ "type": "session.started" } & SessionStarted | { "type": "session.ended" } & SessionEnded | { "type": "participant.joined" } & ParticipantJoined | { "type": "participant.left" } & ParticipantLeft | { "type": "participant.invited" } & ParticipantInvited | { "type": "media.changed" } & MediaChanged | { "type": "language.detected" } & LanguageDetected | { "type": "language.set" } & LanguageSet | { "type": "chat.message" } & ChatMessage | { "type": "utterance.started" } & SpeechBoundary | { "type": "utterance.ended" } & SpeechBoundary | { "type": "caption.partial" } & CaptionPartial | { "type": "caption.final" } & CaptionFinal | { "type": "caption.dropped" } & CaptionDropped | { "type": "translation.partial" } & TranslationPartial | { "type": "translation.final" } & TranslationFinal | { "type": "speech.announced" } & SpeechAnnounced | { "type": "speech.completed" } & SpeechCompleted | { "type": "speech.skipped" } & SpeechSkipped | { "type": "vitals.observed" } & VitalsObserved | { "type": "risk.scored" } & RiskScored | { "type": "scores.computed" } & ScoresComputed | { "type": "risk.predicted" } & RiskPredicted | { "type": "alarm.raised" } & AlarmRaised | { "type": "alarm.cleared" } & AlarmCleared | { "type": "alarm.latched" } & AlarmLatched | { "type": "alarm.acknowledged" } & AlarmAcknowledged | { "type": "alarm.silenced" } & AlarmSilenced | { "type": "alarm.escalated" } & AlarmEscalated | { "type": "monitoring.changed" } & MonitoringChanged | { "type": "waveform.recorded" } & WaveformRecorded | { "type": "image.received" } & ImageReceived | { "type": "image.ready" } & ImageReady | { "type": "image.rejected" } & ImageRejected | { "type": "image.finding" } & ImageFinding | { "type": "symptom.mentioned" } & SymptomMentioned | { "type": "conditions.ranked" } & ConditionsRanked | { "type": "cases.matched" } & CasesMatched | { "type": "report.requested" } & ReportRequested | { "type": "report.ready" } & ReportReady | { "type": "error.raised" } & ErrorRaised | { "type": "actor.restarted" } & ActorRestarted | { "type": "vitals.amended" } & VitalsAmended | { "type": "monitor.clock_jumped" } & MonitorClockJumped | { "type": "device.alarm" } & DeviceAlarm | { "type": "patient.changed" } & PatientChanged);

export type ImageFinding = { image: ImageId, label: string, 
/**
 * Calibrated probability, 0 to 1.
 */
probability: number, region?: Region, provenance: Provenance, };

export type ImageFormat = "application/dicom" | "image/png" | "image/jpeg";

export type ImageId = string;

export type ImageReady = { image: ImageId, format: ImageFormat, width: number, height: number, 
/**
 * Frames in the file; the preview shows the first.
 */
frames: number, 
/**
 * DICOM Modality (0008,0060), where there is one.
 */
modality?: string, 
/**
 * DICOM Body Part Examined (0018,0015), where there is one.
 */
body_part?: string, 
/**
 * Header elements removed, emptied or replaced by de-identification.
 */
elements_deidentified: number, 
/**
 * SHA-256 of the de-identified file.
 */
sha256: string, 
/**
 * Pixels may still show burned-in text: only the header has been cleaned.
 */
burned_in_text_possible: boolean, };

export type ImageReceived = { image: ImageId, bytes: number, sha256: string, };

export type ImageRejected = { image: ImageId, 
/**
 * What is wrong with the file; names elements, never their values.
 */
reason: string, };

export type InvitationId = string;

export type KeptBecause = "no_session" | "content";

export type Language = string;

export type LanguageDetected = { participant: ParticipantId, utterance: UtteranceId, language: Language, 
/**
 * Among the languages of the session, 0 to 1.
 */
probability: number, provenance: Provenance, };

export type LanguageSet = { participant: ParticipantId, language: Language, };

export type LikelyCondition = { condition: Coding, probability: number, 
/**
 * Sequence numbers of the symptoms that speak for it.
 */
because: Array<Seq>, };

export type LimitsChange = { parameter: VitalSign, low?: number, high?: number, delay_seconds?: number, };

export type Location = { 
/**
 * PV1-3.1: ward or unit.
 */
unit?: string, 
/**
 * PV1-3.2.
 */
room?: string, 
/**
 * PV1-3.3.
 */
bed?: string, 
/**
 * PV1-3.4.
 */
facility?: string, };

export type MatchedCase = { case: string, title: string, 
/**
 * Cosine similarity, -1 to 1.
 */
similarity: number, };

export type MdcCode = number;

export type MediaChanged = { participant: ParticipantId, audio: Sending, video: Sending, };

export type MediaSpan = { start_ms: number, end_ms: number, };

export type MonitorClockJumped = { source: MonitorSource, 
/**
 * What the monitor's clock showed when it sent the message.
 */
sent_at: Timestamp, 
/**
 * When the message came, by the server's clock.
 */
received_at: Timestamp, jump: ClockJump, };

export type MonitorProtocol = "hl7_v2" | "fhir" | "kafka" | "websocket" | "http";

export type MonitorSource = { protocol: MonitorProtocol, 
/**
 * MSH-3 for HL7 v2.
 */
application: string, 
/**
 * MSH-4 for HL7 v2.
 */
facility: string, 
/**
 * MSH-10 for HL7 v2.
 */
message_id: string, };

export type MonitoringChange = { by: ParticipantId, age_months?: number, scores?: Array<ScoreName>, limits: Array<LimitsChange>, default_limits: Array<VitalSign>, };

export type MonitoringChanged = { by: ParticipantId, 
/**
 * Age in whole months: it decides on scores and default limits.
 */
age_months?: number, 
/**
 * The scores that run from now on; an empty list goes back to those for the age.
 */
scores?: Array<ScoreName>, 
/**
 * Limits that are the patient's own from now on.
 */
limits?: Array<AlarmLimits>, 
/**
 * Vital signs that go back to the limits for the age.
 */
default_limits?: Array<VitalSign>, };

export type NewSession = { patient: PatientId, 
/**
 * One to four languages, none twice.
 */
languages: Array<Language>, spo2_scale: Spo2Scale, 
/**
 * Names of drugs, anatomy and people that the recogniser should expect: at most
 * [`crate::limits::MAX_TERMS`] of at most [`crate::limits::MAX_TERM_CHARS`] characters.
 */
terms: Array<string>, };

export type ParticipantId = string;

export type ParticipantInvited = { invitation: InvitationId, participant: ParticipantId, language: Language, 
/**
 * SHA-256 of the token, in hex.
 */
token_sha256: string, expires_at: Timestamp, };

export type ParticipantJoined = { participant: ParticipantId, language: Language, };

export type ParticipantLeft = { participant: ParticipantId, };

export type PatientChange = "admitted" | "transferred" | "discharged" | "updated" | "merged";

export type PatientChanged = { source: MonitorSource, change: PatientChange, 
/**
 * The identifier that is valid from now on.
 */
patient: PatientId, 
/**
 * The identifier that is not used any more, after a merge (MRG-1).
 */
merged_from?: PatientId, location?: Location, 
/**
 * PV1-2, HL7 table 0004: `I` inpatient, `E` emergency, `O` outpatient, …; at most 16 characters.
 */
class?: string, 
/**
 * PID-7 as `YYYY-MM-DD`: scores for children need the age.
 */
birth_date?: string, 
/**
 * PID-8, where it says female or male: the learned risk was told it of those it learned from.
 */
sex?: Sex, 
/**
 * When it happened (EVN-6, EVN-2), by the sender's clock.
 */
occurred_at: Timestamp, };

export type PatientId = string;

export type Preservation = { findings: Array<PreservationFinding>, };

export type PreservationFinding = { kind: PreservedKind, problem: PreservationProblem, 
/**
 * As it stands in the source, where it does.
 */
source?: string, 
/**
 * As it stands in the translation, where it does.
 */
target?: string, };

export type PreservationProblem = "missing" | "added" | "changed";

export type PreservedKind = "number" | "unit" | "drug" | "negation" | "laterality" | "term";

export type Provenance = { 
/**
 * Sequence numbers of the events the output rests on.
 */
inputs: Array<Seq>, 
/**
 * Name in the model registry, or of the published chart for a rule.
 */
name: string, version: string, 
/**
 * SHA-256, in hex, of the weights as loaded; of the canonical text of the rules for a rule-based model.
 */
weights_sha256: string, };

export type Receipt = { seq: Seq, at: Timestamp, 
/**
 * The same monitor message had been recorded before, under this sequence number.
 */
repeated: boolean, };

export type Refusal = { "code": "unknown_session" } | { "code": "session_ended" } | { "code": "not_found", what: string, } | { "code": "invalid", field: string, reason: string, } | { "code": "too_large", what: string, limit: number, } | { "code": "unsupported_media", media_type: string, } | { "code": "overloaded", queue: string, retry_after_ms: number, } | { "code": "unavailable", component: string, } | { "code": "expired", what: string, } | { "code": "conflict", what: string, };

export type Region = { left: number, top: number, width: number, height: number, };

export type RejectedObservation = { 
/**
 * The code as sent (OBX-3.1 for HL7 v2), at most 64 characters.
 */
code: string, reason: RejectionReason, 
/**
 * The observation as sent (the OBX segment for HL7 v2), at most [`crate::limits::MAX_RAW_CHARS`] characters.
 */
raw?: string, };

export type RejectionReason = "unknown_code" | "not_a_number" | "unit_mismatch" | "outside_physiology" | "not_final";

export type ReportReady = { 
/**
 * Sequence number of the last event the report takes into account.
 */
up_to: Seq, texts: Array<ReportText>, provenance: Provenance, };

export type ReportRequested = { 
/**
 * Languages to write it in; the session's when empty.
 */
languages: Array<Language>, };

export type ReportSection = { heading: string, sentences: Array<ReportSentence>, };

export type ReportSentence = { text: string, sources: Array<Seq>, };

export type ReportText = { language: Language, title: string, sections: Array<ReportSection>, };

export type ReviewStatus = "reviewed" | "unreviewed";

export type RiskBand = "low" | "low_medium" | "medium" | "high";

export type RiskItem = { 
/**
 * Field of `VitalSigns`, for example `respiratory_rate`.
 */
parameter: string, 
/**
 * The value as charted, with its unit.
 */
value: string, 
/**
 * The row of the chart it fell into, for example `21–24 /min`.
 */
range: string, points: number, };

export type RiskPredicted = { 
/**
 * What may begin: `sepsis`.
 */
outcome: string, 
/**
 * Hours that the chance is about.
 */
within_hours: number, 
/**
 * 0 to 1, as calibrated on the patients that the model was made from.
 */
probability: number, 
/**
 * Log-odds before calibration: what later calibrations start from.
 */
log_odds: number, 
/**
 * Hours of this patient's record, the present one included: after one the model knows little.
 */
record_hours: number, 
/**
 * What moved the probability, strongest first.
 */
contributions: Array<Contribution>, 
/**
 * What the model may be told and was not: laboratory values, at a bedside that sends none.
 */
missing?: Array<string>, provenance: Provenance, };

export type RiskScored = { 
/**
 * `NEWS2`.
 */
score: string, total: number, band: RiskBand, spo2_scale: Spo2Scale, items: Array<RiskItem>, 
/**
 * Parameters never measured in this session, or too long ago: the total is a lower bound while any is missing.
 */
missing?: Array<string>, 
/**
 * Parameters that the newest observation did not bring.
 */
carried?: Array<CarriedItem>, provenance: Provenance, };

export type ScoreName = "news2" | "mews" | "qsofa" | "sirs" | "shock_index" | "pews";

export type ScoresComputed = { scores: Array<ClinicalScore>, 
/**
 * The observation that was scored.
 */
because: Seq, };

export type Sending = "off" | "on" | "muted";

export type Seq = number;

export type SessionEndReason = "ended" | "idle";

export type SessionEnded = { reason: SessionEndReason, };

export type SessionId = string;

export type SessionStarted = { patient: PatientId, 
/**
 * Languages of the consultation: every caption is translated into each of the others.
 */
languages: Array<Language>, spo2_scale: Spo2Scale, 
/**
 * Names of drugs, anatomy and people that the recogniser should expect.
 */
terms: Array<string>, };

export type SessionSummary = { session: SessionId, patient: PatientId, languages: Array<Language>, started_at: Timestamp, ended: boolean, 
/**
 * Sequence number of the newest event.
 */
head: Seq, };

export type Sex = "female" | "male";

export type SpeechAnnounced = { speech: SpeechId, utterance: UtteranceId, 
/**
 * Sequence number of the translation spoken.
 */
of: Seq, language: Language, voice: string, codec: AudioCodec, 
/**
 * Hertz.
 */
sample_rate: number, 
/**
 * Milliseconds from the last voiced sample of the original reaching the server to the first
 * synthesised samples being ready.
 */
latency_ms: number, provenance: Provenance, };

export type SpeechBoundary = { participant: ParticipantId, utterance: UtteranceId, at_ms: number, };

export type SpeechCompleted = { speech: SpeechId, 
/**
 * Of what was sent.
 */
duration_ms: number, 
/**
 * Somebody else took the turn before it was over.
 */
interrupted: boolean, };

export type SpeechId = string;

export type SpeechSkipReason = "not_preserved" | "turn_taken" | "backlog";

export type SpeechSkipped = { utterance: UtteranceId, 
/**
 * Sequence number of the translation.
 */
of: Seq, language: Language, reason: SpeechSkipReason, };

export type Spo2Scale = "scale1" | "scale2";

export type StreamCommand = { "command": "chat.send", id?: string, participant: ParticipantId, language: Language, text: string, } | { "command": "report.request", id?: string, } | { "command": "language.set", id?: string, participant: ParticipantId, language: Language, } | { "command": "media.mute", id?: string, participant: ParticipantId, audio: boolean, video: boolean, } | { "command": "alarm.acknowledge", id?: string, participant: ParticipantId, alarm: AlarmId, } | { "command": "alarm.silence", id?: string, participant: ParticipantId, alarm?: AlarmId, seconds: number, } | { "command": "monitoring.change", id?: string, change: MonitoringChange, } | { "command": "session.end", id?: string, };

export type StreamNotice = { "notice": "stream.coalesced", from: Seq, to: Seq, } | { "notice": "stream.cannot_resume", asked: Seq, head: Seq, } | { "notice": "stream.refused", id?: string, error: Refusal, } | { "notice": "stream.accepted", id?: string, seq: Seq, };

export type SymptomMentioned = { 
/**
 * Sequence number of the caption it was said in.
 */
of: Seq, participant: ParticipantId, symptom: Coding, 
/**
 * "Denies fever" mentions fever and negates it.
 */
negated: boolean, 
/**
 * The words it was recognised by.
 */
evidence: string, provenance: Provenance, };

export type Timestamp = string;

export type Transcript = { session: SessionId, up_to: Seq, lines: Array<TranscriptLine>, };

export type TranscriptLine = { seq: Seq, at: Timestamp, participant: ParticipantId, language: Language, text: string, translations: Array<TranslatedLine>, };

export type TranslatedLine = { seq: Seq, language: Language, text: string, };

export type TranslationFinal = { utterance: UtteranceId, 
/**
 * Sequence number of the caption translated.
 */
of: Seq, participant: ParticipantId, source_language: Language, target_language: Language, text: string, engine: string, review: ReviewStatus, 
/**
 * `None`: not compared, as in logs from before there was a comparison.
 */
preservation?: Preservation, provenance: Provenance, };

export type TranslationPartial = { utterance: UtteranceId, participant: ParticipantId, source_language: Language, target_language: Language, text: string, engine: string, review: ReviewStatus, provenance: Provenance, };

export type UnmappedCode = { 
/**
 * The code as sent.
 */
code: string, reason: RejectionReason, 
/**
 * Observations of this kind so far.
 */
count: number, last_at: Timestamp, 
/**
 * The session of the newest one.
 */
session: SessionId, 
/**
 * The newest one as sent.
 */
raw?: string, };

export type UnmatchedMessage = { received_at: Timestamp, 
/**
 * PID-3.1, if the message had one.
 */
patient: PatientId | null, 
/**
 * MSH-10.
 */
message_id: string, 
/**
 * The message as received; bytes that are not UTF-8 as ISO 8859-1.
 */
raw: string, because: KeptBecause, 
/**
 * What could not be read, without patient data.
 */
problem?: string, };

export type UtteranceId = string;

export type VitalSign = "heart_rate" | "respiratory_rate" | "spo2" | "systolic_bp" | "diastolic_bp" | "temperature";

export type VitalSigns = { 
/**
 * Beats per minute.
 */
heart_rate?: number, 
/**
 * Breaths per minute.
 */
respiratory_rate?: number, 
/**
 * Peripheral oxygen saturation, percent.
 */
spo2?: number, 
/**
 * mmHg.
 */
systolic_bp?: number, 
/**
 * mmHg.
 */
diastolic_bp?: number, 
/**
 * Degrees Celsius.
 */
temperature?: number, consciousness?: Consciousness, 
/**
 * Whether the patient breathes supplemental oxygen rather than air.
 */
supplemental_oxygen?: boolean, };

export type VitalsAmended = { source: MonitorSource, amendments: Array<Amendment>, };

export type VitalsObserved = { source: MonitorSource, 
/**
 * When the monitor measured, by the monitor's clock.
 */
taken_at: Timestamp, vitals: VitalSigns, 
/**
 * Observations of the same message that could not be used.
 */
rejected?: Array<RejectedObservation>, };

export type WardAlarm = { alarm: AlarmId, kind: AlarmKind, priority: AlarmPriority, message: string, since: Timestamp, };

export type WardChanges = { version: number, at: Timestamp, complete: boolean, rows: Array<WardRow>, 
/**
 * Sessions that have ended.
 */
removed?: Array<SessionId>, };

export type WardMessage = { "ward": "snapshot" } & WardSnapshot | { "ward": "changes" } & WardChanges;

export type WardRow = { session: SessionId, patient: PatientId, started_at: Timestamp, head: Seq, 
/**
 * Where the patient is, as the hospital said last.
 */
location?: Location, vitals: WardVitals, news2?: WardScore, 
/**
 * Highest priority first, then newest first; at most [`crate::limits::MAX_WARD_ALARMS`].
 */
alarms?: Array<WardAlarm>, 
/**
 * Heart rate over the last half hour, thinned. Only in a snapshot: a change carries the newest value already.
 */
heart_rate_trend?: Array<[number, number]>, 
/**
 * NEWS2 as it changed. Only in a snapshot.
 */
news2_trend?: Array<[number, number]>, };

export type WardScore = { total: number, band: RiskBand, 
/**
 * Parameters never measured: the total is a lower bound while there are any.
 */
missing: number, at: Timestamp, 
/**
 * The event that explains it.
 */
seq: Seq, };

export type WardSnapshot = { 
/**
 * Rises with every change.
 */
version: number, at: Timestamp, 
/**
 * `false` while logs are still being read after a start: patients may be missing or behind.
 */
complete: boolean, 
/**
 * In no particular order.
 */
rows: Array<WardRow>, };

export type WardValue<T> = { value: T, at: Timestamp, };

export type WardVitals = { heart_rate?: WardValue<number>, respiratory_rate?: WardValue<number>, spo2?: WardValue<number>, systolic_bp?: WardValue<number>, diastolic_bp?: WardValue<number>, temperature?: WardValue<number>, consciousness?: WardValue<Consciousness>, supplemental_oxygen?: WardValue<boolean>, };

export type WaveformNotice = { "notice": "waveform.received", channels: Array<ChannelReceived>, } | { "notice": "waveform.refused", error: Refusal, };

export type WaveformRange = { min: number, max: number, mean: number, };

export type WaveformRecorded = { channel: MdcCode, unit: MdcCode, 
/**
 * Hertz.
 */
sample_rate: number, 
/**
 * By the source's clock.
 */
started_at: Timestamp, duration_ms: number, 
/**
 * Samples that came with a value.
 */
samples: number, 
/**
 * Samples that should have come and did not: blocks that were lost, and times without a sensor.
 */
lost: number, 
/**
 * In `unit`; absent where no sample had a value.
 */
range?: WaveformRange, };
