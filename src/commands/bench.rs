//! `healthsync bench`: how many live streams this machine holds, how fast the recogniser is, how well requests are
//! batched and how many monitors' messages are taken a second, beside others. `make bench` runs it;
//! `loadtests/README.md` says what is measured.

mod call;
mod forms;
mod options;
mod pools;
mod precision;
mod vitals;

use super::demo::record_voices;
use crate::{config::Config, wiring};
use anyhow::Context as _;
use clap::Subcommand;
use healthsync_loadtests::{
    Script,
    consultation::Clip,
    machine::Machine,
    script::Speaker,
    speech::{
        contest::Contest,
        corpus::Corpus,
        engine::{Engine, Heard, Pass, PassOutput, pass},
        process::{Usage, output},
        report::Report,
        run::RunResult,
        servers::Setup,
    },
};
use healthsync_models::{
    Model,
    tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest},
};
use options::{Part, PassEffort, PassOptions, SpeechOptions};
use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

/// Aligning the words of an hour of recordings takes minutes.
const PREPARE_LIMIT: Duration = Duration::from_hours(1);

/// The files of the recogniser's entry in the registry that faster-whisper loads.
const WEIGHTS: [&str; 4] = ["model.bin", "config.json", "tokenizer.json", "vocabulary.txt"];

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Live streams held and recognition speed, beside WhisperLive and faster-whisper.
    Speech(Box<SpeechOptions>),
    /// How requests are batched, beside Triton; what a request costs; what batching gives; live speech beside other work.
    Pools(Box<pools::PoolsOptions>),
    /// Size, speed and quality of each form of the recogniser's weights.
    Precision(precision::PrecisionOptions),
    /// Size, speed and quality of each form of the learned risk's weights, those with fewer units among them.
    Forms(forms::Options),
    /// Serves the fake model of `bench pools`.
    #[command(hide = true)]
    PoolsDoor(pools::DoorOptions),
    /// A call that lasts: whether its delays or the server's memory grow.
    Call(call::Options),
    /// One pass of the recogniser over a corpus, as JSON.
    #[command(hide = true)]
    EnginePass(PassOptions),
    /// Monitors' messages a second and scores on the wire, beside python-hl7 and what loopback allows.
    Vitals(vitals::Options),
    /// Sends back what comes.
    #[command(hide = true)]
    MllpEcho,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Speech(options) => until_interrupted(speech(config, &options)),
        Command::Pools(options) => until_interrupted(pools::run(config, &options)),
        Command::Precision(options) => until_interrupted(precision::run(config, &options)),
        Command::Forms(options) => forms::run(&options),
        Command::PoolsDoor(options) => super::runtime()?.block_on(pools::serve(&options)),
        Command::Call(options) => until_interrupted(call::run(config, &options)),
        Command::Vitals(options) => until_interrupted(vitals::run(&options)),
        Command::EnginePass(options) => engine_pass(config, &options),
        Command::MllpEcho => until_interrupted(vitals::echo()),
    }
}

/// Dropping a benchmark ends every server it has started.
fn until_interrupted(benchmark: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    super::runtime()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            done = benchmark => done,
            result = tokio::signal::ctrl_c() => { result?; anyhow::bail!("interrupted") }
            _ = terminate.recv() => anyhow::bail!("terminated"),
        }
    })
}

async fn speech(config: &Config, options: &SpeechOptions) -> anyhow::Result<()> {
    anyhow::ensure!(options.cores > 0, "there must be at least one core");
    anyhow::ensure!((0.0..=1.0).contains(&options.recall), "the recall must be between 0 and 1");
    let setup = setup(config, options)?;
    // Before anything is prepared: the load is to be that of others.
    let mut machine = Machine::here(options.cores, versions(&setup).await?, String::new());
    let folder = std::path::absolute(options.out.join("speech-corpus"))?;
    let recordings = match &options.recordings {
        Some(recordings) => recordings.clone(),
        None => speak_demo(config, &options.out.join("speech-voices"))?,
    };
    prepare(&setup, &recordings, &folder, options.as_recorded).await?;
    let corpus = Corpus::load(&folder)?;
    let source = if options.recordings.is_some() { "recordings given" } else { "the demo's synthesised voices" };
    let seconds: u64 = corpus.clips.iter().map(|clip| clip.length_ms()).sum::<u64>() / 1_000;
    let levels = if options.as_recorded { "as recorded" } else { "at one level" };
    machine.recordings = format!("{source}, {levels}, {} clips, {seconds} s", corpus.clips.len());
    let mut report = Report { machine, question: options.question(), contenders: Vec::new(), passes: Vec::new() };
    if options.only != Some(Part::Engines) {
        println!("==> Live streams");
        let contest = Contest { setup: &setup, corpus: &corpus, question: &report.question, tell: &tell };
        report.contenders = contest.hold().await?;
        save(&report, &options.out)?;
    }
    if options.only != Some(Part::Streams) {
        println!("==> Engines");
        report.passes = engines(&setup, &folder, &corpus, options).await?;
        save(&report, &options.out)?;
    }
    println!("\n{}", report.markdown());
    Ok(())
}

fn setup(config: &Config, options: &SpeechOptions) -> anyhow::Result<Setup> {
    let python = std::path::absolute(options.peers.join("bin/python"))?;
    anyhow::ensure!(python.is_file(), "{} is missing: run `make bench-speech`", python.display());
    let logs = std::path::absolute(options.out.join("speech-logs"))?;
    std::fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))?;
    let weights = wiring::registry(config)?.open_files("whisper-base", &WEIGHTS)?;
    Ok(Setup {
        healthsync: std::env::current_exe()?,
        python,
        scripts: std::path::absolute(&options.scripts)?,
        weights: weights.dir,
        cores: options.cores,
        logs,
    })
}

/// The demo's lines as a folder of recordings.
fn speak_demo(config: &Config, folder: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let script = Script::demo();
    let clips = record_voices(config, &script)?;
    let mut index = "file\tlanguage\ttranscript\n".to_owned();
    for (number, (who, text)) in script.lines().enumerate() {
        let clip = clips.get(text).context("a line has no recording")?;
        let file = format!("{number:02}.wav");
        write_wav(clip, &folder.join(&file)).with_context(|| format!("{file} cannot be written"))?;
        writeln!(index, "{file}\t{}\t{text}", Speaker::language(who))?;
    }
    std::fs::write(folder.join("index.tsv"), index)?;
    Ok(folder.to_owned())
}

/// As mono 16-bit PCM.
fn write_wav(clip: &Clip, path: &Path) -> Result<(), hound::Error> {
    let (sample_rate, sample_format) = (clip.sample_rate, hound::SampleFormat::Int);
    let spec = hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format };
    let mut wav = hound::WavWriter::create(path, spec)?;
    for sample in &clip.samples {
        wav.write_sample((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16)?;
    }
    wav.finalize()
}

async fn prepare(setup: &Setup, recordings: &Path, folder: &Path, as_recorded: bool) -> anyhow::Result<()> {
    println!("==> Preparing the recordings in {}", recordings.display());
    let mut command = tokio::process::Command::new(&setup.python);
    command.arg(setup.scripts.join("prepare.py"));
    command.args([OsStr::new("--model"), setup.weights.as_os_str()]);
    command.args([OsStr::new("--recordings"), recordings.as_os_str(), OsStr::new("--out"), folder.as_os_str()]);
    command.args(["--threads", &setup.cores.to_string()]).args(as_recorded.then_some("--as-recorded"));
    print!("{}", output("prepare.py", command, PREPARE_LIMIT).await?);
    Ok(())
}

/// What is compared, in words.
async fn versions(setup: &Setup) -> anyhow::Result<String> {
    let mut command = tokio::process::Command::new(&setup.python);
    command.args([
        "-c",
        "import importlib.metadata as m; print(', '.join(f'{n} {m.version(n)}' for n in ('whisper-live', \
         'faster-whisper', 'ctranslate2')))",
    ]);
    let peers = output("python", command, Duration::from_mins(1)).await?;
    Ok(format!("healthsync {}, {}", env!("CARGO_PKG_VERSION"), peers.trim()))
}

fn tell(run: &RunResult) {
    let seconds = |ms: Option<f64>| ms.map_or_else(|| "never".into(), |ms| format!("{:.2} s", ms / 1e3));
    println!(
        "{:<21} {:>2} streams: lag p95 {} (moment {}, word {}), coverage {:.1} %, recall {:.1} %",
        run.system.name(),
        run.streams,
        seconds(run.piece_lag_p95_ms),
        seconds(run.moment_lag_p95_ms),
        seconds(run.word_lag_p95_ms),
        run.coverage * 100.0,
        run.recall * 100.0,
    );
    for error in &run.errors {
        println!("    {error}");
    }
}

/// Every engine in turn; every second round backwards, so that none is always the one after the same other.
async fn engines(setup: &Setup, folder: &Path, corpus: &Corpus, options: &SpeechOptions) -> anyhow::Result<Vec<Pass>> {
    let rounds = options.repeats.unwrap_or(if options.quick { 2 } else { 5 });
    let limit = options.clips.unwrap_or(if options.quick { 12 } else { 0 });
    let mut passes = Vec::new();
    for round in 0..rounds {
        let mut order = Engine::ALL;
        if round % 2 == 1 {
            order.reverse();
        }
        for engine in order {
            let done = pass(setup, folder, corpus, engine, limit).await?;
            println!(
                "{:<28} real-time factor {:.3}, processor {:.3}",
                engine.name(),
                done.real_time_factor,
                done.cpu_factor
            );
            passes.push(done);
        }
    }
    Ok(passes)
}

fn save(report: &Report, out: &Path) -> anyhow::Result<()> {
    std::fs::write(out.join("speech.md"), report.markdown())?;
    std::fs::write(out.join("speech.json"), serde_json::to_vec_pretty(report)?)?;
    Ok(())
}

fn engine_pass(config: &Config, options: &PassOptions) -> anyhow::Result<()> {
    let corpus = Corpus::load(&options.corpus)?;
    let mut model = wiring::load_transcriber(config, options.threads)?;
    let effort = match options.effort {
        PassEffort::Draft => Effort::Draft,
        PassEffort::Full => Effort::Full,
    };
    let limit = if options.limit == 0 { corpus.clips.len() } else { options.limit.min(corpus.clips.len()) };
    let mut heard = Vec::with_capacity(limit);
    let cpu = || Usage::of("/proc/self").map_or(0.0, |usage| usage.cpu_seconds);
    let mut cpu_begun = cpu();
    // The first once more in front: it warms up, and is not counted.
    for (index, clip) in corpus.clips.iter().take(1).chain(corpus.clips.iter().take(limit)).enumerate() {
        if index == 1 {
            cpu_begun = cpu();
        }
        let language = SpokenLanguage::Known(clip.language.parse()?);
        let request = TranscribeRequest {
            samples: clip.samples.clone(),
            language,
            prompt: None,
            effort,
            cancel: Cancel::default(),
        };
        let begun = Instant::now();
        let transcription = model.run(std::slice::from_ref(&request)).pop().context("the model gave nothing")??;
        heard.push(Heard { seconds: begun.elapsed().as_secs_f64(), text: transcription.text });
    }
    heard.remove(0);
    let cpu_seconds = cpu() - cpu_begun;
    let peak_rss_bytes = Usage::of("/proc/self").map(|usage| usage.peak_rss_bytes);
    println!("{}", serde_json::to_string(&PassOutput { heard, cpu_seconds, peak_rss_bytes })?);
    Ok(())
}
