//! Alarms from NEWS2, with hysteresis: raised at once, cleared only when the score has stayed away. A fold over
//! the session's events, so that a restarted actor knows what it had raised.

use healthsync_events::{
    AlarmId, Event, EventBody, Seq, SessionId,
    risk::{AlarmCleared, AlarmKind, AlarmPriority, AlarmRaised, RiskBand, RiskScored},
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Scores in a row that must stay away before an alarm clears: one good reading between bad ones is more often
/// a moved sensor than a better patient.
const CLEAR_AFTER: u32 = 2;

/// The alarms of a session.
#[derive(Debug, Default)]
pub struct AlarmLogic {
    active: BTreeMap<Kind, Active>,
}

#[derive(Debug)]
struct Active {
    alarm: AlarmId,
    /// Scores in a row that did not call for it.
    quiet: u32,
}

/// [`AlarmKind`] in the order of urgency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    SingleParameter,
    Urgent,
    Emergency,
}

impl Kind {
    const ALL: [Self; 3] = [Self::SingleParameter, Self::Urgent, Self::Emergency];

    /// Of a total of 5 or more only the most urgent alarm is raised: two for one reading tire those who hear
    /// them.
    fn called_for(self, scored: &RiskScored) -> bool {
        match self {
            Self::Emergency => scored.band == RiskBand::High,
            Self::Urgent => scored.band == RiskBand::Medium,
            Self::SingleParameter => scored.band == RiskBand::LowMedium,
        }
    }

    const fn wire(self) -> AlarmKind {
        match self {
            Self::SingleParameter => AlarmKind::News2SingleParameter,
            Self::Urgent => AlarmKind::News2Urgent,
            Self::Emergency => AlarmKind::News2Emergency,
        }
    }

    const fn of(kind: AlarmKind) -> Self {
        match kind {
            AlarmKind::News2SingleParameter => Self::SingleParameter,
            AlarmKind::News2Urgent => Self::Urgent,
            AlarmKind::News2Emergency => Self::Emergency,
        }
    }

    const fn priority(self) -> AlarmPriority {
        match self {
            Self::SingleParameter => AlarmPriority::Low,
            Self::Urgent => AlarmPriority::Medium,
            Self::Emergency => AlarmPriority::High,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::SingleParameter => "NEWS2: one parameter scores 3, ward-based review",
            Self::Urgent => "NEWS2 is 5 or 6, urgent response",
            Self::Emergency => "NEWS2 is 7 or more, emergency response",
        }
    }
}

impl AlarmLogic {
    /// Takes a recorded event in.
    pub fn apply(&mut self, event: &Event) {
        match &event.body {
            EventBody::AlarmRaised(raised) => {
                self.active.insert(Kind::of(raised.kind), Active { alarm: raised.alarm, quiet: 0 });
            }
            EventBody::AlarmCleared(cleared) => {
                self.active.remove(&Kind::of(cleared.kind));
            }
            EventBody::RiskScored(scored) => {
                for (kind, active) in &mut self.active {
                    active.quiet = if kind.called_for(scored) { 0 } else { active.quiet + 1 };
                }
            }
            _ => {}
        }
    }

    /// What the score at `seq` calls for; to be asked after [`Self::apply`] has taken it in. The answer is the
    /// same however often it is asked: alarms are named after their session, score and kind.
    pub fn due(&self, session: SessionId, seq: Seq, scored: &RiskScored) -> Vec<EventBody> {
        let mut due = Vec::new();
        let worst = Kind::ALL.into_iter().rev().find(|kind| kind.called_for(scored));
        for kind in Kind::ALL {
            match self.active.get(&kind) {
                None if worst == Some(kind) => due.push(EventBody::AlarmRaised(AlarmRaised {
                    alarm: name(session, seq, kind),
                    kind: kind.wire(),
                    priority: kind.priority(),
                    message: kind.message().into(),
                    because: seq,
                })),
                // A more urgent alarm takes the place of a lesser one at once.
                Some(active) if active.quiet >= CLEAR_AFTER || worst > Some(kind) => {
                    due.push(EventBody::AlarmCleared(AlarmCleared {
                        alarm: active.alarm,
                        kind: kind.wire(),
                        because: seq,
                    }));
                }
                _ => {}
            }
        }
        due
    }
}

/// A UUID of version 8 (RFC 9562) made from what the alarm is about.
fn name(session: SessionId, seq: Seq, kind: Kind) -> AlarmId {
    let digest = Sha256::digest(format!("{session}/{seq}/{kind:?}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    AlarmId(Uuid::new_v8(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::news2;
    use healthsync_events::{Timestamp, VERSION, VitalSigns, risk::Spo2Scale};

    struct Bedside {
        logic: AlarmLogic,
        seq: Seq,
        log: Vec<Event>,
    }

    impl Bedside {
        fn new() -> Self {
            Self { logic: AlarmLogic::default(), seq: Seq(0), log: Vec::new() }
        }

        fn record(&mut self, body: EventBody) -> Seq {
            self.seq = self.seq.next();
            let event = Event {
                v: VERSION,
                session: SessionId(Uuid::nil()),
                seq: self.seq,
                at: Timestamp::from_millis(0),
                body,
            };
            self.logic.apply(&event);
            self.log.push(event);
            self.seq
        }

        /// Scores a pulse and records what follows; returns the kinds raised and cleared.
        fn pulse(&mut self, vitals: &VitalSigns) -> Vec<String> {
            let scored = news2::score(vitals, Spo2Scale::Scale1).unwrap().into_scored(vec![]);
            let seq = self.record(EventBody::RiskScored(scored.clone()));
            let due = self.logic.due(SessionId(Uuid::nil()), seq, &scored);
            assert_eq!(due, self.logic.due(SessionId(Uuid::nil()), seq, &scored), "the answer is always the same");
            due.into_iter()
                .map(|body| {
                    let told = match &body {
                        EventBody::AlarmRaised(a) => format!("+{:?}", a.kind),
                        EventBody::AlarmCleared(a) => format!("-{:?}", a.kind),
                        _ => unreachable!(),
                    };
                    self.record(body);
                    told
                })
                .collect()
        }
    }

    fn vitals(heart_rate: f64, respiratory_rate: f64) -> VitalSigns {
        VitalSigns { heart_rate: Some(heart_rate), respiratory_rate: Some(respiratory_rate), ..VitalSigns::default() }
    }

    #[test]
    fn an_alarm_is_raised_at_once_and_cleared_after_two_quiet_scores() {
        let mut bedside = Bedside::new();
        assert_eq!(bedside.pulse(&vitals(125.0, 26.0)), ["+News2Urgent"]);
        assert!(bedside.pulse(&vitals(125.0, 26.0)).is_empty(), "it is raised once");
        assert!(bedside.pulse(&vitals(80.0, 16.0)).is_empty(), "one good reading clears nothing");
        assert!(bedside.pulse(&vitals(125.0, 26.0)).is_empty());
        assert!(bedside.pulse(&vitals(80.0, 16.0)).is_empty());
        assert_eq!(bedside.pulse(&vitals(80.0, 16.0)), ["-News2Urgent"]);
    }

    #[test]
    fn an_emergency_takes_the_place_of_an_urgent_alarm() {
        let mut bedside = Bedside::new();
        bedside.pulse(&vitals(125.0, 26.0));
        let worse = VitalSigns { spo2: Some(90.0), ..vitals(125.0, 26.0) };
        assert_eq!(bedside.pulse(&worse), ["-News2Urgent", "+News2Emergency"]);
    }

    #[test]
    fn a_replay_knows_the_alarms_that_stand() {
        let mut bedside = Bedside::new();
        bedside.pulse(&vitals(125.0, 26.0));
        let mut replayed = AlarmLogic::default();
        bedside.log.iter().for_each(|event| replayed.apply(event));
        let scored = news2::score(&vitals(125.0, 26.0), Spo2Scale::Scale1).unwrap().into_scored(vec![]);
        assert!(replayed.due(SessionId(Uuid::nil()), Seq(9), &scored).is_empty());
    }
}
