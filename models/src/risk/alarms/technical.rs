//! Alarms about the equipment: a sensor that came off, a monitor that fell silent. What was measured now and then is not
//! missed, so that silence means something only where there was a rhythm.

use healthsync_events::{Seq, Timestamp, VitalSign};
use std::collections::BTreeMap;

/// What sensors measure all the time. Cuffs and thermometers are used now and then.
pub(super) const CONTINUOUS: [VitalSign; 3] = [VitalSign::HeartRate, VitalSign::RespiratoryRate, VitalSign::Spo2];

/// Readings after which a rhythm is known.
const KNOWN_AFTER: u32 = 3;

/// Longest interval between readings that still is a rhythm.
const MAX_INTERVAL_MS: i64 = 5 * 60_000;

/// Intervals without a reading after which something is wrong, and the least time for that.
const MISSED: i64 = 5;
const LEAST_SILENCE_MS: i64 = 30_000;

/// Values in a row that are not believed, and for how long, after which a sensor is suspected.
const DOUBTS: u32 = 3;
const DOUBT_MS: i64 = 10_000;

/// When readings come.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rhythm {
    pub last: Timestamp,
    pub seq: Seq,
    count: u32,
    interval_ms: i64,
}

impl Rhythm {
    fn take(rhythm: &mut Option<Self>, at: Timestamp, seq: Seq) {
        let Some(known) = rhythm else {
            *rhythm = Some(Self { last: at, seq, count: 1, interval_ms: 0 });
            return;
        };
        let interval = at.millis() - known.last.millis();
        if known.silent_from().is_some_and(|from| at >= from) {
            // After a silence the rhythm may be another one.
            known.count = 0;
        }
        known.interval_ms = match known.count {
            0 => 0,
            1 => interval,
            // A mean that forgets: a quarter of it is new.
            _ => (known.interval_ms * 3 + interval) / 4,
        };
        (known.last, known.seq, known.count) = (at, seq, known.count.saturating_add(1));
    }

    /// From when on silence means that something is wrong; `None` without a rhythm.
    pub fn silent_from(&self) -> Option<Timestamp> {
        let rhythmic = self.count >= KNOWN_AFTER && self.interval_ms <= MAX_INTERVAL_MS;
        let patience = (self.interval_ms * MISSED).max(LEAST_SILENCE_MS);
        rhythmic.then(|| Timestamp::from_millis(self.last.millis() + patience))
    }

    fn is_silent(&self, now: Timestamp) -> bool {
        self.silent_from().is_some_and(|from| now >= from)
    }
}

/// The rhythms of a monitor's messages and of its sensors, folded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Rhythms {
    pub messages: Option<Rhythm>,
    pub sensors: BTreeMap<VitalSign, Option<Rhythm>>,
}

impl Rhythms {
    pub fn take(&mut self, sensed: impl Fn(VitalSign) -> bool, at: Timestamp, seq: Seq) {
        Rhythm::take(&mut self.messages, at, seq);
        for sign in CONTINUOUS.into_iter().filter(|sign| sensed(*sign)) {
            Rhythm::take(self.sensors.entry(sign).or_default(), at, seq);
        }
    }

    /// The last message, where the monitor has fallen silent since.
    pub fn no_data(&self, now: Timestamp) -> Option<Seq> {
        self.messages.as_ref().filter(|messages| messages.is_silent(now)).map(|messages| messages.seq)
    }

    /// The sensor's last reading, where it has fallen silent while the monitor has not.
    pub fn sensor_off(&self, sign: VitalSign, now: Timestamp) -> Option<Seq> {
        let sensor = self.sensors.get(&sign)?.as_ref().filter(|sensor| sensor.is_silent(now))?;
        let goes_on = self.messages.as_ref().is_some_and(|messages| messages.last > sensor.last);
        (goes_on && self.no_data(now).is_none()).then_some(sensor.seq)
    }

    /// The newest reading of a sensor.
    pub fn newest(&self, sign: VitalSign) -> Option<Seq> {
        self.sensors.get(&sign)?.as_ref().map(|sensor| sensor.seq)
    }
}

/// Whether values that are not believed have come often enough, and for long enough, to suspect the sensor.
pub(super) fn is_artefact(count: u32, since: Timestamp, now: Timestamp) -> bool {
    count >= DOUBTS && now.millis() - since.millis() >= DOUBT_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn silence_means_something_only_where_there_was_a_rhythm() {
        let mut rhythms = Rhythms::default();
        for (n, seconds) in [0, 3_600, 7_200, 10_800].into_iter().enumerate() {
            rhythms.take(|_| true, at(seconds), Seq(n as u64 + 1));
        }
        assert_eq!(rhythms.no_data(at(1_000_000)), None, "hourly charting is no rhythm");
        let mut rhythms = Rhythms::default();
        for second in 0..10 {
            rhythms.take(|_| true, at(second), Seq(second as u64 + 1));
        }
        assert_eq!(rhythms.no_data(at(38)), None);
        assert_eq!(rhythms.no_data(at(39)), Some(Seq(10)));
        assert_eq!(rhythms.sensor_off(VitalSign::Spo2, at(39)), None, "one alarm is enough");
    }

    #[test]
    fn a_sensor_is_off_when_the_others_go_on() {
        let mut rhythms = Rhythms::default();
        for second in 0..100 {
            rhythms.take(|sign| sign != VitalSign::Spo2 || second < 50, at(second), Seq(second as u64 + 1));
        }
        assert_eq!(rhythms.sensor_off(VitalSign::Spo2, at(99)), Some(Seq(50)));
        assert_eq!(rhythms.sensor_off(VitalSign::HeartRate, at(99)), None);
    }

    #[test]
    fn after_a_silence_a_slower_rhythm_is_learned() {
        let mut rhythms = Rhythms::default();
        for second in 0..10 {
            rhythms.take(|_| true, at(second), Seq(second as u64 + 1));
        }
        for minute in 1..6 {
            rhythms.take(|_| true, at(minute * 60), Seq(minute as u64 + 10));
        }
        assert_eq!(rhythms.no_data(at(5 * 60 + 299)), None);
        assert_eq!(rhythms.no_data(at(5 * 60 + 300)), Some(Seq(15)));
    }
}
