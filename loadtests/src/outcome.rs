//! What a played consultation gave: words, translations, scores, and how long they took.

use healthsync_events::{
    Event, EventBody, Seq,
    alarm::AlarmRaised,
    risk::RiskScored,
    speech::{CaptionFinal, SpeechAnnounced, SpeechSkipped, TranslationFinal},
};
use std::{sync::Arc, time::Duration};

/// Everything that came back, in order.
#[derive(Debug, Default)]
pub struct Outcome {
    pub captions: Vec<(Seq, CaptionFinal)>,
    pub translations: Vec<TranslationFinal>,
    pub speeches: Vec<SpeechAnnounced>,
    pub scores: Vec<Arc<RiskScored>>,
    pub alarms: Vec<AlarmRaised>,
    pub partials: usize,
    /// Synthesised speech received, at [`crate::hearing::SAMPLE_RATE`].
    pub speech_samples: usize,
    /// The loudest of it, 0 to 1.
    pub speech_peak: f32,
    /// Lengths of completed speeches, in order.
    pub spoken: Vec<Duration>,
    /// Translations that stayed text though somebody listened.
    pub skipped: Vec<SpeechSkipped>,
    /// Translations of what somebody was still saying.
    pub partial_translations: usize,
    pub images_ready: usize,
    /// Utterances that gave no caption.
    pub captions_dropped: usize,
    pub errors: Vec<String>,
    /// Newest sequence number seen.
    pub head: Seq,
    /// Sequence numbers that did not follow the one before.
    pub gaps: Vec<(Seq, Seq)>,
}

impl Outcome {
    pub(crate) fn take_in(&mut self, event: Event) {
        if event.seq != self.head.next() {
            self.gaps.push((self.head, event.seq));
        }
        self.head = event.seq;
        match event.body {
            EventBody::CaptionPartial(_) => self.partials += 1,
            EventBody::CaptionFinal(caption) => self.captions.push((event.seq, caption)),
            EventBody::TranslationFinal(translation) => self.translations.push(translation),
            EventBody::SpeechAnnounced(speech) => self.speeches.push(speech),
            EventBody::SpeechCompleted(speech) => self.spoken.push(Duration::from_millis(speech.duration_ms)),
            EventBody::SpeechSkipped(skipped) => self.skipped.push(skipped),
            EventBody::TranslationPartial(_) => self.partial_translations += 1,
            EventBody::CaptionDropped(_) => self.captions_dropped += 1,
            EventBody::RiskScored(score) => self.scores.push(score),
            EventBody::AlarmRaised(alarm) => self.alarms.push(alarm),
            EventBody::ImageReady(_) => self.images_ready += 1,
            EventBody::ImageRejected(rejected) => self.errors.push(format!("image rejected: {}", rejected.reason)),
            EventBody::ErrorRaised(raised) => self.errors.push(format!("{:?}: {}", raised.component, raised.error)),
            _ => {}
        }
    }

    pub(crate) fn hear(&mut self, samples: &[f32]) {
        self.speech_samples += samples.len();
        self.speech_peak = samples.iter().fold(self.speech_peak, |peak, sample| peak.max(sample.abs()));
    }

    /// The server left out superseded partials.
    pub(crate) fn coalesced(&mut self, from: Seq, to: Seq) {
        if from != self.head.next() {
            self.gaps.push((self.head, from));
        }
        self.head = to;
    }

    /// Counts the captions of a participant.
    pub(crate) fn by_participant(participant: &'static str) -> impl Fn(&Self) -> usize {
        move |seen| seen.captions.iter().filter(|(_, c)| c.participant.as_str() == participant).count()
    }

    /// Whether every caption has been translated, and every translation spoken to its end or left as text.
    pub(crate) fn all_spoken(&self) -> bool {
        let settled = self.spoken.len() + self.skipped.len();
        self.translations.len() >= self.captions.len() && settled >= self.translations.len()
    }

    /// The translation of a caption.
    pub fn translation_of(&self, caption: Seq) -> Option<&TranslationFinal> {
        self.translations.iter().find(|translation| translation.of == caption)
    }

    /// Milliseconds from the end of speech to the final caption.
    pub fn caption_latencies(&self) -> Vec<u64> {
        self.captions.iter().map(|(_, caption)| caption.latency_ms).collect()
    }

    /// Milliseconds from the end of speech to the first synthesised samples of its translation.
    pub fn speech_latencies(&self) -> Vec<u64> {
        self.speeches.iter().map(|speech| speech.latency_ms).collect()
    }
}

/// The value below which `percent` of the values lie, by the nearest-rank method; `None` without values.
pub fn percentile(values: &[u64], percent: usize) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values = [40, 10, 30, 20];
        assert_eq!(percentile(&values, 50), Some(20));
        assert_eq!(percentile(&values, 95), Some(40));
        assert_eq!(percentile(&values, 0), Some(10));
        assert_eq!(percentile(&[], 50), None);
    }
}
