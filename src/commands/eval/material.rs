//! The recordings to measure on.

use anyhow::{Context as _, ensure};
use healthsync_evaluate::{
    audio,
    list::{self, Recording},
};
use healthsync_events::{Language, audio::SAMPLE_RATE};
use healthsync_models::tasks::{VoiceActivity, VoiceActivityFactory};
use std::path::Path;

/// Probability of speech from which a frame is taken for voice. It is no part of the pipeline's own settings, so that
/// latency is measured from the same instants whatever those are.
const VOICE: f32 = 0.5;

/// Milliseconds of voice in a row that count: a click is shorter.
const MIN_VOICE_MS: f64 = 60.0;

#[derive(Debug, Default)]
pub(super) struct Material {
    pub items: Vec<Item>,
}

/// A recording that has been found to be readable.
#[derive(Debug)]
pub(super) struct Item {
    pub recording: Recording,
    pub seconds: f64,
}

impl Item {
    /// Its samples at 16 kHz. They are not kept: hours of recordings are gigabytes.
    pub fn samples(&self) -> anyhow::Result<Vec<f32>> {
        audio::decode(&self.recording.file).with_context(|| format!("line {} of the list", self.recording.line))
    }
}

impl Material {
    /// Reads the list and decodes every recording once, so that what cannot be read is known before anything runs.
    pub fn choose(path: &Path, languages: &[Language], limit: Option<u32>) -> anyhow::Result<Self> {
        let mut recordings = list::recordings(path)?;
        if !languages.is_empty() {
            recordings.retain(|recording| languages.iter().any(|language| language.same_language(&recording.language)));
        }
        ensure!(!recordings.is_empty(), "{} has no recording in these languages", path.display());
        let wanted = limit.map_or(recordings.len(), |limit| recordings.len().min(limit as usize));
        let all = recordings.len();
        let chosen = recordings.into_iter().enumerate().filter(|(index, _)| spread(*index, all, wanted));
        let bar = super::progress("Reading recordings", wanted);
        let mut items = Vec::with_capacity(wanted);
        for (_, recording) in chosen {
            let mut item = Item { recording, seconds: 0.0 };
            item.seconds = item.samples()?.len() as f64 / f64::from(SAMPLE_RATE);
            items.push(item);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Self { items })
    }
}

/// Whether the item is one of `wanted` chosen evenly from `all`.
fn spread(index: usize, all: usize, wanted: usize) -> bool {
    (index * wanted) / all != ((index + 1) * wanted) / all
}

/// Milliseconds at which the first voice begins and the last ends; `None` where there is none.
pub(super) fn voiced(samples: &[f32], ears: &VoiceActivityFactory) -> anyhow::Result<Option<(f64, f64)>> {
    let mut ears: Box<dyn VoiceActivity> = ears()?;
    let frame = ears.frame_len().max(1);
    let ms = |samples: usize| samples as f64 * 1_000.0 / f64::from(SAMPLE_RATE);
    let (mut found, mut run) = (None::<(f64, f64)>, 0);
    for (index, samples) in samples.chunks_exact(frame).enumerate() {
        run = if ears.probability(samples)? >= VOICE { run + 1 } else { 0 };
        if ms(run * frame) < MIN_VOICE_MS {
            continue;
        }
        let end = ms((index + 1) * frame);
        let begin = found.map_or(ms((index + 1 - run) * frame), |(begin, _)| begin);
        found = Some((begin, end));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_models::ModelError;
    use std::sync::Arc;

    /// Hears the samples' own values; 10 ms a frame.
    struct Literal;

    impl VoiceActivity for Literal {
        fn frame_len(&self) -> usize {
            160
        }
        fn probability(&mut self, frame: &[f32]) -> Result<f32, ModelError> {
            Ok(frame[0])
        }
    }

    #[test]
    fn voice_is_from_the_first_long_run_to_the_end_of_the_last() {
        let ears: VoiceActivityFactory = Arc::new(|| Ok(Box::new(Literal) as Box<dyn VoiceActivity>));
        let silence = |ms: usize| vec![0.0_f32; ms * 16];
        let voice = |ms: usize| vec![1.0_f32; ms * 16];
        let samples =
            [silence(100), voice(20), silence(80), voice(200), silence(300), voice(100), silence(50)].concat();
        assert_eq!(voiced(&samples, &ears).unwrap(), Some((200.0, 800.0)));
        assert_eq!(voiced(&silence(500), &ears).unwrap(), None);
    }

    #[test]
    fn a_limit_takes_that_many_from_all_over_the_list() {
        for (all, wanted) in [(10, 3), (65, 10), (7, 7), (5, 1)] {
            let chosen: Vec<usize> = (0..all).filter(|index| spread(*index, all, wanted)).collect();
            assert_eq!(chosen.len(), wanted, "{all} {wanted}");
            assert!(chosen.windows(2).all(|pair| pair[1] - pair[0] <= all.div_ceil(wanted)), "{chosen:?}");
        }
    }
}
