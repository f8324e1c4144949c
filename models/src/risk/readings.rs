//! The newest believed value of each vital sign, since when it stands, and for how long it may. A fold over
//! observations.

use super::{
    plausible::{Candidate, Verdict, judge},
    policy::MaxAge,
};
use healthsync_events::{
    Consciousness, Seq, Timestamp, VitalSign, VitalSigns,
    clinical::{Amendment, VitalsAmended, VitalsObserved},
    readings::Readings as NewestValues,
    risk::CarriedItem,
};
use std::collections::BTreeMap;

/// A monitor's clock further off than this is not believed: then the time of arrival counts.
const MAX_CLOCK_DIFFERENCE_MS: i64 = 5 * 60_000;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Reading<T> {
    value: T,
    at: Timestamp,
    seq: Seq,
}

/// Values in a row that were not believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Doubt {
    /// The last of them that a patient can have: it may be believed when it comes again.
    last: Option<Candidate>,
    /// The newest of them.
    newest: Seq,
    pub since: Timestamp,
    pub seq: Seq,
    pub count: u32,
}

/// What an observation brought, once judged.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Newer than what was known, and believed.
    pub believed: Vec<(VitalSign, f64)>,
    pub doubted: Vec<VitalSign>,
    /// Whether it said anything at all that can be scored.
    pub anything: bool,
}

/// What a correction or a withdrawal changed.
#[derive(Debug, Default)]
pub(super) struct Amended {
    pub values: Vec<(VitalSign, f64)>,
    /// Nothing is known of these any more.
    pub withdrawn: Vec<VitalSign>,
    pub anything: bool,
}

/// What is known of a patient at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOf {
    /// Only what is not too old.
    pub vitals: VitalSigns,
    /// What the newest observation did not bring.
    pub carried: Vec<CarriedItem>,
    /// The observations `vitals` are from, and the newest.
    pub inputs: Vec<Seq>,
}

#[derive(Debug, Clone, Default)]
pub struct Readings {
    /// What came, in the order in which it was measured.
    newest_values: NewestValues,
    numbers: BTreeMap<VitalSign, Reading<f64>>,
    consciousness: Option<Reading<Consciousness>>,
    oxygen: Option<Reading<bool>>,
    doubts: BTreeMap<VitalSign, Doubt>,
    newest: Option<Seq>,
}

impl Readings {
    /// Takes an observation in that was recorded at `at`. A value older than the one known changes nothing.
    pub(super) fn take(&mut self, observed: &VitalsObserved, seq: Seq, at: Timestamp) -> Taken {
        let mut taken = Taken { anything: self.newest_values.observe(seq, at, observed), ..Taken::default() };
        if !taken.anything {
            return taken;
        }
        self.newest = Some(seq);
        let measured = measured_at(observed.taken_at, at);
        for sign in VitalSign::ALL {
            let Some(value) = self.brought(sign, seq) else { continue };
            if self.judge(sign, value, measured, (seq, at)) {
                taken.believed.push((sign, value));
            } else {
                taken.doubted.push(sign);
            }
        }
        self.keep_up(Some(seq), measured);
        taken
    }

    /// Takes in what is said of earlier values. A correction is somebody's word and is not judged again.
    pub(super) fn amend(&mut self, amended: &VitalsAmended, seq: Seq, at: Timestamp) -> Amended {
        let gone = |sign: &VitalSign| self.numbers.get(sign).is_some_and(|known| withdraws(amended, *sign, known.at));
        let gone: Vec<VitalSign> = VitalSign::ALL.into_iter().filter(gone).collect();
        let anything = self.newest_values.amend(seq, at, amended) || !gone.is_empty();
        let mut changes = Amended { anything, ..Amended::default() };
        if !changes.anything {
            return changes;
        }
        self.newest = Some(seq);
        for sign in VitalSign::ALL {
            let known = self.numbers.get(&sign).map(|known| known.seq);
            let doubted = self.doubts.get(&sign).map(|doubt| doubt.newest);
            let Some((from, measured)) = self.newest_values.source(sign.name()) else {
                self.doubts.remove(&sign);
                changes.withdrawn.extend(self.numbers.remove(&sign).map(|_| sign));
                continue;
            };
            // Where what was believed is gone, nothing speaks against what was not.
            let others = Some(from) != known && (gone.contains(&sign) || Some(from) != doubted);
            let value = sign.of(self.newest_values.current()).filter(|_| others);
            if let Some(value) = value {
                self.doubts.remove(&sign);
                self.numbers.insert(sign, Reading { value, at: measured.min(at), seq: from });
                changes.values.push((sign, value));
            }
        }
        self.keep_up(None, at);
        changes
    }

    /// The monitor's clock was set back.
    pub(super) fn clock_set_back(&mut self) {
        self.newest_values.clock_set_back();
    }

    /// The value of a vital sign, where it is the newest and this event brought it.
    fn brought(&self, sign: VitalSign, seq: Seq) -> Option<f64> {
        let (from, _) = self.newest_values.source(sign.name())?;
        sign.of(self.newest_values.current()).filter(|_| from == seq)
    }

    /// Whether a value is believed; it then is what is known.
    fn judge(&mut self, sign: VitalSign, value: f64, measured: Timestamp, (seq, at): (Seq, Timestamp)) -> bool {
        let last = self.numbers.get(&sign).map(|known| (known.value, known.at));
        let doubt = self.doubts.get(&sign).copied();
        let verdict = judge(sign, value, measured, last, doubt.and_then(|doubt| doubt.last));
        if verdict == Verdict::Believed {
            self.doubts.remove(&sign);
            self.numbers.insert(sign, Reading { value, at: measured, seq });
            return true;
        }
        let kept = match verdict {
            Verdict::Impossible => doubt.and_then(|doubt| doubt.last),
            _ => Some(Candidate { value, at: measured }),
        };
        let next = match doubt {
            Some(doubt) => Doubt { last: kept, newest: seq, count: doubt.count.saturating_add(1), ..doubt },
            None => Doubt { last: kept, newest: seq, since: at, seq, count: 1 },
        };
        self.doubts.insert(sign, next);
        false
    }

    /// Consciousness and oxygen are somebody's word: there is nothing to judge. What `observed` brought was measured at
    /// `measured`, anything else when its source says, and not later than that.
    fn keep_up(&mut self, observed: Option<Seq>, measured: Timestamp) {
        let values = self.newest_values.current();
        let (level, oxygen) = (values.consciousness, values.supplemental_oxygen);
        let source = |field: &str| self.newest_values.source(field);
        self.consciousness = kept(self.consciousness, level, source("consciousness"), observed, measured);
        self.oxygen = kept(self.oxygen, oxygen, source("supplemental_oxygen"), observed, measured);
    }

    /// Values of a vital sign in a row that are not believed.
    pub(super) fn doubt(&self, sign: VitalSign) -> Option<&Doubt> {
        self.doubts.get(&sign)
    }

    /// The newest believed value, however old.
    pub(super) fn value(&self, sign: VitalSign) -> Option<f64> {
        self.numbers.get(&sign).map(|reading| reading.value)
    }

    /// What is known at `now`, with what is too old left out.
    pub fn as_of(&self, now: Timestamp, max_age: &MaxAge) -> AsOf {
        let mut view =
            View { now, newest: self.newest, vitals: VitalSigns::default(), carried: vec![], inputs: vec![] };
        for sign in VitalSign::ALL {
            let Some(reading) = self.numbers.get(&sign) else { continue };
            let doubted = self.doubts.contains_key(&sign);
            if view.admits(sign.name(), reading, max_age.of(sign), doubted) {
                sign.set(&mut view.vitals, Some(reading.value));
            }
        }
        if let Some(reading) = &self.consciousness
            && view.admits("consciousness", reading, max_age.slow_seconds(), false)
        {
            view.vitals.consciousness = Some(reading.value);
        }
        if let Some(reading) = &self.oxygen
            && view.admits("supplemental_oxygen", reading, max_age.slow_seconds(), false)
        {
            view.vitals.supplemental_oxygen = Some(reading.value);
        }
        view.inputs.extend(self.newest);
        view.inputs.sort_unstable();
        view.inputs.dedup();
        AsOf { vitals: view.vitals, carried: view.carried, inputs: view.inputs }
    }
}

struct View {
    now: Timestamp,
    newest: Option<Seq>,
    vitals: VitalSigns,
    carried: Vec<CarriedItem>,
    inputs: Vec<Seq>,
}

impl View {
    /// Whether a reading is young enough; notes what is carried forward, and what is too old for that.
    fn admits<T>(&mut self, parameter: &str, reading: &Reading<T>, max_age_seconds: u32, doubted: bool) -> bool {
        let stale = self.now.millis() - reading.at.millis() > i64::from(max_age_seconds) * 1_000;
        if stale || doubted || Some(reading.seq) != self.newest {
            let (parameter, measured_at) = (parameter.to_owned(), reading.at);
            self.carried.push(CarriedItem { parameter, measured_at, max_age_seconds, stale, doubted });
        }
        if !stale {
            self.inputs.push(reading.seq);
        }
        !stale
    }
}

/// Whether somebody withdraws the value of a vital sign that was measured then.
fn withdraws(amended: &VitalsAmended, sign: VitalSign, measured: Timestamp) -> bool {
    amended.amendments.iter().any(|amendment| match amendment {
        Amendment::Withdrawn { taken_at, parameters } => {
            *taken_at == measured && parameters.iter().any(|parameter| parameter == sign.name())
        }
        Amendment::Earlier { .. } | Amendment::Corrected { .. } => false,
    })
}

/// What is known of a value that comes from `source`, where this event brought it or it did not change.
fn kept<T: Copy>(
    known: Option<Reading<T>>,
    value: Option<T>,
    source: Option<(Seq, Timestamp)>,
    observed: Option<Seq>,
    measured: Timestamp,
) -> Option<Reading<T>> {
    let (value, (from, at)) = (value?, source?);
    match known {
        Some(known) if known.seq == from => Some(Reading { value, ..known }),
        _ => Some(Reading { value, at: if Some(from) == observed { measured } else { at.min(measured) }, seq: from }),
    }
}

/// The monitor's time where it can be believed.
fn measured_at(taken: Timestamp, received: Timestamp) -> Timestamp {
    if (taken.millis() - received.millis()).abs() <= MAX_CLOCK_DIFFERENCE_MS { taken.min(received) } else { received }
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_events::{MonitorProtocol, MonitorSource};

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    fn observed(taken_at: Timestamp, vitals: VitalSigns) -> VitalsObserved {
        let source = MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: "m".into(),
            facility: "w".into(),
            message_id: "1".into(),
        };
        VitalsObserved { source, taken_at, vitals, rejected: vec![] }
    }

    fn pulse(value: f64) -> VitalSigns {
        VitalSigns { heart_rate: Some(value), ..VitalSigns::default() }
    }

    fn warmth(value: f64) -> VitalSigns {
        VitalSigns { temperature: Some(value), ..VitalSigns::default() }
    }

    #[test]
    fn what_an_observation_lacks_is_carried_forward_with_its_time_and_then_left_out() {
        let (mut readings, policy) = (Readings::default(), MaxAge::default());
        readings.take(&observed(at(0), pulse(80.0)), Seq(1), at(0));
        readings.take(&observed(at(10), warmth(37.0)), Seq(2), at(10));
        let soon = readings.as_of(at(10), &policy);
        assert_eq!((soon.vitals.heart_rate, soon.inputs), (Some(80.0), vec![Seq(1), Seq(2)]));
        assert_eq!(soon.carried.len(), 1);
        assert_eq!((soon.carried[0].parameter.as_str(), soon.carried[0].measured_at), ("heart_rate", at(0)));
        assert!(!soon.carried[0].stale);
        // At the bound it counts, a minute later it does not.
        let bound = i64::from(policy.of(VitalSign::HeartRate)) / 60;
        assert_eq!(readings.as_of(at(bound), &policy).vitals.heart_rate, Some(80.0));
        let late = readings.as_of(at(bound + 1), &policy);
        assert_eq!((late.vitals.heart_rate, late.carried[0].stale), (None, true));
        assert_eq!(late.inputs, [Seq(2)]);
    }

    #[test]
    fn a_late_value_does_not_replace_a_newer_one() {
        let mut readings = Readings::default();
        readings.take(&observed(at(10), pulse(80.0)), Seq(1), at(10));
        readings.take(&observed(at(8), pulse(120.0)), Seq(2), at(11));
        assert_eq!(readings.as_of(at(11), &MaxAge::default()).vitals.heart_rate, Some(80.0));
    }

    #[test]
    fn a_clock_that_is_hours_off_is_not_believed() {
        let mut readings = Readings::default();
        readings.take(&observed(at(0), pulse(80.0)), Seq(1), at(600));
        readings.take(&observed(at(900), pulse(90.0)), Seq(2), at(601));
        readings.take(&observed(at(602), pulse(95.0)), Seq(3), at(602));
        let known = readings.as_of(at(602), &MaxAge::default());
        assert_eq!((known.vitals.heart_rate, known.carried), (Some(95.0), vec![]));
    }

    #[test]
    fn a_value_that_is_not_believed_leaves_the_last_one_and_says_so() {
        let mut readings = Readings::default();
        readings.take(&observed(at(0), pulse(80.0)), Seq(1), at(0));
        let taken = readings.take(&observed(at(0), pulse(180.0)), Seq(2), at(0));
        assert_eq!((taken.believed.len(), taken.doubted), (0, vec![VitalSign::HeartRate]));
        let known = readings.as_of(at(0), &MaxAge::default());
        assert_eq!((known.vitals.heart_rate, known.carried[0].doubted), (Some(80.0), true));
        assert_eq!(known.inputs, [Seq(1), Seq(2)], "the observation that was scored is named");
        let again = readings.take(&observed(at(0), pulse(178.0)), Seq(3), at(0));
        assert_eq!(again.believed, [(VitalSign::HeartRate, 178.0)]);
    }

    #[test]
    fn what_was_said_late_is_as_old_as_it_is_and_what_was_withdrawn_speaks_against_nothing() {
        let mut readings = Readings::default();
        let source = observed(at(0), pulse(180.0)).source;
        let amended = |amendment| VitalsAmended { source: source.clone(), amendments: vec![amendment] };
        readings.take(&observed(at(800), pulse(180.0)), Seq(1), at(800));
        assert_eq!(readings.take(&observed(at(801), pulse(70.0)), Seq(2), at(801)).doubted.len(), 1);
        let alert = VitalSigns { consciousness: Some(Consciousness::Alert), ..VitalSigns::default() };
        let late = Amendment::Earlier { taken_at: at(10), vitals: alert };
        readings.amend(&amended(late), Seq(3), at(802));
        let known = readings.as_of(at(802), &MaxAge::default());
        assert_eq!((known.vitals.consciousness, known.vitals.heart_rate), (None, Some(180.0)), "13 hours are too old");
        let withdrawn = Amendment::Withdrawn { taken_at: at(800), parameters: vec!["heart_rate".into()] };
        let changed = readings.amend(&amended(withdrawn), Seq(4), at(803));
        assert_eq!(changed.values, [(VitalSign::HeartRate, 70.0)]);
    }
}
