//! The search for one text: the hypotheses still growing, and those that have ended. Pure.
//!
//! Whisper was trained to write when a stretch of speech begins and ends between the words, and ends its texts sanely
//! only when it may. The rules for those stamps are the ones of Radford et al. 2022 (`whisper/decoding.py`): one opens
//! the text, within its first second; then they come in pairs, one that closes a stretch and one that opens the next;
//! and they rise. As in whisper.cpp, one that closes a stretch at the end of the audio ends the text. Of our own: none lies
//! beyond the audio. Without that, a sentence was often followed by itself, said after everything was over: repeating is
//! likelier, token by token, than stopping.

/// Tokens of the shortest stretch that counts as going round in a circle when it is one phrase, at least three times.
/// People hardly ever do.
const CIRCLE: usize = 24;

/// Stamps are 20 ms apart: the first of them is within a second.
const FIRST_SECOND: u32 = 50;

/// Steps before the end of the audio from which a stamp is at its end: 100 ms.
const NEAR_END: u32 = 5;

/// What tokens mean, and how long the audio is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// Ends a text. Every token below it is text.
    pub end: u32,
    /// Stamps of the beginning and of the end of the audio.
    pub first_stamp: u32,
    pub last_stamp: u32,
}

/// What may follow a hypothesis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    /// How many candidates are enough to choose from.
    pub wanted: usize,
    pub text: bool,
    pub end: bool,
    /// Whether it would be the first token of text.
    pub first: bool,
    pub stamps: std::ops::RangeInclusive<u32>,
}

/// Where a hypothesis stands between stamps.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Stretch {
    #[default]
    Unopened,
    /// The newest token is the stamp that opened it.
    Opened(u32),
    /// With text since the stamp.
    Spoken(u32),
    /// The newest token is the stamp that closed it.
    Closed(u32),
}

/// A text so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Hypothesis {
    /// Of text alone.
    pub tokens: Vec<u32>,
    /// Of each of those, and of the one that ended it.
    log_probabilities: Vec<f32>,
    /// Of all, stamps included.
    sum: f32,
    steps: usize,
    newest: u32,
    stretch: Stretch,
}

impl Hypothesis {
    /// Mean logarithm of the tokens' probabilities: without the mean, the shortest would win.
    fn score(&self) -> f32 {
        self.sum / self.log_probabilities.len().max(1) as f32
    }

    fn grow(&mut self, candidate: Candidate, frame: Frame) {
        let Candidate { token, log_probability, .. } = candidate;
        self.sum += log_probability;
        self.steps += 1;
        self.newest = token;
        if token >= frame.first_stamp {
            self.stretch = match self.stretch {
                Stretch::Spoken(_) => Stretch::Closed(token),
                Stretch::Unopened | Stretch::Opened(_) | Stretch::Closed(_) => Stretch::Opened(token),
            };
            return;
        }
        self.log_probabilities.push(log_probability);
        if token != frame.end {
            self.tokens.push(token);
            let (Stretch::Opened(at) | Stretch::Spoken(at) | Stretch::Closed(at)) = self.stretch else { return };
            self.stretch = Stretch::Spoken(at);
        }
    }

    /// Whether nothing is left to say.
    fn is_over(&self, frame: Frame) -> bool {
        let at_end = |stamp: u32| stamp + NEAR_END >= frame.last_stamp;
        self.newest == frame.end || matches!(self.stretch, Stretch::Closed(stamp) if at_end(stamp))
    }

    fn next(&self, wanted: usize, frame: Frame) -> Next {
        let first = self.tokens.is_empty();
        let (text, end, from) = match self.stretch {
            Stretch::Unopened => {
                let stamps = frame.first_stamp..=(frame.first_stamp + FIRST_SECOND).min(frame.last_stamp);
                return Next { wanted, text: false, end: false, first, stamps };
            }
            Stretch::Opened(_) => (true, !first, None),
            Stretch::Spoken(opened) => (true, true, Some(opened + 1)),
            Stretch::Closed(closed) => (false, true, Some(closed)),
        };
        Next { wanted, text, end, first, stamps: from.unwrap_or(frame.last_stamp + 1)..=frame.last_stamp }
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
    /// Most tokens of a text, stamps included.
    limit: usize,
    frame: Frame,
}

impl Search {
    pub fn new(beams: usize, limit: usize, frame: Frame) -> Self {
        let growing = vec![Hypothesis::default()];
        Self { growing, ended: Vec::new(), cut: Vec::new(), beams: beams.max(1), limit, frame }
    }

    /// Hypotheses that grow: rows of the decoder's batch.
    pub fn rows(&self) -> usize {
        self.growing.len()
    }

    /// What may follow each growing hypothesis.
    pub fn next(&self) -> impl Iterator<Item = Next> {
        self.growing.iter().map(|hypothesis| hypothesis.next(self.wanted(), self.frame))
    }

    fn wanted(&self) -> usize {
        self.beams.saturating_sub(self.ended.len() + self.cut.len())
    }

    /// The newest token of each growing hypothesis.
    pub fn newest(&self) -> impl Iterator<Item = u32> {
        self.growing.iter().map(|hypothesis| hypothesis.newest)
    }

    /// Ends the search where it is.
    pub fn abandon(&mut self) {
        self.growing.clear();
    }

    /// Grows the likeliest, and returns for each growing hypothesis the row it came from. None: the search is over.
    pub fn advance(&mut self, mut candidates: Vec<Candidate>) -> Vec<usize> {
        candidates.retain(|candidate| candidate.row < self.growing.len() && !candidate.log_probability.is_nan());
        let total = |c: &Candidate| self.growing[c.row].sum + c.log_probability;
        candidates.sort_by(|a, b| total(b).total_cmp(&total(a)));
        let (mut grown, mut rows): (Vec<Hypothesis>, Vec<usize>) = (Vec::new(), Vec::new());
        for candidate in candidates.into_iter().take(self.wanted()) {
            let mut hypothesis = self.growing[candidate.row].clone();
            hypothesis.grow(candidate, self.frame);
            if hypothesis.is_over(self.frame) {
                self.ended.push(hypothesis);
            } else if hypothesis.straighten() || hypothesis.steps >= self.limit {
                self.cut.push(hypothesis);
            } else {
                grown.push(hypothesis);
                rows.push(candidate.row);
            }
        }
        self.growing = grown;
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

    const END: u32 = 50;
    const STAMP: u32 = 100;

    /// Six seconds of audio.
    const FRAME: Frame = Frame { end: END, first_stamp: STAMP, last_stamp: STAMP + 300 };

    fn candidate(row: usize, token: u32, probability: f32) -> Candidate {
        Candidate { row, token, log_probability: probability.ln() }
    }

    /// Past the stamp that opens the text.
    fn opened(beams: usize, limit: usize) -> Search {
        let mut search = Search::new(beams, limit, FRAME);
        assert_eq!(search.advance(vec![candidate(0, STAMP, 1.0)]), [0]);
        search
    }

    fn next_of(tokens: &[u32]) -> Next {
        let mut search = opened(1, 100);
        for token in tokens {
            assert_eq!(search.advance(vec![candidate(0, *token, 0.9)]), [0], "{token}");
        }
        search.next().next().unwrap()
    }

    #[test]
    fn a_stamp_within_a_second_opens_a_text() {
        let next = Search::new(5, 10, FRAME).next().next().unwrap();
        assert_eq!(next, Next { wanted: 5, text: false, end: false, first: true, stamps: STAMP..=STAMP + 50 });
        let next = next_of(&[]);
        assert!(next.text && next.first && !next.end && next.stamps.is_empty());
    }

    #[test]
    fn stamps_come_in_pairs_and_rise() {
        let next = next_of(&[7]);
        assert!(next.text && next.end && !next.first);
        assert_eq!(next.stamps, STAMP + 1..=STAMP + 300);
        let next = next_of(&[7, STAMP + 100]);
        assert!(!next.text && next.end);
        assert_eq!(next.stamps, STAMP + 100..=STAMP + 300);
        let next = next_of(&[7, STAMP + 100, STAMP + 120]);
        assert!(next.text && next.end && next.stamps.is_empty());
        assert_eq!(next_of(&[7, STAMP + 100, STAMP + 120, 8]).stamps, STAMP + 121..=STAMP + 300);
    }

    #[test]
    fn a_stretch_that_closes_at_the_end_of_the_audio_ends_the_text_and_no_other_does() {
        let mut search = opened(1, 100);
        assert_eq!(search.advance(vec![candidate(0, 7, 0.9)]), [0]);
        assert_eq!(search.advance(vec![candidate(0, STAMP + 294, 0.9)]), [0]);
        let mut search = opened(1, 100);
        assert_eq!(search.advance(vec![candidate(0, 7, 0.9)]), [0]);
        assert!(search.advance(vec![candidate(0, STAMP + 295, 0.9)]).is_empty());
        assert_eq!(search.best().tokens, [7]);
    }

    #[test]
    fn one_beam_takes_the_likeliest_each_time() {
        let mut search = opened(1, 10);
        assert_eq!(search.advance(vec![candidate(0, 1, 0.4), candidate(0, 2, 0.6)]), [0]);
        assert!(search.advance(vec![candidate(0, END, 0.5)]).is_empty());
        let best = search.best();
        assert_eq!(best.tokens, [2]);
        assert!((best.probabilities()[0] - 0.6).abs() < 1e-6);
    }

    #[test]
    fn a_beam_finds_what_greed_misses() {
        let mut search = opened(2, 10);
        assert_eq!(search.advance(vec![candidate(0, 1, 0.6), candidate(0, 2, 0.4)]), [0, 0]);
        // After the likelier first token nothing is likely.
        let next = vec![candidate(0, 3, 0.2), candidate(0, 4, 0.2), candidate(1, 5, 0.9), candidate(1, 6, 0.05)];
        assert_eq!(search.advance(next), [1, 0]);
        assert!(search.advance(vec![candidate(0, END, 0.9), candidate(1, END, 0.9)]).is_empty());
        assert_eq!(search.best().tokens, [2, 5]);
    }

    #[test]
    fn what_has_ended_leaves_the_batch_and_narrows_the_beam() {
        let mut search = opened(3, 10);
        search.advance(vec![candidate(0, 3, 0.9)]);
        let rows = search.advance(vec![candidate(0, END, 0.5), candidate(0, 1, 0.3), candidate(0, 2, 0.2)]);
        assert_eq!((rows.len(), search.rows()), (2, 2));
        assert!(search.next().all(|next| next.wanted == 2));
    }

    #[test]
    fn a_text_that_ended_early_does_not_stop_one_that_goes_on_to_be_likelier() {
        let mut search = opened(2, 30);
        search.advance(vec![candidate(0, 1, 0.5)]);
        search.advance(vec![candidate(0, END, 0.2), candidate(0, 2, 0.05)]);
        for token in 3..9 {
            assert_eq!(search.advance(vec![candidate(0, token, 0.9)]), [0]);
        }
        assert!(search.advance(vec![candidate(0, END, 0.9)]).is_empty());
        assert_eq!(search.best().tokens, [1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn a_text_ends_at_its_limit() {
        let mut search = opened(1, 3);
        assert_eq!(search.advance(vec![candidate(0, 1, 0.9)]), [0]);
        assert!(search.advance(vec![candidate(0, 1, 0.9)]).is_empty());
        assert_eq!(search.best().tokens, [1, 1]);
    }

    #[test]
    fn what_has_ended_is_better_than_what_would_not() {
        let mut search = opened(2, 3);
        search.advance(vec![candidate(0, 1, 0.5), candidate(0, 2, 0.5)]);
        search.advance(vec![candidate(0, END, 0.3), candidate(1, 2, 0.9)]);
        assert_eq!(search.best().tokens, [1]);
    }

    #[test]
    fn what_is_abandoned_is_over() {
        let mut search = opened(2, 10);
        search.advance(vec![candidate(0, 1, 0.5), candidate(0, 2, 0.5)]);
        search.abandon();
        assert_eq!((search.rows(), search.best()), (0, Hypothesis::default()));
    }

    #[test]
    fn a_circle_is_cut_to_its_first_round() {
        let phrase = [4, 1, 2, 3, 5, 6, 7, 8, 2];
        let mut search = opened(1, 200);
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
        let mut search = opened(1, 200);
        for token in (0..30).map(|n| n % 15 + 10).chain([3, 3, 3, 3]) {
            assert_eq!(search.advance(vec![candidate(0, token, 0.9)]), [0]);
        }
    }

    #[test]
    fn candidates_that_cannot_be_are_no_reason_to_fail() {
        let mut search = Search::new(2, 2, FRAME);
        assert!(search.advance(vec![candidate(7, 1, 0.9), candidate(0, 1, f32::NAN)]).is_empty());
        assert_eq!(search.best(), Hypothesis::default());
    }
}
