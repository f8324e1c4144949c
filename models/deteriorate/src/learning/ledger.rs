//! Every version of the calibration, which of them is active, and when another takes its place.

use super::{Drift, Labelled, Outcome, Reference, expected_to_observed, population_stability};
use crate::calibrate::{Platt, sigmoid};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// The one form this code reads.
const FORMAT: u32 = 1;

/// Versions kept: one a week for twenty years. Beyond, nothing new is learned until somebody looks.
const MAX_VERSIONS: usize = 1_024;

/// Outcomes remembered, so that a table that comes again teaches nothing twice.
const MAX_KNOWN: usize = 100_000;

/// When a calibration may change. The defaults ask for more than chance would give.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Judged scores that a new version is fitted to, and positive ones among them at least.
    pub fit_on: usize,
    pub fit_positive: usize,
    /// Further ones on which it then has to be better, and on which it may still be taken back.
    pub shadow: usize,
    /// By how many standard errors the mean log loss must be lower: 2.33 is right in 99 cases of 100.
    pub clearly: f64,
    /// Slopes that can be: beyond, the scores have another meaning than they had, and weights must be trained.
    pub slopes: (f64, f64),
    /// Log-odds by which one version may move the offset.
    pub largest_offset: f64,
}

impl Default for Rules {
    fn default() -> Self {
        Self { fit_on: 500, fit_positive: 25, shadow: 500, clearly: 2.33, slopes: (0.25, 2.5), largest_offset: 2.0 }
    }
}

/// A calibration with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub number: u32,
    pub platt: Platt,
    /// Judged scores it was fitted to; none for the first, which came with the weights.
    pub fitted_to: usize,
    pub state: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Runs in the shadow of the active one.
    Shadow,
    Active,
    /// Was active, and is no longer.
    Replaced,
    /// Was never better than the active one.
    Rejected,
    /// Was active, and turned out to be worse than the one before.
    RolledBack,
}

/// What an outcome has changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    Fitted {
        version: u32,
    },
    /// A fit that the rules forbid; nothing changes.
    Refused {
        reason: String,
    },
    Promoted {
        version: u32,
        instead_of: u32,
    },
    Rejected {
        version: u32,
    },
    RolledBack {
        version: u32,
        to: u32,
    },
    Drifted {
        drift: Drift,
        stability: f64,
        expected_to_observed: Option<f64>,
    },
}

/// Differences of log losses between two versions on the same outcomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Contest {
    count: usize,
    sum: f64,
    squares: f64,
}

impl Contest {
    /// `gain` is positive where the challenger was better.
    fn add(&mut self, gain: f64) {
        self.count += 1;
        self.sum += gain;
        self.squares += gain * gain;
    }

    /// The mean gain in standard errors.
    fn standard_errors(&self) -> f64 {
        let count = self.count.max(2) as f64;
        let mean = self.sum / count;
        let variance = (self.squares / count - mean * mean).max(0.0);
        if variance <= f64::EPSILON { 0.0 } else { mean / (variance / count).sqrt() }
    }
}

/// Why a ledger cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("it is no ledger of calibrations: {0}")]
    Json(#[from] serde_json::Error),
    #[error("its format is {0}, this program reads {FORMAT}")]
    Format(u32),
    #[error("it is of other weights: {0}")]
    OtherWeights(String),
    #[error("it has no active version, or one that cannot be used")]
    NothingActive,
}

/// Every version, and the contest that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    format: u32,
    /// The weights whose scores are calibrated: log-odds of others mean something else.
    weights_sha256: String,
    rules: Rules,
    versions: Vec<Version>,
    active: u32,
    /// Who runs in the active one's shadow: a candidate, or the one it replaced.
    shadow: Option<u32>,
    contest: Contest,
    /// The newest judged scores, oldest first.
    recent: VecDeque<(f64, bool)>,
    /// Outcomes that came since a version was last fitted.
    since_fit: usize,
    /// Scores that those of today are compared with: those the active version was fitted to.
    reference: Option<Reference>,
    drift: Drift,
    /// Outcomes taken in, oldest first, each as eight bytes of a hash of its patient and time.
    #[serde(default)]
    known: VecDeque<u64>,
}

impl Ledger {
    /// The calibration that the weights came with is version 0.
    pub fn new(platt: Platt, weights_sha256: &str, rules: Rules) -> Self {
        let first = Version { number: 0, platt, fitted_to: 0, state: Standing::Active };
        Self {
            format: FORMAT,
            weights_sha256: weights_sha256.to_owned(),
            rules,
            versions: vec![first],
            active: 0,
            shadow: None,
            contest: Contest::default(),
            recent: VecDeque::new(),
            since_fit: 0,
            reference: None,
            drift: Drift::None,
            known: VecDeque::new(),
        }
    }

    /// Reads a ledger of these weights.
    pub fn read(text: &str, weights_sha256: &str) -> Result<Self, LedgerError> {
        let ledger: Self = serde_json::from_str(text)?;
        if ledger.format != FORMAT {
            return Err(LedgerError::Format(ledger.format));
        }
        if ledger.weights_sha256 != weights_sha256 {
            return Err(LedgerError::OtherWeights(ledger.weights_sha256));
        }
        let usable = ledger.version(ledger.active).is_some_and(|version| version.platt.is_usable());
        if usable { Ok(ledger) } else { Err(LedgerError::NothingActive) }
    }

    pub fn write(&self) -> Result<String, LedgerError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|version| version.number == number)
    }

    /// The calibration to use.
    pub fn active(&self) -> Platt {
        self.version(self.active).map_or_else(Platt::default, |version| version.platt)
    }

    /// What scores made with the active version add to the version of their weights; nothing for the first.
    pub fn name(&self) -> String {
        if self.active == 0 { String::new() } else { format!("+calibration.{}", self.active) }
    }

    /// Whether an outcome is new; it is then known from now on.
    pub fn is_new(&mut self, outcome: &Outcome) -> bool {
        let digest = Sha256::digest(format!("{}/{}", outcome.at.millis(), outcome.patient));
        let hash = digest.iter().take(8).fold(0u64, |hash, byte| hash << 8 | u64::from(*byte));
        if self.known.contains(&hash) {
            return false;
        }
        self.known.push_back(hash);
        if self.known.len() > MAX_KNOWN {
            self.known.pop_front();
        }
        true
    }

    /// Takes one judged score in.
    pub fn learn(&mut self, judged: Labelled) -> Vec<Change> {
        let judged = Labelled { log_odds: short(judged.log_odds), ..judged };
        let mut changes = Vec::new();
        self.compete(judged, &mut changes);
        self.recent.push_back((judged.log_odds, judged.happened));
        if self.recent.len() > self.rules.fit_on {
            self.recent.pop_front();
        }
        self.since_fit += 1;
        if self.recent.len() == self.rules.fit_on && self.since_fit >= self.rules.fit_on {
            self.since_fit = 0;
            self.look_for_drift(&mut changes);
            if self.shadow.is_none() {
                self.fit(&mut changes);
            }
        }
        changes
    }

    fn compete(&mut self, judged: Labelled, changes: &mut Vec<Change>) {
        let Some(shadow) = self.shadow else { return };
        let Some(other) = self.version(shadow).map(|version| version.platt) else { return };
        self.contest.add(loss(self.active(), judged) - loss(other, judged));
        if self.contest.count < self.rules.shadow {
            return;
        }
        let better = self.contest.standard_errors() >= self.rules.clearly;
        let candidate = self.version(shadow).is_some_and(|version| version.state == Standing::Shadow);
        let before = self.active;
        (self.shadow, self.contest) = (None, Contest::default());
        match (candidate, better) {
            (true, true) => {
                self.stands(before, Standing::Replaced);
                self.stands(shadow, Standing::Active);
                // The one it replaced now runs in its shadow, and may come back.
                (self.active, self.shadow) = (shadow, Some(before));
                changes.push(Change::Promoted { version: shadow, instead_of: before });
            }
            (true, false) => {
                self.stands(shadow, Standing::Rejected);
                changes.push(Change::Rejected { version: shadow });
            }
            (false, true) => {
                self.stands(before, Standing::RolledBack);
                self.stands(shadow, Standing::Active);
                self.active = shadow;
                changes.push(Change::RolledBack { version: before, to: shadow });
            }
            (false, false) => {}
        }
    }

    fn stands(&mut self, number: u32, state: Standing) {
        if let Some(version) = self.versions.iter_mut().find(|version| version.number == number) {
            version.state = state;
        }
    }

    fn look_for_drift(&mut self, changes: &mut Vec<Change>) {
        let (scores, happened): (Vec<f64>, Vec<bool>) = self.recent.iter().copied().unzip();
        let Some(reference) = &self.reference else {
            (self.reference, self.drift) = (Reference::of(&scores), Drift::None);
            return;
        };
        let stability = population_stability(reference, &scores);
        self.drift = Drift::of(stability);
        if self.drift != Drift::None {
            let expected_to_observed = expected_to_observed(&self.active(), &scores, &happened);
            changes.push(Change::Drifted { drift: self.drift, stability, expected_to_observed });
        }
    }

    fn fit(&mut self, changes: &mut Vec<Change>) {
        let refuse = |reason: &str| Change::Refused { reason: reason.to_owned() };
        if self.drift == Drift::Major {
            // Other patients than before: what they teach may not hold for the next either. Those who follow are
            // compared with them, so that nothing is learned until one window is like the one before.
            changes.push(refuse("the scores have drifted too far"));
            self.reference = None;
            return;
        }
        if self.versions.len() >= MAX_VERSIONS {
            return changes.push(refuse("there are too many versions"));
        }
        let (scores, happened): (Vec<f32>, Vec<bool>) =
            self.recent.iter().map(|(score, happened)| (*score as f32, *happened)).unzip();
        if happened.iter().filter(|happened| **happened).count() < self.rules.fit_positive {
            return changes.push(refuse("too few of the outcomes are positive"));
        }
        let Some(Platt { slope, offset }) = Platt::fit(&scores, &happened) else {
            return changes.push(refuse("the outcomes have nothing to do with the scores"));
        };
        let platt = Platt { slope: short(slope), offset: short(offset) };
        let (least, most) = self.rules.slopes;
        if !(least..=most).contains(&platt.slope) {
            return changes.push(refuse("the scores have lost their meaning: the weights must be trained anew"));
        }
        if (platt.offset - self.active().offset).abs() > self.rules.largest_offset {
            return changes.push(refuse("the offset would move too far at once"));
        }
        let number = self.versions.iter().map(|version| version.number).max().unwrap_or(0) + 1;
        self.versions.push(Version { number, platt, fitted_to: scores.len(), state: Standing::Shadow });
        (self.shadow, self.contest) = (Some(number), Contest::default());
        changes.push(Change::Fitted { version: number });
    }
}

/// To six decimals, far below what matters: JSON may give back a longer number one unit in the last place off, and what
/// is read must be what was written.
fn short(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// Log loss of a calibration on one outcome.
fn loss(platt: Platt, judged: Labelled) -> f64 {
    let log_odds = platt.slope * judged.log_odds + platt.offset;
    let of_truth = sigmoid(if judged.happened { log_odds } else { -log_odds });
    -of_truth.max(1e-12).ln()
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
