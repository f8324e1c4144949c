use super::*;
use proptest::prelude::*;

fn points(field: &str, vitals: &VitalSigns, scale: Spo2Scale) -> u8 {
    score(vitals, scale).unwrap().items.iter().find(|item| item.parameter == field).unwrap().points
}

/// Both sides of every boundary of the published chart.
#[test]
fn every_boundary_of_the_chart_scores_as_charted() {
    type Set = fn(&mut VitalSigns, f64);
    type Chart = (&'static str, Set, &'static [(f64, u8)]);
    let charts: [Chart; 4] = [
        (
            "respiratory_rate",
            |v, x| v.respiratory_rate = Some(x),
            &[
                (4.0, 3),
                (8.0, 3),
                (9.0, 1),
                (11.0, 1),
                (12.0, 0),
                (20.0, 0),
                (21.0, 2),
                (24.0, 2),
                (25.0, 3),
                (60.0, 3),
            ],
        ),
        (
            "systolic_bp",
            |v, x| v.systolic_bp = Some(x),
            &[(60.0, 3), (90.0, 3), (91.0, 2), (100.0, 2), (101.0, 1), (110.0, 1), (111.0, 0), (219.0, 0), (220.0, 3)],
        ),
        (
            "heart_rate",
            |v, x| v.heart_rate = Some(x),
            &[
                (30.0, 3),
                (40.0, 3),
                (41.0, 1),
                (50.0, 1),
                (51.0, 0),
                (90.0, 0),
                (91.0, 1),
                (110.0, 1),
                (111.0, 2),
                (130.0, 2),
                (131.0, 3),
                (200.0, 3),
            ],
        ),
        (
            "temperature",
            |v, x| v.temperature = Some(x),
            &[
                (34.0, 3),
                (35.0, 3),
                (35.1, 1),
                (36.0, 1),
                (36.1, 0),
                (38.0, 0),
                (38.1, 1),
                (39.0, 1),
                (39.1, 2),
                (41.0, 2),
            ],
        ),
    ];
    for (field, set, expected) in charts {
        for (value, wanted) in expected {
            let mut vitals = VitalSigns::default();
            set(&mut vitals, *value);
            assert_eq!(points(field, &vitals, Spo2Scale::Scale1), *wanted, "{field} {value}");
        }
    }
}

#[test]
fn saturation_scores_by_the_scale_and_the_oxygen() {
    let scale_1 = [(80.0, 3), (91.0, 3), (92.0, 2), (93.0, 2), (94.0, 1), (95.0, 1), (96.0, 0), (100.0, 0)];
    let scale_2 = [(80.0, 3), (83.0, 3), (84.0, 2), (85.0, 2), (86.0, 1), (87.0, 1), (88.0, 0), (92.0, 0)];
    let on_oxygen = [(93.0, 1), (94.0, 1), (95.0, 2), (96.0, 2), (97.0, 3), (100.0, 3)];
    let check = |spo2, oxygen, scale, wanted| {
        let vitals = VitalSigns { spo2: Some(spo2), supplemental_oxygen: Some(oxygen), ..VitalSigns::default() };
        assert_eq!(points("spo2", &vitals, scale), wanted, "{spo2} oxygen {oxygen} {scale:?}");
    };
    for (spo2, wanted) in scale_1 {
        check(spo2, false, Spo2Scale::Scale1, wanted);
        check(spo2, true, Spo2Scale::Scale1, wanted);
    }
    for (spo2, wanted) in scale_2 {
        check(spo2, false, Spo2Scale::Scale2, wanted);
        check(spo2, true, Spo2Scale::Scale2, wanted);
    }
    for (spo2, wanted) in on_oxygen {
        check(spo2, true, Spo2Scale::Scale2, wanted);
        check(spo2, false, Spo2Scale::Scale2, 0);
    }
}

#[test]
fn oxygen_scores_two_and_anything_but_alert_three() {
    let vitals = VitalSigns {
        supplemental_oxygen: Some(true),
        consciousness: Some(Consciousness::Confusion),
        ..VitalSigns::default()
    };
    let scored = score(&vitals, Spo2Scale::Scale1).unwrap();
    assert_eq!((scored.total, scored.band), (5, RiskBand::Medium));
}

#[test]
fn a_single_three_asks_for_a_review_at_a_low_total() {
    let vitals = VitalSigns { heart_rate: Some(135.0), ..VitalSigns::default() };
    let scored = score(&vitals, Spo2Scale::Scale1).unwrap();
    assert_eq!((scored.total, scored.band), (3, RiskBand::LowMedium));
    assert!(scored.missing.contains(&"temperature"));
}

#[test]
fn a_value_between_two_rows_is_charted_to_the_nearest_step() {
    let vitals = VitalSigns { temperature: Some(38.04), respiratory_rate: Some(20.5), ..VitalSigns::default() };
    assert_eq!(points("temperature", &vitals, Spo2Scale::Scale1), 0);
    assert_eq!(points("respiratory_rate", &vitals, Spo2Scale::Scale1), 2);
}

#[test]
fn nothing_measured_gives_no_score() {
    assert_eq!(score(&VitalSigns::default(), Spo2Scale::Scale1), None);
    let oxygen_alone = VitalSigns { supplemental_oxygen: Some(true), ..VitalSigns::default() };
    assert_eq!(score(&oxygen_alone, Spo2Scale::Scale1), None);
}

#[test]
fn the_charts_hash_is_that_of_the_chart() {
    assert_eq!(model_info().weights_sha256.len(), 64);
    assert_eq!(model_info(), model_info());
}

proptest! {
    #[test]
    fn the_total_is_the_sum_of_its_items_and_within_the_chart(
        hr in proptest::option::of(0.0..300.0f64), rr in proptest::option::of(0.0..80.0f64),
        spo2 in proptest::option::of(50.0..100.0f64), sys in proptest::option::of(40.0..280.0f64),
        temp in proptest::option::of(30.0..43.0f64), oxygen in proptest::option::of(any::<bool>()),
        second in any::<bool>(),
    ) {
        let vitals = VitalSigns {
            heart_rate: hr, respiratory_rate: rr, spo2, systolic_bp: sys, diastolic_bp: None, temperature: temp,
            consciousness: None, supplemental_oxygen: oxygen,
        };
        let scale = if second { Spo2Scale::Scale2 } else { Spo2Scale::Scale1 };
        if let Some(scored) = score(&vitals, scale) {
            prop_assert_eq!(scored.total, scored.items.iter().map(|i| i.points).sum::<u8>());
            prop_assert!(scored.total <= 20);
            prop_assert_eq!(scored.items.len() + scored.missing.len(), 7);
        }
    }

    #[test]
    fn what_gets_worse_never_scores_less(
        hr in 90.0..250.0f64, rr in 20.0..60.0f64, sys in 60.0..110.0f64, spo2 in 60.0..96.0f64, more in 0.0..50.0f64,
        oxygen in any::<bool>(), second in any::<bool>(),
    ) {
        let scale = if second { Spo2Scale::Scale2 } else { Spo2Scale::Scale1 };
        // Scale 2 on oxygen scores high saturations as well: below 92 % lower is worse on both.
        let spo2 = spo2.min(92.0);
        let total = |worse: f64| {
            let vitals = VitalSigns {
                heart_rate: Some(hr + worse), respiratory_rate: Some(rr + worse), systolic_bp: Some(sys - worse),
                spo2: Some(spo2 - worse), supplemental_oxygen: Some(oxygen), ..VitalSigns::default()
            };
            score(&vitals, scale).unwrap().total
        };
        prop_assert!(total(more) >= total(0.0));
    }
}
