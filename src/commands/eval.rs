//! `healthsync eval`: measures the models on recordings of one's own.

mod alarms;
mod material;
mod offline;
mod pairs;
mod report;
mod risk;
mod stream;
mod streaming;
mod table;

use crate::{
    config::Config,
    wiring::{self, LoadedModels},
};
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use healthsync_actors::Pool;
use healthsync_evaluate::{Normaliser, Spellings};
use healthsync_events::{Language, SessionId};
use healthsync_models::tasks::{Effort, Transcriber, Translator};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use material::Material;
use report::{Report, Settings};
use serde::Serialize;
use std::{io::IsTerminal as _, path::PathBuf};

/// Recordings streamed at a time at most: each is a speaker, and a machine for more of them is not measured by hand.
const MAX_STREAMS: u16 = 64;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Recognition, translation and their latency on recordings and sentence pairs.
    Speech(Options),
    /// Alarms on recordings of vital signs: how many, what for, and how many fewer than naive thresholds give.
    Alarms(alarms::Options),
    /// The learned risk of deterioration on patients' records, against NEWS2 and logistic regression.
    Risk(risk::Options),
}

/// What there is to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Each recording as a whole, as final captions are recognised.
    Full,
    /// Each recording as a whole, with the likeliest token each time.
    Draft,
    /// Each recording in real time through a session, as a call would bring it.
    Streaming,
    /// Sentence pairs, and recordings that have a translation.
    Translation,
}

#[derive(Debug, Args)]
pub struct Options {
    /// Folder with an `index.tsv`, or such a file: columns `file`, `language`, `transcript`, and if there are any
    /// `translation`, `translation_language`. WAV, FLAC, Opus in Ogg. Without it only sentence pairs are translated.
    #[arg(long, value_name = "FOLDER_OR_TSV")]
    recordings: Option<PathBuf>,
    /// Only these, separated by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "full,draft,streaming,translation")]
    measure: Vec<Measure>,
    /// Only recordings in these languages, separated by commas.
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    language: Vec<Language>,
    /// At most so many recordings, evenly over the list.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Recordings streamed at a time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_STREAMS)))]
    streams: u16,
    /// Sentence pairs to translate: columns `source_language`, `source`, `target_language`, `reference`. Clinical
    /// sentences in English and Portuguese when absent.
    #[arg(long, value_name = "TSV")]
    pairs: Option<PathBuf>,
    /// Also write everything that was measured here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Speech(options) => speech(config, options),
        Command::Alarms(options) => alarms::run(config, &options),
        Command::Risk(options) => risk::run(&options),
    }
}

fn speech(config: &Config, options: Options) -> anyhow::Result<()> {
    // Everything that can be wrong with files shows before models load.
    let pairs = pairs::read(options.pairs.as_deref())?;
    let material = match &options.recordings {
        Some(path) => Material::choose(path, &options.language, options.limit)?,
        None => Material::default(),
    };
    let normaliser = normaliser(config)?;
    let report = super::runtime()?.block_on(async {
        let models = LoadedModels::start(config)?;
        let bench = Bench {
            normaliser,
            session: SessionId(uuid::Uuid::now_v7()),
            transcribe: models.models.transcribe.clone(),
            translate: models.models.translate.clone(),
        };
        measure(config, &options, &material, &pairs, &bench, models).await
    })?;
    table::print(&report);
    if let Some(file) = &options.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(file, json + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
        println!("\nEverything measured is in {}.", file.display());
    }
    let changed = report.streaming.as_ref().map_or(0, |streaming| streaming.timing.stability.changed);
    anyhow::ensure!(changed == 0, "committed text changed {changed} times: it must never");
    Ok(())
}

fn normaliser(config: &Config) -> anyhow::Result<Normaliser> {
    let files = wiring::registry(config)?.open("whisper-normalizer");
    let files = files.context("word errors cannot be counted: run `healthsync models pull whisper-normalizer`")?;
    Ok(Normaliser::new(Spellings::read(files.file("english.json")?)?))
}

/// What every measurement needs. The models are those the server would run, on the same threads: whichever engine the
/// configuration names is the one that is measured.
struct Bench {
    normaliser: Normaliser,
    /// On whose behalf requests are made that belong to no session.
    session: SessionId,
    transcribe: Pool<Transcriber>,
    translate: Pool<Translator>,
}

async fn measure(
    config: &Config,
    options: &Options,
    material: &Material,
    pairs: &pairs::Pairs,
    bench: &Bench,
    models: LoadedModels,
) -> anyhow::Result<Report> {
    let wanted = |measure| options.measure.contains(&measure);
    let mut report = Report::new(Settings {
        recordings: options.recordings.clone(),
        measured: options.measure.clone(),
        languages: options.language.clone(),
        limit: options.limit,
        streams: options.streams,
        pairs: pairs.name.clone(),
        transcribe_engine: config.models.transcribe_engine,
        transcribe_precision: config.models.transcribe_precision,
        transcribe_threads: Config::threads(config.models.transcribe_threads),
        cores: Config::threads(0),
    });
    report.models.push(("transcribe".into(), bench.transcribe.ready().await?));
    report.models.push(("translate".into(), bench.translate.ready().await?));
    // Nobody listens, so that nothing is spoken; but a model that is still loading would take the others' time.
    let _ = models.models.speak.ready().await;
    for (measure, effort) in [(Measure::Full, Effort::Full), (Measure::Draft, Effort::Draft)] {
        if wanted(measure) && !material.items.is_empty() {
            report.offline.push(offline::run(bench, material, measure, effort, &models.models.voice_activity).await?);
        }
    }
    if wanted(Measure::Translation) {
        report.translation = pairs::run(bench, &pairs.list).await?;
        let heard = report.offline.iter().find(|run| run.measure == Measure::Full);
        report.translation.extend(pairs::run_recordings(bench, material, heard).await?);
    }
    if wanted(Measure::Streaming) && !material.items.is_empty() {
        report.streaming = Some(streaming::run(config, bench, material, options.streams, models.models).await?);
    }
    report.close();
    Ok(report)
}

/// A bar on a terminal, a line elsewhere.
fn progress(what: &str, length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        eprintln!("{what}: {length} to do");
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr());
    // The template is a constant; were it wrong, indicatif's own bar would do.
    let style = ProgressStyle::with_template("{prefix:24!} {bar:30} {pos:>5} of {len:<5} {eta:>4}  {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌"));
    bar.set_prefix(what.to_owned());
    bar
}
