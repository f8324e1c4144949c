//! `healthsync learn`: lets outcomes change the calibration of the learned risk.

use crate::{commands::runtime, config::Config, wiring};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use healthsync_actors::{SessionLog, SqliteStore};
use healthsync_deteriorate::learning::{self, Change, Ledger, Outcome, ScoredHour};
use healthsync_events::{EventBody, Seq};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// Sessions looked through, newest first.
const MAX_SESSIONS: usize = 100_000;

/// Events read from the log at a time.
const PAGE: usize = 1_000;

/// Bytes of a table of outcomes: a million lines.
const MAX_TABLE_BYTES: u64 = 128 << 20;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The learned risk, from a table of outcomes and the scores in the session log.
    Risk(RiskOptions),
}

#[derive(Debug, Args)]
pub struct RiskOptions {
    /// Table with the columns `patient,time,outcome`: when it began (1), or when a patient without it was last seen (0).
    #[arg(long, value_name = "CSV")]
    outcomes: PathBuf,
    /// Where every version is kept; `models.calibration_file` of the configuration when absent.
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let Command::Risk(options) = command;
    let file = options.ledger.as_ref().or(config.models.calibration_file.as_ref());
    let file = file.context("name --ledger, or models.calibration_file in the configuration")?;
    let outcomes = read_outcomes(&options.outcomes)?;
    let mut ledger = wiring::calibration_ledger(file)?;
    let fresh: Vec<Outcome> = outcomes.into_iter().filter(|outcome| ledger.is_new(outcome)).collect();
    let store = SqliteStore::open(&config.storage.path)
        .map_err(|error| anyhow::anyhow!("{} cannot be opened: {error}", config.storage.path.display()))?;
    let scores = runtime()?.block_on(scores(&store))?;
    let judged = learning::label(&scores, &fresh);
    println!("{} new outcomes judge {} of {} scores", fresh.len(), judged.len(), scores.len());
    for change in judged.into_iter().flat_map(|judged| ledger.learn(judged)) {
        println!("{}", told(&change));
    }
    write(file, &ledger)?;
    for version in ledger.versions() {
        let platt = version.platt;
        println!(
            "calibration {}: slope {:.3}, offset {:+.3}, fitted to {} scores, {:?}",
            version.number, platt.slope, platt.offset, version.fitted_to, version.state
        );
    }
    Ok(())
}

fn read_outcomes(path: &Path) -> anyhow::Result<Vec<Outcome>> {
    let size = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?.len();
    anyhow::ensure!(size <= MAX_TABLE_BYTES, "{} has more than {MAX_TABLE_BYTES} bytes", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    learning::parse_outcomes(&text).with_context(|| format!("{} cannot be used", path.display()))
}

/// The last prediction of each hour of each record in the log. A monitor that sends every second is scored every
/// second, and an hour of one patient must not count for more than what the model was fitted to: an hour.
async fn scores(log: &impl SessionLog) -> anyhow::Result<Vec<ScoredHour>> {
    let mut scores = Vec::new();
    for row in log.sessions(MAX_SESSIONS).await? {
        let mut from = Seq::FIRST;
        let mut hour = None;
        loop {
            let events = log.read(row.session, from, PAGE).await?;
            let Some(last) = events.last() else { break };
            from = last.seq.next();
            for event in &events {
                let EventBody::RiskPredicted(predicted) = &event.body else { continue };
                if hour.replace(predicted.record_hours) == Some(predicted.record_hours) {
                    scores.pop();
                }
                let (patient, log_odds) = (row.patient.to_string(), predicted.log_odds);
                scores.push(ScoredHour { patient, at: event.at, log_odds });
            }
        }
    }
    Ok(scores)
}

/// A server that reads it meanwhile finds the old one or the new one.
fn write(path: &Path, ledger: &Ledger) -> anyhow::Result<()> {
    let part = path.with_added_extension("part");
    let text = ledger.write()?;
    let whole = || -> std::io::Result<()> {
        let mut file = fs::File::create(&part)?;
        file.write_all(text.as_bytes())?;
        // Before it takes the old one's place: a power cut must not leave neither.
        file.sync_all()
    };
    whole().with_context(|| format!("{} cannot be written", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("{} cannot be written", path.display()))
}

fn told(change: &Change) -> String {
    match change {
        Change::Fitted { version } => format!("calibration {version} runs in the shadow"),
        Change::Refused { reason } => format!("nothing was fitted: {reason}"),
        Change::Promoted { version, instead_of } => format!("calibration {version} takes the place of {instead_of}"),
        Change::Rejected { version } => format!("calibration {version} was not better"),
        Change::RolledBack { version, to } => format!("calibration {version} was worse after all: back to {to}"),
        Change::Drifted { drift, stability, expected_to_observed } => {
            let share = expected_to_observed.map_or_else(|| "–".to_owned(), |share| format!("{share:.2}"));
            format!("{drift:?} drift: population stability index {stability:.3}, expected over observed {share}")
        }
    }
}
