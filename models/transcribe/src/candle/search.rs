//! The search for one text: the hypotheses still growing, and those that have ended. Pure.

/// How much less likely than the likeliest that has ended, as a logarithm, a growing text may be: it becomes only less
/// likely. On the first 30 clinical sentences a margin of 2 gave the words that none gave.
const MARGIN: f32 = 2.0;

/// Tokens of the shortest stretch that counts as going round in a circle when it is one phrase, at least three times.
/// Whisper without timestamps falls into such circles at the end of a sentence; people hardly ever do.
const CIRCLE: usize = 24;

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

    /// Cuts a circle down to its first round. Whether there was one.
    fn straighten(&mut self) -> bool {
        let count = self.tokens.len();
        let circle = |period: usize| {
            let stretch = CIRCLE.max(3 * period);
            (count >= stretch && (count + period - stretch..count).all(|n| self.tokens[n] == self.tokens[n - period]))
                .then_some(period)
        };
        let Some(period) = (1..=count / 3).find_map(circle) else { return false };
        let mut first = count - period;
        while first > 0 && self.tokens[first - 1] == self.tokens[first - 1 + period] {
            first -= 1;
        }
        self.tokens.truncate(first + period);
        self.log_probabilities.truncate(first + period);
        self.sum = self.log_probabilities.iter().sum();
        true
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
    /// Those that would not end: at the limit, or going round in circles. Better than nothing.
    cut: Vec<Hypothesis>,
    beams: usize,
    /// Most tokens of a text.
    limit: usize,
    end: u32,
}

impl Search {
    pub fn new(beams: usize, limit: usize, end: u32) -> Self {
        let growing = vec![Hypothesis::default()];
        Self { growing, ended: Vec::new(), cut: Vec::new(), beams: beams.max(1), limit, end }
    }

    /// Hypotheses that grow: rows of the decoder's batch.
    pub fn rows(&self) -> usize {
        self.growing.len()
    }

    /// How many candidates of each row are enough to choose from.
    pub fn wanted(&self) -> usize {
        self.beams.saturating_sub(self.ended.len() + self.cut.len())
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
        let (mut grown, mut rows): (Vec<Hypothesis>, Vec<usize>) = (Vec::new(), Vec::new());
        for candidate in candidates.into_iter().take(self.wanted()) {
            let mut hypothesis = self.growing[candidate.row].clone();
            hypothesis.sum += candidate.log_probability;
            hypothesis.log_probabilities.push(candidate.log_probability);
            if candidate.token == self.end {
                self.ended.push(hypothesis);
                continue;
            }
            hypothesis.tokens.push(candidate.token);
            if hypothesis.straighten() || hypothesis.tokens.len() >= self.limit {
                self.cut.push(hypothesis);
            } else {
                grown.push(hypothesis);
                rows.push(candidate.row);
            }
        }
        let least = self.ended.iter().map(|ended| ended.sum - MARGIN).fold(f32::MIN, f32::max);
        let hopeful = |(hypothesis, row): (Hypothesis, usize)| (hypothesis.sum >= least).then_some((hypothesis, row));
        (self.growing, rows) = grown.into_iter().zip(rows).filter_map(hopeful).unzip();
        rows
    }

    /// The best of those that have ended; when none has, of those that would not.
    pub fn best(self) -> Hypothesis {
        let of = |all: Vec<Hypothesis>| all.into_iter().max_by(|a, b| a.score().total_cmp(&b.score()));
        of(self.ended).or_else(|| of(self.cut)).unwrap_or_default()
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
    fn what_has_ended_is_better_than_what_would_not() {
        let mut search = Search::new(2, 2, END);
        search.advance(vec![candidate(0, 1, 0.5), candidate(0, 2, 0.5)]);
        search.advance(vec![candidate(0, END, 0.3), candidate(1, 2, 0.9)]);
        assert_eq!(search.best().tokens, [1]);
    }

    #[test]
    fn what_has_become_too_unlikely_is_given_up() {
        let mut search = Search::new(2, 10, END);
        search.advance(vec![candidate(0, 1, 0.9), candidate(0, 2, 0.1)]);
        assert!(search.advance(vec![candidate(0, END, 0.9), candidate(1, 3, 0.9)]).is_empty());
    }

    #[test]
    fn a_circle_is_cut_to_its_first_round() {
        let phrase = [4, 1, 2, 3, 5, 6, 7, 8, 2];
        let mut search = Search::new(1, 200, END);
        let mut steps = 0;
        for token in [7, 7].into_iter().chain(phrase.into_iter().cycle()) {
            steps += 1;
            if search.advance(vec![candidate(0, token, 0.9)]).is_empty() {
                break;
            }
        }
        assert_eq!(steps, 2 + 3 * phrase.len());
        let best = search.best();
        assert_eq!(best.tokens, [7, 7, 4, 1, 2, 3, 5, 6, 7, 8, 2]);
        assert_eq!(best.probabilities().len(), best.tokens.len());
    }

    #[test]
    fn saying_something_twice_is_no_circle() {
        let mut search = Search::new(1, 200, END);
        for token in (0..30).map(|n| n % 15 + 10).chain([3, 3, 3, 3]) {
            assert_eq!(search.advance(vec![candidate(0, token, 0.9)]), [0]);
        }
    }

    #[test]
    fn candidates_that_cannot_be_are_no_reason_to_fail() {
        let mut search = Search::new(2, 2, END);
        assert!(search.advance(vec![candidate(7, 1, 0.9), candidate(0, 1, f32::NAN)]).is_empty());
        assert_eq!(search.best(), Hypothesis::default());
    }
}
