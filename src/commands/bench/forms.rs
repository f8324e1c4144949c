//! `healthsync bench forms`: size, speed and quality of each form of the learned risk's weights: rounded to fewer bits, and
//! with units left out and what remains trained further.

use crate::{commands::train::read, wiring};
use anyhow::Context as _;
use clap::Args;
use healthsync_deteriorate::{
    Weights,
    bedside::{Bedside, Question, UNKNOWN},
    challenge::{self, Part, Stay},
    evaluate::{Figures, Interval, Scored, figures},
    forms::Form,
    inputs::{INPUTS, Row},
    stream::Deterioration,
    train::{self, Options as TrainOptions, Step},
    weights::info_of_file,
};
use healthsync_loadtests::{
    figures::{or_dash, show},
    machine::Machine,
};
use healthsync_models::Model;
use serde::Serialize;
use std::{fmt::Write as _, fs, path::PathBuf, time::Instant};

/// Hours behind the patient whose score is timed.
const HOURS: i64 = 24;

/// Answers timed in one round; the round's figure is their median.
const ANSWERS: usize = 200;

/// Patients scored together where that is timed.
const TOGETHER: usize = 32;

/// Passes over the training patients after units were left out, and their learning rate: what remains has been trained.
const REFINING_EPOCHS: usize = 4;
const REFINING_RATE: f64 = 1e-3;

#[derive(Debug, Args)]
pub struct Options {
    /// Records of the PhysioNet/CinC Challenge 2019: a folder, a `.tar` or a `.tar.xz`. Only patients whom training leaves
    /// untouched are measured.
    #[arg(long, value_name = "FOLDER_OR_TAR")]
    data: PathBuf,
    /// Weights to make forms of, instead of those that come with the program.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Units kept in each layer, separated by commas; none for no pruning.
    #[arg(long, value_name = "UNITS", value_delimiter = ',', default_values_t = [48, 32, 16])]
    keep: Vec<usize>,
    /// Rounds of timing, the forms in turn.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeats: u32,
    /// Where the table goes, and every form as a file of weights.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    out: PathBuf,
}

#[derive(Debug, Serialize)]
struct Measured {
    form: String,
    bytes: usize,
    figures: Figures,
    /// Largest change of a probability, for any hour of any patient, against the weights as they are.
    largest_change: f64,
    /// Milliseconds for one patient, and for several together, of each round.
    alone_ms: Vec<f64>,
    together_ms: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Table {
    machine: Machine,
    rows: Vec<Measured>,
}

pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let (name, weights) = original(options)?;
    fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    let stays = read(&options.data)?;
    let of = |wanted: Part| stays.iter().filter(|stay| challenge::part(&stay.id) == wanted).collect::<Vec<&Stay>>();
    let untouched = of(Part::Test);
    anyhow::ensure!(!untouched.is_empty(), "no patient of {} is among those to measure", options.data.display());
    let forms = forms(&weights, &of(Part::Train), &of(Part::Validation), &options.keep)?;
    let exact = probabilities(&weights, &untouched)?;
    let mut table = Table { machine: machine(options, untouched.len()), rows: Vec::new() };
    let mut timed = Vec::new();
    for (form, weights) in forms {
        eprintln!("{form}: scoring {} stays", untouched.len());
        let bytes = weights.write()?;
        let file = options.out.join(format!("{name}-{form}.safetensors"));
        fs::write(&file, &bytes).with_context(|| format!("{} cannot be written", file.display()))?;
        table.rows.push(quality(form, &bytes, &untouched, &exact)?);
        timed.push(bytes);
    }
    if !weights.recipe.icu_hour {
        time(&timed, options.repeats, &mut table.rows)?;
    }
    let text = table.markdown();
    fs::write(options.out.join("forms.md"), &text)?;
    fs::write(options.out.join("forms.json"), serde_json::to_vec_pretty(&table)?)?;
    println!("\n{text}");
    Ok(())
}

fn original(options: &Options) -> anyhow::Result<(String, Weights)> {
    let Some(file) = &options.weights else {
        let first = wiring::deteriorate_weights()?.into_iter().next();
        return first.map(|(name, weights, _)| (name, weights)).context("no weights come with the program");
    };
    let bytes = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let weights = Weights::read(&bytes).with_context(|| format!("{} cannot be used", file.display()))?;
    Ok((file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), weights))
}

fn machine(options: &Options, patients: usize) -> Machine {
    let version = format!("healthsync {}", env!("CARGO_PKG_VERSION"));
    Machine::here(1, version, format!("{}, {patients} patients untouched by training", options.data.display()))
}

/// Every form by its name, the weights as they are first.
fn forms(
    weights: &Weights,
    train: &[&Stay],
    validation: &[&Stay],
    keep: &[usize],
) -> anyhow::Result<Vec<(String, Weights)>> {
    let mut forms = Vec::new();
    for form in Form::ALL {
        forms.push((form.name().to_owned(), weights.in_form(form)?));
    }
    for units in keep {
        let smaller = weights.pruned(*units, train)?;
        let options = TrainOptions {
            epochs: REFINING_EPOCHS,
            learning_rate: REFINING_RATE,
            icu_hour: weights.recipe.icu_hour,
            ..TrainOptions::default()
        };
        let refined = train::refine(&smaller, train, validation, &options, |step| {
            if let Step::Epoch { epoch, auroc, .. } = step {
                eprintln!("{units} units, pass {} more: validation {auroc:.4}", epoch + 1);
            }
        })?;
        forms.push((format!("{units}-units-untrained"), smaller));
        forms.push((format!("{units}-units-int8"), refined.in_form(Form::Int8)?));
        forms.push((format!("{units}-units"), refined));
    }
    Ok(forms)
}

fn probabilities(weights: &Weights, stays: &[&Stay]) -> anyhow::Result<Vec<f64>> {
    let scores = weights.score(stays)?;
    Ok(scores.iter().flatten().map(|score| weights.calibration.probability(*score)).collect())
}

/// What the file of a form is worth, read as anyone would read it.
fn quality(form: String, bytes: &[u8], stays: &[&Stay], exact: &[f64]) -> anyhow::Result<Measured> {
    let weights = Weights::read(bytes)?;
    let scores = weights.score(stays)?;
    let probability = |score: f32| weights.calibration.probability(score);
    let measured = Scored { stays, scores: &scores, probability: Some(&probability), warn_at: Some(weights.warn_at) };
    let changes = scores.iter().flatten().zip(exact).map(|(score, exact)| (probability(*score) - exact).abs());
    let largest_change = changes.fold(0.0, f64::max);
    let bytes = bytes.len();
    Ok(Measured {
        form,
        bytes,
        figures: figures(&measured),
        largest_change,
        alone_ms: Vec::new(),
        together_ms: Vec::new(),
    })
}

/// Times what a pool's model does, with the effect of every item, the forms in turn.
fn time(files: &[Vec<u8>], repeats: u32, rows: &mut [Measured]) -> anyhow::Result<()> {
    let mut models = Vec::new();
    for bytes in files {
        let mut model = Deterioration::new(Weights::read(bytes)?, info_of_file("timed", bytes))?;
        let question = monitored(&mut model)?;
        models.push((model, question));
    }
    for _ in 0..repeats {
        for ((model, question), row) in models.iter_mut().zip(rows.iter_mut()) {
            row.alone_ms.push(answers(model, &vec![question.clone(); 1])?);
            row.together_ms.push(answers(model, &vec![question.clone(); TOGETHER])?);
        }
    }
    Ok(())
}

/// A patient of whom a monitor has sent everything it measures, every hour of a day.
fn monitored(model: &mut Deterioration) -> anyhow::Result<Question> {
    let mut row = Row::default();
    for (index, input) in INPUTS.iter().enumerate().filter(|(_, input)| input.bedside) {
        row.set(index, f32::midpoint(input.low, input.high));
    }
    let mut bedside = Bedside::new(UNKNOWN);
    for hour in 0..HOURS {
        bedside.take(&row, hour * 3_600);
    }
    let question = bedside.question().context("nothing was measured")?;
    let scored = model.run(std::slice::from_ref(&question)).pop().context("no answer")??;
    bedside.answered(&question, Some(scored.state));
    bedside.question().context("nothing was measured")
}

/// Median milliseconds until all of the questions are answered.
fn answers(model: &mut Deterioration, questions: &[Question]) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(ANSWERS);
    for _ in 0..ANSWERS {
        let begun = Instant::now();
        let answers = model.run(questions);
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[ANSWERS / 2])
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Machine { processor, cores, load_before, versions, recordings, .. } = &self.machine;
        writeln!(text, "# Forms of the learned risk's weights\n")?;
        writeln!(text, "{processor}, {cores} cores; load before: {}. {versions}.", or_dash(*load_before, 2))?;
        writeln!(
            text,
            "Records: {recordings}. Times are medians of rounds in turn (ranges), with every item's effect.\n"
        )?;
        writeln!(
            text,
            "| form | bytes | 1 patient, ms | {TOGETHER} patients, ms | AUROC | AUPRC | Brier | probability off by at most |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|")?;
        for row in &self.rows {
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {:.4} |",
                row.form,
                row.bytes,
                show(&row.alone_ms, 3, ""),
                show(&row.together_ms, 2, ""),
                interval(row.figures.auroc),
                interval(row.figures.auprc),
                or_dash(row.figures.brier, 5),
                row.largest_change,
            )?;
        }
        Ok(())
    }
}

fn interval(figure: Option<Interval>) -> String {
    figure.map_or_else(|| "–".to_owned(), |i| format!("{:.3} ({:.3}–{:.3})", i.value, i.low, i.high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_weights_is_sized_timed_and_measured() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        for patient in 0..60 {
            let mut text = "HR|Temp|Age|Gender|ICULOS|SepsisLabel\n".to_owned();
            for hour in 1..=8 {
                let septic = patient % 3 == 0 && hour > 5;
                let pulse = if septic { 130 } else { 75 + (patient * 7 + hour) % 11 };
                let _ = writeln!(text, "{pulse}|37.{hour}|60|1|{hour}|{}", u8::from(septic));
            }
            fs::write(data.join(format!("p{patient:06}.psv")), text).unwrap();
        }
        let out = folder.path().join("out");
        let options = Options { data, weights: None, keep: vec![32], repeats: 1, out: out.clone() };
        run(&options).unwrap();
        let table: serde_json::Value = serde_json::from_slice(&fs::read(out.join("forms.json")).unwrap()).unwrap();
        let rows = table["rows"].as_array().unwrap();
        let names: Vec<&str> = rows.iter().filter_map(|row| row["form"].as_str()).collect();
        assert_eq!(names, ["f32", "f16", "bf16", "int8", "32-units-untrained", "32-units-int8", "32-units"]);
        assert_eq!(rows[0]["largest_change"], 0.0, "the weights as they are");
        assert!(rows.iter().all(|row| row["alone_ms"][0].as_f64().is_some_and(|ms| ms > 0.0)));
        let bytes = |row: usize| rows[row]["bytes"].as_u64().unwrap();
        assert!(bytes(3) < bytes(1) && bytes(1) < bytes(0) && bytes(5) < bytes(3));
        assert!(Weights::read(&fs::read(out.join("deteriorate-int8.safetensors")).unwrap()).is_ok());
    }
}
