//! How fast the recognisers themselves are, over the same recordings in turn, and how many words they get wrong.

use super::{
    BenchError,
    corpus::{Corpus, SAMPLE_RATE},
    process::{on_cores, output},
    servers::Setup,
    text,
};
use serde::{Deserialize, Serialize};
use std::{ffi::OsStr, path::Path, time::Duration};
use tokio::process::Command;

/// A pass over a few minutes of speech takes a few minutes on the slowest machine this runs on.
const PASS_LIMIT: Duration = Duration::from_mins(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Engine {
    Draft,
    Full,
    FasterWhisperBeam1,
    FasterWhisperBeam5,
}

impl Engine {
    pub const ALL: [Self; 4] = [Self::Draft, Self::FasterWhisperBeam1, Self::Full, Self::FasterWhisperBeam5];

    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "HealthSync, draft",
            Self::Full => "HealthSync, full",
            Self::FasterWhisperBeam1 => "faster-whisper int8, beam 1",
            Self::FasterWhisperBeam5 => "faster-whisper int8, beam 5",
        }
    }
}

/// What a pass prints: `healthsync bench engine-pass` and `faster_whisper_pass.py` alike.
#[derive(Debug, Serialize, Deserialize)]
pub struct PassOutput {
    /// One for each clip, in order.
    pub heard: Vec<Heard>,
    /// Processor seconds of all threads for the clips that count.
    pub cpu_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Heard {
    pub seconds: f64,
    pub text: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Pass {
    pub engine: Engine,
    /// Seconds of work for a second of speech.
    pub real_time_factor: f64,
    /// Processor seconds for a second of speech: what a busy machine distorts less.
    pub cpu_factor: f64,
    /// Word errors for each reference word, by language.
    pub word_error_rates: Vec<(String, f64)>,
    pub peak_rss_bytes: Option<u64>,
}

/// One pass over the first `limit` clips of the corpus; 0 for all.
pub async fn pass(
    setup: &Setup,
    folder: &Path,
    corpus: &Corpus,
    engine: Engine,
    limit: usize,
) -> Result<Pass, BenchError> {
    let command = command(setup, folder, engine, limit);
    let printed = output(engine.name(), command, PASS_LIMIT).await?;
    let line = printed.lines().last().unwrap_or_default();
    let printed: PassOutput = serde_json::from_str(line).map_err(|e| BenchError::program(engine.name(), e))?;
    judge(corpus, engine, limit, &printed)
}

fn command(setup: &Setup, folder: &Path, engine: Engine, limit: usize) -> Command {
    let threads = setup.cores.to_string();
    let ours = |effort: &str| {
        let mut command = on_cores(setup.cores, setup.healthsync.as_os_str());
        command.args(["bench", "engine-pass", "--effort", effort]);
        command
    };
    let theirs = |beam: &str| {
        let mut command = on_cores(setup.cores, setup.python.as_os_str());
        command.arg(setup.scripts.join("faster_whisper_pass.py"));
        command.args([OsStr::new("--model"), setup.weights.as_os_str()]).args(["--beam", beam]);
        command
    };
    let mut command = match engine {
        Engine::Draft => ours("draft"),
        Engine::Full => ours("full"),
        Engine::FasterWhisperBeam1 => theirs("1"),
        Engine::FasterWhisperBeam5 => theirs("5"),
    };
    command.args([OsStr::new("--corpus"), folder.as_os_str()]);
    command.args(["--threads", &threads, "--limit", &limit.to_string()]);
    command
}

fn judge(corpus: &Corpus, engine: Engine, limit: usize, printed: &PassOutput) -> Result<Pass, BenchError> {
    let count = if limit == 0 { corpus.clips.len() } else { limit.min(corpus.clips.len()) };
    if printed.heard.len() != count || count == 0 {
        return Err(BenchError::program(engine.name(), format!("{} texts for {count} clips", printed.heard.len())));
    }
    let (mut worked, mut spoken) = (0.0, 0.0);
    let mut languages: std::collections::BTreeMap<&str, (usize, usize)> = std::collections::BTreeMap::new();
    for (clip, heard) in corpus.clips.iter().zip(&printed.heard) {
        worked += heard.seconds;
        spoken += clip.samples.len() as f64 / f64::from(SAMPLE_RATE);
        let reference = text::words(&clip.transcript);
        let (errors, words) = languages.entry(&clip.language).or_default();
        *errors += text::word_errors(&reference, &text::words(&heard.text));
        *words += reference.len();
    }
    let rate = |(language, (errors, words)): (&str, (usize, usize))| {
        (language.to_owned(), errors as f64 / words.max(1) as f64)
    };
    Ok(Pass {
        engine,
        real_time_factor: worked / spoken,
        cpu_factor: printed.cpu_seconds / spoken,
        word_error_rates: languages.into_iter().map(rate).collect(),
        peak_rss_bytes: printed.peak_rss_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::corpus::Clip;
    use std::sync::Arc;

    fn corpus() -> Corpus {
        let clip = |language: &str, transcript: &str| {
            Arc::new(Clip {
                samples: vec![0.0; 32_000].into(),
                language: language.into(),
                transcript: transcript.into(),
                words: Vec::new(),
                speech: Vec::new(),
            })
        };
        Corpus { clips: vec![clip("pt", "não tenho febre"), clip("en", "stay calm")] }
    }

    fn heard(seconds: f64, text: &str) -> Heard {
        Heard { seconds, text: text.into() }
    }

    #[test]
    fn speed_and_errors_are_told_together() {
        let printed = PassOutput {
            heard: vec![heard(0.5, "Tenho febre."), heard(0.3, "Stay calm.")],
            cpu_seconds: 1.0,
            peak_rss_bytes: None,
        };
        let pass = judge(&corpus(), Engine::Full, 0, &printed).unwrap();
        assert!((pass.real_time_factor - 0.2).abs() < 1e-9);
        assert!((pass.cpu_factor - 0.25).abs() < 1e-9);
        assert_eq!(pass.word_error_rates, [("en".to_owned(), 0.0), ("pt".to_owned(), 1.0 / 3.0)]);
    }

    #[test]
    fn a_pass_that_leaves_clips_out_does_not_count() {
        let printed = PassOutput { heard: vec![heard(0.5, "Tenho febre.")], cpu_seconds: 1.0, peak_rss_bytes: None };
        assert!(judge(&corpus(), Engine::Full, 0, &printed).is_err());
        assert!(judge(&corpus(), Engine::Full, 1, &printed).is_ok());
    }
}
