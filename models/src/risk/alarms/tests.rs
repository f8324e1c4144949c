//! The alarm machine at a bedside whose time the test decides on.

mod resuming;

use crate::risk::{Bedside, Policy, policy::ScorePolicy};
use healthsync_events::{
    AlarmId, Consciousness, Event, EventBody, MonitorProtocol, MonitorSource, Seq, SessionId, Timestamp, VERSION,
    VitalSign, VitalSigns,
    alarm::{AlarmAcknowledged, AlarmClass, AlarmClearReason, AlarmSilenced},
    clinical::VitalsObserved,
    monitoring::{AlarmLimits, MonitoringChanged},
};
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// Owner of a log and of the bedside that folds it.
struct Ward {
    bedside: Bedside,
    log: Vec<Event>,
    now: i64,
    told: Vec<String>,
}

fn bedside() -> Bedside {
    Bedside::new(SessionId(Uuid::nil()), Arc::new(Policy::default()))
}

/// Where no score runs.
fn unscored() -> Ward {
    let scores = ScorePolicy { adult: vec![], ..ScorePolicy::default() };
    let policy = Policy { scores, ..Policy::default() };
    Ward { bedside: Bedside::new(SessionId(Uuid::nil()), Arc::new(policy)), ..Ward::new() }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

impl Ward {
    fn new() -> Self {
        Self { bedside: bedside(), log: Vec::new(), now: 0, told: Vec::new() }
    }

    fn record(&mut self, body: EventBody) {
        self.told.extend(told(&body));
        let seq = Seq(self.log.len() as u64 + 1);
        let event = Event { v: VERSION, session: SessionId(Uuid::nil()), seq, at: at(self.now), body };
        self.bedside.apply(&event);
        self.log.push(event);
    }

    /// Records what is owed until nothing is.
    fn settle(&mut self) {
        for _ in 0..20 {
            let due = self.bedside.due(at(self.now));
            assert_eq!(due, self.bedside.due(at(self.now)), "the answer is always the same");
            if due.is_empty() {
                return;
            }
            for body in due {
                self.record(body);
            }
        }
        panic!("there is always something owed: {:?}", self.bedside.due(at(self.now)));
    }

    /// Lets time pass, and wakes the bedside whenever it asked to be.
    fn wait_until(&mut self, seconds: f64) {
        let until = (seconds * 1_000.0) as i64;
        while let Some(due) = self.bedside.next_due(at(self.now)).filter(|due| due.millis() <= until) {
            assert!(due.millis() > self.now, "it never asks for the past");
            self.now = due.millis();
            self.settle();
        }
        self.now = until;
    }

    /// Something happens at a time; returns what was told since the last.
    fn happens(&mut self, seconds: f64, body: EventBody) -> Vec<String> {
        self.wait_until(seconds);
        self.record(body);
        self.settle();
        std::mem::take(&mut self.told)
    }

    fn observe(&mut self, seconds: f64, vitals: VitalSigns) -> Vec<String> {
        let source = MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: "m".into(),
            facility: "w".into(),
            message_id: format!("{}", self.log.len()),
        };
        let taken_at = at((seconds * 1_000.0) as i64);
        self.happens(seconds, EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] }))
    }

    fn passes(&mut self, seconds: f64) -> Vec<String> {
        self.wait_until(seconds);
        std::mem::take(&mut self.told)
    }

    /// The newest alarm raised.
    fn newest(&self) -> AlarmId {
        let raised = |event: &Event| match &event.body {
            EventBody::AlarmRaised(raised) => Some(raised.alarm),
            _ => None,
        };
        self.log.iter().rev().find_map(raised).unwrap()
    }

    fn acknowledge(&mut self, seconds: f64) -> Vec<String> {
        let by = "clinician".parse().unwrap();
        self.happens(seconds, EventBody::AlarmAcknowledged(AlarmAcknowledged { alarm: self.newest(), by }))
    }
}

fn told(body: &EventBody) -> Option<String> {
    Some(match body {
        EventBody::AlarmRaised(raised) => format!("+{:?}", raised.kind),
        EventBody::AlarmCleared(cleared) => format!("-{:?} {:?}", cleared.kind, cleared.reason),
        EventBody::AlarmLatched(_) => "latched".into(),
        EventBody::AlarmEscalated(escalated) => format!("again {} {:?}", escalated.step, escalated.reason),
        _ => return None,
    })
}

const HOUR: f64 = 3_600.0;

/// NEWS2 of 0 as far as it goes.
fn well() -> VitalSigns {
    vitals(70.0, 16.0)
}

fn vitals(heart_rate: f64, respiratory_rate: f64) -> VitalSigns {
    VitalSigns { heart_rate: Some(heart_rate), respiratory_rate: Some(respiratory_rate), ..VitalSigns::default() }
}

/// NEWS2 of 5.
fn urgent() -> VitalSigns {
    vitals(112.0, 25.0)
}

/// NEWS2 of 8.
fn emergency() -> VitalSigns {
    VitalSigns { spo2: Some(91.0), ..urgent() }
}

fn saturated(spo2: f64) -> VitalSigns {
    VitalSigns { spo2: Some(spo2), ..VitalSigns::default() }
}

#[test]
fn an_emergency_is_raised_at_once_and_over_when_the_score_has_stayed_low_for_six_hours() {
    let mut ward = Ward::new();
    assert_eq!(ward.observe(0.0, emergency()), ["+News2Emergency"]);
    ward.acknowledge(30.0);
    assert!(ward.observe(HOUR, emergency()).is_empty(), "it is raised once");
    let better = VitalSigns { spo2: Some(97.0), ..well() };
    assert!(ward.observe(2.0 * HOUR, better.clone()).is_empty(), "one good reading clears nothing");
    assert!(ward.observe(3.0 * HOUR, emergency()).is_empty(), "nor does one that is followed by a bad one");
    assert!(ward.observe(4.0 * HOUR, better.clone()).is_empty());
    (5..=9).for_each(|hour| assert!(ward.observe(f64::from(hour) * HOUR, better.clone()).is_empty()));
    assert_eq!(ward.observe(10.0 * HOUR, better), ["-News2Emergency ConditionOver"]);
}

#[test]
fn an_emergency_takes_the_place_of_an_urgent_alarm() {
    let mut ward = Ward::new();
    assert_eq!(ward.observe(0.0, urgent()), ["+News2Urgent"]);
    assert_eq!(ward.observe(60.0, emergency()), ["+News2Emergency", "-News2Urgent Superseded"]);
}

#[test]
fn a_single_parameter_is_confirmed_by_the_next_score_or_by_nobody_saying_otherwise() {
    let mut ward = Ward::new();
    let red = || vitals(70.0, 25.0);
    assert!(ward.observe(0.0, red()).is_empty());
    assert!(ward.observe(60.0, well()).is_empty(), "it was one reading");
    assert!(ward.observe(120.0, red()).is_empty());
    assert_eq!(ward.observe(180.0, red()), ["+News2SingleParameter"]);
    let mut alone = Ward::new();
    alone.observe(0.0, red());
    assert!(alone.passes(74.0 * 60.0).is_empty());
    assert_eq!(alone.passes(75.0 * 60.0), ["+News2SingleParameter"]);
}

#[test]
fn an_urgent_score_among_others_is_confirmed_by_the_next_or_by_its_absence_and_an_emergency_needs_neither() {
    let mut ward = Ward::new();
    assert!(ward.observe(0.0, well()).is_empty());
    assert!(ward.observe(60.0, urgent()).is_empty());
    assert!(ward.observe(120.0, well()).is_empty(), "it was one reading");
    assert!(ward.observe(180.0, urgent()).is_empty());
    assert_eq!(ward.observe(240.0, urgent()), ["+News2Urgent"]);
    let mut silent = Ward::new();
    silent.observe(0.0, well());
    silent.observe(60.0, urgent());
    assert!(silent.passes(134.0).is_empty());
    assert_eq!(silent.passes(135.0), ["+News2Urgent"], "the next is a quarter of a minute late");
    let mut worse = Ward::new();
    worse.observe(0.0, well());
    assert_eq!(worse.observe(60.0, emergency()), ["+News2Emergency"]);
}

#[test]
fn an_urgent_score_that_nothing_is_expected_after_is_raised_at_once() {
    assert_eq!(Ward::new().observe(0.0, urgent()), ["+News2Urgent"]);
    let mut rarely = Ward::new();
    rarely.observe(0.0, well());
    assert_eq!(rarely.observe(4.0 * HOUR, urgent()), ["+News2Urgent"]);
}

#[test]
fn of_scores_that_were_held_back_the_newest_is_made_and_alarms() {
    let mut ward = Ward::new();
    ward.bedside.hold_scores();
    (0..4).for_each(|minute| assert!(ward.observe(f64::from(minute) * 60.0, well()).is_empty()));
    assert!(ward.observe(240.0, emergency()).is_empty());
    let totals = |ward: &Ward| -> Vec<u8> {
        let total = |event: &Event| match &event.body {
            EventBody::RiskScored(score) => Some(score.total),
            _ => None,
        };
        ward.log.iter().filter_map(total).collect()
    };
    assert!(totals(&ward).is_empty(), "none is made meanwhile");
    ward.bedside.release_scores();
    ward.settle();
    assert_eq!(totals(&ward), [8]);
    assert_eq!(ward.passes(241.0), ["+News2Emergency"]);
    ward.observe(300.0, emergency());
    assert_eq!(totals(&ward), [8, 8], "and each one from then on");
}

#[test]
fn who_acknowledges_an_alarm_that_is_over_clears_it() {
    let mut ward = Ward::new();
    ward.observe(0.0, emergency());
    let better = VitalSigns { spo2: Some(97.0), ..well() };
    ward.observe(10.0, better.clone());
    ward.observe(20.0, better);
    assert_eq!(ward.acknowledge(30.0), ["-News2Emergency Acknowledged"]);
}

#[test]
fn a_limit_must_stay_broken_for_its_delay() {
    let mut ward = unscored();
    ward.observe(0.0, saturated(90.0));
    assert!(ward.observe(1.0, saturated(84.0)).is_empty());
    assert!(ward.observe(10.0, saturated(86.0)).is_empty(), "it was short");
    assert!(ward.observe(11.0, saturated(84.0)).is_empty());
    assert!(ward.passes(25.9).is_empty());
    assert_eq!(ward.passes(26.0), ["+LimitLow"]);
    let EventBody::AlarmRaised(raised) = &ward.log.last().unwrap().body else { unreachable!() };
    assert_eq!((raised.parameter, raised.value, raised.limit), (Some(VitalSign::Spo2), Some(84.0), Some(85.0)));
    assert_eq!(raised.message, "SpO₂ 84 % is below 85 %");
}

#[test]
fn a_limit_alarm_is_over_beyond_its_hysteresis_and_stands_until_it_is_seen() {
    let mut ward = unscored();
    ward.observe(0.0, saturated(84.0));
    ward.passes(15.0);
    assert!(ward.observe(20.0, saturated(86.0)).is_empty());
    assert!(ward.passes(60.0).is_empty(), "within the hysteresis it is not over");
    ward.observe(61.0, saturated(90.0));
    assert_eq!(ward.passes(76.0), ["again 1 Unacknowledged", "latched"]);
    assert_eq!(ward.acknowledge(80.0), ["-LimitLow Acknowledged"]);
    let mut seen = unscored();
    seen.observe(0.0, saturated(84.0));
    seen.passes(15.0);
    seen.acknowledge(16.0);
    seen.observe(20.0, saturated(92.0));
    assert_eq!(seen.passes(35.0), ["-LimitLow ConditionOver"]);
}

#[test]
fn a_limit_broken_anew_before_anybody_has_seen_its_alarm_alarms_anew() {
    let mut ward = unscored();
    ward.observe(0.0, saturated(84.0));
    assert_eq!(ward.passes(15.0), ["+LimitLow"]);
    ward.observe(16.0, saturated(92.0));
    assert_eq!(ward.passes(31.0), ["latched"]);
    ward.observe(40.0, saturated(83.0));
    assert_eq!(ward.passes(55.0), ["-LimitLow Superseded", "+LimitLow"]);
}

#[test]
fn an_emergency_that_has_called_in_vain_keeps_no_limit_silent() {
    let mut ward = Ward::new();
    ward.observe(0.0, VitalSigns { spo2: Some(84.0), ..urgent() });
    assert_eq!(ward.passes(179.0), ["again 1 Unacknowledged"]);
    assert_eq!(ward.passes(180.0), ["again 2 Unacknowledged", "+LimitLow"]);
}

#[test]
fn an_unanswered_emergency_covers_a_limit_until_it_is_acknowledged() {
    let mut ward = Ward::new();
    let sick = VitalSigns { spo2: Some(84.0), ..urgent() };
    assert_eq!(ward.observe(0.0, sick.clone()), ["+News2Emergency"]);
    assert!(ward.passes(50.0).is_empty(), "one alarm for one patient who is seen by nobody");
    ward.acknowledge(55.0);
    assert!(ward.passes(58.0).is_empty(), "who acknowledged saw that reading");
    assert_eq!(ward.observe(59.0, sick), ["+LimitLow"]);
}

#[test]
fn an_alarm_that_nobody_answers_calls_again_and_silence_postpones_that() {
    let mut ward = Ward::new();
    ward.observe(0.0, emergency());
    assert_eq!(ward.passes(60.0), ["again 1 Unacknowledged"]);
    assert_eq!(ward.passes(180.0), ["again 2 Unacknowledged"]);
    assert!(ward.passes(10_000.0).is_empty(), "the ladder has an end");

    let mut silenced = Ward::new();
    silenced.observe(0.0, emergency());
    let silence = |seconds| AlarmSilenced { alarm: None, by: "clinician".parse().unwrap(), seconds };
    silenced.happens(10.0, EventBody::AlarmSilenced(silence(120)));
    assert!(silenced.passes(129.0).is_empty());
    assert_eq!(silenced.passes(130.0), ["again 1 Unacknowledged"]);
    silenced.acknowledge(131.0);
    assert!(silenced.passes(10_000.0).is_empty(), "it was answered");
    let mut long = Ward::new();
    long.observe(0.0, emergency());
    long.happens(10.0, EventBody::AlarmSilenced(silence(300)));
    assert_eq!(long.passes(429.0), ["again 1 Unacknowledged"], "what was held back does not come all at once");
    assert_eq!(long.passes(430.0), ["again 2 Unacknowledged"]);
}

#[test]
fn an_acknowledgement_does_not_count_for_a_patient_who_got_worse() {
    let mut ward = Ward::new();
    ward.observe(0.0, emergency());
    ward.acknowledge(10.0);
    assert!(ward.observe(20.0, VitalSigns { temperature: Some(38.5), ..emergency() }).is_empty(), "one point more");
    let worse = VitalSigns { consciousness: Some(Consciousness::Voice), ..emergency() };
    assert_eq!(ward.observe(30.0, worse), ["again 1 Worse"]);
    assert_eq!(ward.passes(90.0), ["again 2 Unacknowledged"]);
}

#[test]
fn a_sensor_that_came_off_and_a_monitor_that_fell_silent_are_technical() {
    let mut ward = Ward::new();
    let both = VitalSigns { spo2: Some(97.0), ..well() };
    for second in 0..10 {
        assert!(ward.observe(f64::from(second), both.clone()).is_empty());
    }
    let told: Vec<_> = (10..60).flat_map(|second| ward.observe(f64::from(second), well())).collect();
    assert_eq!(told, ["+SensorOff"]);
    assert_eq!(ward.observe(60.0, both.clone()), ["-SensorOff ConditionOver"]);
    assert_eq!(ward.passes(200.0), ["+NoData"]);
    let technical = |event: &Event| match &event.body {
        EventBody::AlarmRaised(raised) => raised.class == AlarmClass::Technical,
        _ => true,
    };
    assert!(ward.log.iter().all(technical));
    assert_eq!(ward.observe(201.0, both), ["-NoData ConditionOver"]);
}

#[test]
fn values_that_jump_about_neither_score_nor_alarm_but_tell_of_the_sensor() {
    let mut ward = Ward::new();
    ward.observe(0.0, VitalSigns { spo2: Some(97.0), ..well() });
    let noise = [60.0, 25.0, 75.0, 40.0, 90.0 - 32.0, 24.0, 70.0, 45.0, 20.0, 65.0, 35.0, 80.0];
    let told: Vec<_> =
        (1..).zip(noise).flat_map(|(second, spo2)| ward.observe(f64::from(second), saturated(spo2))).collect();
    assert_eq!(told, ["+Artefact"]);
    let scores = ward.log.iter().filter_map(|event| match &event.body {
        EventBody::RiskScored(scored) => Some((scored.total, scored.carried.iter().any(|item| item.doubted))),
        _ => None,
    });
    assert_eq!(scores.skip(1).collect::<BTreeSet<_>>(), BTreeSet::from([(0, true)]));
    assert_eq!(ward.observe(20.0, saturated(96.0)), ["-Artefact ConditionOver"]);
}

fn monitoring(limits: Vec<AlarmLimits>, age_months: Option<u16>) -> EventBody {
    let by = "clinician".parse().unwrap();
    EventBody::MonitoringChanged(MonitoringChanged { by, age_months, scores: None, limits, default_limits: vec![] })
}

#[test]
fn changed_limits_hold_at_once_and_a_limit_that_is_gone_takes_its_alarm_with_it() {
    let mut ward = unscored();
    ward.observe(0.0, saturated(89.0));
    let limit = |low, delay_seconds| AlarmLimits { parameter: VitalSign::Spo2, low, high: None, delay_seconds };
    assert_eq!(ward.happens(1.0, monitoring(vec![limit(Some(90.0), Some(0))], None)), ["+LimitLow"]);
    assert_eq!(ward.happens(2.0, monitoring(vec![limit(None, None)], None)), ["-LimitLow MonitoringChanged"]);
    assert!(ward.observe(3.0, saturated(80.0)).is_empty());
    assert!(ward.passes(2_000.0).is_empty());
}

#[test]
fn a_child_is_scored_and_alarmed_for_as_one_from_when_its_age_is_known() {
    let mut ward = Ward::new();
    // A well infant; for an adult this is an emergency.
    let infant = VitalSigns { systolic_bp: Some(75.0), ..vitals(135.0, 40.0) };
    assert_eq!(ward.observe(0.0, infant), ["+News2Emergency"]);
    let told = ward.happens(10.0, monitoring(vec![], Some(4)));
    assert_eq!(told, [format!("-News2Emergency {:?}", AlarmClearReason::MonitoringChanged)]);
    let sick = VitalSigns { systolic_bp: Some(65.0), ..vitals(172.0, 60.0) };
    assert!(ward.observe(20.0, sick.clone()).is_empty(), "it is to be confirmed");
    assert_eq!(ward.observe(30.0, sick.clone()), ["+PewsUrgent"]);
    let told = ward.observe(40.0, VitalSigns { spo2: Some(88.0), ..sick });
    assert_eq!(told, ["+PewsEmergency", "-PewsUrgent Superseded"]);
}

#[test]
fn a_log_from_before_there_were_such_alarms_raises_none_for_what_is_long_over() {
    let mut ward = unscored();
    ward.observe(0.0, saturated(97.0));
    // A limit was broken for ten minutes, and nothing was recorded of it.
    for minute in 1..=20 {
        ward.now = minute * 60_000;
        let spo2 = if minute <= 10 { 80.0 } else { 97.0 };
        let source = MonitorSource {
            protocol: MonitorProtocol::Hl7V2,
            application: "m".into(),
            facility: "w".into(),
            message_id: format!("old {minute}"),
        };
        let (taken_at, vitals) = (at(ward.now), saturated(spo2));
        ward.record(EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] }));
    }
    ward.told.clear();
    ward.now = 10 * 3_600_000;
    ward.settle();
    let told: Vec<_> = ward.told.iter().filter(|told| !told.contains("NoData")).collect();
    assert!(told.is_empty(), "{told:?}");
}
