use super::*;
use crate::rng::Rng;
use healthsync_events::Timestamp;

fn rules() -> Rules {
    Rules { fit_on: 400, fit_positive: 20, shadow: 400, ..Rules::default() }
}

fn ledger() -> Ledger {
    Ledger::new(Platt::default(), "hash", rules())
}

/// Outcomes whose log-odds are those of the score plus `offset`; scores around `mean`.
fn outcomes(seed: u64, count: usize, offset: f64, mean: f64) -> Vec<Labelled> {
    let mut rng = Rng::seeded(seed);
    (0..count)
        .map(|_| {
            let log_odds = mean + f64::from(rng.normal());
            let happened = rng.chance(sigmoid(log_odds + offset) as f32);
            Labelled { at: Timestamp::from_millis(0), log_odds, happened }
        })
        .collect()
}

fn learn(ledger: &mut Ledger, outcomes: &[Labelled]) -> Vec<Change> {
    outcomes.iter().flat_map(|outcome| ledger.learn(*outcome)).collect()
}

#[test]
fn a_calibration_that_is_right_is_not_replaced() {
    let mut ledger = ledger();
    let changes = learn(&mut ledger, &outcomes(1, 4_000, 0.0, 0.0));
    assert!(changes.iter().any(|change| matches!(change, Change::Fitted { .. })), "candidates are tried");
    assert!(!changes.iter().any(|change| matches!(change, Change::Promoted { .. })), "{changes:?}");
    assert_eq!((ledger.active(), ledger.name().as_str()), (Platt::default(), ""));
}

#[test]
fn a_calibration_that_expects_too_little_is_replaced_after_its_shadow_run() {
    let mut ledger = ledger();
    let changes = learn(&mut ledger, &outcomes(2, 800, 1.2, 0.0));
    assert_eq!(changes[0], Change::Fitted { version: 1 });
    assert!(changes.contains(&Change::Promoted { version: 1, instead_of: 0 }), "{changes:?}");
    assert!((ledger.active().offset - 1.2).abs() < 0.4, "{:?}", ledger.active());
    assert_eq!(ledger.name(), "+calibration.1");
    assert_eq!(ledger.version(0).unwrap().state, Standing::Replaced, "it is kept");
}

#[test]
fn a_promotion_that_proves_wrong_is_taken_back_by_itself() {
    let mut ledger = ledger();
    learn(&mut ledger, &outcomes(2, 800, 1.2, 0.0));
    assert_eq!(ledger.name(), "+calibration.1");
    // The world is again as it was before.
    let changes = learn(&mut ledger, &outcomes(3, 400, 0.0, 0.0));
    assert!(changes.contains(&Change::RolledBack { version: 1, to: 0 }), "{changes:?}");
    assert_eq!((ledger.name().as_str(), ledger.version(1).unwrap().state), ("", Standing::RolledBack));
}

#[test]
fn nothing_is_learned_from_patients_of_another_kind() {
    let mut ledger = ledger();
    learn(&mut ledger, &outcomes(1, 800, 0.0, 0.0));
    let versions = ledger.versions().len();
    let changes = learn(&mut ledger, &outcomes(5, 400, 0.0, -2.0));
    let drifted = |change: &Change| matches!(change, Change::Drifted { drift: Drift::Major, .. });
    assert!(changes.iter().any(drifted), "{changes:?}");
    assert_eq!(ledger.versions().len(), versions);
}

#[test]
fn scores_that_say_nothing_any_more_are_refused_and_not_scaled_away() {
    let mut ledger = ledger();
    let mut random = outcomes(6, 400, 0.0, 0.0);
    let mut rng = Rng::seeded(7);
    for outcome in &mut random {
        outcome.happened = rng.chance(0.3);
    }
    let changes = learn(&mut ledger, &random);
    assert!(matches!(changes.as_slice(), [Change::Refused { .. }]), "{changes:?}");
}

#[test]
fn too_few_positive_outcomes_teach_nothing() {
    let mut ledger = ledger();
    let changes = learn(&mut ledger, &outcomes(8, 400, -6.0, 0.0));
    assert_eq!(changes, [Change::Refused { reason: "too few of the outcomes are positive".into() }]);
}

#[test]
fn an_outcome_that_comes_again_teaches_nothing() {
    let mut ledger = ledger();
    let outcome = Outcome { patient: "p1".into(), at: Timestamp::from_millis(5), happened: true };
    assert!(ledger.is_new(&outcome));
    assert!(!ledger.is_new(&outcome));
    assert!(ledger.is_new(&Outcome { patient: "p2".into(), ..outcome }));
    assert!(!ledger.write().unwrap().contains("p1"), "the ledger names no patient");
}

#[test]
fn a_ledger_goes_on_where_it_was_and_belongs_to_its_weights() {
    let mut whole = ledger();
    let all = outcomes(2, 1_000, 1.2, 0.0);
    learn(&mut whole, &all);
    let mut halves = ledger();
    learn(&mut halves, &all[..450]);
    let mut halves = Ledger::read(&halves.write().unwrap(), "hash").unwrap();
    learn(&mut halves, &all[450..]);
    assert_eq!(halves.name(), whole.name());
    assert_eq!(halves.versions(), whole.versions());
    let text = whole.write().unwrap();
    assert!(matches!(Ledger::read(&text, "other"), Err(LedgerError::OtherWeights(_))));
    assert!(matches!(Ledger::read("{}", "hash"), Err(LedgerError::Json(_))));
    assert!(matches!(
        Ledger::read(&text.replacen("\"format\": 1", "\"format\": 9", 1), "hash"),
        Err(LedgerError::Format(9))
    ));
}
