//! The utility of the PhysioNet/Computing in Cardiology Challenge 2019 (Reyna et al., Critical Care Medicine 48(2), 2020,
//! equations 1 to 3): a warning is worth most 6 hours before sepsis begins, something from 12 hours before to 3 hours
//! after, and costs a little for who never has it; silence in the hours before costs more the longer it lasts.

/// Hours relative to the onset of sepsis between which a warning gains, and at which it gains most.
const EARLY: f64 = -12.0;
const OPTIMAL: f64 = -6.0;
const LATE: f64 = 3.0;

/// What a warning at the best hour gains, what silence to the last useful hour costs, and what a false warning does.
const BEST_WARNING: f64 = 1.0;
const WORST_SILENCE: f64 = -2.0;
const FALSE_WARNING: f64 = -0.05;

/// Utility of the warnings of one stay. The label turns positive 6 hours before the onset, and stays so.
pub fn stay_utility(labels: &[bool], warnings: &[bool]) -> f64 {
    let onset = labels.iter().position(|label| *label).map(|first| first as f64 - OPTIMAL);
    let hours = warnings.iter().take(labels.len()).enumerate();
    hours.map(|(hour, warned)| hour_utility(onset.map(|onset| hour as f64 - onset), *warned)).sum()
}

/// `since` counts hours from the onset of sepsis; `None` for a stay without.
fn hour_utility(since: Option<f64>, warned: bool) -> f64 {
    let Some(since) = since else { return if warned { FALSE_WARNING } else { 0.0 } };
    match (warned, since) {
        (_, since) if since > LATE => 0.0,
        (true, since) if since <= OPTIMAL => (BEST_WARNING * (since - EARLY) / (OPTIMAL - EARLY)).max(FALSE_WARNING),
        (true, since) => BEST_WARNING * (LATE - since) / (LATE - OPTIMAL),
        (false, since) if since <= OPTIMAL => 0.0,
        (false, since) => WORST_SILENCE * (since - OPTIMAL) / (LATE - OPTIMAL),
    }
}

/// The best warnings there could be: from 12 hours before the onset to 3 after it.
fn best(labels: &[bool]) -> Vec<bool> {
    let onset = labels.iter().position(|label| *label).map(|first| first as f64 - OPTIMAL);
    let inside = |hour: usize| onset.is_some_and(|onset| (EARLY..=LATE).contains(&(hour as f64 - onset)));
    (0..labels.len()).map(inside).collect()
}

/// Utility of a stay's warnings, of silence, and of the best warnings.
pub(super) fn parts(labels: &[bool], warnings: &[bool]) -> [f64; 3] {
    let silence = vec![false; labels.len()];
    [warnings, &silence, &best(labels)].map(|warnings| stay_utility(labels, warnings))
}

/// Where `observed` lies between silence, 0, and the best warnings, 1.
pub(super) fn normalise(observed: f64, silence: f64, perfect: f64) -> Option<f64> {
    (perfect > silence).then(|| (observed - silence) / (perfect - silence))
}

/// Utility of all stays between that of silence, 0, and that of the best warnings, 1; below 0 where silence were
/// better. `None` where nobody became septic: then nothing could be gained.
pub fn normalised<'a>(stays: impl IntoIterator<Item = (&'a [bool], &'a [bool])>) -> Option<f64> {
    let add = |sums: [f64; 3], (labels, warnings): (&[bool], &[bool])| {
        let [a, b, c] = parts(labels, warnings);
        [sums[0] + a, sums[1] + b, sums[2] + c]
    };
    let [observed, silence, perfect] = stays.into_iter().fold([0.0; 3], add);
    normalise(observed, silence, perfect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    /// A stay of so many hours whose label turns positive at `first`: sepsis begins 6 hours later.
    fn labels(hours: usize, first: usize) -> Vec<bool> {
        (0..hours).map(|hour| hour >= first).collect()
    }

    fn only(hours: usize, at: usize) -> Vec<bool> {
        (0..hours).map(|hour| hour == at).collect()
    }

    #[test]
    fn a_warning_is_worth_what_the_published_curve_says() {
        // Onset at hour 20. Silence elsewhere costs the same each time, so the difference to silence is the warning's.
        let labels = labels(30, 14);
        let silence = stay_utility(&labels, &[false; 30]);
        let gain = |hour: usize| stay_utility(&labels, &only(30, hour)) - silence;
        assert!(near(gain(14), 1.0), "6 hours before: the most");
        assert!(near(gain(8), 0.0), "12 hours before: nothing");
        assert!(near(gain(11), 0.5), "9 hours before: half");
        assert!(near(gain(2), -0.05), "long before: as a false one");
        // At the onset: 1 · 3/9 for the warning, and −2 · 6/9 of silence is avoided.
        assert!(near(gain(20), 1.0 / 3.0 + 4.0 / 3.0));
        assert!(near(gain(23), 2.0), "3 hours after: no gain, but the worst silence avoided");
        assert!(near(gain(24), 0.0), "later: nothing either way");
    }

    #[test]
    fn silence_costs_more_the_longer_it_lasts() {
        // From 5 hours before the onset to 3 after: −2 · (1 + … + 9) / 9.
        assert!(near(stay_utility(&labels(30, 14), &[false; 30]), -10.0));
    }

    #[test]
    fn false_warnings_cost_a_twentieth_each_and_silence_about_the_well_nothing() {
        assert!(near(stay_utility(&[false; 10], &[true; 10]), -0.5));
        assert!(near(stay_utility(&[false; 10], &[false; 10]), 0.0));
    }

    #[test]
    fn silence_is_nought_and_the_best_warnings_are_one() {
        let (sick, well) = (labels(30, 14), vec![false; 40]);
        let score = |warnings: [&[bool]; 2]| {
            normalised([(sick.as_slice(), warnings[0]), (well.as_slice(), warnings[1])]).unwrap()
        };
        assert!(near(score([&[false; 30], &[false; 40]]), 0.0));
        assert!(near(score([&best(&sick), &best(&well)]), 1.0));
        // By hand: warnings all the time gain 7 hours rising 0, 1/6 … 1 (sum 3.5) and 9 falling 8/9 … 0 (sum 4), less
        // 8 early and 40 false ones at 0.05: 7.5 − 2.4 = 5.1; the best is 7.5; silence −10.
        assert!(near(score([&[true; 30], &[true; 40]]), (5.1 + 10.0) / (7.5 + 10.0)));
        assert_eq!(normalised([(well.as_slice(), well.as_slice())]), None);
    }

    #[test]
    fn a_stay_that_begins_within_the_window_counts_from_its_first_hour() {
        // Septic from the first hour on: the onset is at hour 6, and the label's first hour is the best to warn.
        let labels = labels(10, 0);
        let silence = stay_utility(&labels, &[false; 10]);
        assert!(near(stay_utility(&labels, &only(10, 0)) - silence, 1.0));
        assert!(near(silence, -10.0));
    }
}
