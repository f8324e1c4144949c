//! What was measured: every recording, and sums over groups of them.

use super::{Measure, material::Item, stream::Heard};
use crate::config::TranscribeEngine;
use healthsync_evaluate::{
    Normaliser, bleu,
    bootstrap::{self, Interval},
    chrf,
    edits::{self, Edits},
    latency::{Stability, average_lagging, percentile},
};
use healthsync_events::{Language, ModelInfo};
use healthsync_loadtests::speech::process::Usage;
use healthsync_transcribe::Precision;
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Debug, Serialize)]
pub(super) struct Settings {
    pub recordings: Option<PathBuf>,
    pub measured: Vec<Measure>,
    pub languages: Vec<Language>,
    pub limit: Option<u32>,
    pub streams: u16,
    pub pairs: String,
    pub transcribe_engine: TranscribeEngine,
    pub transcribe_precision: Precision,
    pub transcribe_threads: usize,
    pub cores: usize,
}

/// Everything a run measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub version: &'static str,
    pub settings: Settings,
    /// By task.
    pub models: Vec<(String, ModelInfo)>,
    pub offline: Vec<Offline>,
    pub streaming: Option<Streaming>,
    pub translation: Vec<Translated>,
    /// Streaming less offline word error rate with the same weights, where both were measured.
    pub streaming_less_full: Option<f64>,
}

impl Report {
    pub fn new(settings: Settings) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            settings,
            models: Vec::new(),
            offline: Vec::new(),
            streaming: None,
            translation: Vec::new(),
            streaming_less_full: None,
        }
    }

    /// Computes what needs more than one measurement.
    pub fn close(&mut self) {
        let Some(streaming) = &mut self.streaming else { return };
        self.translation.append(&mut streaming.translation);
        let full = self.offline.iter().find(|run| run.measure == Measure::Full);
        self.streaming_less_full = full.map(|full| streaming.total.words.rate() - full.total.words.rate());
    }
}

/// Recognition of one recording.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Recognised {
    pub name: String,
    pub group: String,
    pub seconds: f64,
    pub text: String,
    pub words: Edits,
    /// Words counted leniently.
    pub lenient: Edits,
    pub characters: Edits,
    /// Seconds the recogniser worked; `None` where it worked along with the audio.
    pub took: Option<f64>,
}

impl Recognised {
    pub fn new(normaliser: &Normaliser, item: &Item, text: String, took: Option<f64>) -> Self {
        let (language, transcript) = (&item.recording.language, &item.recording.transcript);
        let (said, heard) = (normaliser.normalise(language, transcript), normaliser.normalise(language, &text));
        Self {
            name: item.recording.name.clone(),
            group: item.recording.group(),
            seconds: item.seconds,
            words: edits::words(&said, &heard),
            lenient: edits::lenient(&normaliser.lenient(language, transcript), &normaliser.lenient(language, &text)),
            characters: edits::characters(&said, &heard),
            text,
            took,
        }
    }
}

/// Recognition of several recordings.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub name: String,
    pub recordings: usize,
    pub seconds: f64,
    pub words: Edits,
    pub word_error_rate: f64,
    /// Of the word error rate, at 95 %, over recordings.
    pub interval: Option<Interval>,
    pub lenient_word_error_rate: f64,
    pub character_error_rate: f64,
    /// Recognition time by length of the audio.
    pub real_time_factor: Option<f64>,
}

impl Group {
    fn of(name: &str, recordings: &[&Recognised]) -> Self {
        let words: Edits = recordings.iter().map(|one| one.words).sum();
        let seconds = recordings.iter().map(|one| one.seconds).sum();
        let took: Option<f64> = recordings.iter().map(|one| one.took).sum();
        Self {
            name: name.to_owned(),
            recordings: recordings.len(),
            seconds,
            words,
            word_error_rate: words.rate(),
            interval: bootstrap::interval(recordings, |drawn| drawn.map(|one| one.words).sum::<Edits>().rate()),
            lenient_word_error_rate: recordings.iter().map(|one| one.lenient).sum::<Edits>().rate(),
            character_error_rate: recordings.iter().map(|one| one.characters).sum::<Edits>().rate(),
            real_time_factor: took.map(|took| took / seconds),
        }
    }

    fn all<'a>(recordings: impl IntoIterator<Item = &'a Recognised>) -> (Vec<Self>, Self) {
        let recordings: Vec<&Recognised> = recordings.into_iter().collect();
        let mut groups: BTreeMap<&str, Vec<&Recognised>> = BTreeMap::new();
        for one in &recordings {
            groups.entry(&one.group).or_default().push(one);
        }
        (groups.iter().map(|(name, some)| Self::of(name, some)).collect(), Self::of("all", &recordings))
    }
}

/// Recognition of whole recordings.
#[derive(Debug, Serialize)]
pub(super) struct Offline {
    pub measure: Measure,
    pub groups: Vec<Group>,
    pub total: Group,
    /// Processor time by length of the audio, reading the files included.
    pub cpu_factor: Option<f64>,
    /// Most memory resident at a time since the process began, all models included.
    pub peak_resident_bytes: Option<u64>,
    pub recordings: Vec<Recognised>,
}

impl Offline {
    pub fn new(measure: Measure, recordings: Vec<Recognised>, cpu_seconds: Option<f64>) -> Self {
        let (groups, total) = Group::all(&recordings);
        let cpu_factor = cpu_seconds.map(|cpu| cpu / total.seconds);
        let peak_resident_bytes = Usage::of("/proc/self").map(|usage| usage.peak_rss_bytes);
        Self { measure, groups, total, cpu_factor, peak_resident_bytes, recordings }
    }
}

/// Recognition of one recording in real time. Times in milliseconds, on the clock of whoever follows the session's
/// events.
#[derive(Debug, Serialize)]
pub(super) struct Streamed {
    #[serde(flatten)]
    pub recognised: Recognised,
    pub utterances: usize,
    pub dropped: usize,
    pub frames_lost: u64,
    /// From the first voice to the first text on the screen.
    pub first_text_ms: Option<f64>,
    /// From the last voice to the last final caption.
    pub final_ms: Option<f64>,
    /// What the captions themselves say of it.
    pub stated_ms: Vec<u64>,
    /// Length-adaptive average lagging of committed words.
    pub lagging_ms: Option<f64>,
    /// From the end of each word to its being committed, where captions tell the times of words.
    pub word_delays_ms: Vec<f64>,
    pub partials: u64,
    pub stability: Stability,
    pub translations: usize,
    pub flagged: usize,
    pub errors: Vec<String>,
}

impl Streamed {
    pub fn new(normaliser: &Normaliser, item: &Item, heard: &Heard, voice: Option<(f64, f64)>) -> Self {
        let recognised = Recognised::new(normaliser, item, heard.text(), None);
        let first = heard.utterances.iter().filter_map(|utterance| utterance.shown.first()).reduce(f64::min);
        let last = heard.finals().map(|(at, _, _)| at).reduce(f64::max);
        let reference = item.recording.transcript.split_whitespace().count();
        Self {
            recognised,
            utterances: heard.utterances.len(),
            dropped: heard.dropped(),
            frames_lost: heard.frames_lost,
            first_text_ms: first.zip(voice).map(|(at, (begin, _))| at - begin),
            final_ms: last.zip(voice).map(|(at, (_, end))| at - end),
            stated_ms: heard.finals().map(|(_, caption, _)| caption.latency_ms).collect(),
            lagging_ms: average_lagging(&heard.emitted(), item.seconds * 1_000.0, reference),
            word_delays_ms: word_delays(heard),
            partials: heard.utterances.iter().map(|utterance| utterance.shown.partials()).sum(),
            stability: heard.stability(),
            translations: heard.translations.len(),
            flagged: heard.translations.iter().filter(|(_, flagged)| *flagged).count(),
            errors: heard.errors.clone(),
        }
    }
}

/// Captions whose words have times: those of committed words are those of the final text, since it never changes.
fn word_delays(heard: &Heard) -> Vec<f64> {
    let timed = heard.finals().filter(|(_, caption, utterance)| {
        !caption.words.is_empty() && caption.words.len() == utterance.shown.emitted().len()
    });
    timed
        .flat_map(|(_, caption, utterance)| {
            utterance.shown.emitted().iter().zip(&caption.words).map(|(at, word)| at - word.end_ms as f64)
        })
        .collect()
}

/// The middle and the slow end of a time.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Spread {
    pub p50: f64,
    pub p95: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        Some(Self { p50: percentile(values, 50)?, p95: percentile(values, 95)? })
    }
}

/// Latency and stability of all recordings.
#[derive(Debug, Serialize)]
pub(super) struct Timing {
    pub first_text_ms: Option<Spread>,
    pub final_ms: Option<Spread>,
    pub stated_ms: Option<Spread>,
    /// Mean over recordings, as `StreamLAAL` is over segments.
    pub mean_lagging_ms: Option<f64>,
    pub word_delay_ms: Option<Spread>,
    pub partials_a_second: f64,
    /// Share of updates that left committed text as it was.
    pub committed_kept: f64,
    pub erasure: f64,
    pub stability: Stability,
    pub utterances: usize,
    pub dropped: usize,
    pub frames_lost: u64,
    pub errors: usize,
    pub translations: usize,
    pub flagged: usize,
}

impl Timing {
    fn of(recordings: &[Streamed]) -> Self {
        let each = |value: fn(&Streamed) -> Option<f64>| recordings.iter().filter_map(value).collect::<Vec<f64>>();
        let sum = |value: fn(&Streamed) -> usize| recordings.iter().map(value).sum::<usize>();
        let stated: Vec<f64> = recordings.iter().flat_map(|one| one.stated_ms.iter().map(|ms| *ms as f64)).collect();
        let delays: Vec<f64> = recordings.iter().flat_map(|one| one.word_delays_ms.iter().copied()).collect();
        let laggings = each(|one| one.lagging_ms);
        let mut stability = Stability::default();
        for one in recordings {
            stability.add(one.stability);
        }
        let seconds: f64 = recordings.iter().map(|one| one.recognised.seconds).sum();
        Self {
            first_text_ms: Spread::of(&each(|one| one.first_text_ms)),
            final_ms: Spread::of(&each(|one| one.final_ms)),
            stated_ms: Spread::of(&stated),
            mean_lagging_ms: (!laggings.is_empty()).then(|| laggings.iter().sum::<f64>() / laggings.len() as f64),
            word_delay_ms: Spread::of(&delays),
            partials_a_second: recordings.iter().map(|one| one.partials).sum::<u64>() as f64 / seconds,
            committed_kept: stability.kept(),
            erasure: stability.erasure(),
            stability,
            utterances: sum(|one| one.utterances),
            dropped: sum(|one| one.dropped),
            frames_lost: recordings.iter().map(|one| one.frames_lost).sum(),
            errors: sum(|one| one.errors.len()),
            translations: sum(|one| one.translations),
            flagged: sum(|one| one.flagged),
        }
    }
}

/// Recognition in real time.
#[derive(Debug, Serialize)]
pub(super) struct Streaming {
    pub groups: Vec<Group>,
    pub total: Group,
    pub timing: Timing,
    pub recordings: Vec<Streamed>,
    /// Moved to the report's own.
    #[serde(skip)]
    translation: Vec<Translated>,
}

impl Streaming {
    pub fn new(recordings: Vec<Streamed>, translation: Vec<Translated>) -> Self {
        let (groups, total) = Group::all(recordings.iter().map(|one| &one.recognised));
        Self { groups, total, timing: Timing::of(&recordings), recordings, translation }
    }
}

/// A translation and the one it is held against.
#[derive(Debug, Serialize)]
struct TranslatedText {
    name: String,
    source: String,
    text: String,
    reference: String,
    chrf2: f64,
    flagged: bool,
}

/// Translations in one direction.
#[derive(Debug, Serialize)]
pub(super) struct Translated {
    pub group: String,
    pub chrf2: f64,
    pub bleu: f64,
    /// Texts whose translation did not pass its preservation check.
    pub flagged: usize,
    texts: Vec<TranslatedText>,
    #[serde(skip)]
    sums: (Vec<chrf::Statistics>, Vec<bleu::Statistics>),
}

impl Translated {
    pub fn group(what: &str, from: &Language, to: &Language) -> String {
        format!("{what} {} → {}", from.primary(), to.primary())
    }

    /// The group of that name, a new one if need be.
    pub fn of(all: &mut Vec<Self>, group: String) -> &mut Self {
        let index = all.iter().position(|one| one.group == group).unwrap_or_else(|| {
            let sums = (Vec::new(), Vec::new());
            all.push(Self { group, chrf2: 0.0, bleu: 0.0, flagged: 0, texts: Vec::new(), sums });
            all.len() - 1
        });
        &mut all[index]
    }

    pub fn add(&mut self, name: &str, source: &str, text: &str, reference: &str, flagged: bool) {
        let chrf = chrf::statistics(text, reference);
        self.sums.0.push(chrf);
        self.sums.1.push(bleu::statistics(text, reference));
        self.chrf2 = self.sums.0.iter().copied().sum::<chrf::Statistics>().score();
        self.bleu = self.sums.1.iter().copied().sum::<bleu::Statistics>().score();
        self.flagged += usize::from(flagged);
        self.texts.push(TranslatedText {
            name: name.to_owned(),
            source: source.to_owned(),
            text: text.to_owned(),
            reference: reference.to_owned(),
            chrf2: chrf.score(),
            flagged,
        });
    }

    pub fn len(&self) -> usize {
        self.texts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognised(group: &str, errors: u64, words: u64) -> Recognised {
        let edits = Edits { reference: words, substitutions: errors, ..Edits::default() };
        Recognised {
            name: "a.wav".into(),
            group: group.into(),
            seconds: 10.0,
            text: String::new(),
            words: edits,
            lenient: Edits { substitutions: 0, ..edits },
            characters: edits,
            took: Some(2.5),
        }
    }

    #[test]
    fn groups_are_summed_by_words_and_not_by_recordings() {
        let all = [recognised("a pt", 1, 2), recognised("a pt", 0, 8), recognised("b en", 3, 10)];
        let (groups, total) = Group::all(&all);
        let rates: Vec<_> = groups.iter().map(|group| (group.name.as_str(), group.word_error_rate)).collect();
        assert_eq!(rates, [("a pt", 0.1), ("b en", 0.3)]);
        assert_eq!((total.recordings, total.words.errors(), total.word_error_rate), (3, 4, 0.2));
        assert_eq!((total.lenient_word_error_rate, total.real_time_factor), (0.0, Some(0.25)));
    }

    #[test]
    fn translations_are_scored_as_a_corpus() {
        let mut all = Vec::new();
        let (pt, en): (Language, Language) = ("pt-BR".parse().unwrap(), "en".parse().unwrap());
        for (text, flagged) in [("I have no fever.", false), ("I have fever.", true)] {
            let group = Translated::of(&mut all, Translated::group("pairs", &pt, &en));
            group.add("1", "Não tenho febre.", text, "I have no fever.", flagged);
        }
        let [only] = &all[..] else { panic!("one group") };
        assert_eq!((only.group.as_str(), only.len(), only.flagged), ("pairs pt → en", 2, 1));
        assert!((50.0..100.0).contains(&only.chrf2) && (30.0..100.0).contains(&only.bleu), "{only:?}");
    }
}
