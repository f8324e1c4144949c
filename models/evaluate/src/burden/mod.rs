//! How much alarms weigh on those who answer them, and what they are good for, on recordings of real patients.
//!
//! Each recording is played to the bedside that sessions run ([`replay`]), and held beside naive thresholds ([`naive`])
//! and what became of the patient ([`episodes`]).

pub mod episodes;
pub mod naive;
pub mod psv;
pub mod recording;
pub mod replay;
pub mod wfdb;

use episodes::{Episode, labelled, sustained, totals};
use healthsync_events::{
    ParticipantId, Timestamp,
    alarm::{AlarmClass, AlarmKind},
};
use healthsync_models::risk::Policy;
use naive::Naive;
use recording::Recording;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

/// How alarms are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Terms {
    /// An alarm is acknowledged so many seconds after it sounds.
    pub answered_after_seconds: u32,
    /// What happens within so many hours after an alarm counts as what it was about.
    pub within_hours: u32,
}

/// Alarms, and how many of them were about something.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Count {
    pub alarms: usize,
    /// Followed by a NEWS2 of 5 or more that lasted.
    pub before_news2_5: usize,
    /// Followed by one of 7 or more.
    pub before_news2_7: usize,
    /// Followed by, or during, what the recording labels as sepsis.
    pub before_sepsis: usize,
}

/// The burden of some recordings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Burden {
    pub recordings: usize,
    pub bed_days: f64,
    /// Clinical alarms of the policy; an acknowledged one that called again because the patient got worse counts again.
    pub policy: Count,
    pub technical: usize,
    /// Of both, by kind.
    pub kinds: BTreeMap<String, usize>,
    /// Calls of alarms nobody had answered in time.
    pub unanswered: usize,
    /// Naive thresholds, once for each time a value went beyond a limit.
    pub naive: Count,
    /// The same, once for each reading beyond a limit.
    pub naive_readings: usize,
    /// Hours of all beds: what an alarm at a random time would be followed by.
    pub hours: Count,
    /// Stretches of sustained NEWS2 of 7 or more, and those without an emergency alarm that stood in any of it.
    pub sustained_7: usize,
    pub missed_7: usize,
    /// Of those that alarmed, seconds from their beginning to the alarm; at most, and in all.
    pub latest_seconds: i64,
    pub late: usize,
}

impl Burden {
    /// Alarms of naive thresholds that the policy did without, 0 to 1; below 0 where it gave more.
    pub fn saved(&self) -> f64 {
        1.0 - ratio(self.policy.alarms, self.naive.alarms)
    }

    pub fn saved_of_readings(&self) -> f64 {
        1.0 - ratio(self.policy.alarms, self.naive_readings)
    }

    pub fn add(&mut self, other: &Self) {
        self.recordings += other.recordings;
        self.bed_days += other.bed_days;
        self.policy.add(&other.policy);
        self.technical += other.technical;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
        self.unanswered += other.unanswered;
        self.naive.add(&other.naive);
        self.naive_readings += other.naive_readings;
        self.hours.add(&other.hours);
        self.sustained_7 += other.sustained_7;
        self.missed_7 += other.missed_7;
        self.latest_seconds = self.latest_seconds.max(other.latest_seconds);
        self.late += other.late;
    }
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.alarms += other.alarms;
        self.before_news2_5 += other.before_news2_5;
        self.before_news2_7 += other.before_news2_7;
        self.before_sepsis += other.before_sepsis;
    }
}

/// A share, 0 where there is nothing to share.
pub fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What became of a patient.
struct Course {
    sustained_5: Vec<Episode>,
    sustained_7: Vec<Episode>,
    sepsis: Option<Episode>,
    within_ms: i64,
}

impl Course {
    fn count(&self, times: impl Iterator<Item = Timestamp>) -> Count {
        let mut count = Count::default();
        for at in times {
            let any = |episodes: &[Episode]| episodes.iter().any(|episode| episode.follows(at, self.within_ms));
            count.alarms += 1;
            count.before_news2_5 += usize::from(any(&self.sustained_5));
            count.before_news2_7 += usize::from(any(&self.sustained_7));
            count.before_sepsis += usize::from(self.sepsis.is_some_and(|sepsis| sepsis.follows(at, self.within_ms)));
        }
        count
    }
}

/// The burden of one recording.
pub fn measure(recording: &Recording, policy: &Arc<Policy>, terms: Terms, nurse: &ParticipantId) -> Burden {
    let played = replay::play(recording, policy, i64::from(terms.answered_after_seconds) * 1_000, nurse);
    let mut naive = Naive::default();
    for sample in &recording.samples {
        naive.take(sample.at, &sample.vitals);
    }
    let totals = totals(recording, &policy.scores.max_age);
    let course = Course {
        sustained_5: sustained(&totals, 5),
        sustained_7: sustained(&totals, 7),
        sepsis: labelled(recording),
        within_ms: i64::from(terms.within_hours) * 3_600_000,
    };
    let clinical = played.sounded.iter().filter(|sounded| sounded.raised.class == AlarmClass::Clinical);
    let mut kinds = BTreeMap::new();
    for sounded in &played.sounded {
        let again = if sounded.again { ", worse" } else { "" };
        *kinds.entry(format!("{}{again}", kind_name(sounded.raised.kind))).or_default() += 1;
    }
    let mut burden = Burden {
        recordings: 1,
        bed_days: recording.bed_days(),
        policy: course.count(clinical.map(|sounded| sounded.at)),
        technical: played.sounded.iter().filter(|s| s.raised.class == AlarmClass::Technical).count(),
        kinds,
        unanswered: played.unanswered,
        naive: course.count(naive.excursions.iter().copied()),
        naive_readings: naive.readings,
        hours: course.count(hours(recording)),
        sustained_7: course.sustained_7.len(),
        ..Burden::default()
    };
    for episode in &course.sustained_7 {
        let stood =
            |stood: &&replay::Stood| stood.from <= episode.to && stood.until.is_none_or(|until| until > episode.from);
        let Some(first) = played.emergencies.iter().find(stood) else {
            burden.missed_7 += 1;
            continue;
        };
        let seconds = (first.from.millis() - episode.from.millis()).max(0) / 1_000;
        burden.latest_seconds = burden.latest_seconds.max(seconds);
        burden.late += usize::from(seconds > 0);
    }
    burden
}

fn hours(recording: &Recording) -> impl Iterator<Item = Timestamp> {
    let first = recording.samples.first().map_or(0, |sample| sample.at.millis());
    let count = (recording.bed_days() * 24.0).floor() as i64;
    (0..count).map(move |hour| Timestamp::from_millis(first + hour * 3_600_000))
}

fn kind_name(kind: AlarmKind) -> String {
    serde_json::to_value(kind).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
