//! Whatever happens, a bedside that folds the log goes on where the other one was.

use super::{Ward, at, bedside, monitoring};
use healthsync_events::{
    Event, EventBody, VitalSign, VitalSigns,
    alarm::{AlarmSilenced, EscalationReason},
    monitoring::AlarmLimits,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A bedside that folded the log owes the same, and asks for the same time.
fn assert_resumes(ward: &mut Ward) {
    let mut resumed = bedside();
    ward.log.iter().for_each(|event| resumed.apply(event));
    let now = at(ward.now);
    assert_eq!(resumed.due(now), ward.bedside.due(now));
    assert_eq!(resumed.next_due(now), ward.bedside.next_due(now));
}

#[derive(Debug, Clone)]
enum Happening {
    Observed(VitalSigns),
    Acknowledged,
    Silenced(u16),
    Limited(f64),
    Aged(u16),
}

fn happening() -> impl Strategy<Value = Happening> {
    use proptest::option::of;
    let observed = (of(30.0..200.0f64), of(4.0..60.0f64), of(70.0..100.0f64), of(60.0..200.0f64)).prop_map(
        |(heart_rate, respiratory_rate, spo2, systolic_bp)| {
            Happening::Observed(VitalSigns { heart_rate, respiratory_rate, spo2, systolic_bp, ..VitalSigns::default() })
        },
    );
    prop_oneof![
        8 => observed,
        2 => Just(Happening::Acknowledged),
        1 => (1u16..300).prop_map(Happening::Silenced),
        1 => (60.0..95.0f64).prop_map(Happening::Limited),
        1 => (0u16..400).prop_map(Happening::Aged),
    ]
}

proptest! {
    #[test]
    fn a_restart_at_any_time_resumes_exactly(
        happenings in proptest::collection::vec((happening(), 1u32..4_000), 1..40), cut in 0usize..40,
    ) {
        let mut ward = Ward::new();
        let mut seconds = 0.0;
        for (index, (happening, after)) in happenings.into_iter().enumerate() {
            seconds += f64::from(after);
            let by = || "clinician".parse().unwrap();
            let raised = ward.log.iter().any(|event| matches!(event.body, EventBody::AlarmRaised(_)));
            match happening {
                Happening::Observed(vitals) => drop(ward.observe(seconds, vitals)),
                Happening::Acknowledged if raised => drop(ward.acknowledge(seconds)),
                Happening::Acknowledged => {}
                Happening::Silenced(seconds_off) => {
                    let silenced = AlarmSilenced { alarm: None, by: by(), seconds: seconds_off };
                    drop(ward.happens(seconds, EventBody::AlarmSilenced(silenced)));
                }
                Happening::Limited(low) => {
                    let limits =
                        AlarmLimits { parameter: VitalSign::Spo2, low: Some(low), high: None, delay_seconds: None };
                    drop(ward.happens(seconds, monitoring(vec![limits], None)));
                }
                Happening::Aged(months) => drop(ward.happens(seconds, monitoring(vec![], Some(months)))),
            }
            assert_resumes(&mut ward);
            if index == cut {
                // From here on a bedside that was started again takes over.
                let mut resumed = bedside();
                ward.log.iter().for_each(|event| resumed.apply(event));
                ward.bedside = resumed;
            }
        }
        nothing_stands_twice(&ward.log);
    }
}

/// No alarm is raised twice, none of a kind and parameter while one stands, and none is cleared that does not stand.
fn nothing_stands_twice(log: &[Event]) {
    let (mut names, mut standing) = (BTreeSet::new(), Vec::new());
    for event in log {
        match &event.body {
            EventBody::AlarmRaised(raised) => {
                assert!(names.insert(raised.alarm), "{raised:?} is raised again");
                let about = (raised.kind, raised.parameter);
                assert!(standing.iter().all(|(_, other)| *other != about), "{about:?} stands already");
                standing.push((raised.alarm, about));
            }
            EventBody::AlarmCleared(cleared) => {
                let place = standing.iter().position(|(alarm, _)| *alarm == cleared.alarm);
                standing.remove(place.expect("what is cleared stands"));
            }
            EventBody::AlarmEscalated(escalated) => {
                assert!(standing.iter().any(|(alarm, _)| *alarm == escalated.alarm));
                assert!(escalated.reason == EscalationReason::Worse || escalated.step < 100);
            }
            _ => {}
        }
    }
}
