//! `healthsync eval alarms`: how many alarms the policy gives on recordings of real patients, and what for.

use crate::config::Config;
use anyhow::{Context as _, ensure};
use clap::Args;
use healthsync_evaluate::burden::{Burden, Count, Terms, measure, psv, ratio, recording::Recording, wfdb};
use healthsync_events::ParticipantId;
use serde::Serialize;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Folders below the one given.
const MAX_DEPTH: usize = 6;

/// Bytes of a recording's file: a day of 64 numerics at one a second takes 11 MB.
const MAX_BYTES: u64 = 1 << 30;

#[derive(Debug, Args)]
pub struct Options {
    /// Recordings: a folder with `PhysioNet` 2019 files (`.psv`) or WFDB records of numerics (`.hea` whose name ends in
    /// `n`, as in MIMIC), or one such file.
    #[arg(long, value_name = "FOLDER_OR_FILE")]
    data: PathBuf,
    /// At most so many recordings, evenly over the list.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Seconds after which somebody acknowledges an alarm.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    answered_after: u32,
    /// Hours after an alarm in which what it was about must show.
    #[arg(long, value_name = "HOURS", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=168))]
    within: u32,
    /// Also write everything that was measured here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    data: &'a Path,
    terms: Terms,
    saved: f64,
    saved_of_readings: f64,
    #[serde(flatten)]
    burden: &'a Burden,
}

pub(super) fn run(config: &Config, options: &Options) -> anyhow::Result<()> {
    let mut files = Vec::new();
    find(&options.data, 0, &mut files)?;
    ensure!(!files.is_empty(), "{} holds no recordings: .psv, or numerics as n.hea", options.data.display());
    files.sort();
    let wanted = options.limit.map_or(files.len(), |limit| files.len().min(limit as usize));
    let all = files.len();
    let policy = Arc::new(config.monitoring.policy());
    let terms = Terms { answered_after_seconds: options.answered_after, within_hours: options.within };
    let nurse: ParticipantId = "nurse".parse()?;
    let bar = super::progress("Playing recordings", wanted);
    let mut burden = Burden::default();
    for place in 0..wanted {
        let file = &files[place * all / wanted];
        let recording = read(file).with_context(|| format!("{} cannot be used", file.display()))?;
        burden.add(&measure(&recording, &policy, terms, &nurse));
        bar.inc(1);
    }
    bar.finish_and_clear();
    print(&burden, terms);
    if let Some(file) = &options.json {
        let (saved, saved_of_readings) = (burden.saved(), burden.saved_of_readings());
        let report = Report { data: &options.data, terms, saved, saved_of_readings, burden: &burden };
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(file, json + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
        println!("\nEverything measured is in {}.", file.display());
    }
    ensure!(burden.missed_7 == 0, "{} stretches of sustained NEWS2 of 7 or more had no alarm", burden.missed_7);
    Ok(())
}

fn find(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    if path.is_dir() {
        ensure!(depth <= MAX_DEPTH, "{} lies too deep", path.display());
        for entry in fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))? {
            find(&entry?.path(), depth + 1, files)?;
        }
        return Ok(());
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let recording = Path::new(name).extension().is_some_and(|extension| extension == "psv") || name.ends_with("n.hea");
    if depth == 0 {
        ensure!(path.is_file(), "{} is not there", path.display());
    }
    if recording || depth == 0 {
        files.push(path.to_owned());
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<Recording> {
    if file.extension().is_some_and(|extension| extension == "hea") {
        let header = wfdb::header(&text(file)?)?;
        let signals = file.with_file_name(&header.file);
        return Ok(wfdb::read(&header, &bytes(&signals)?)?);
    }
    Ok(psv::read(&text(file)?)?)
}

fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    let length = fs::metadata(file).with_context(|| format!("{} cannot be read", file.display()))?.len();
    ensure!(length <= MAX_BYTES, "{} is longer than {MAX_BYTES} bytes", file.display());
    fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn text(file: &Path) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&bytes(file)?).into_owned())
}

fn print(burden: &Burden, terms: Terms) {
    let days = burden.bed_days;
    let a_day = |count: usize| if days > 0.0 { count as f64 / days } else { 0.0 };
    println!("\n── Alarm burden: {} recordings, {days:.1} bed-days ──", burden.recordings);
    println!("{:<34} {:>8} {:>10}   followed within {} h by", "", "alarms", "a bed-day", terms.within_hours);
    let share = |part: usize, count: &Count| 100.0 * ratio(part, count.alarms);
    let line = |name: &str, count: &Count| {
        println!(
            "{name:<34} {:>8} {:>10.3}   NEWS2 ≥ 5 {:>5.1} %  ≥ 7 {:>5.1} %  sepsis {:>5.1} %",
            count.alarms,
            a_day(count.alarms),
            share(count.before_news2_5, count),
            share(count.before_news2_7, count),
            share(count.before_sepsis, count),
        );
    };
    line("policy, clinical", &burden.policy);
    line("naive thresholds, each excursion", &burden.naive);
    line("any hour, for comparison", &burden.hours);
    println!(
        "{:<34} {:>8} {:>10.3}",
        "naive thresholds, each reading",
        burden.naive_readings,
        a_day(burden.naive_readings)
    );
    println!("{:<34} {:>8} {:>10.3}", "policy, technical", burden.technical, a_day(burden.technical));
    println!(
        "{:<34} {:>8} {:>10.3}   (answered after {} s)",
        "calls of unanswered alarms",
        burden.unanswered,
        a_day(burden.unanswered),
        terms.answered_after_seconds
    );
    for (kind, count) in &burden.kinds {
        println!("  {kind:<32} {count:>8} {:>10.3}", a_day(*count));
    }
    println!(
        "fewer than naive thresholds: {:.1} % of excursions, {:.1} % of readings",
        100.0 * burden.saved(),
        100.0 * burden.saved_of_readings()
    );
    println!(
        "sustained NEWS2 of 7 or more: {} stretches, {} missed, {} alarmed late (at most {} s)",
        burden.sustained_7, burden.missed_7, burden.late, burden.latest_seconds
    );
}
