use super::*;
use healthsync_events::{
    AlarmId, ModelInfo, MonitorProtocol, MonitorSource, VERSION, VitalSigns,
    alarm::{AlarmClass, AlarmClearReason, AlarmKind, AlarmPriority},
    consultation::{SessionEndReason, SessionEnded, SessionStarted},
    risk::{RiskBand, Spo2Scale},
};
use proptest::prelude::*;
use std::sync::Arc;

const BEGAN: i64 = 1_795_000_000_000;

fn event(seq: u64, body: EventBody) -> Event {
    let at = Timestamp::from_millis(BEGAN + seq as i64 * 1_000);
    Event { v: VERSION, session: SessionId(uuid::Uuid::from_u128(1)), seq: Seq(seq), at, body }
}

fn started() -> EventBody {
    EventBody::SessionStarted(SessionStarted {
        patient: "W-1".parse().unwrap(),
        languages: vec!["en".parse().unwrap()],
        spo2_scale: Spo2Scale::default(),
        terms: vec![],
    })
}

fn observed(taken_at: i64, vitals: VitalSigns) -> EventBody {
    let source = MonitorSource {
        protocol: MonitorProtocol::Hl7V2,
        application: "m".into(),
        facility: "f".into(),
        message_id: taken_at.to_string(),
    };
    let taken_at = Timestamp::from_millis(taken_at);
    EventBody::VitalsObserved(VitalsObserved { source, taken_at, vitals, rejected: vec![] })
}

fn heart_rate(taken_at: i64, rate: f64) -> EventBody {
    observed(taken_at, VitalSigns { heart_rate: Some(rate), ..VitalSigns::default() })
}

fn scored(name: &str, total: u8) -> EventBody {
    let info = ModelInfo { name: "m".into(), version: "1".into(), weights_sha256: "0".into() };
    EventBody::RiskScored(Arc::new(RiskScored {
        score: name.into(),
        total,
        band: RiskBand::Low,
        spo2_scale: Spo2Scale::default(),
        items: vec![],
        missing: vec!["spo2".into()],
        carried: vec![],
        provenance: info.with_inputs(vec![]),
    }))
}

fn raised(n: u128, priority: AlarmPriority) -> EventBody {
    EventBody::AlarmRaised(AlarmRaised {
        alarm: AlarmId(uuid::Uuid::from_u128(n)),
        kind: AlarmKind::News2Urgent,
        class: AlarmClass::Clinical,
        priority,
        message: format!("alarm {n}"),
        because: Seq(1),
        parameter: None,
        value: None,
        limit: None,
        latching: false,
    })
}

fn cleared(n: u128) -> EventBody {
    let alarm = AlarmId(uuid::Uuid::from_u128(n));
    EventBody::AlarmCleared(AlarmCleared {
        alarm,
        kind: AlarmKind::News2Urgent,
        because: Seq(1),
        reason: AlarmClearReason::ConditionOver,
    })
}

fn folded(bodies: impl IntoIterator<Item = EventBody>) -> WardFold {
    let mut fold = WardFold::default();
    for (index, body) in std::iter::once(started()).chain(bodies).enumerate() {
        fold.apply(&event(index as u64 + 1, body));
    }
    fold
}

#[test]
fn the_newest_value_is_the_one_measured_last_whatever_comes_when() {
    let fold = folded([heart_rate(BEGAN + 2_000, 90.0), heart_rate(BEGAN + 1_000, 60.0)]);
    let newest = fold.row().unwrap().vitals.heart_rate.unwrap();
    assert_eq!(newest, WardValue { value: 90.0, at: Timestamp::from_millis(BEGAN + 2_000) });
}

#[test]
fn a_monitor_whose_clock_runs_ahead_is_dated_by_when_it_was_heard() {
    let fold = folded([heart_rate(BEGAN + 3_600_000, 90.0)]);
    let value = fold.row().unwrap().vitals.heart_rate.unwrap();
    assert_eq!(value.at, Timestamp::from_millis(BEGAN + 2_000));
}

#[test]
fn the_trend_is_thinned_and_bounded() {
    let day = (0..86_400).map(|s| heart_rate(BEGAN + (s + 2) * 1_000, 60.0 + (s % 40) as f64));
    // Events of these tests are a second apart, as the measurements are.
    let fold = folded(day);
    let trend = &fold.row().unwrap().heart_rate_trend;
    assert!((60..=62).contains(&trend.len()), "{}", trend.len());
    assert!(trend.is_sorted_by_key(|(at, _)| *at));
    assert_eq!(trend.last().unwrap().0, BEGAN + 86_401_000);
}

#[test]
fn only_news2_orders_the_ward_and_only_its_changes_are_drawn() {
    let fold = folded([scored("NEWS2", 3), scored("NEWS2", 3), scored("MEWS", 9), scored("NEWS2", 7)]);
    let row = fold.row().unwrap();
    assert_eq!((row.news2.unwrap().total, row.news2.unwrap().missing), (7, 1));
    assert_eq!(row.news2_trend.iter().map(|(_, total)| *total as u8).collect::<Vec<_>>(), [3, 7]);
}

#[test]
fn the_most_urgent_alarms_are_shown_and_none_is_forgotten() {
    let many = (1..=10).map(|n| raised(n, AlarmPriority::Medium));
    let mut fold = folded(many.chain([raised(99, AlarmPriority::High)]));
    let ids = |fold: &WardFold| fold.row().unwrap().alarms.iter().map(|a| a.alarm.0.as_u128()).collect::<Vec<_>>();
    assert_eq!(ids(&fold), [99, 10, 9, 8, 7, 6, 5, 4]);
    for (index, n) in [99, 10, 9, 8, 7, 6, 5, 4].into_iter().enumerate() {
        fold.apply(&event(13 + index as u64, cleared(n)));
    }
    assert_eq!(ids(&fold), [3, 2, 1], "those that had no room come up");
}

#[test]
fn a_session_that_has_ended_says_so() {
    let fold = folded([EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended })]);
    assert!(fold.is_over());
}

proptest! {
    #[test]
    fn a_replay_that_overlaps_ends_the_same(cut in 0usize..40, back in 0usize..10) {
        let bodies: Vec<EventBody> = (0..40)
            .map(|n| match n % 4 {
                0 => heart_rate(BEGAN + n * 1_000, 60.0 + n as f64),
                1 => scored("NEWS2", n as u8 / 4),
                2 => raised(n as u128, AlarmPriority::High),
                _ => cleared((n as u128).saturating_sub(5)),
            })
            .collect();
        let events: Vec<Event> =
            std::iter::once(started()).chain(bodies).enumerate().map(|(i, b)| event(i as u64 + 1, b)).collect();
        let folded = |parts: [&[Event]; 2]| {
            let mut fold = WardFold::default();
            for event in parts.concat() {
                fold.apply(&event);
            }
            fold
        };
        let once = folded([&events, &[]]);
        let twice = folded([&events[..cut], &events[cut.saturating_sub(back)..]]);
        prop_assert_eq!(once.row(), twice.row());
    }
}
