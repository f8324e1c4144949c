//! The scores of a patient, of those that run.

use super::{mews, news2, pews, policy::is_child, readings::AsOf, rows::Scored, sepsis, shock};
use healthsync_events::{
    EventBody, ModelInfo, Seq,
    risk::{ClinicalScore, ScoreName, ScoresComputed, Spo2Scale},
};
use std::sync::Arc;

/// What decides on how a patient is scored.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    pub scores: &'a [ScoreName],
    pub age_months: Option<u16>,
    pub scale: Spo2Scale,
}

/// NEWS2 as `risk.scored`, where it runs and anything of it was measured.
pub fn news2(known: &AsOf, patient: Patient<'_>) -> Option<EventBody> {
    let runs = patient.scores.contains(&ScoreName::News2) && !is_child(patient.age_months);
    let scored = runs.then(|| news2::score(&known.vitals, patient.scale)).flatten()?;
    Some(EventBody::RiskScored(Arc::new(scored.carrying(&known.carried, known.inputs.clone()))))
}

/// The others, in the order of [`ScoreName`]. A score that is not meant for the patient's age is not made, whatever was
/// asked for; of a patient whose age is not known PEWS cannot be.
pub fn others(known: &AsOf, patient: Patient<'_>) -> Vec<ClinicalScore> {
    let vitals = &known.vitals;
    let child = is_child(patient.age_months);
    let make = |name: ScoreName| -> Option<(Scored, &'static ModelInfo)> {
        match name {
            ScoreName::Mews if !child => Some((mews::score(vitals)?, mews::model_info())),
            ScoreName::Qsofa if !child => Some((sepsis::qsofa(vitals)?, sepsis::qsofa_info())),
            ScoreName::Sirs if !child => Some((sepsis::sirs(vitals)?, sepsis::sirs_info())),
            ScoreName::ShockIndex => Some((shock::score(vitals, patient.age_months)?, shock::model_info())),
            ScoreName::Pews if child => Some((pews::score(vitals, patient.age_months?)?, pews::model_info())),
            _ => None,
        }
    };
    let mut wanted = patient.scores.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    let scores = wanted.into_iter().filter_map(make);
    scores.map(|(scored, model)| scored.into_event(model, &known.carried, known.inputs.clone())).collect()
}

/// The others as an event, unless they say what `before` said. In a child they always are one: its alarms rest on them.
pub fn computed(known: &AsOf, patient: Patient<'_>, because: Seq, before: &[ClinicalScore]) -> Option<EventBody> {
    let scores = others(known, patient);
    let says = |score: &ClinicalScore| {
        let points: Vec<_> = score.items.iter().map(|item| (item.parameter.clone(), item.points)).collect();
        (score.score, score.value.to_bits(), points, score.missing.clone(), score.band)
    };
    let same = scores.iter().map(says).eq(before.iter().map(says));
    if scores.is_empty() && before.is_empty() || same && !is_child(patient.age_months) {
        return None;
    }
    Some(EventBody::ScoresComputed(Arc::new(ScoresComputed { scores, because })))
}
