//! `healthsync eval risk`: the learned risk against NEWS2 and logistic regression, on the same patients.

use crate::{commands::train::read, wiring};
use anyhow::Context as _;
use clap::Args;
use healthsync_deteriorate::{
    Weights,
    baseline::news2,
    challenge::{self, Part, Stay},
    evaluate::{Figures, Interval, Scored, Subgroup, best_warning, figures, subgroups},
    train::{Logistic, Options as TrainOptions},
    weights::info_of_file,
};
use healthsync_events::ModelInfo;
use serde::Serialize;
use std::{fs, path::PathBuf};

#[derive(Debug, Args)]
pub struct Options {
    /// Records in the format of the PhysioNet/CinC Challenge 2019: a folder, a `.tar` or a `.tar.xz`.
    #[arg(long, value_name = "FOLDER_OR_TAR")]
    data: PathBuf,
    /// Every patient of it, as of another hospital; otherwise only those that training leaves untouched.
    #[arg(long)]
    all: bool,
    /// With vital signs only, as a monitor sends them.
    #[arg(long)]
    bedside: bool,
    /// Weights to measure instead of those that come with the program; several, separated by commas.
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    weights: Vec<PathBuf>,
    /// Records to fit the logistic regression on, of which the untouched ones are left out. Those of `--data` when
    /// absent, unless all of them are measured.
    #[arg(long, value_name = "FOLDER_OR_TAR")]
    baseline_data: Option<PathBuf>,
    /// Also write everything that was measured here.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Report {
    data: PathBuf,
    all: bool,
    bedside: bool,
    scores: Vec<Measured>,
}

#[derive(Debug, Serialize)]
struct Measured {
    score: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelInfo>,
    figures: Figures,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subgroups: Vec<Subgroup>,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let models = models(&options.weights)?;
    let mut stays = read(&options.data)?;
    if options.bedside {
        stays.iter_mut().for_each(Stay::keep_bedside);
    }
    let chosen: Vec<&Stay> =
        stays.iter().filter(|stay| options.all || challenge::part(&stay.id) == Part::Test).collect();
    anyhow::ensure!(!chosen.is_empty(), "no patient of {} is among those to measure", options.data.display());
    let mut scores = Vec::new();
    for (name, weights, info) in &models {
        eprintln!("{name}: scoring {} stays", chosen.len());
        scores.push(learned(name, weights, info, &chosen)?);
    }
    let others = options.baseline_data.as_deref().map(read).transpose()?;
    let fit_on = others.as_deref().or_else(|| (!options.all).then_some(stays.as_slice()));
    scores.extend(baselines(fit_on, &chosen)?);
    let report = Report { data: options.data.clone(), all: options.all, bedside: options.bedside, scores };
    print(&report);
    if let Some(file) = &options.json {
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(file, json + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

type Named = (String, Weights, ModelInfo);

/// The weights named, or both that come with the program.
fn models(files: &[PathBuf]) -> anyhow::Result<Vec<Named>> {
    if files.is_empty() {
        return wiring::deteriorate_weights();
    }
    let open = |file: &PathBuf| -> anyhow::Result<Named> {
        let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let weights = Weights::read(&bytes).with_context(|| format!("{} cannot be used", file.display()))?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let info = info_of_file(&name, &bytes);
        Ok((name, weights, info))
    };
    files.iter().map(open).collect()
}

fn learned(name: &str, weights: &Weights, info: &ModelInfo, stays: &[&Stay]) -> anyhow::Result<Measured> {
    let scores = weights.score(stays)?;
    let probability = |score: f32| weights.calibration.probability(score);
    let measured = Scored { stays, scores: &scores, probability: Some(&probability), warn_at: Some(weights.warn_at) };
    let with = if weights.recipe.icu_hour { "with" } else { "without" };
    Ok(Measured {
        score: format!("{name} ({with} ICU hour)"),
        model: Some(info.clone()),
        figures: figures(&measured),
        subgroups: subgroups(&measured),
    })
}

/// NEWS2, the ICU hour alone, and logistic regressions fitted on the training patients of `fit_on`.
fn baselines(fit_on: Option<&[Stay]>, stays: &[&Stay]) -> anyhow::Result<Vec<Measured>> {
    let of = |wanted: Part| {
        let all = fit_on.unwrap_or_default().iter();
        all.filter(|stay| challenge::part(&stay.id) == wanted).collect::<Vec<&Stay>>()
    };
    let (training, validation) = (of(Part::Train), of(Part::Validation));
    let plain = |score: &str, scores: Vec<Vec<f32>>, warn_at: Option<f32>| {
        let scored = Scored { stays, scores: &scores, probability: None, warn_at };
        Measured { score: score.to_owned(), model: None, figures: figures(&scored), subgroups: Vec::new() }
    };
    let early = |stays: &[&Stay]| stays.iter().map(|stay| news2(stay)).collect::<Vec<_>>();
    let hour = |stay: &&Stay| stay.hours.iter().map(|hour| hour.icu_hour).collect();
    let mut measured = vec![
        plain("NEWS2", early(stays), best_warning(&validation, &early(&validation))),
        plain("ICU hour alone", stays.iter().map(hour).collect(), None),
    ];
    if training.is_empty() || validation.is_empty() {
        eprintln!("no logistic regression: name --baseline-data to fit it on");
        return Ok(measured);
    }
    for icu_hour in [false, true] {
        let with = if icu_hour { "with" } else { "without" };
        eprintln!("logistic regression {with} ICU hour: fitting on {} stays", training.len());
        let fitted =
            Logistic::train(&training, &validation, &TrainOptions { icu_hour, ..TrainOptions::default() }, |_| {})?;
        let warn_at = best_warning(&validation, &fitted.score(&validation));
        measured.push(plain(&format!("logistic regression ({with} ICU hour)"), fitted.score(stays), warn_at));
    }
    Ok(measured)
}

fn print(report: &Report) {
    let Some(first) = report.scores.first() else { return };
    let all = &first.figures;
    println!(
        "\n{} patients, {} of them septic; {} hours, {:.2} % of them positive",
        all.patients,
        all.septic_patients,
        all.hours,
        100.0 * all.prevalence
    );
    println!(
        "\n{:<40} {:>22} {:>22} {:>12} {:>22} {:>8} {:>8}",
        "score", "AUROC", "AUPRC", "within hour", "utility", "Brier", "ECE"
    );
    for measured in &report.scores {
        let figures = &measured.figures;
        println!(
            "{:<40} {:>22} {:>22} {:>12} {:>22} {:>8} {:>8}",
            measured.score,
            interval(figures.auroc),
            interval(figures.auprc),
            number(figures.auroc_within_hour, 3),
            interval(figures.utility),
            number(figures.brier, 4),
            number(figures.reliability.as_ref().map(|curve| curve.error), 4),
        );
    }
    for measured in report.scores.iter().filter(|measured| !measured.subgroups.is_empty()) {
        println!("\n{}", measured.score);
        for group in &measured.subgroups {
            println!("  {:<28} {:>7} patients  AUROC {}", group.name, group.patients, interval(group.auroc));
        }
        for bin in measured.figures.reliability.iter().flat_map(|curve| &curve.bins) {
            println!(
                "  stated {:>6.2} %  observed {:>6.2} %  ({} hours)",
                100.0 * bin.stated,
                100.0 * bin.observed,
                bin.hours
            );
        }
    }
}

fn interval(figure: Option<Interval>) -> String {
    figure.map_or_else(|| "–".to_owned(), |i| format!("{:.3} ({:.3}–{:.3})", i.value, i.low, i.high))
}

fn number(figure: Option<f64>, decimals: usize) -> String {
    figure.map_or_else(|| "–".to_owned(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn weights_that_are_none_are_refused_by_their_path() {
        let folder = tempfile::tempdir().unwrap();
        let file: PathBuf = folder.path().join("w.safetensors");
        let refused = |file: &Path| models(&[file.to_owned()]).unwrap_err().to_string();
        assert!(refused(&file).ends_with("w.safetensors cannot be read"));
        fs::write(&file, "nothing").unwrap();
        assert!(refused(&file).ends_with("w.safetensors cannot be used"));
    }
}
