//! The report a patient understands. A template: every sentence about the patient is filled from events and
//! names them; nothing is generated freely.

mod words;

use healthsync_events::{
    Language, ModelInfo, Seq, SessionState, Timestamp,
    alarm::AlarmClass,
    risk::RiskScored,
    scribe::{ReportReady, ReportSection, ReportSentence, ReportText},
    state::{At, Utterance},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::Arc};
use words::{English, Portuguese, Words};

/// Version of the template; a change of its words is a new one.
const VERSION: &str = "1";

/// Writes the report in each language. Languages without a template get English, said so in its title.
pub fn write(state: &SessionState, languages: &[Language]) -> ReportReady {
    let mut texts: Vec<ReportText> = languages.iter().map(|language| write_in(state, language)).collect();
    if texts.is_empty()
        && let Ok(english) = "en".parse()
    {
        texts.push(write_in(state, &english));
    }
    let mut inputs: Vec<Seq> =
        texts.iter().flat_map(|t| &t.sections).flat_map(|s| &s.sentences).flat_map(|s| s.sources.clone()).collect();
    inputs.sort_unstable();
    inputs.dedup();
    if inputs.is_empty() && state.head >= Seq::FIRST {
        inputs.push(Seq::FIRST);
    }
    ReportReady { up_to: state.head, texts, provenance: model_info().with_inputs(inputs) }
}

/// The template as a model: its hash is that of its words.
pub fn model_info() -> ModelInfo {
    let words = format!("{VERSION}{}", include_str!("words.rs"));
    ModelInfo {
        name: "patient-report-template".into(),
        version: VERSION.into(),
        weights_sha256: crate::hex(&Sha256::digest(words)),
    }
}

fn write_in(state: &SessionState, language: &Language) -> ReportText {
    let words: &dyn Words = if language.primary() == "pt" { &Portuguese } else { &English };
    let mut sections = vec![about(state, words)];
    sections.extend(said(state, language, words));
    sections.extend(measured(state, words));
    sections.extend(alarms(state, words));
    sections.extend(images(state, words));
    sections.push(fixed(words.heading_worse(), words.if_worse()));
    sections.push(fixed(words.heading_note(), words.note()));
    let supported = matches!(language.primary().as_str(), "pt" | "en");
    let title = if supported { words.title().to_owned() } else { format!("{} ({})", words.title(), "English") };
    ReportText { language: language.clone(), title, sections }
}

fn sentence(text: String, sources: &[Seq]) -> ReportSentence {
    ReportSentence { text, sources: sources.to_vec() }
}

fn fixed(heading: &str, lines: &[&str]) -> ReportSection {
    let sentences = lines.iter().map(|line| sentence((*line).to_owned(), &[])).collect();
    ReportSection { heading: heading.to_owned(), sentences }
}

fn about(state: &SessionState, words: &dyn Words) -> ReportSection {
    let sentences = match &state.started {
        Some(started) => vec![sentence(words.visit(&date(started.at), &time(started.at)), &[started.seq])],
        None => vec![sentence(words.no_visit().to_owned(), &[])],
    };
    ReportSection { heading: words.heading_visit().to_owned(), sentences }
}

/// What was said, in the report's language: the words themselves, or their translation marked as one.
fn said(state: &SessionState, language: &Language, words: &dyn Words) -> Option<ReportSection> {
    let line = |utterance: &Utterance| {
        let caption = &utterance.caption;
        let who = words.speaker(caption.value.participant.as_str());
        if caption.value.language.same_language(language) {
            return Some(sentence(words.said(&who, &caption.value.text), &[caption.seq]));
        }
        let translation = utterance.translations.iter().find(|t| t.value.target_language.same_language(language))?;
        let text = words.said_translated(&who, &translation.value.text);
        Some(sentence(text, &[caption.seq, translation.seq]))
    };
    let sentences: Vec<_> = state.utterances.iter().filter_map(line).collect();
    (!sentences.is_empty()).then(|| ReportSection { heading: words.heading_said().to_owned(), sentences })
}

fn measured(state: &SessionState, words: &dyn Words) -> Option<ReportSection> {
    let seen = state.last_vitals.as_ref()?;
    let mut sentences = Vec::new();
    if let Some(risk) = &state.risk {
        let sources = sources_of(risk);
        for (name, value) in words.vitals(&state.vitals) {
            sentences.push(sentence(words.measurement(&name, &value), &sources[1..]));
        }
        sentences.push(sentence(words.score(risk.value.total, risk.value.band), &sources));
        if let Some(worst) = state.worst_risk.as_ref().filter(|worst| worst.value.total > risk.value.total) {
            sentences.push(sentence(words.worst(worst.value.total, &time(worst.at)), &sources_of(worst)));
        }
    } else {
        for (name, value) in words.vitals(&state.vitals) {
            sentences.push(sentence(words.measurement(&name, &value), &[seen.seq]));
        }
    }
    (!sentences.is_empty()).then(|| ReportSection { heading: words.heading_measured().to_owned(), sentences })
}

/// A score's own event, then those it rests on.
fn sources_of(risk: &At<Arc<RiskScored>>) -> Vec<Seq> {
    std::iter::once(risk.seq).chain(risk.value.provenance.inputs.iter().copied()).collect()
}

fn alarms(state: &SessionState, words: &dyn Words) -> Option<ReportSection> {
    let sentences: Vec<_> = state
        .alarm_history
        .iter()
        // What went wrong with the equipment is nothing the patient can do about.
        .filter(|alarm| alarm.value.class == AlarmClass::Clinical)
        .map(|alarm| sentence(words.alarm(alarm.value.kind, &time(alarm.at)), &[alarm.seq]))
        .collect();
    (!sentences.is_empty()).then(|| ReportSection { heading: words.heading_alarms().to_owned(), sentences })
}

fn images(state: &SessionState, words: &dyn Words) -> Option<ReportSection> {
    let sentences: Vec<_> = state
        .images
        .values()
        .map(|image| sentence(words.image(image.value.modality.as_deref(), &time(image.at)), &[image.seq]))
        .collect();
    (!sentences.is_empty()).then(|| ReportSection { heading: words.heading_images().to_owned(), sentences })
}

fn date(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}

/// Hours and minutes, UTC.
fn time(at: Timestamp) -> String {
    at.to_string().split('T').nth(1).unwrap_or_default().chars().take(5).collect()
}

/// Markdown, with the sources of each sentence in brackets; of one language, or all.
pub fn to_markdown(report: &ReportReady, language: Option<&Language>) -> String {
    let mut out = String::new();
    for text in &report.texts {
        if language.is_some_and(|wanted| !wanted.same_language(&text.language)) {
            continue;
        }
        let _ = writeln!(out, "# {}\n", text.title);
        for section in &text.sections {
            let _ = writeln!(out, "## {}\n", section.heading);
            for sentence in &section.sentences {
                let sources: Vec<_> = sentence.sources.iter().map(ToString::to_string).collect();
                let _ = if sources.is_empty() {
                    writeln!(out, "- {}", sentence.text)
                } else {
                    writeln!(out, "- {} [{}]", sentence.text, sources.join(", "))
                };
            }
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests;
