//! How late text comes, and whether what was shown stays.

use serde::Serialize;

/// Length-adaptive average lagging of streamed text, in milliseconds (Papi et al. 2022, "Over-Generation Cannot Be
/// Rewarded"), on the clock rather than on the audio consumed, so that computing counts too.
///
/// Word `i` of the text came at `emitted[i]` after the audio began to arrive. An ideal reader writes `n` words evenly
/// over the audio's length, where `n` is the larger of the numbers of words of the text and of the reference: who
/// writes too many words is not rewarded for them. The lagging is the mean delay behind that reader, over the words up
/// to the first that came when all audio had arrived. For one recording taken as one segment this is `StreamLAAL`
/// (Papi et al. 2024, "`StreamAtt`"); for a corpus it is averaged over recordings, as there over segments.
///
/// `None` without words, or without audio. Times in milliseconds.
pub fn average_lagging(emitted: &[f64], audio_ms: f64, reference_words: usize) -> Option<f64> {
    let words = emitted.len().max(reference_words);
    if emitted.is_empty() || audio_ms <= 0.0 {
        return None;
    }
    let pace = audio_ms / words as f64;
    let counted = emitted.iter().position(|at| *at >= audio_ms).map_or(emitted.len(), |index| index + 1);
    let delay: f64 = emitted[..counted].iter().enumerate().map(|(index, at)| at - index as f64 * pace).sum();
    Some(delay / counted as f64)
}

/// The value below which `percent` of the values lie, by the nearest-rank method; `None` without values.
pub fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// What became of the texts shown for utterances, one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stability {
    /// Updates of a text whose committed part could have changed.
    pub updates: u64,
    /// Updates in which it did: a broken promise.
    pub changed: u64,
    /// Words that were shown, committed or not, and taken back by the next update.
    pub erased: u64,
    /// Words of the final texts.
    pub words: u64,
}

impl Stability {
    /// Share of updates that left committed text as it was, 0 to 1.
    pub fn kept(&self) -> f64 {
        1.0 - self.changed as f64 / self.updates.max(1) as f64
    }

    /// Words taken back for each word of the final texts: normalised erasure (Arivazhagan et al. 2020).
    pub fn erasure(&self) -> f64 {
        self.erased as f64 / self.words.max(1) as f64
    }

    pub fn add(&mut self, other: Self) {
        self.updates += other.updates;
        self.changed += other.changed;
        self.erased += other.erased;
        self.words += other.words;
    }
}

/// The texts shown for one utterance so far.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    committed: String,
    words: Vec<String>,
    emitted: Vec<f64>,
    first: Option<f64>,
    stability: Stability,
    partials: u64,
}

impl Shown {
    /// Takes in a partial that came at `at` milliseconds.
    pub fn partial(&mut self, at: f64, committed: &str, tentative: &str) {
        self.partials += 1;
        self.update(at, committed, &format!("{committed} {tentative}"));
    }

    /// Takes in the final text, which is committed as a whole.
    pub fn finished(&mut self, at: f64, text: &str) {
        self.update(at, text, text);
        self.stability.words = self.words.len() as u64;
    }

    fn update(&mut self, at: f64, committed: &str, shown: &str) {
        let shown: Vec<String> = shown.split_whitespace().map(str::to_owned).collect();
        if !shown.is_empty() {
            self.first.get_or_insert(at);
        }
        self.stability.updates += 1;
        self.stability.changed += u64::from(!committed.starts_with(&self.committed));
        let common = self.words.iter().zip(&shown).take_while(|(a, b)| a == b).count();
        self.stability.erased += (self.words.len() - common) as u64;
        let words = committed.split_whitespace().count();
        self.emitted.truncate(words);
        self.emitted.resize(words, at);
        self.words = shown;
        committed.clone_into(&mut self.committed);
    }

    /// When each committed word came.
    pub fn emitted(&self) -> &[f64] {
        &self.emitted
    }

    /// When anything was shown first.
    pub fn first(&self) -> Option<f64> {
        self.first
    }

    pub fn stability(&self) -> Stability {
        self.stability
    }

    pub fn partials(&self) -> u64 {
        self.partials
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lagging_is_the_mean_delay_behind_an_even_pace() {
        // 4 s of audio and 4 words, one a second ideally: 0, 1, 2, 3 s. Delays 2, 1.5, 2 s and the last, which comes
        // after the audio, 1.5 s.
        let found = average_lagging(&[2_000.0, 2_500.0, 4_000.0, 4_500.0], 4_000.0, 4).unwrap();
        // The third came when all audio had: the fourth no longer counts.
        assert!((found - (2_000.0 + 1_500.0 + 2_000.0) / 3.0).abs() < 1e-9, "{found}");
    }

    #[test]
    fn saying_too_much_is_not_rewarded() {
        let few = average_lagging(&[1_000.0, 2_000.0], 2_000.0, 2).unwrap();
        let many = average_lagging(&[1_000.0, 1_000.0, 2_000.0, 2_000.0], 2_000.0, 2).unwrap();
        // Even pace for four words: 0, 500, 1000; delays 1000, 500, 1000.
        assert!((few - 1_000.0).abs() < 1e-9 && (many - 2_500.0 / 3.0).abs() < 1e-9, "{few} {many}");
        assert_eq!(average_lagging(&[], 2_000.0, 2), None);
    }

    #[test]
    fn committed_text_that_changes_is_noticed_and_tentative_text_may_change() {
        let mut shown = Shown::default();
        shown.partial(100.0, "", "the pan");
        shown.partial(200.0, "the", "pain is");
        shown.finished(300.0, "the pain is here");
        assert_eq!(shown.stability(), Stability { updates: 3, changed: 0, erased: 1, words: 4 });
        assert_eq!(shown.emitted(), [200.0, 300.0, 300.0, 300.0]);
        assert_eq!(shown.first(), Some(100.0));
        let mut broken = Shown::default();
        broken.partial(100.0, "the pan", "");
        broken.finished(200.0, "the pain");
        assert_eq!(broken.stability().changed, 1);
        assert!(broken.stability().kept() < 1.0);
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(percentile(&[40.0, 10.0, 30.0, 20.0], 50), Some(20.0));
        assert_eq!(percentile(&[40.0, 10.0, 30.0, 20.0], 95), Some(40.0));
        assert_eq!(percentile(&[], 50), None);
    }

    proptest! {
        #[test]
        fn who_is_later_lags_more(mut times in proptest::collection::vec(0.0f64..900.0, 1..20), later in 1.0f64..99.0) {
            times.sort_by(f64::total_cmp);
            let delayed: Vec<f64> = times.iter().map(|at| at + later).collect();
            let (a, b) = (average_lagging(&times, 1_000.0, 10).unwrap(), average_lagging(&delayed, 1_000.0, 10).unwrap());
            prop_assert!((b - a - later).abs() < 1e-6);
        }

        #[test]
        fn growing_text_never_counts_as_changed(words in proptest::collection::vec("[a-z]{1,4}", 1..20)) {
            let mut shown = Shown::default();
            for n in 1..=words.len() {
                shown.partial(n as f64, &words[..n - 1].join(" "), &words[n - 1]);
            }
            shown.finished(99.0, &words.join(" "));
            prop_assert_eq!(shown.stability().changed, 0);
            prop_assert_eq!(shown.stability().erased, 0);
            prop_assert_eq!(shown.emitted().len(), words.len());
        }
    }
}
