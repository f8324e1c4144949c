//! The newest value of each vital sign, where values come late, twice, corrected or withdrawn. Pure.
//!
//! A value counts by when it was measured, not by when it came; of two measured at the same moment the one that came
//! later counts. A clock that runs ahead is held to the moment its message was recorded, so that one wrong year cannot
//! hide everything that comes after it; a clock that was set back begins a new epoch.

use crate::{
    clinical::{Amendment, VitalSigns, VitalsAmended, VitalsObserved},
    ids::{Seq, Timestamp},
    limits::REMEMBERED_READINGS,
};
use std::collections::{BTreeMap, VecDeque};

/// When something was measured: by epoch, then by the monitor's clock.
type Moment = (u32, Timestamp);

#[derive(Debug, Clone, PartialEq)]
struct Reading {
    at: Moment,
    seq: Seq,
    vitals: VitalSigns,
}

/// The fold of a session's observations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    epoch: u32,
    /// In the order of their moments; at most [`REMEMBERED_READINGS`].
    recent: VecDeque<Reading>,
    /// What is older than that, merged, and which event each value came with.
    base: Merged,
    /// All of it merged.
    current: Merged,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Merged {
    vitals: VitalSigns,
    sources: BTreeMap<&'static str, (Seq, Moment)>,
}

impl Merged {
    fn take(&mut self, reading: &Reading) {
        self.vitals.merge(&reading.vitals);
        for sign in reading.vitals.measured() {
            self.sources.insert(sign, (reading.seq, reading.at));
        }
    }

    fn withdraw(&mut self, at: Timestamp, parameter: &str) {
        if self.sources.get(parameter).is_some_and(|(_, (_, measured))| *measured == at) {
            self.sources.remove(parameter);
            self.vitals.clear(parameter);
        }
    }
}

impl Readings {
    /// The newest value of each vital sign.
    pub fn current(&self) -> &VitalSigns {
        &self.current.vitals
    }

    /// Which event each of the newest values came with, by the name of its field.
    pub fn sources(&self) -> impl Iterator<Item = (&'static str, Seq)> + '_ {
        self.current.sources.iter().map(|(sign, (seq, _))| (*sign, *seq))
    }

    /// Which event the newest value of a field came with, and when it was measured by the monitor's clock.
    pub fn source(&self, field: &str) -> Option<(Seq, Timestamp)> {
        self.current.sources.get(field).map(|(seq, (_, measured))| (*seq, *measured))
    }

    /// When a newest value was measured, by the name of its field.
    pub fn measured_at(&self, parameter: &str) -> Option<Timestamp> {
        self.source(parameter).map(|(_, at)| at)
    }

    /// Takes an observation recorded under `seq` at `recorded`; whether the newest values are others now.
    pub fn observe(&mut self, seq: Seq, recorded: Timestamp, observed: &VitalsObserved) -> bool {
        self.insert(seq, observed.taken_at.min(recorded), observed.vitals.clone())
    }

    /// Takes corrections and withdrawals; whether the newest values are others now.
    pub fn amend(&mut self, seq: Seq, recorded: Timestamp, amended: &VitalsAmended) -> bool {
        let before = self.current.clone();
        for amendment in &amended.amendments {
            match amendment {
                Amendment::Earlier { taken_at, vitals } | Amendment::Corrected { taken_at, vitals } => {
                    self.insert(seq, (*taken_at).min(recorded), vitals.clone());
                }
                Amendment::Withdrawn { taken_at, parameters } => {
                    self.withdraw((*taken_at).min(recorded), parameters);
                }
            }
        }
        self.current != before
    }

    /// The monitor's clock was set back: what comes from now on is newer than all there is.
    pub fn clock_set_back(&mut self) {
        self.epoch += 1;
    }

    fn insert(&mut self, seq: Seq, taken_at: Timestamp, vitals: VitalSigns) -> bool {
        if vitals.is_empty() {
            return false;
        }
        let reading = Reading { at: (self.epoch, taken_at), seq, vitals };
        let place = self.recent.partition_point(|earlier| earlier.at <= reading.at);
        let newest = place == self.recent.len();
        if newest {
            self.current.take(&reading);
        }
        self.recent.insert(place, reading);
        if self.recent.len() > REMEMBERED_READINGS
            && let Some(oldest) = self.recent.pop_front()
        {
            self.base.take(&oldest);
        }
        newest || self.merge_again()
    }

    fn withdraw(&mut self, at: Timestamp, parameters: &[String]) {
        for parameter in parameters {
            // Whichever epoch it was measured in: the sender means the time it sent.
            for reading in self.recent.iter_mut().filter(|reading| reading.at.1 == at) {
                reading.vitals.clear(parameter);
            }
            self.base.withdraw(at, parameter);
        }
        self.recent.retain(|reading| !reading.vitals.is_empty());
        self.merge_again();
    }

    /// Whether that changed anything.
    fn merge_again(&mut self) -> bool {
        let mut merged = self.base.clone();
        self.recent.iter().for_each(|reading| merged.take(reading));
        let changed = merged != self.current;
        self.current = merged;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::{MonitorProtocol, MonitorSource};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn source() -> MonitorSource {
        MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: String::new(),
            facility: String::new(),
            message_id: String::new(),
        }
    }

    fn pulse(rate: f64) -> VitalSigns {
        VitalSigns { heart_rate: Some(rate), ..VitalSigns::default() }
    }

    #[derive(Default)]
    struct Bedside {
        readings: Readings,
        seq: Seq,
    }

    impl Bedside {
        fn observe(&mut self, taken: i64, vitals: VitalSigns) -> bool {
            self.seq = self.seq.next();
            let observed = VitalsObserved { source: source(), taken_at: at(taken), vitals, rejected: Vec::new() };
            self.readings.observe(self.seq, at(1_000), &observed)
        }

        fn amend(&mut self, amendment: Amendment) -> bool {
            self.seq = self.seq.next();
            let amended = VitalsAmended { source: source(), amendments: vec![amendment] };
            self.readings.amend(self.seq, at(1_000), &amended)
        }

        fn pulse(&self) -> Option<f64> {
            self.readings.current().heart_rate
        }
    }

    #[test]
    fn a_late_value_does_not_take_the_place_of_a_newer_one() {
        let mut bedside = Bedside::default();
        assert!(bedside.observe(20, pulse(80.0)));
        assert!(!bedside.observe(10, pulse(120.0)));
        assert_eq!(bedside.pulse(), Some(80.0));
        let temperature = VitalSigns { temperature: Some(38.0), ..VitalSigns::default() };
        assert!(bedside.observe(10, temperature), "there is no newer one");
        assert_eq!(bedside.readings.current().temperature, Some(38.0));
    }

    #[test]
    fn a_correction_replaces_what_was_measured_then_and_no_later_value() {
        let mut bedside = Bedside::default();
        bedside.observe(10, pulse(180.0));
        assert!(bedside.amend(Amendment::Corrected { taken_at: at(10), vitals: pulse(80.0) }));
        assert_eq!(bedside.pulse(), Some(80.0));
        bedside.observe(20, pulse(90.0));
        assert!(!bedside.amend(Amendment::Corrected { taken_at: at(10), vitals: pulse(70.0) }));
        assert_eq!(bedside.pulse(), Some(90.0));
    }

    #[test]
    fn what_is_withdrawn_leaves_what_was_measured_before_it() {
        let mut bedside = Bedside::default();
        bedside.observe(10, pulse(80.0));
        bedside.observe(20, VitalSigns { spo2: Some(97.0), ..pulse(180.0) });
        let withdrawn = |taken| Amendment::Withdrawn { taken_at: at(taken), parameters: vec!["heart_rate".into()] };
        assert!(bedside.amend(withdrawn(20)));
        assert_eq!((bedside.pulse(), bedside.readings.current().spo2), (Some(80.0), Some(97.0)));
        assert!(bedside.amend(withdrawn(10)));
        assert_eq!(bedside.pulse(), None);
        assert!(bedside.readings.sources().all(|(sign, _)| sign != "heart_rate"));
    }

    #[test]
    fn a_clock_in_another_year_hides_nothing() {
        let mut bedside = Bedside::default();
        bedside.observe(9_999_999, pulse(80.0));
        assert!(bedside.observe(1_000, pulse(90.0)), "recorded no earlier than the first");
        assert_eq!(bedside.pulse(), Some(90.0));
        assert!(!bedside.observe(5, pulse(70.0)));
        bedside.readings.clock_set_back();
        assert!(bedside.observe(6, pulse(60.0)));
        assert_eq!(bedside.pulse(), Some(60.0));
    }

    proptest! {
        #[test]
        fn in_whatever_order_values_come_the_newest_counts_and_memory_is_bounded(
            values in proptest::collection::vec((0i64..500, 20.0f64..200.0), 1..200),
        ) {
            let mut bedside = Bedside::default();
            for (taken, rate) in &values {
                bedside.observe(*taken, pulse(*rate));
            }
            let newest = values.iter().map(|(taken, _)| *taken).max();
            let expected = values.iter().rev().find(|(taken, _)| Some(*taken) == newest).map(|(_, rate)| *rate);
            prop_assert_eq!(bedside.pulse(), expected);
            prop_assert!(bedside.readings.recent.len() <= REMEMBERED_READINGS);
        }
    }
}
