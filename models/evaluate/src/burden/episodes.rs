//! What the recordings say about the patients, worked out apart from the alarms: stretches of sustained high NEWS2, by
//! the chart alone and without judging any value, and the recordings' own labels.

use super::recording::Recording;
use healthsync_events::{Timestamp, VitalSign, VitalSigns, risk::Spo2Scale};
use healthsync_models::risk::{news2, policy::MaxAge};
use std::collections::BTreeMap;

/// A NEWS2 that lasts: two scores in a row, and at least half an hour.
const IN_A_ROW: u32 = 2;
const LASTING_MS: i64 = 30 * 60_000;

/// A stretch of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Episode {
    /// Whether any of it lies within `ms` after `at`.
    pub fn follows(&self, at: Timestamp, ms: i64) -> bool {
        self.to >= at && self.from.millis() <= at.millis() + ms
    }
}

/// NEWS2 at each sample that brought anything of it, with what was measured before carried forward for as long as the
/// policy allows.
pub fn totals(recording: &Recording, max_age: &MaxAge) -> Vec<(Timestamp, u8)> {
    let mut known: BTreeMap<VitalSign, (f64, Timestamp)> = BTreeMap::new();
    let mut oxygen: Option<(bool, Timestamp)> = None;
    let mut totals = Vec::new();
    for sample in &recording.samples {
        let measured = VitalSign::ALL.into_iter().filter_map(|sign| Some((sign, sign.of(&sample.vitals)?)));
        known.extend(measured.map(|(sign, value)| (sign, (value, sample.at))));
        oxygen = sample.vitals.supplemental_oxygen.map(|given| (given, sample.at)).or(oxygen);
        if sample.vitals.is_empty() {
            continue;
        }
        let young = |at: Timestamp, seconds: u32| sample.at.millis() - at.millis() <= i64::from(seconds) * 1_000;
        let mut vitals = VitalSigns::default();
        for (sign, (value, at)) in &known {
            sign.set(&mut vitals, young(*at, max_age.of(*sign)).then_some(*value));
        }
        vitals.supplemental_oxygen =
            oxygen.filter(|(_, at)| young(*at, max_age.slow_seconds())).map(|(given, _)| given);
        if let Some(scored) = news2::score(&vitals, Spo2Scale::Scale1) {
            totals.push((sample.at, scored.total));
        }
    }
    totals
}

/// Stretches in which the total stayed at `least` or more.
pub fn sustained(totals: &[(Timestamp, u8)], least: u8) -> Vec<Episode> {
    let mut episodes = Vec::new();
    let mut run: Option<(Episode, u32)> = None;
    let ends = |run: Option<(Episode, u32)>, episodes: &mut Vec<Episode>| {
        let lasting = |(episode, count): &(Episode, u32)| {
            *count >= IN_A_ROW && episode.to.millis() - episode.from.millis() >= LASTING_MS
        };
        episodes.extend(run.filter(lasting).map(|(episode, _)| episode));
    };
    for (at, total) in totals {
        if *total < least {
            ends(run.take(), &mut episodes);
            continue;
        }
        let (episode, count) = run.get_or_insert((Episode { from: *at, to: *at }, 0));
        episode.to = *at;
        *count += 1;
    }
    ends(run, &mut episodes);
    episodes
}

/// The stretch of the recording that is labelled, from its first label to the last.
pub fn labelled(recording: &Recording) -> Option<Episode> {
    let mut labels = recording.samples.iter().filter(|sample| sample.sepsis == Some(true)).map(|sample| sample.at);
    let from = labels.next()?;
    Some(Episode { from, to: labels.next_back().unwrap_or(from) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::burden::recording::Sample;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    #[test]
    fn an_episode_lasts_two_scores_and_half_an_hour() {
        let totals = |minutes: &[(i64, u8)]| minutes.iter().map(|(m, total)| (at(*m), *total)).collect::<Vec<_>>();
        let hourly = totals(&[(0, 7), (60, 6), (120, 8), (180, 7), (240, 3), (300, 9)]);
        assert_eq!(sustained(&hourly, 7), [Episode { from: at(120), to: at(180) }]);
        assert_eq!(sustained(&hourly, 5), [Episode { from: at(0), to: at(180) }]);
        let by_minute: Vec<_> = (0..30).map(|minute| (at(minute), 7)).collect();
        assert_eq!(sustained(&by_minute, 7), [], "29 minutes are too short");
    }

    #[test]
    fn what_was_measured_before_counts_for_as_long_as_it_may() {
        let sample = |minutes, heart_rate, temperature| Sample {
            at: at(minutes),
            vitals: VitalSigns { heart_rate, temperature, ..VitalSigns::default() },
            sepsis: None,
        };
        let samples = vec![
            sample(0, Some(135.0), Some(37.0)),
            sample(120, None, Some(37.0)),
            sample(121, None, Some(37.0)),
            sample(122, None, None),
        ];
        let recording = Recording { samples, interval_ms: 60_000 };
        assert_eq!(totals(&recording, &MaxAge::default()), [(at(0), 3), (at(120), 3), (at(121), 0)]);
    }

    #[test]
    fn what_follows_an_alarm_is_still_there_or_begins_soon() {
        let episode = Episode { from: at(60), to: at(120) };
        let within = |minute| episode.follows(at(minute), 30 * 60_000);
        assert_eq!([29, 30, 60, 120, 121].map(within), [false, true, true, true, false]);
    }
}
