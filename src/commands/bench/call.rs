//! `healthsync bench call`: two people talk, interpreted, for as long as asked.

use crate::{commands::demo::record_voices, config::Config};
use anyhow::Context as _;
use clap::Args;
use healthsync_events::EventBody;
use healthsync_loadtests::{
    Progress, Script,
    consultation::{Material, play},
    endurance::{Observed, markdown, slices},
    script::Step,
    speech::{process::Usage, servers::HealthSync},
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

#[derive(Debug, Args)]
pub struct Options {
    /// How long they talk.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    minutes: u64,
    /// Minutes that are summarised together.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    every: u64,
    /// Threads of recognition.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Where the report goes.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// What has been observed so far; bounded by what two people can say in the minutes asked for.
type Observations = Arc<Mutex<Vec<(Duration, Observed)>>>;

pub(super) async fn run(config: &Config, options: &Options) -> anyhow::Result<()> {
    let out = std::path::absolute(&options.out)?;
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let script = Script::demo();
    // Nothing is uploaded in a call that is only talk.
    let material = Material {
        patient: "BENCH-CALL".parse()?,
        terms: Vec::new(),
        clips: record_voices(config, &script)?,
        image: Vec::new(),
    };
    let folder = tempfile::tempdir()?;
    let command = tokio::process::Command::new(std::env::current_exe()?);
    let server = HealthSync::start(command, folder.path(), options.threads, &out.join("call.log")).await?;
    let process = server.running.folder().context("the server has ended")?;
    println!("==> A call of {} minutes", options.minutes);
    let observed = Observations::default();
    let (begun, length) = (Instant::now(), Duration::from_secs(options.minutes * 60));
    let tell = {
        let observed = Arc::clone(&observed);
        Arc::new(move |progress: Progress<'_>| {
            let Progress::Happened(body) = progress else { return };
            let mut observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
            let at = begun.elapsed();
            observed.extend(observe(body).map(|what| (at, what)));
            if matches!(body, EventBody::CaptionFinal(_)) {
                observed.extend(Usage::of(&process).map(|usage| (at, Observed::Memory(usage.rss_bytes))));
            }
        })
    };
    let talk = script.steps.iter().filter(|step| matches!(step, Step::Say { .. })).cycle();
    let played = play(&server.doors, talk.take_while(|_| begun.elapsed() < length), material, tell).await;
    server.running.stop().await;
    let played = played?;
    let observed = observed.lock().unwrap_or_else(PoisonError::into_inner);
    let report = markdown(&slices(&observed, options.every), options.every);
    println!("\n{report}\n{} events, {} gaps in their numbers.", played.outcome.head, played.outcome.gaps.len());
    for error in played.outcome.errors.iter().take(10) {
        println!("error: {error}");
    }
    std::fs::write(out.join("call.md"), report)?;
    Ok(())
}

fn observe(body: &EventBody) -> Option<Observed> {
    match body {
        EventBody::CaptionFinal(caption) => Some(Observed::Caption(caption.latency_ms)),
        EventBody::SpeechAnnounced(speech) => Some(Observed::Speech(speech.latency_ms)),
        EventBody::CaptionDropped(_) | EventBody::SpeechSkipped(_) | EventBody::ErrorRaised(_) => {
            Some(Observed::Missing)
        }
        _ => None,
    }
}
