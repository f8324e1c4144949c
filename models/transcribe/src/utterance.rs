//! The text of one utterance while it is spoken: what of it is committed, which part of its audio still has to be
//! looked at, and how its final text follows from both.
//!
//! Commitment is LocalAgreement-2 (Liu et al. 2020; Macháček et al. 2023): what two successive hypotheses say alike,
//! some time before the audio ends, is committed and never changes again. Audio of committed words leaves the window
//! that is recognised, so that a long utterance costs no more than a short one.

use crate::alignment::align;
use healthsync_models::tasks::{Transcription, Word};

/// Samples of a millisecond.
const MS: usize = 16;

/// Audio after a word before it may be committed. Nearer to where the audio stops, Whisper completes words it has
/// heard half of, and does so alike in successive hypotheses.
const HOLD_BACK_MS: u32 = 800;

/// A window longer than this leaves committed words behind. Shorter windows cost less and know less of what came
/// before.
const LONG_WINDOW: usize = 9_000 * MS;

/// Committed audio that stays in the window: the words in it say where the new ones begin.
const OVERLAP_MS: u32 = 1_500;

/// Characters of committed text given along as what came before the window.
const PROMPT_CHARS: usize = 200;

/// The part of an utterance to be recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Samples from the beginning of the utterance.
    pub from: usize,
    /// Committed words before it.
    passed: usize,
    /// Text that comes before it.
    pub before: String,
}

/// A text in two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    pub committed: String,
    pub tentative: String,
}

/// What is known of an utterance's text. Times of words are milliseconds from its beginning.
#[derive(Debug, Default)]
pub struct UtteranceText {
    committed: Vec<Word>,
    /// Words of the newest hypothesis behind the committed ones.
    tail: Vec<Word>,
    from: usize,
    passed: usize,
}

impl UtteranceText {
    /// What to recognise when `samples` of the utterance have been heard.
    pub fn window(&mut self, samples: usize) -> Window {
        if samples.saturating_sub(self.from) > LONG_WINDOW {
            self.advance();
        }
        let before = self.committed[..self.passed].iter().map(|word| word.text.as_str());
        Window { from: self.from, passed: self.passed, before: tail_of(&join(before), PROMPT_CHARS) }
    }

    /// Takes in what was heard in a window, of which `samples` had been heard.
    pub fn take_in(&mut self, window: &Window, heard: &Transcription, samples: usize) -> Agreed {
        let words = placed(window, heard);
        let (_, covered) = align(&texts(self.promised(window)), &texts(&words));
        let tail = words[covered..].to_vec();
        let heard_ms = ((window.from + samples) / MS) as u32;
        let settled = tail.iter().take_while(|word| word.end_ms + HOLD_BACK_MS <= heard_ms).count();
        let pairs = self.tail.iter().zip(&tail).take(settled);
        let mut agreed = pairs.take_while(|(a, b)| a.text == b.text).count();
        // Whisper ends every hypothesis with a full stop: it is one only when the next word has come.
        if agreed == tail.len() && agreed > 0 && ends_sentence(&tail[agreed - 1].text) {
            agreed -= 1;
        }
        self.committed.extend_from_slice(&tail[..agreed]);
        self.tail = tail[agreed..].to_vec();
        Agreed { committed: self.committed(), tentative: join(self.tail.iter().map(|word| word.text.as_str())) }
    }

    pub fn committed_words(&self) -> &[Word] {
        &self.committed
    }

    /// Samples from the beginning of the utterance to the end of its last committed word.
    pub fn committed_samples(&self) -> u64 {
        self.committed.last().map_or(0, |word| u64::from(word.end_ms) * MS as u64)
    }

    pub fn committed(&self) -> String {
        join(self.committed.iter().map(|word| word.text.as_str()))
    }

    /// The words of the whole utterance, given what was heard in its last window: the committed ones as they are, then
    /// those heard behind them.
    pub fn conclude(&self, window: &Window, heard: &Transcription) -> Vec<Word> {
        let words = placed(window, heard);
        let (_, covered) = align(&texts(self.promised(window)), &texts(&words));
        let mut all = self.committed.clone();
        all.extend_from_slice(&words[covered..]);
        in_order(&mut all);
        all
    }

    fn promised(&self, window: &Window) -> &[Word] {
        self.committed.get(window.passed..).unwrap_or_default()
    }

    /// Leaves behind what was committed some time ago: up to the end of a sentence where there is one, else up to
    /// the last word that is old enough.
    fn advance(&mut self) {
        let Some(newest) = self.committed.last() else { return };
        let old = self.committed.iter().take_while(|word| word.end_ms + OVERLAP_MS <= newest.end_ms).count();
        let sentence = (self.passed + 1..=old).rev().find(|count| ends_sentence(&self.committed[count - 1].text));
        let passed = sentence.unwrap_or(old);
        if passed <= self.passed {
            return;
        }
        let (last, next) = (&self.committed[passed - 1], &self.committed[passed]);
        let between = u32::midpoint(last.end_ms, next.start_ms.max(last.end_ms));
        let from = between as usize * MS;
        if from > self.from {
            (self.from, self.passed) = (from, passed);
        }
    }
}

/// The words of a text as people write them.
pub fn join<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.collect::<Vec<_>>().join(" ")
}

/// The last characters of a text, from the beginning of a word.
pub(crate) fn tail_of(text: &str, chars: usize) -> String {
    let count = text.chars().count();
    if count <= chars {
        return text.to_owned();
    }
    let cut: String = text.chars().skip(count - chars).collect();
    cut.split_once(' ').map_or(cut.clone(), |(_, rest)| rest.to_owned())
}

fn ends_sentence(word: &str) -> bool {
    word.ends_with(['.', '?', '!', '…'])
}

fn texts(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
}

/// Words with their times from the beginning of the utterance.
fn placed(window: &Window, heard: &Transcription) -> Vec<Word> {
    let offset = (window.from / MS) as u32;
    let place = |word: &Word| Word { start_ms: word.start_ms + offset, end_ms: word.end_ms + offset, ..word.clone() };
    heard.words.iter().map(place).collect()
}

/// Words from two windows may overlap by some milliseconds: no word begins before the one ahead of it.
fn in_order(words: &mut [Word]) {
    let mut earliest = 0;
    for word in words {
        word.start_ms = word.start_ms.max(earliest);
        word.end_ms = word.end_ms.max(word.start_ms);
        earliest = word.start_ms;
    }
}

#[cfg(test)]
mod tests;
