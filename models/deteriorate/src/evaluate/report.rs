//! Every figure of one score over one set of stays, with the intervals that come from drawing patients anew.

use super::{Ranked, Reliability, brier, stratified_auroc, utility};
use crate::{
    challenge::{Stay, Unit},
    rng::Rng,
};
use serde::Serialize;

/// Draws of the patients: the ends of a 95 % interval then rest on 12 draws each, and a million hours take a minute.
const DRAWS: usize = 500;

const SEED: u64 = 20_190_806;

/// A figure and where 95 % of the draws lie. Hours of one patient stand or fall together, so patients are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// One score over a set of stays.
#[derive(Clone)]
pub struct Scored<'a> {
    pub stays: &'a [&'a Stay],
    /// Of each stay the score of every hour; higher is worse.
    pub scores: &'a [Vec<f32>],
    /// Makes a score a probability, where it claims to be one.
    pub probability: Option<&'a dyn Fn(f32) -> f64>,
    /// A score from here on warns.
    pub warn_at: Option<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    pub patients: usize,
    pub septic_patients: usize,
    pub hours: usize,
    /// Share of hours with a positive label.
    pub prevalence: f64,
    pub auroc: Option<Interval>,
    pub auprc: Option<Interval>,
    /// Area under the ROC curve among hours of the same ICU hour: what the score knows beside the time.
    pub auroc_within_hour: Option<f64>,
    /// The challenge's normalised utility.
    pub utility: Option<Interval>,
    pub warn_at: Option<f32>,
    pub brier: Option<f64>,
    pub reliability: Option<Reliability>,
}

/// Figures of a part of the patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subgroup {
    pub name: String,
    pub patients: usize,
    pub auroc: Option<Interval>,
}

/// How often each patient is in a draw.
fn draw(rng: &mut Rng, patients: usize) -> Vec<f64> {
    let mut counts = vec![0.0; patients];
    (0..patients).for_each(|_| counts[rng.below(patients)] += 1.0);
    counts
}

/// `figure` of everybody once, and over the draws; `None` where everybody together have no such figure.
fn interval(patients: usize, figure: impl Fn(&[f64]) -> Option<f64>) -> Option<Interval> {
    let value = figure(&vec![1.0; patients])?;
    let mut rng = Rng::seeded(SEED);
    let mut drawn: Vec<f64> = (0..DRAWS).filter_map(|_| figure(&draw(&mut rng, patients))).collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| drawn.get(((drawn.len().max(1) - 1) as f64 * share).round() as usize).copied();
    Some(Interval { value, low: at(0.025)?, high: at(0.975)? })
}

/// Hours of all stays in one list.
struct Flat {
    scores: Vec<f32>,
    labels: Vec<bool>,
    /// Which stay each hour belongs to.
    patient: Vec<u32>,
}

impl Flat {
    fn of(scored: &Scored<'_>) -> Self {
        let mut flat = Self { scores: Vec::new(), labels: Vec::new(), patient: Vec::new() };
        for (patient, (stay, scores)) in scored.stays.iter().zip(scored.scores).enumerate() {
            for (hour, score) in stay.hours.iter().zip(scores) {
                flat.scores.push(*score);
                flat.labels.push(hour.septic);
                flat.patient.push(patient as u32);
            }
        }
        flat
    }

    fn areas(&self, patients: usize) -> (Option<Interval>, Option<Interval>) {
        let ranked = Ranked::new(&self.scores, &self.labels);
        let weight = |counts: &[f64], hour: usize| counts[self.patient[hour] as usize];
        let auroc = interval(patients, |counts| ranked.auroc(|hour| weight(counts, hour)));
        let auprc = interval(patients, |counts| ranked.average_precision(|hour| weight(counts, hour)));
        (auroc, auprc)
    }
}

/// Every figure.
pub fn figures(scored: &Scored<'_>) -> Figures {
    let flat = Flat::of(scored);
    let patients = scored.stays.len();
    let (auroc, auprc) = flat.areas(patients);
    let hours = scored.stays.iter().flat_map(|stay| &stay.hours);
    let icu_hours: Vec<u32> = hours.map(|hour| hour.icu_hour as u32).collect();
    let probabilities: Option<Vec<f64>> =
        scored.probability.map(|probability| flat.scores.iter().map(|score| probability(*score)).collect());
    let positive = flat.labels.iter().filter(|label| **label).count();
    Figures {
        patients,
        septic_patients: scored.stays.iter().filter(|stay| stay.ever_septic()).count(),
        hours: flat.labels.len(),
        prevalence: positive as f64 / flat.labels.len().max(1) as f64,
        auroc,
        auprc,
        auroc_within_hour: stratified_auroc(&flat.scores, &flat.labels, &icu_hours),
        utility: scored.warn_at.and_then(|warn_at| utility_of(scored, warn_at)),
        warn_at: scored.warn_at,
        brier: probabilities.as_ref().and_then(|p| brier(p, &flat.labels)),
        reliability: probabilities.as_ref().map(|p| Reliability::of(p, &flat.labels)),
    }
}

fn utility_of(scored: &Scored<'_>, warn_at: f32) -> Option<Interval> {
    let parts: Vec<[f64; 3]> = scored
        .stays
        .iter()
        .zip(scored.scores)
        .map(|(stay, scores)| {
            let labels: Vec<bool> = stay.hours.iter().map(|hour| hour.septic).collect();
            let warnings: Vec<bool> = scores.iter().map(|score| *score >= warn_at).collect();
            utility::parts(&labels, &warnings)
        })
        .collect();
    interval(parts.len(), |counts| {
        let sum = |part: usize| parts.iter().zip(counts).map(|(parts, count)| parts[part] * count).sum::<f64>();
        utility::normalise(sum(0), sum(1), sum(2))
    })
}

/// The score from which on warnings are most useful on these stays.
pub fn best_warning(stays: &[&Stay], scores: &[Vec<f32>]) -> Option<f32> {
    let mut all: Vec<f32> = scores.iter().flatten().copied().filter(|score| score.is_finite()).collect();
    all.sort_by(f32::total_cmp);
    // Two hundred places, closer together the higher they are: warnings are for the few.
    let places = (0..200).map(|n| 1.0 - (f64::from(n) / 200.0).powi(2));
    let candidates = places.filter_map(|share| all.get(((all.len().max(1) - 1) as f64 * share) as usize).copied());
    let labels: Vec<Vec<bool>> = stays.iter().map(|stay| stay.hours.iter().map(|hour| hour.septic).collect()).collect();
    let useful = |at: f32| {
        let warnings: Vec<Vec<bool>> =
            scores.iter().map(|scores| scores.iter().map(|score| *score >= at).collect()).collect();
        utility::normalised(labels.iter().map(Vec::as_slice).zip(warnings.iter().map(Vec::as_slice)))
    };
    let found = candidates.filter_map(|at| Some((at, useful(at)?))).max_by(|a, b| a.1.total_cmp(&b.1));
    found.map(|(at, _)| at)
}

/// The area under the ROC curve by age, sex and unit.
pub fn subgroups(scored: &Scored<'_>) -> Vec<Subgroup> {
    type Of = (&'static str, fn(&Stay) -> bool);
    const GROUPS: [Of; 10] = [
        ("age under 50", |stay| stay.background.age.is_some_and(|age| age < 50.0)),
        ("age 50 to 64", |stay| stay.background.age.is_some_and(|age| (50.0..65.0).contains(&age))),
        ("age 65 to 79", |stay| stay.background.age.is_some_and(|age| (65.0..80.0).contains(&age))),
        ("age 80 and over", |stay| stay.background.age.is_some_and(|age| age >= 80.0)),
        ("female", |stay| stay.background.male == Some(false)),
        ("male", |stay| stay.background.male == Some(true)),
        ("medical unit", |stay| stay.background.unit == Unit::Medical),
        ("surgical unit", |stay| stay.background.unit == Unit::Surgical),
        ("unit unknown", |stay| stay.background.unit == Unit::Unknown),
        ("first 24 ICU hours only", |stay| stay.hours.last().is_some_and(|hour| hour.icu_hour <= 24.0)),
    ];
    let group = |(name, belongs): &Of| {
        let chosen = scored.stays.iter().zip(scored.scores).filter(|(stay, _)| belongs(stay));
        let (stays, theirs): (Vec<&Stay>, Vec<Vec<f32>>) = chosen.map(|(stay, scores)| (*stay, scores.clone())).unzip();
        let inside = Scored { stays: &stays, scores: &theirs, probability: None, warn_at: None };
        let (auroc, _) = Flat::of(&inside).areas(stays.len());
        Subgroup { name: (*name).to_owned(), patients: stays.len(), auroc }
    };
    GROUPS.iter().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::tests::stay;

    fn scored(patients: u64) -> (Vec<Stay>, Vec<Vec<f32>>) {
        let stays: Vec<Stay> = (0..patients).map(|seed| stay(seed, 20)).collect();
        let score = |stay: &Stay| {
            let mut rng = Rng::seeded(stay.hours.len() as u64);
            stay.hours.iter().map(|hour| f32::from(u8::from(hour.septic)) + rng.normal()).collect()
        };
        let scores = stays.iter().map(score).collect();
        (stays, scores)
    }

    #[test]
    fn the_interval_holds_the_figure_and_is_the_same_each_time() {
        let (stays, scores) = scored(60);
        let stays: Vec<&Stay> = stays.iter().collect();
        let measured = Scored { stays: &stays, scores: &scores, probability: None, warn_at: Some(0.5) };
        let told = figures(&measured);
        assert_eq!((told.patients, told.septic_patients, told.hours), (60, 30, 1200));
        let auroc = told.auroc.unwrap();
        assert!(auroc.low <= auroc.value && auroc.value <= auroc.high && auroc.high - auroc.low < 0.2, "{auroc:?}");
        assert_eq!(figures(&measured).auroc, told.auroc);
        assert!(told.brier.is_none() && told.utility.is_some());
    }

    #[test]
    fn the_best_threshold_is_at_least_as_useful_as_silence() {
        let (stays, scores) = scored(60);
        let stays: Vec<&Stay> = stays.iter().collect();
        let at = best_warning(&stays, &scores).unwrap();
        let measured = Scored { stays: &stays, scores: &scores, probability: None, warn_at: Some(at) };
        assert!(figures(&measured).utility.unwrap().value > 0.0);
    }

    #[test]
    fn every_patient_of_known_sex_is_in_one_group_of_it() {
        let (stays, scores) = scored(20);
        let stays: Vec<&Stay> = stays.iter().collect();
        let told = subgroups(&Scored { stays: &stays, scores: &scores, probability: None, warn_at: None });
        let of = |name: &str| told.iter().find(|group| group.name == name).unwrap();
        assert_eq!(of("female").patients + of("male").patients, 20);
        assert_eq!(of("male").patients, 20);
        assert!(of("female").auroc.is_none(), "nobody, so no figure");
    }
}
