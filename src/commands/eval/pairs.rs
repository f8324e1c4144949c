//! Translation of sentence pairs, and of recordings that have a translation.

use super::{
    Bench,
    material::Material,
    report::{Offline, Translated},
};
use anyhow::Context as _;
use healthsync_actors::pool::{Class, Request};
use healthsync_evaluate::list::{self, Pair};
use healthsync_events::Language;
use healthsync_models::tasks::TranslateRequest;
use std::path::Path;

/// Clinical sentences of our own, in English and Portuguese.
const CLINICAL: &str = include_str!("../../../models/translate/tests/clinical-pairs.tsv");

/// What the list built in is called.
const CLINICAL_NAME: &str = "clinical-pairs.tsv, built in";

pub(super) struct Pairs {
    pub name: String,
    pub list: Vec<Pair>,
}

pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Pairs> {
    Ok(match file {
        Some(file) => Pairs { name: file.display().to_string(), list: list::pairs(file)? },
        None => Pairs { name: CLINICAL_NAME.into(), list: list::parse_pairs(CLINICAL_NAME, CLINICAL)? },
    })
}

pub(super) async fn run(bench: &Bench, pairs: &[Pair]) -> anyhow::Result<Vec<Translated>> {
    let bar = super::progress("Sentence pairs", pairs.len());
    let mut all = Vec::new();
    for pair in pairs {
        let found = translate(bench, &pair.source, &pair.source_language, &pair.target_language).await;
        let (text, flagged) = found.with_context(|| format!("line {} of the pairs cannot be translated", pair.line))?;
        let group = Translated::group("pairs", &pair.source_language, &pair.target_language);
        Translated::of(&mut all, group).add(&pair.line.to_string(), &pair.source, &text, &pair.reference, flagged);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(all)
}

/// Recordings with a translation: from what was said, and from what was heard.
pub(super) async fn run_recordings(
    bench: &Bench,
    material: &Material,
    heard: Option<&Offline>,
) -> anyhow::Result<Vec<Translated>> {
    let mut all = Vec::new();
    for (index, item) in material.items.iter().enumerate() {
        let recording = &item.recording;
        let Some(reference) = &recording.translation else { continue };
        let recognised = heard.and_then(|run| run.recordings.get(index));
        let texts = [("transcripts", Some(&recording.transcript)), ("recognised", recognised.map(|r| &r.text))];
        for (what, text) in texts {
            let Some(text) = text else { continue };
            let found = translate(bench, text, &recording.language, &reference.language).await;
            let (translation, flagged) = found.with_context(|| format!("{} cannot be translated", recording.name))?;
            let group = Translated::group(what, &recording.language, &reference.language);
            Translated::of(&mut all, group).add(&recording.name, text, &translation, &reference.text, flagged);
        }
    }
    Ok(all)
}

/// The translation, and whether it was flagged.
async fn translate(bench: &Bench, text: &str, from: &Language, to: &Language) -> anyhow::Result<(String, bool)> {
    if text.trim().is_empty() {
        return Ok((String::new(), false));
    }
    let input = TranslateRequest { text: text.into(), source: from.clone(), target: to.clone() };
    let request = Request { session: bench.session, class: Class::Live, input, deadline: None, supersedes: None };
    let answer = bench.translate.submit(request)?.answer().await?;
    Ok((answer.output.text, !answer.output.preservation.passed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clinical_pairs_can_be_read_and_go_both_ways() {
        let pairs = read(None).unwrap().list;
        let from = |tag: &str| pairs.iter().filter(|pair| pair.source_language.primary() == tag).count();
        assert!(from("pt") >= 40 && from("en") >= 40, "{} {}", from("pt"), from("en"));
        assert!(pairs.iter().all(|pair| !pair.source_language.same_language(&pair.target_language)));
    }
}
