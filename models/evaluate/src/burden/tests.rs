use super::*;
use crate::burden::recording::Sample;
use healthsync_events::VitalSigns;

const TERMS: Terms = Terms { answered_after_seconds: 300, within_hours: 12 };

fn measured(hourly: &[VitalSigns]) -> Burden {
    let samples = (0..).zip(hourly).map(|(hour, vitals)| Sample {
        at: Timestamp::from_millis(hour * 3_600_000),
        vitals: vitals.clone(),
        sepsis: Some(hour >= 20),
    });
    let recording = Recording { samples: samples.collect(), interval_ms: 3_600_000 };
    measure(&recording, &Arc::default(), TERMS, &"nurse".parse().unwrap())
}

fn well() -> VitalSigns {
    VitalSigns {
        heart_rate: Some(70.0),
        respiratory_rate: Some(16.0),
        spo2: Some(97.0),
        systolic_bp: Some(120.0),
        ..VitalSigns::default()
    }
}

/// NEWS2 of 8, and beyond two of the factory's limits.
fn ill() -> VitalSigns {
    VitalSigns { heart_rate: Some(125.0), respiratory_rate: Some(26.0), systolic_bp: Some(89.0), ..well() }
}

#[test]
fn a_patient_who_stays_well_gives_no_alarm() {
    let burden = measured(&vec![well(); 24]);
    assert!((burden.bed_days - 1.0).abs() < 1e-9);
    assert_eq!((burden.policy.alarms, burden.naive.alarms, burden.sustained_7), (0, 0, 0));
    assert_eq!((burden.hours.alarms, burden.hours.before_sepsis), (24, 16), "from twelve hours before the label");
}

#[test]
fn a_patient_who_wavers_gives_one_alarm_where_thresholds_give_many() {
    let hourly: Vec<_> = (0..24).map(|hour| if hour % 3 == 2 { well() } else { ill() }).collect();
    let burden = measured(&hourly);
    assert_eq!(burden.policy.alarms, 1);
    assert_eq!((burden.naive.alarms, burden.naive_readings), (16, 32));
    assert_eq!((burden.sustained_7, burden.missed_7, burden.late), (8, 0, 0));
    assert_eq!((burden.policy.before_news2_7, burden.policy.before_sepsis), (1, 0));
    assert!((burden.saved() - 15.0 / 16.0).abs() < 1e-9);
}

#[test]
fn an_alarm_missed_would_be_seen() {
    // Alarms without scores: nothing stands while the patient is ill.
    let samples =
        (0..5).map(|hour| Sample { at: Timestamp::from_millis(hour * 3_600_000), vitals: ill(), sepsis: None });
    let recording = Recording { samples: samples.collect(), interval_ms: 3_600_000 };
    let mut policy = Policy::default();
    policy.scores.adult.clear();
    let burden = measure(&recording, &Arc::new(policy), TERMS, &"nurse".parse().unwrap());
    assert_eq!((burden.sustained_7, burden.missed_7), (1, 1));
}
