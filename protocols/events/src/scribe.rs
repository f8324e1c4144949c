//! What the scribe makes of a consultation: symptoms, likely conditions, matched cases, reports.

use crate::{
    ids::{Language, ParticipantId, Seq},
    provenance::Provenance,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A code of a published terminology.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Coding {
    /// URI of the terminology, as FHIR writes it.
    pub system: String,
    pub code: String,
    pub display: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SymptomMentioned {
    /// Sequence number of the caption it was said in.
    pub of: Seq,
    pub participant: ParticipantId,
    pub symptom: Coding,
    /// "Denies fever" mentions fever and negates it.
    pub negated: bool,
    /// The words it was recognised by.
    pub evidence: String,
    pub provenance: Provenance,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LikelyCondition {
    pub condition: Coding,
    pub probability: f32,
    /// Sequence numbers of the symptoms that speak for it.
    pub because: Vec<Seq>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ConditionsRanked {
    pub conditions: Vec<LikelyCondition>,
    pub provenance: Provenance,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MatchedCase {
    pub case: String,
    pub title: String,
    /// Cosine similarity, -1 to 1.
    pub similarity: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CasesMatched {
    pub cases: Vec<MatchedCase>,
    pub provenance: Provenance,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReportRequested {
    /// Languages to write it in; the session's when empty.
    #[serde(default)]
    pub languages: Vec<Language>,
}

/// A sentence of a report and the events it rests on. A sentence without sources states no fact about the
/// patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReportSentence {
    pub text: String,
    pub sources: Vec<Seq>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReportSection {
    pub heading: String,
    pub sentences: Vec<ReportSentence>,
}

/// A report for the patient in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReportText {
    pub language: Language,
    pub title: String,
    pub sections: Vec<ReportSection>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ReportReady {
    /// Sequence number of the last event the report takes into account.
    pub up_to: Seq,
    pub texts: Vec<ReportText>,
    pub provenance: Provenance,
}
