//! The hallucination guard: texts that Whisper makes up.

use crate::{tones, window::SAMPLE_RATE};
use flate2::{Compression, write::ZlibEncoder};
use healthsync_models::tasks::Transcription;
use std::io::Write as _;

/// Why a text is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing was heard, or nothing but noise.
    NoSpeech,
    /// It repeats itself, was improbable, or came faster than people speak.
    Implausible,
}

/// Probability of no speech from which an unsure text is not believed (Radford et al. 2022, section 4.5).
const NO_SPEECH: f32 = 0.6;

/// Confidence that outweighs it. The same section has a mean log probability of -1, which is 0.37; a short answer
/// heard over noise gets half.
const SURE: f32 = 0.5;

/// Mean probability, arithmetic or geometric, under which a text is taken for a guess. Whisper's own fallback uses a
/// geometric mean of 0.37 (same section); 0.3 leaves room for accents.
const MIN_CONFIDENCE: f32 = 0.3;

/// Confidence that outweighs signs of sounds that are no speech.
const SURE_ALL_THE_SAME: f32 = 0.75;

/// Share of tones that stand still (see `tones`) which is such a sign: twice what any speech had.
const TONES: f32 = 0.09;

/// Times the same letter in a row from which a word is a sound, not a word.
const MAX_LETTERS: usize = 5;

/// Bytes of text for one compressed byte from which it is taken for a loop (same section).
const MAX_COMPRESSION: f32 = 2.4;

/// Shorter texts compress to more than themselves, or repeat a short phrase because it was said twice.
const MIN_COMPRESSED_BYTES: usize = 80;

/// Repeats of a phrase in a row from which a text is taken for a loop. People say a word three times; they
/// do not say a phrase five times.
const MAX_REPEATS: usize = 5;

/// Longest phrase, in words, looked at for repeats.
const MAX_PHRASE: usize = 8;

/// Words a second of speech from which a text cannot have been said: fast speakers reach five to six.
const MAX_WORDS_PER_SECOND: f32 = 10.0;

/// Words a second, over this many seconds without a pause that would have ended the utterance, under which an unsure text
/// leaves out what was heard: hummed or sung, not said. Slow speech has one to two.
const MIN_WORDS_PER_SECOND: f32 = 0.5;
const SLOW_SECONDS: f32 = 6.0;

/// Root mean square of the loudest 100 ms, in full scale, under which there was no voice: -80 dB. The quietest speech
/// met in public recordings has -58 dB there.
const SILENCE_RMS: f32 = 0.0001;

/// 100 ms.
const LOUDNESS_WINDOW: usize = 1_600;

/// Why not to believe a transcription of these samples, if there is a reason.
pub fn doubt(heard: &Transcription, samples: &[f32]) -> Option<Doubt> {
    let words: Vec<String> = heard.text.split_whitespace().map(normalise).filter(|word| !word.is_empty()).collect();
    if words.is_empty() || is_silent(samples) || (heard.no_speech > NO_SPEECH && heard.confidence < SURE) {
        return Some(Doubt::NoSpeech);
    }
    if heard.confidence < SURE_ALL_THE_SAME && tones::still_share(samples) > TONES {
        return Some(Doubt::NoSpeech);
    }
    let implausible = heard.confidence < MIN_CONFIDENCE
        || likelihood(heard) < MIN_CONFIDENCE
        || too_fast(heard)
        || (heard.confidence < SURE_ALL_THE_SAME && too_slow(words.len(), samples.len()))
        || loops(&words)
        || words.iter().any(|word| is_drawn_out(word))
        || compression(&heard.text).is_some_and(|ratio| ratio > MAX_COMPRESSION);
    implausible.then_some(Doubt::Implausible)
}

/// Words in common from which a text is taken for a repeat of what the recogniser was told beforehand.
const ECHO: usize = 3;

/// Whether a text begins with the last words of what the recogniser was told beforehand, or consists of nothing else.
pub fn echoes(told: &str, text: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split_whitespace().map(normalise).filter(|word| !word.is_empty()).collect()
    };
    let (told, text) = (words(told), words(text));
    let begins = text.len() >= ECHO && told.len() >= ECHO && told.windows(ECHO).any(|run| text.starts_with(run));
    begins || (!text.is_empty() && text.len() < ECHO && told.ends_with(&text))
}

fn is_silent(samples: &[f32]) -> bool {
    let rms = |window: &[f32]| (window.iter().map(|s| s * s).sum::<f32>() / window.len() as f32).sqrt();
    samples.chunks(LOUDNESS_WINDOW).map(rms).all(|rms| rms < SILENCE_RMS)
}

/// Geometric mean of the words' probabilities: one that is as good as impossible weighs on all. 1 without words.
fn likelihood(heard: &Transcription) -> f32 {
    let logs = heard.words.iter().map(|word| word.probability.max(f32::MIN_POSITIVE).ln());
    (logs.sum::<f32>() / heard.words.len().max(1) as f32).exp()
}

fn too_fast(heard: &Transcription) -> bool {
    let (Some(first), Some(last)) = (heard.words.first(), heard.words.last()) else { return false };
    let seconds = last.end_ms.saturating_sub(first.start_ms) as f32 / 1_000.0;
    heard.words.len() > 10 && heard.words.len() as f32 / seconds.max(0.1) > MAX_WORDS_PER_SECOND
}

fn too_slow(words: usize, samples: usize) -> bool {
    let seconds = samples as f32 / SAMPLE_RATE as f32;
    seconds >= SLOW_SECONDS && (words as f32) < seconds * MIN_WORDS_PER_SECOND
}

fn loops(words: &[String]) -> bool {
    (1..=MAX_PHRASE).any(|phrase| {
        let mut run = 0;
        (phrase..words.len()).any(|i| {
            run = if words[i] == words[i - phrase] { run + 1 } else { 0 };
            run >= phrase * (MAX_REPEATS - 1)
        })
    })
}

fn is_drawn_out(word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    letters.windows(MAX_LETTERS).any(|run| run[0].is_alphabetic() && run.iter().all(|letter| *letter == run[0]))
}

/// How many times as long as its compressed form a text is; `None` for one too short to tell.
fn compression(text: &str) -> Option<f32> {
    if text.len() < MIN_COMPRESSED_BYTES {
        return None;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).ok()?;
    Some(text.len() as f32 / encoder.finish().ok()?.len().max(1) as f32)
}

pub(crate) fn normalise(word: &str) -> String {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str, confidence: f32, no_speech: f32) -> Transcription {
        Transcription {
            text: text.into(),
            words: vec![],
            language: "pt".parse().unwrap(),
            language_probability: 1.0,
            confidence,
            no_speech,
        }
    }

    fn of(text: &str, confidence: f32) -> Option<Doubt> {
        doubt(&heard(text, confidence, 0.0), &[0.1; 1_600])
    }

    #[test]
    fn a_text_that_repeats_itself_is_not_believed() {
        for text in [
            "e aí, e aí, e aí, e aí, e aí, e aí",
            "Legendas legendas legendas legendas legendas legendas",
            "Oooooooooooooh",
            "a dor no peito e a dor no peito, e a dor no peito; a dor no peito e a dor no peito, e a dor no peito",
        ] {
            assert_eq!(of(text, 0.9), Some(Doubt::Implausible), "{text}");
        }
    }

    #[test]
    fn what_people_do_say_is_believed() {
        for text in [
            "Não, não, não, doutora, não é isso.",
            "Sim.",
            "A senha é 1000000.",
            "A dor vai do peito para o braço esquerdo e eu fico suando frio, doutora, desde ontem à noite.",
        ] {
            assert_eq!(of(text, 0.6), None, "{text}");
        }
    }

    #[test]
    fn a_guess_is_not_believed() {
        assert_eq!(of("Obrigado por assistir.", 0.2), Some(Doubt::Implausible));
    }

    #[test]
    fn what_was_told_beforehand_and_comes_back_is_an_echo() {
        assert!(echoes("Where does it hurt", "Where does it hurt? Do you"));
        assert!(echoes("e eu tomo losartana", "Losartana."));
        assert!(!echoes("e eu tomo losartana", "de cinquenta miligramas"));
        assert!(!echoes("", "Sim."));
    }

    #[test]
    fn signs_alone_are_no_speech() {
        assert_eq!(of("...", 0.9), Some(Doubt::NoSpeech));
        assert_eq!(of("♪ ♪", 0.9), Some(Doubt::NoSpeech));
    }

    #[test]
    fn an_unsure_text_where_there_is_probably_no_speech_is_not_believed() {
        assert_eq!(doubt(&heard("Tchau.", 0.45, 0.7), &[0.1; 1_600]), Some(Doubt::NoSpeech));
        assert_eq!(doubt(&heard("Tchau.", 0.8, 0.7), &[0.1; 1_600]), None);
    }

    #[test]
    fn a_few_unsure_words_for_a_long_sound_are_not_believed() {
        let long = vec![0.1; 160_000];
        assert_eq!(doubt(&heard("Oh, oh, oh, oh...", 0.57, 0.0), &long), Some(Doubt::Implausible));
        assert_eq!(doubt(&heard("Oh, oh, oh, oh...", 0.8, 0.0), &long), None);
        assert_eq!(doubt(&heard("Dói um pouco quando eu respiro.", 0.57, 0.0), &long), None);
    }

    #[test]
    fn words_in_digital_silence_are_not_believed() {
        assert_eq!(doubt(&heard("Obrigado.", 0.9, 0.0), &[0.0; 1_600]), Some(Doubt::NoSpeech));
    }
}
