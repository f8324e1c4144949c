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
mod tests;
