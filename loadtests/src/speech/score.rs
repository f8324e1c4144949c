//! Lag, coverage and recall of a stream. Pure. `loadtests/README.md` says what each is and why.

use super::{
    corpus::Span,
    record::{Recording, Sent, Snapshot},
    text,
};

/// Speech is looked at in bins of this length, in milliseconds.
const BIN_MS: f64 = 20.0;

/// Whisper's own time stamps are this coarse: speech this near to a text's span counts as covered by it, though not
/// as covered at that time.
pub const TOLERANCE_MS: f64 = 500.0;

/// What one stream came to. Lags are in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct StreamScore {
    /// For each piece of text that covers speech not covered before: how long after its last covered sample was sent.
    pub pieces: Vec<f64>,
    /// Of those, the pieces in the second half of the stream.
    pub late_pieces: Vec<f64>,
    /// For each bin of speech: how long after it was sent the first text covered it; infinite where none ever did.
    pub moments: Vec<f64>,
    /// For each word that was recognised: how long after its end was sent it was first there.
    pub words: Vec<f64>,
    pub speech_bins: usize,
    pub covered_bins: usize,
    pub reference_words: usize,
    pub recognised_words: usize,
    /// For each clip: from its first voiced sample to the first text that covers any of it.
    pub first_text: Vec<f64>,
    /// For each clip: from its last voiced sample to the final text that covers it.
    pub finals: Vec<f64>,
}

/// A bin of the reference's speech.
struct Bin {
    middle_ms: f64,
    sent_ms: f64,
    clip: usize,
    first_ms: Option<f64>,
}

pub fn score(recording: &Recording) -> StreamScore {
    let mut bins = bins(recording);
    let mut score = StreamScore { speech_bins: bins.len(), ..StreamScore::default() };
    pieces(recording, &mut bins, &mut score);
    coverage(recording, &bins, &mut score);
    words(recording, &mut score);
    clips(recording, &bins, &mut score);
    score
}

fn bins(recording: &Recording) -> Vec<Bin> {
    let mut bins = Vec::new();
    for (clip, (spoken, start_ms)) in recording.script.clips.iter().zip(&recording.starts_ms).enumerate() {
        for span in &spoken.speech {
            let count = ((span.end_ms - span.start_ms) / BIN_MS).max(0.0) as usize;
            for index in 0..count {
                let middle_ms = start_ms + span.start_ms + (index as f64 + 0.5) * BIN_MS;
                let Some(sent_ms) = recording.sent.at(middle_ms) else { continue };
                bins.push(Bin { middle_ms, sent_ms, clip, first_ms: None });
            }
        }
    }
    bins
}

/// Marks when each bin was first covered, and takes down the lag of each piece that covered any.
fn pieces(recording: &Recording, bins: &mut [Bin], score: &mut StreamScore) {
    let half = bins.last().map_or(0.0, |bin| bin.middle_ms) / 2.0;
    for snapshot in &recording.snapshots {
        let mut last: Option<(f64, f64)> = None;
        for span in spans(snapshot, false) {
            let from = bins.partition_point(|bin| bin.middle_ms < span.start_ms);
            let to = bins.partition_point(|bin| bin.middle_ms < span.end_ms);
            for bin in &mut bins[from..to.max(from)] {
                // Text cannot stand for what has not been sent yet, whatever it says.
                if bin.first_ms.is_none() && bin.sent_ms <= snapshot.at_ms {
                    bin.first_ms = Some(snapshot.at_ms);
                    if last.is_none_or(|(furthest, _)| bin.middle_ms > furthest) {
                        last = Some((bin.middle_ms, bin.sent_ms));
                    }
                }
            }
        }
        if let Some((middle_ms, sent_ms)) = last {
            score.pieces.push(snapshot.at_ms - sent_ms);
            if middle_ms >= half {
                score.late_pieces.push(snapshot.at_ms - sent_ms);
            }
        }
    }
}

/// What is covered in the end, and the lags of moments: those only near a text's span have none.
fn coverage(recording: &Recording, bins: &[Bin], score: &mut StreamScore) {
    let covered: Vec<Span> = recording.snapshots.last().map(|last| spans(last, false).collect()).unwrap_or_default();
    for bin in bins {
        let near = covered.iter().any(|span| near(bin.middle_ms, span));
        score.covered_bins += usize::from(near);
        match bin.first_ms {
            Some(first) => score.moments.push(first - bin.sent_ms),
            None if near => {}
            None => score.moments.push(f64::INFINITY),
        }
    }
}

fn words(recording: &Recording, score: &mut StreamScore) {
    let reference = reference(recording);
    let mut seen = vec![false; reference.len()];
    let said: Vec<&str> = reference.iter().map(|word| word.text).collect();
    for snapshot in &recording.snapshots {
        // Only what has begun to be said can have been heard.
        let begun = reference.partition_point(|word| word.begun_ms <= snapshot.at_ms);
        let found = text::recognised(&said[..begun], &read(snapshot));
        for (index, _) in found.iter().enumerate().filter(|(_, found)| **found) {
            if !std::mem::replace(&mut seen[index], true) {
                score.words.push((snapshot.at_ms - reference[index].sent_ms).max(0.0));
            }
        }
    }
    score.reference_words = reference.len();
    if let Some(last) = recording.snapshots.last() {
        score.recognised_words = text::recognised(&said, &read(last)).into_iter().filter(|found| *found).count();
    }
}

struct ReferenceWord<'a> {
    text: &'a str,
    /// When its first and its last sample were sent.
    begun_ms: f64,
    sent_ms: f64,
}

fn reference(recording: &Recording) -> Vec<ReferenceWord<'_>> {
    let sent: &Sent = &recording.sent;
    let clips = recording.script.clips.iter().zip(&recording.starts_ms);
    let words = clips.flat_map(|(clip, start_ms)| {
        clip.words.iter().filter_map(move |word| {
            let begun_ms = sent.at(start_ms + word.span.start_ms)?;
            Some(ReferenceWord { text: &word.text, begun_ms, sent_ms: sent.at(start_ms + word.span.end_ms)? })
        })
    });
    words.collect()
}

/// When each clip's first text and its final text came.
fn clips(recording: &Recording, bins: &[Bin], score: &mut StreamScore) {
    for clip in 0..recording.script.clips.len() {
        let mut own = bins.iter().filter(|bin| bin.clip == clip);
        let Some(first) = own.next() else { continue };
        let last = own.next_back().unwrap_or(first);
        let own = bins.iter().filter(|bin| bin.clip == clip);
        let text = own.filter_map(|bin| bin.first_ms).fold(f64::INFINITY, f64::min);
        score.first_text.push(text - first.sent_ms);
        let finished = recording.snapshots.iter().find(|snapshot| {
            snapshot.at_ms >= last.sent_ms && spans(snapshot, true).any(|span| near(last.middle_ms, &span))
        });
        score.finals.push(finished.map_or(f64::INFINITY, |snapshot| snapshot.at_ms - last.sent_ms));
    }
}

/// The spans that text stands for; with `finals`, only text that will not change.
fn spans(snapshot: &Snapshot, finals: bool) -> impl Iterator<Item = Span> {
    let blocks = snapshot.blocks.iter().filter(move |block| block.is_final || !finals);
    blocks.filter(|block| block.text.chars().any(char::is_alphanumeric)).map(|block| block.span)
}

fn near(at_ms: f64, span: &Span) -> bool {
    (span.start_ms - TOLERANCE_MS..=span.end_ms + TOLERANCE_MS).contains(&at_ms)
}

fn read(snapshot: &Snapshot) -> Vec<String> {
    snapshot.blocks.iter().flat_map(|block| text::words(&block.text)).collect()
}

/// The value that `percent` of the values do not exceed (nearest rank); `None` without values and where it is
/// infinite.
pub fn percentile(values: &[f64], percent: usize) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().filter(|value| value.is_finite())
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
