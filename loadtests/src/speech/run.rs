//! One run: so many clients speak to a fresh server at the same time; what came of it, over all of them.

use super::{
    BenchError,
    corpus::{Corpus, Script},
    profile::Profile,
    record::Recording,
    score::{StreamScore, percentile, score},
    servers::{Server, Setup, System},
};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Between the beginnings of two clients: nobody's patients begin to speak at the same moment.
const STAGGER: Duration = Duration::from_millis(330);

/// How long the warm-up is silent for: its text need not come.
const WARM_UP_DRAIN: Duration = Duration::from_secs(4);

/// Messages of a run kept for the report.
const KEPT_ERRORS: usize = 5;

/// Which lag has to stay below the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lag {
    /// Of pieces of text behind the last audio they cover.
    Piece,
    /// Of moments of speech behind the first text that covers them.
    Moment,
    /// Of words behind their first right appearance.
    Word,
}

impl Lag {
    pub const ALL: [Self; 3] = [Self::Piece, Self::Moment, Self::Word];

    pub fn name(self) -> &'static str {
        match self {
            Self::Piece => "piece",
            Self::Moment => "moment",
            Self::Word => "word",
        }
    }
}

/// What a run has to keep to count as held.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Bounds {
    pub lag_p95_ms: f64,
    /// Share of the speech, 0 to 1.
    pub coverage: f64,
    /// Share of the reference's words, 0 to 1: text that is not what was said is no coverage.
    pub recall: f64,
}

/// How streams are run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Pace {
    /// Length of what a client says; it ends with the clip that reaches it.
    pub seconds: u32,
    /// Silence after it, in which text may still come.
    pub drain_seconds: u32,
}

/// Times in milliseconds; `None` where it never came, or there was nothing.
#[derive(Debug, Clone, Serialize)]
pub struct RunResult {
    pub system: System,
    pub streams: u32,
    pub seed: u64,
    pub piece_lag_p50_ms: Option<f64>,
    pub piece_lag_p95_ms: Option<f64>,
    /// In the second halves of the streams: a queue that grows shows here.
    pub late_piece_lag_p95_ms: Option<f64>,
    /// Of the stream that had it worst.
    pub worst_stream_piece_lag_p95_ms: Option<f64>,
    pub moment_lag_p50_ms: Option<f64>,
    pub moment_lag_p95_ms: Option<f64>,
    pub word_lag_p50_ms: Option<f64>,
    pub word_lag_p95_ms: Option<f64>,
    pub coverage: f64,
    pub recall: f64,
    pub first_text_p50_ms: Option<f64>,
    pub first_text_p95_ms: Option<f64>,
    pub final_p50_ms: Option<f64>,
    pub final_p95_ms: Option<f64>,
    pub finals_missing: usize,
    pub clips: usize,
    pub peak_rss_bytes: Option<u64>,
    /// Of the server, for each second of audio it was sent.
    pub cpu_seconds_per_audio_second: Option<f64>,
    /// What the server says it spent its time on.
    pub profile: Option<Profile>,
    /// By how much a client fell behind its own schedule: more than a fraction of a second is the machine's fault.
    pub client_late_ms: f64,
    /// Clients that were refused or cut off.
    pub failed_clients: usize,
    pub errors: Vec<String>,
}

impl RunResult {
    /// Whether the streams were held by this kind of lag.
    pub fn held(&self, lag: Lag, bounds: &Bounds) -> bool {
        let within = |lag: Option<f64>| lag.is_some_and(|lag| lag <= bounds.lag_p95_ms);
        let in_time = match lag {
            Lag::Piece => within(self.piece_lag_p95_ms) && within(self.late_piece_lag_p95_ms),
            Lag::Moment => within(self.moment_lag_p95_ms),
            Lag::Word => within(self.word_lag_p95_ms),
        };
        in_time && self.failed_clients == 0 && self.coverage >= bounds.coverage && self.recall >= bounds.recall
    }

    pub fn lag_p95_ms(&self, lag: Lag) -> Option<f64> {
        match lag {
            Lag::Piece => self.piece_lag_p95_ms,
            Lag::Moment => self.moment_lag_p95_ms,
            Lag::Word => self.word_lag_p95_ms,
        }
    }
}

/// Runs `streams` clients against a fresh server.
pub async fn run(
    setup: &Setup,
    corpus: &Corpus,
    system: System,
    streams: u32,
    pace: Pace,
    seed: u64,
) -> Result<RunResult, BenchError> {
    let scripts = corpus.scripts(streams, pace.seconds, seed)?;
    let server = Server::start(setup, system).await?;
    let warm_up = corpus.warm_up().ok_or(BenchError::Material("there are no recordings"))?;
    server.speak(warm_up, "warm-up".into(), Instant::now(), WARM_UP_DRAIN).await?;
    let (before, probe) = (server.usage(), server.probe().await?);
    let drain = Duration::from_secs(pace.drain_seconds.into());
    let audio_seconds: f64 = scripts.iter().map(|script| script.length_ms() as f64 / 1e3 + drain.as_secs_f64()).sum();
    let (recordings, failures) = speak_all(&server, scripts, drain).await;
    let after = server.usage();
    // A server that is too busy to tell what it does has still been measured.
    let probe = probe.zip(server.probe().await.ok().flatten());
    server.stop().await;
    let mut result = summarise(system, streams, seed, &recordings);
    result.peak_rss_bytes = after.map(|usage| usage.peak_rss_bytes);
    result.cpu_seconds_per_audio_second =
        before.zip(after).map(|(before, after)| (after.cpu_seconds - before.cpu_seconds) / audio_seconds);
    result.profile = probe.map(|(before, after)| Profile::between(&before, &after));
    result.failed_clients = failures.len();
    result.errors.extend(failures);
    result.errors.truncate(KEPT_ERRORS);
    Ok(result)
}

async fn speak_all(server: &Server, scripts: Vec<Script>, drain: Duration) -> (Vec<Recording>, Vec<String>) {
    let epoch = Instant::now();
    let clients = scripts.into_iter().enumerate().map(|(index, script)| async move {
        tokio::time::sleep(STAGGER * index as u32).await;
        server.speak(script, format!("BENCH-{index}"), epoch, drain).await
    });
    let (mut recordings, mut failures) = (Vec::new(), Vec::new());
    for ended in join_all(clients).await {
        match ended {
            Ok(recording) => recordings.push(recording),
            Err(error) => failures.push(error.to_string()),
        }
    }
    (recordings, failures)
}

fn summarise(system: System, streams: u32, seed: u64, recordings: &[Recording]) -> RunResult {
    let scores: Vec<StreamScore> = recordings.iter().map(score).collect();
    let all = |of: fn(&StreamScore) -> &Vec<f64>| -> Vec<f64> { scores.iter().flat_map(of).copied().collect() };
    let share = |part: fn(&StreamScore) -> usize, of: fn(&StreamScore) -> usize| {
        let whole: usize = scores.iter().map(of).sum();
        if whole == 0 { 0.0 } else { scores.iter().map(part).sum::<usize>() as f64 / whole as f64 }
    };
    let (pieces, late) = (all(|s| &s.pieces), all(|s| &s.late_pieces));
    let (moments, words) = (all(|s| &s.moments), all(|s| &s.words));
    let (first_text, finals) = (all(|s| &s.first_text), all(|s| &s.finals));
    // A stream without any text is the worst there is.
    let worst: Option<Vec<f64>> = scores.iter().map(|s| percentile(&s.pieces, 95)).collect();
    let errors: Vec<String> = recordings.iter().flat_map(|recording| recording.errors.clone()).collect();
    RunResult {
        system,
        streams,
        seed,
        piece_lag_p50_ms: percentile(&pieces, 50),
        piece_lag_p95_ms: percentile(&pieces, 95),
        late_piece_lag_p95_ms: percentile(&late, 95),
        worst_stream_piece_lag_p95_ms: worst.and_then(|lags| lags.into_iter().reduce(f64::max)),
        moment_lag_p50_ms: percentile(&moments, 50),
        moment_lag_p95_ms: percentile(&moments, 95),
        word_lag_p50_ms: percentile(&words, 50),
        word_lag_p95_ms: percentile(&words, 95),
        coverage: share(|s| s.covered_bins, |s| s.speech_bins),
        recall: share(|s| s.recognised_words, |s| s.reference_words),
        first_text_p50_ms: percentile(&first_text, 50),
        first_text_p95_ms: percentile(&first_text, 95),
        final_p50_ms: percentile(&finals, 50),
        final_p95_ms: percentile(&finals, 95),
        finals_missing: finals.iter().filter(|lag| lag.is_infinite()).count(),
        clips: finals.len(),
        peak_rss_bytes: None,
        cpu_seconds_per_audio_second: None,
        profile: None,
        client_late_ms: recordings.iter().map(|recording| recording.client_late_ms).fold(0.0, f64::max),
        failed_clients: 0,
        errors,
    }
}
