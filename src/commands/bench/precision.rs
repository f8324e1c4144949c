//! `healthsync bench precision`: size, speed and quality of each form of the recogniser's weights. Each form is measured by
//! `healthsync eval speech` in a process of its own, so that memory is that form's and nobody is warm of another's work.

use crate::{
    config::{Config, TranscribeEngine},
    wiring,
};
use anyhow::Context as _;
use clap::Args;
use healthsync_loadtests::{
    figures::{or_dash, show},
    machine::Machine,
    speech::process::output,
};
use healthsync_transcribe::Precision;
use serde::{Deserialize, Serialize};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

/// What measuring one form on hours of recordings may take.
const LIMIT: Duration = Duration::from_hours(12);

#[derive(Debug, Args)]
pub struct PrecisionOptions {
    /// Folder with an index.tsv (file, language, transcript) and recordings.
    #[arg(long, value_name = "FOLDER")]
    recordings: PathBuf,
    /// At most so many recordings, evenly over the list.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Only these forms, separated by commas.
    #[arg(long, value_name = "FORM", value_delimiter = ',')]
    only: Vec<String>,
    /// Runs of each form, in turn. Quality is the same in all of them.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: u32,
    /// Where the table goes.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

/// A form of the weights and who computes with it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Form {
    engine: TranscribeEngine,
    precision: Precision,
}

impl Form {
    /// Every form that this binary can compute with.
    fn all() -> Vec<Self> {
        let cpp = |precision| Self { engine: TranscribeEngine::WhisperCpp, precision };
        let candle = Self { engine: TranscribeEngine::Candle, precision: Precision::F16 };
        let candle = cfg!(feature = "candle").then_some(candle);
        Precision::ALL.into_iter().map(cpp).chain(candle).collect()
    }

    fn name(self) -> String {
        let engine = configured(&self.engine);
        format!("{engine}-{}", configured(&self.precision))
    }
}

/// A setting as the configuration writes it.
fn configured(setting: &impl Serialize) -> String {
    let value = serde_json::to_value(setting).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// What `healthsync eval speech --json` writes, as far as the table needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Measured {
    offline: Vec<Pass>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pass {
    /// `full` or `draft`.
    measure: String,
    groups: Vec<Group>,
    total: Group,
    cpu_factor: Option<f64>,
    peak_resident_bytes: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Group {
    name: String,
    word_error_rate: f64,
    interval: Option<Interval>,
    real_time_factor: Option<f64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Interval {
    low: f64,
    high: f64,
}

/// One form's runs.
#[derive(Debug, Serialize)]
struct Row {
    form: String,
    /// Of the file of weights.
    bytes: u64,
    runs: Vec<Measured>,
}

#[derive(Debug, Serialize)]
struct Table {
    machine: Machine,
    rows: Vec<Row>,
}

pub(super) async fn run(config: &Config, options: &PrecisionOptions) -> anyhow::Result<()> {
    let known = Form::all();
    let unknown = options.only.iter().find(|name| known.iter().all(|form| form.name() != **name));
    let names = || known.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = unknown {
        anyhow::bail!("there is no form {unknown}: there are {}", names());
    }
    let forms = known.iter().filter(|form| options.only.is_empty() || options.only.contains(&form.name()));
    let forms: Vec<(Form, Config)> = forms.map(|form| (*form, form.configure(config))).collect();
    std::fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    let described = format!("{}, at most {}", options.recordings.display(), or_all(options.limit));
    let threads = Config::threads(config.models.transcribe_threads);
    let version = format!("healthsync {}", env!("CARGO_PKG_VERSION"));
    let mut table = Table { machine: Machine::here(threads, version, described), rows: Vec::new() };
    for (form, config) in &forms {
        // Whatever is missing shows before an hour of measuring.
        let file = wiring::recognition_weights(config)?;
        let bytes = std::fs::metadata(&file).with_context(|| format!("{} cannot be read", file.display()))?.len();
        table.rows.push(Row { form: form.name(), bytes, runs: Vec::new() });
    }
    for round in 1..=options.repeats {
        for ((form, config), row) in forms.iter().zip(&mut table.rows) {
            println!("==> {}, run {round} of {}", row.form, options.repeats);
            row.runs.push(form.measure(config, options).await?);
        }
        std::fs::write(options.out.join("precision.md"), table.markdown())?;
        std::fs::write(options.out.join("precision.json"), serde_json::to_vec_pretty(&table)?)?;
    }
    println!("\n{}", table.markdown());
    Ok(())
}

fn or_all(limit: Option<u32>) -> String {
    limit.map_or_else(|| "all of them".into(), |limit| limit.to_string())
}

impl Form {
    fn configure(self, config: &Config) -> Config {
        let mut config = config.clone();
        config.models.transcribe_engine = self.engine;
        config.models.transcribe_precision = self.precision;
        config
    }

    async fn measure(self, config: &Config, options: &PrecisionOptions) -> anyhow::Result<Measured> {
        let folder = tempfile::tempdir()?;
        let (settings, result) = (folder.path().join("healthsync.toml"), folder.path().join("result.json"));
        std::fs::write(&settings, toml::to_string(config)?)?;
        let mut command = tokio::process::Command::new(std::env::current_exe()?);
        command
            .arg("--config")
            .arg(&settings)
            .args(["eval", "speech", "--measure", "full,draft", "--recordings"])
            .arg(&options.recordings)
            .arg("--json")
            .arg(&result)
            // The environment would go before the file.
            .env("HEALTHSYNC__MODELS__TRANSCRIBE_ENGINE", configured(&self.engine))
            .env("HEALTHSYNC__MODELS__TRANSCRIBE_PRECISION", configured(&self.precision));
        if let Some(limit) = options.limit {
            command.args(["--limit", &limit.to_string()]);
        }
        output("healthsync eval speech", command, LIMIT).await?;
        read(&result)
    }
}

fn read(path: &Path) -> anyhow::Result<Measured> {
    let json = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(serde_json::from_slice(&json)?)
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Machine { processor, cores, cores_used, load_before, versions, recordings } = &self.machine;
        writeln!(text, "# Precision of the recogniser's weights\n")?;
        writeln!(text, "{processor}, {cores} cores, {cores_used} threads; load before: {}.", or_dash(*load_before, 2))?;
        writeln!(text, "{versions}. Recordings: {recordings}. Medians of runs in turn (ranges).\n")?;
        for (measure, title) in [("full", "Final captions"), ("draft", "Drafts")] {
            self.write_measure(text, measure, title)?;
        }
        writeln!(
            text,
            "Word errors in per cent, with their interval at 95 % over recordings. Memory is the process's, other"
        )?;
        writeln!(text, "models included.")
    }

    fn write_measure(&self, text: &mut String, measure: &str, title: &str) -> std::fmt::Result {
        let passes = |row: &Row| -> Vec<Pass> {
            row.runs.iter().filter_map(|run| run.offline.iter().find(|pass| pass.measure == measure).cloned()).collect()
        };
        let Some(first) = self.rows.first().and_then(|row| passes(row).into_iter().next()) else { return Ok(()) };
        let names: Vec<&str> = first.groups.iter().map(|group| group.name.as_str()).collect();
        writeln!(text, "## {title}\n")?;
        writeln!(
            text,
            "| form | weights MB | real-time factor | processor | memory MB | {} | all |",
            names.join(" | ")
        )?;
        writeln!(text, "|---|---|---|---|---|{}---|", "---|".repeat(names.len()))?;
        for row in &self.rows {
            let passes = passes(row);
            let figures = |of: fn(&Pass) -> Option<f64>| passes.iter().filter_map(of).collect::<Vec<_>>();
            let Some(last) = passes.last() else { continue };
            let errors = names.iter().map(|name| last.groups.iter().find(|group| group.name == *name));
            let errors: Vec<String> =
                errors.chain([Some(&last.total)]).map(|group| group.map_or("–".into(), rate)).collect();
            writeln!(
                text,
                "| {} | {:.1} | {} | {} | {} | {} |",
                row.form,
                row.bytes as f64 / 1e6,
                show(&figures(|pass| pass.total.real_time_factor), 3, ""),
                show(&figures(|pass| pass.cpu_factor), 3, ""),
                show(&figures(|pass| pass.peak_resident_bytes.map(|bytes| bytes as f64 / 1e6)), 0, ""),
                errors.join(" | "),
            )?;
        }
        writeln!(text)
    }
}

fn rate(group: &Group) -> String {
    let percent = group.word_error_rate * 100.0;
    match group.interval {
        Some(Interval { low, high }) => format!("{percent:.1} ({:.1}–{:.1})", low * 100.0, high * 100.0),
        None => format!("{percent:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_named_as_they_are_configured() {
        let names: Vec<String> = Form::all().into_iter().map(Form::name).collect();
        assert_eq!(names[..3], ["whisper-cpp-f16", "whisper-cpp-q8_0", "whisper-cpp-q5_1"]);
        assert_eq!(names.get(3).map(String::as_str), cfg!(feature = "candle").then_some("candle-f16"));
    }

    #[test]
    fn a_row_has_size_speed_and_errors_of_each_group() {
        let group = |name: &str, rate| {
            serde_json::json!({ "name": name, "word_error_rate": rate, "interval": { "low": 0.01, "high": 0.09 },
                "real_time_factor": 0.25, "words": {} })
        };
        let pass = serde_json::json!({ "measure": "full", "groups": [group("en", 0.05)], "total": group("all", 0.06),
            "cpu_factor": 0.5, "peak_resident_bytes": 300_000_000, "recordings": [] });
        let run: Measured = serde_json::from_value(serde_json::json!({ "offline": [pass], "version": "1" })).unwrap();
        let row = Row { form: "whisper-cpp-q8_0".into(), bytes: 81_000_000, runs: vec![run] };
        let table = Table { machine: Machine::here(2, String::new(), String::new()), rows: vec![row] };
        let text = table.markdown();
        let expected = "| whisper-cpp-q8_0 | 81.0 | 0.250 (0.250–0.250) | 0.500 (0.500–0.500) | 300 (300–300) | \
                        5.0 (1.0–9.0) | 6.0 (1.0–9.0) |";
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("Drafts"), "what was not measured is left out");
    }
}
