//! The search for one text: the hypotheses still growing, and those that have ended. Pure.

/// A text so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Hypothesis {
    pub tokens: Vec<u32>,
    /// Of each token, the one that ended it included.
    log_probabilities: Vec<f32>,
    sum: f32,
}

impl Hypothesis {
    /// Mean logarithm of the tokens' probabilities: without the mean, the shortest would win.
    fn score(&self) -> f32 {
        self.sum / self.log_probabilities.len().max(1) as f32
    }

    pub fn probabilities(&self) -> Vec<f32> {
        self.log_probabilities.iter().take(self.tokens.len()).map(|p| p.exp()).collect()
    }
}

/// A token that may follow the growing hypothesis `row`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub row: usize,
    pub token: u32,
    pub log_probability: f32,
}

/// One hypothesis: greedy. More: a beam, in which those that have ended keep their place.
#[derive(Debug)]
pub(super) struct Search {
    growing: Vec<Hypothesis>,
    ended: Vec<Hypothesis>,
    beams: usize,
    /// Most tokens of a text.
    limit: usize,
    end: u32,
}

impl Search {
    pub fn new(beams: usize, limit: usize, end: u32) -> Self {
        Self { growing: vec![Hypothesis::default()], ended: Vec::new(), beams: beams.max(1), limit, end }
    }

    /// Hypotheses that grow: rows of the decoder's batch.
    pub fn rows(&self) -> usize {
        self.growing.len()
    }

    /// How many candidates of each row are enough to choose from.
    pub fn wanted(&self) -> usize {
        self.beams - self.ended.len().min(self.beams)
    }

    /// The newest token of each growing hypothesis.
    pub fn newest(&self) -> impl Iterator<Item = u32> {
        self.growing.iter().filter_map(|hypothesis| hypothesis.tokens.last().copied())
    }

    /// Grows the likeliest, and returns for each growing hypothesis the row it came from. None: the search is over.
    pub fn advance(&mut self, mut candidates: Vec<Candidate>) -> Vec<usize> {
        candidates.retain(|candidate| candidate.row < self.growing.len() && !candidate.log_probability.is_nan());
        let total = |c: &Candidate| self.growing[c.row].sum + c.log_probability;
        candidates.sort_by(|a, b| total(b).total_cmp(&total(a)));
        let (mut grown, mut rows) = (Vec::new(), Vec::new());
        for candidate in candidates.into_iter().take(self.wanted()) {
            let mut hypothesis = self.growing[candidate.row].clone();
            hypothesis.sum += candidate.log_probability;
            hypothesis.log_probabilities.push(candidate.log_probability);
            if candidate.token == self.end {
                self.ended.push(hypothesis);
                continue;
            }
            hypothesis.tokens.push(candidate.token);
            if hypothesis.tokens.len() >= self.limit {
                self.ended.push(hypothesis);
            } else {
                grown.push(hypothesis);
                rows.push(candidate.row);
            }
        }
        self.growing = grown;
        rows
    }

    /// The best of those that have ended; of those that grow when none has.
    pub fn best(self) -> Hypothesis {
        let of = |all: Vec<Hypothesis>| all.into_iter().max_by(|a, b| a.score().total_cmp(&b.score()));
        of(self.ended).or_else(|| of(self.growing)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u32 = 9;

    fn candidate(row: usize, token: u32, probability: f32) -> Candidate {
        Candidate { row, token, log_probability: probability.ln() }
    }

    #[test]
    fn one_beam_takes_the_likeliest_each_time() {
        let mut search = Search::new(1, 10, END);
        assert_eq!(search.advance(vec![candidate(0, 1, 0.4), candidate(0, 2, 0.6)]), [0]);
        assert!(search.advance(vec![candidate(0, END, 0.5)]).is_empty());
        let best = search.best();
        assert_eq!(best.tokens, [2]);
        assert!((best.probabilities()[0] - 0.6).abs() < 1e-6);
    }

    #[test]
    fn a_beam_finds_what_greed_misses() {
        let mut search = Search::new(2, 10, END);
        assert_eq!(search.advance(vec![candidate(0, 1, 0.6), candidate(0, 2, 0.4)]), [0, 0]);
        // After the likelier first token nothing is likely.
        let next = vec![candidate(0, 3, 0.2), candidate(0, 4, 0.2), candidate(1, 5, 0.9), candidate(1, 6, 0.05)];
        assert_eq!(search.advance(next), [1, 0]);
        assert!(search.advance(vec![candidate(0, END, 0.9), candidate(1, END, 0.9)]).is_empty());
        assert_eq!(search.best().tokens, [2, 5]);
    }

    #[test]
    fn what_has_ended_leaves_the_batch_and_narrows_the_beam() {
        let mut search = Search::new(3, 10, END);
        let rows = search.advance(vec![candidate(0, END, 0.5), candidate(0, 1, 0.3), candidate(0, 2, 0.2)]);
        assert_eq!((rows.len(), search.rows(), search.wanted()), (2, 2, 2));
    }

    #[test]
    fn a_text_ends_at_its_limit() {
        let mut search = Search::new(1, 2, END);
        assert_eq!(search.advance(vec![candidate(0, 1, 0.9)]), [0]);
        assert!(search.advance(vec![candidate(0, 1, 0.9)]).is_empty());
        assert_eq!(search.best().tokens, [1, 1]);
    }

    #[test]
    fn candidates_that_cannot_be_are_no_reason_to_fail() {
        let mut search = Search::new(2, 2, END);
        assert!(search.advance(vec![candidate(7, 1, 0.9), candidate(0, 1, f32::NAN)]).is_empty());
        assert_eq!(search.best(), Hypothesis::default());
    }
}
