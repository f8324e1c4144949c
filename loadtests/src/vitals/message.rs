//! What monitors send in the benchmark: a full set of vital signs, as `healthsync_hl7::client` writes it.

use healthsync_events::{Consciousness, PatientId, Timestamp, VitalSigns};
use healthsync_hl7::client::oru_r01;

/// Messages of one monitor, each other than the one before.
#[derive(Debug, Clone)]
pub struct Monitor {
    patient: PatientId,
    /// Before each message identifier, so that monitors and runs do not repeat each other's.
    run: String,
    sent: u32,
}

impl Monitor {
    pub fn new(patient: PatientId, run: String) -> Self {
        Self { patient, run, sent: 0 }
    }

    /// The next message in its frame, and its identifier.
    pub fn next(&mut self, now: Timestamp) -> (String, Vec<u8>) {
        self.sent += 1;
        let id = format!("{}-{}", self.run, self.sent);
        // A patient whose score changes now and then, as one does whose vital signs wander.
        let wander = f64::from(self.sent % 40);
        let vitals = VitalSigns {
            heart_rate: Some(76.0 + wander),
            respiratory_rate: Some(14.0 + (wander / 4.0).floor()),
            spo2: Some(98.0 - (wander / 10.0).floor()),
            systolic_bp: Some(124.0 - wander / 2.0),
            diastolic_bp: Some(72.0),
            temperature: Some(37.1),
            consciousness: Some(Consciousness::Alert),
            supplemental_oxygen: Some(false),
        };
        let mut frame = vec![0x0b];
        frame.extend(oru_r01(&self.patient, &id, now, &vitals));
        frame.extend([0x1c, 0x0d]);
        (id, frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_differ_and_are_framed() {
        let mut monitor = Monitor::new("P1".parse().unwrap(), "r".into());
        let (first, frame) = monitor.next(Timestamp::from_millis(0));
        let (second, other) = monitor.next(Timestamp::from_millis(0));
        assert_ne!((first, &frame), (second, &other));
        assert!(frame.starts_with(b"\x0bMSH|") && frame.ends_with(b"\x1c\r"));
    }
}
