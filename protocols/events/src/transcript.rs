//! The transcript: what was said, by whom, in every language of the session.

use crate::{
    ids::{Language, ParticipantId, Seq, SessionId, Timestamp},
    state::SessionState,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Transcript {
    pub session: SessionId,
    pub up_to: Seq,
    pub lines: Vec<TranscriptLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TranscriptLine {
    pub seq: Seq,
    pub at: Timestamp,
    pub participant: ParticipantId,
    pub language: Language,
    pub text: String,
    pub translations: Vec<TranslatedLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct TranslatedLine {
    pub seq: Seq,
    pub language: Language,
    pub text: String,
}

impl Transcript {
    pub fn of(state: &SessionState) -> Self {
        let lines = state.utterances.iter().map(|utterance| TranscriptLine {
            seq: utterance.caption.seq,
            at: utterance.caption.at,
            participant: utterance.caption.value.participant.clone(),
            language: utterance.caption.value.language.clone(),
            text: utterance.caption.value.text.clone(),
            translations: utterance
                .translations
                .iter()
                .map(|t| TranslatedLine {
                    seq: t.seq,
                    language: t.value.target_language.clone(),
                    text: t.value.text.clone(),
                })
                .collect(),
        });
        Self { session: state.session, up_to: state.head, lines: lines.collect() }
    }

    pub fn to_markdown(&self) -> String {
        let mut text = String::from("# Transcript\n\nMachine-made captions and translations; not a medical record.\n");
        for line in &self.lines {
            let _ = write!(text, "\n**{}** ({}) [{}]: {}\n", line.participant, line.language, line.seq, line.text);
            for translated in &line.translations {
                let _ = write!(text, "\n> ({}) [{}]: {}\n", translated.language, translated.seq, translated.text);
            }
        }
        text
    }
}
