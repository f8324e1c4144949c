//! The scores beside NEWS2 at both sides of every boundary, and what holds for all of them.
#![allow(clippy::float_cmp, reason = "points are small whole numbers")]

use super::{
    Scored, mews, pews,
    policy::ADULT_MONTHS,
    readings::AsOf,
    scores::{Patient, computed, others},
    sepsis, shock,
};
use healthsync_events::{
    Consciousness, EventBody, Seq, VitalSign, VitalSigns,
    risk::{RiskBand, ScoreName, Spo2Scale},
};
use proptest::prelude::*;

fn with(sign: VitalSign, value: f64) -> VitalSigns {
    let mut vitals = VitalSigns::default();
    sign.set(&mut vitals, Some(value));
    vitals
}

fn points(scored: &Scored, sign: VitalSign) -> u8 {
    scored.items.iter().find(|item| item.parameter == sign.name()).unwrap().points
}

/// Values with the points they score, for a chart.
fn check(chart: impl Fn(&VitalSigns) -> Option<Scored>, table: &[(VitalSign, &[(f64, u8)])]) {
    for (sign, expected) in table {
        for (value, wanted) in *expected {
            let scored = chart(&with(*sign, *value)).unwrap();
            assert_eq!(points(&scored, *sign), *wanted, "{:?} {} {value}", scored.score, sign.name());
        }
    }
}

use VitalSign::{DiastolicBp, HeartRate, RespiratoryRate, Spo2, SystolicBp, Temperature};

#[test]
fn every_boundary_of_mews_scores_as_published() {
    check(
        mews::score,
        &[
            (SystolicBp, &[(70.0, 3), (71.0, 2), (80.0, 2), (81.0, 1), (100.0, 1), (101.0, 0), (199.0, 0), (200.0, 2)]),
            (
                HeartRate,
                &[
                    (39.0, 2),
                    (40.0, 2),
                    (41.0, 1),
                    (50.0, 1),
                    (51.0, 0),
                    (100.0, 0),
                    (101.0, 1),
                    (110.0, 1),
                    (111.0, 2),
                    (129.0, 2),
                    (130.0, 3),
                ],
            ),
            (RespiratoryRate, &[(8.0, 2), (9.0, 0), (14.0, 0), (15.0, 1), (20.0, 1), (21.0, 2), (29.0, 2), (30.0, 3)]),
            (Temperature, &[(34.9, 2), (35.0, 0), (38.4, 0), (38.5, 2)]),
        ],
    );
    let level = |level| {
        let vitals = VitalSigns { consciousness: Some(level), ..VitalSigns::default() };
        mews::score(&vitals).unwrap().value
    };
    let levels = [
        Consciousness::Alert,
        Consciousness::Confusion,
        Consciousness::Voice,
        Consciousness::Pain,
        Consciousness::Unresponsive,
    ];
    let levels = levels.map(level);
    assert_eq!(levels, [0.0, 1.0, 1.0, 2.0, 3.0]);
}

#[test]
fn mews_is_high_from_five() {
    let four = VitalSigns { respiratory_rate: Some(30.0), heart_rate: Some(101.0), ..VitalSigns::default() };
    assert_eq!(mews::score(&four).unwrap().band, RiskBand::Medium);
    let five = VitalSigns { heart_rate: Some(111.0), ..four };
    assert_eq!(mews::score(&five).unwrap().band, RiskBand::High);
}

#[test]
fn every_boundary_of_qsofa_and_sirs_scores_as_published() {
    check(sepsis::qsofa, &[(RespiratoryRate, &[(21.0, 0), (22.0, 1)]), (SystolicBp, &[(100.0, 1), (101.0, 0)])]);
    check(
        sepsis::sirs,
        &[
            (Temperature, &[(35.9, 1), (36.0, 0), (38.0, 0), (38.1, 1)]),
            (HeartRate, &[(90.0, 0), (91.0, 1)]),
            (RespiratoryRate, &[(20.0, 0), (21.0, 1)]),
        ],
    );
    let confused = VitalSigns { consciousness: Some(Consciousness::Confusion), ..VitalSigns::default() };
    assert_eq!(sepsis::qsofa(&confused).unwrap().value, 1.0);
    assert_eq!(sepsis::sirs(&confused), None, "nothing of it was measured");
}

#[test]
fn both_sepsis_criteria_are_positive_from_two_and_say_what_is_missing() {
    let sick = VitalSigns { respiratory_rate: Some(24.0), systolic_bp: Some(95.0), ..VitalSigns::default() };
    let qsofa = sepsis::qsofa(&sick).unwrap();
    assert_eq!((qsofa.value, qsofa.band, qsofa.missing), (2.0, RiskBand::High, vec!["consciousness"]));
    let sirs = sepsis::sirs(&sick).unwrap();
    assert_eq!((sirs.value, sirs.band), (1.0, RiskBand::Low));
    assert_eq!(sirs.missing, ["temperature", "heart_rate", "white_cells"]);
}

#[test]
fn the_shock_index_is_judged_by_age() {
    let index = |pulse, systolic, months| {
        let vitals = VitalSigns { heart_rate: Some(pulse), systolic_bp: Some(systolic), ..VitalSigns::default() };
        shock::score(&vitals, months).map(|scored| (scored.value, scored.band))
    };
    assert_eq!(index(89.0, 100.0, None), Some((0.89, RiskBand::Low)));
    assert_eq!(index(90.0, 100.0, None), Some((0.9, RiskBand::Medium)));
    assert_eq!(index(100.0, 100.0, None), Some((1.0, RiskBand::High)));
    assert_eq!(index(122.0, 100.0, Some(5 * 12)), Some((1.22, RiskBand::Low)), "exceeded, not reached");
    assert_eq!(index(123.0, 100.0, Some(5 * 12)), Some((1.23, RiskBand::High)));
    assert_eq!(index(101.0, 100.0, Some(7 * 12)), Some((1.01, RiskBand::High)));
    assert_eq!(index(91.0, 100.0, Some(13 * 12)), Some((0.91, RiskBand::High)));
    assert_eq!(index(150.0, 100.0, Some(4 * 12 - 1)), None, "no bound was published");
    assert_eq!(shock::score(&with(HeartRate, 120.0), None), None, "it takes both");
}

/// Age in months, then for each sign the last value of 4, 2, 1 and 0 points on the way up, and the first of 1, 2, 4.
type Edges = [f64; 6];
const PEWS: [(u16, [(VitalSign, Edges); 3]); 5] = [
    (
        2,
        [
            (HeartRate, [80.0, 90.0, 110.0, 150.0, 180.0, 190.0]),
            (SystolicBp, [45.0, 50.0, 60.0, 80.0, 100.0, 130.0]),
            (RespiratoryRate, [15.0, 19.0, 29.0, 61.0, 81.0, 91.0]),
        ],
    ),
    (
        11,
        [
            (HeartRate, [70.0, 80.0, 100.0, 150.0, 170.0, 180.0]),
            (SystolicBp, [60.0, 70.0, 80.0, 100.0, 120.0, 150.0]),
            (RespiratoryRate, [15.0, 19.0, 24.0, 51.0, 71.0, 81.0]),
        ],
    ),
    (
        47,
        [
            (HeartRate, [60.0, 70.0, 90.0, 120.0, 150.0, 170.0]),
            (SystolicBp, [65.0, 75.0, 90.0, 110.0, 125.0, 160.0]),
            (RespiratoryRate, [12.0, 15.0, 19.0, 41.0, 61.0, 71.0]),
        ],
    ),
    (
        143,
        [
            (HeartRate, [50.0, 60.0, 70.0, 110.0, 130.0, 150.0]),
            (SystolicBp, [70.0, 80.0, 90.0, 120.0, 140.0, 170.0]),
            (RespiratoryRate, [10.0, 14.0, 19.0, 31.0, 41.0, 51.0]),
        ],
    ),
    (
        144,
        [
            (HeartRate, [40.0, 50.0, 60.0, 100.0, 120.0, 140.0]),
            (SystolicBp, [75.0, 85.0, 100.0, 130.0, 150.0, 190.0]),
            (RespiratoryRate, [9.0, 10.0, 11.0, 17.0, 23.0, 30.0]),
        ],
    ),
];

#[test]
fn every_boundary_of_pews_scores_as_published_at_every_age() {
    for (months, signs) in PEWS {
        for (sign, [low4, low2, low1, high1, high2, high4]) in signs {
            let expected = [
                (low4, 4),
                (low4 + 1.0, 2),
                (low2, 2),
                (low2 + 1.0, 1),
                (low1, 1),
                (low1 + 1.0, 0),
                (high1 - 1.0, 0),
                (high1, 1),
                (high2 - 1.0, 1),
                (high2, 2),
                (high4 - 1.0, 2),
                (high4, 4),
            ];
            check(|vitals| pews::score(vitals, months), &[(sign, &expected)]);
        }
    }
    check(|vitals| pews::score(vitals, 30), &[(Spo2, &[(90.0, 2), (91.0, 1), (94.0, 1), (95.0, 0)])]);
}

#[test]
fn each_age_band_of_pews_begins_where_it_should() {
    let scored = |months| points(&pews::score(&with(HeartRate, 151.0), months).unwrap(), HeartRate);
    // 151 /min scores 1 to 12 months, 2 to 4 years, 4 to 12 years, and 4 from there.
    assert_eq!([0, 2, 3, 11, 12, 47, 48, 143, 144, 191].map(scored), [1, 1, 1, 1, 2, 2, 4, 4, 4, 4]);
}

#[test]
fn pews_names_what_no_monitor_measures() {
    let vitals = VitalSigns { spo2: Some(96.0), supplemental_oxygen: Some(true), ..VitalSigns::default() };
    let scored = pews::score(&vitals, 30).unwrap();
    assert_eq!((scored.value, scored.max), (2.0, Some(26.0)));
    for missing in ["capillary_refill", "respiratory_effort", "heart_rate"] {
        assert!(scored.missing.contains(&missing), "{missing}");
    }
}

fn known(vitals: VitalSigns) -> AsOf {
    AsOf { vitals, carried: vec![], inputs: vec![Seq(2)] }
}

#[test]
fn the_age_decides_on_the_scores() {
    let all =
        [ScoreName::News2, ScoreName::Mews, ScoreName::Qsofa, ScoreName::Sirs, ScoreName::ShockIndex, ScoreName::Pews];
    let vitals = VitalSigns {
        heart_rate: Some(100.0),
        systolic_bp: Some(100.0),
        respiratory_rate: Some(20.0),
        ..VitalSigns::default()
    };
    let made = |age_months| {
        let patient = Patient { scores: &all, age_months, scale: Spo2Scale::Scale1 };
        let adult = super::scores::news2(&known(vitals.clone()), patient).is_some();
        let others = others(&known(vitals.clone()), patient).into_iter().map(|score| score.score).collect::<Vec<_>>();
        (adult, others)
    };
    let adult = vec![ScoreName::Mews, ScoreName::Qsofa, ScoreName::Sirs, ScoreName::ShockIndex];
    assert_eq!(made(None), (true, adult.clone()));
    assert_eq!(made(Some(ADULT_MONTHS)), (true, adult));
    assert_eq!(made(Some(ADULT_MONTHS - 1)), (false, vec![ScoreName::ShockIndex, ScoreName::Pews]));
}

#[test]
fn scores_that_say_the_same_are_not_said_again_in_an_adult() {
    let scores = [ScoreName::Mews];
    let patient = |age_months| Patient { scores: &scores, age_months, scale: Spo2Scale::Scale1 };
    let first = computed(&known(with(HeartRate, 100.0)), patient(None), Seq(2), &[]).unwrap();
    let EventBody::ScoresComputed(first) = first else { unreachable!() };
    let before = &first.scores;
    assert_eq!(computed(&known(with(HeartRate, 99.0)), patient(None), Seq(3), before), None);
    assert!(computed(&known(with(HeartRate, 101.0)), patient(None), Seq(4), before).is_some());
    assert_eq!(computed(&known(with(DiastolicBp, 80.0)), patient(None), Seq(5), &[]), None);
    let pews = [ScoreName::Pews];
    let child = Patient { scores: &pews, age_months: Some(30), scale: Spo2Scale::Scale1 };
    let first = computed(&known(with(HeartRate, 100.0)), child, Seq(2), &[]).unwrap();
    let EventBody::ScoresComputed(first) = first else { unreachable!() };
    assert!(computed(&known(with(HeartRate, 100.0)), child, Seq(3), &first.scores).is_some());
}

fn any_vitals() -> impl Strategy<Value = VitalSigns> {
    use proptest::option::of;
    let level = prop_oneof![
        Just(Consciousness::Alert),
        Just(Consciousness::Confusion),
        Just(Consciousness::Voice),
        Just(Consciousness::Pain),
        Just(Consciousness::Unresponsive)
    ];
    (
        of(10.0..350.0f64),
        of(1.0..120.0f64),
        of(20.0..100.0f64),
        of(20.0..350.0f64),
        of(12.0..46.0f64),
        of(level),
        of(any::<bool>()),
    )
        .prop_map(|(heart_rate, respiratory_rate, spo2, systolic_bp, temperature, consciousness, oxygen)| {
            VitalSigns {
                heart_rate,
                respiratory_rate,
                spo2,
                systolic_bp,
                diastolic_bp: None,
                temperature,
                consciousness,
                supplemental_oxygen: oxygen,
            }
        })
}

proptest! {
    #[test]
    fn a_total_is_the_sum_of_its_items_and_within_its_range(vitals in any_vitals(), months in 0u16..1_560) {
        let scores = [
            mews::score(&vitals), sepsis::qsofa(&vitals), sepsis::sirs(&vitals), pews::score(&vitals, months),
        ];
        let items = [5, 3, 4, 7];
        for (scored, items) in scores.into_iter().zip(items) {
            let Some(scored) = scored else { continue };
            let sum: u32 = scored.items.iter().map(|item| u32::from(item.points)).sum();
            prop_assert_eq!(scored.value, f64::from(sum));
            prop_assert!(scored.value <= scored.max.unwrap());
            prop_assert_eq!(scored.items.len() + scored.missing.len(), items, "{:?}", scored.score);
        }
        if let Some(scored) = shock::score(&vitals, Some(months)) {
            prop_assert!(scored.value > 0.0 && scored.value < 20.0);
        }
    }

    #[test]
    fn what_gets_worse_never_scores_less(
        vitals in any_vitals(), faster in 0.0..100.0f64, lower in 0.0..80.0f64, months in 0u16..192,
    ) {
        // Above the normal range faster is worse, below it lower is.
        let base = VitalSigns { heart_rate: Some(150.0), systolic_bp: Some(100.0), respiratory_rate: Some(61.0), ..vitals };
        let worse = VitalSigns {
            heart_rate: Some(150.0 + faster),
            systolic_bp: Some(100.0 - lower),
            respiratory_rate: Some(61.0 + faster / 2.0),
            ..base.clone()
        };
        let adult = |vitals: &VitalSigns| {
            [mews::score(vitals), sepsis::qsofa(vitals), sepsis::sirs(vitals), shock::score(vitals, None)]
                .map(|scored| scored.unwrap().value)
        };
        for (before, after) in adult(&base).into_iter().zip(adult(&worse)) {
            prop_assert!(after >= before);
        }
        let rates = |vitals: &VitalSigns| {
            let scored = pews::score(vitals, months).unwrap();
            points(&scored, HeartRate) + points(&scored, RespiratoryRate)
        };
        prop_assert!(rates(&worse) >= rates(&base));
    }
}
