//! `healthsync train`: makes a model's weights from data of one's own.

use anyhow::Context as _;
use clap::{Args, Subcommand, builder::TypedValueParser as _};
use healthsync_deteriorate::{
    challenge::{self, Part, Stay},
    train::{self, Augmentation, Options, Step},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{fs, path::PathBuf};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The learned risk, from records of the PhysioNet/CinC Challenge 2019.
    Risk(RiskOptions),
}

#[derive(Debug, Args)]
pub struct RiskOptions {
    /// Records: a folder, a `.tar` or a `.tar.xz`.
    #[arg(long, value_name = "FOLDER_OR_TAR")]
    data: PathBuf,
    /// Where the weights are written: `deteriorate.safetensors` and, with the ICU hour, `deteriorate-icu.safetensors`.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Only one of the two: with the ICU hour, or without.
    #[arg(long, value_name = "BOOL")]
    icu_hour: Option<bool>,
    /// The same seed and data give the same weights on the same kind of processor.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Networks whose scores are averaged.
    #[arg(long, default_value_t = Options::default().members, value_parser = clap::value_parser!(u8).range(1..=16).map(usize::from))]
    members: usize,
    /// Passes over the patients at most; it ends earlier once the validation patients gain nothing.
    #[arg(long, default_value_t = Options::default().epochs)]
    epochs: usize,
    /// Leaves stays as they are, where otherwise each is changed a little every time.
    #[arg(long)]
    without_augmentation: bool,
}

pub fn run(command: Command) -> anyhow::Result<()> {
    let Command::Risk(options) = command;
    let stays = read(&options.data)?;
    fs::create_dir_all(&options.out).with_context(|| format!("{} cannot be made", options.out.display()))?;
    let of = |wanted: Part| stays.iter().filter(|stay| challenge::part(&stay.id) == wanted).collect::<Vec<&Stay>>();
    let (training, validation) = (of(Part::Train), of(Part::Validation));
    eprintln!(
        "{} stays: {} to train on, {} to validate with, {} untouched",
        stays.len(),
        training.len(),
        validation.len(),
        stays.len() - training.len() - validation.len()
    );
    for icu_hour in [false, true] {
        if options.icu_hour.is_some_and(|only| only != icu_hour) {
            continue;
        }
        let name = if icu_hour { "deteriorate-icu" } else { "deteriorate" };
        let settings = Options {
            seed: options.seed,
            icu_hour,
            members: options.members,
            epochs: options.epochs,
            augmentation: if options.without_augmentation { Augmentation::NONE } else { Augmentation::default() },
            ..Options::default()
        };
        let mut shown = Shown::new(name);
        let weights = train::train(&training, &validation, &settings, |step| shown.step(step))?;
        shown.bar.finish_and_clear();
        let bytes = weights.write()?;
        let file = options.out.join(format!("{name}.safetensors"));
        fs::write(&file, &bytes).with_context(|| format!("{} cannot be written", file.display()))?;
        println!(
            "{}: {} bytes, area under the ROC curve {:.4} on {} validation patients",
            file.display(),
            bytes.len(),
            weights.training.validation_auroc,
            validation.len()
        );
    }
    Ok(())
}

/// Reads the records behind a spinner.
pub(super) fn read(path: &std::path::Path) -> anyhow::Result<Vec<Stay>> {
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    spinner.set_message("records read");
    let style = ProgressStyle::with_template("{pos} {msg} {elapsed}");
    spinner.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let stays = challenge::read(path, |count| spinner.set_position(count as u64));
    spinner.finish_and_clear();
    stays.with_context(|| format!("{} cannot be used", path.display()))
}

/// A bar for each network, and a line for each epoch.
struct Shown {
    bar: ProgressBar,
    name: &'static str,
    member: usize,
    loss: f32,
}

impl Shown {
    fn new(name: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{prefix:24} {bar:30} {pos:>5} of {len:<5} {eta:>4}  {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌"));
        Self { bar, name, member: 0, loss: 0.0 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Member { member, batches } => {
                self.member = member;
                self.bar.reset();
                self.bar.set_length(batches as u64);
                self.bar.set_prefix(format!("{} {}", self.name, member + 1));
            }
            Step::Batch { loss } => {
                self.loss = if self.loss == 0.0 { loss } else { 0.99 * self.loss + 0.01 * loss };
                self.bar.inc(1);
                self.bar.set_message(format!("loss {:.4}", self.loss));
            }
            Step::Epoch { epoch, auroc, best } => {
                let mark = if best { " (best so far)" } else { "" };
                let line = format!(
                    "{} {}, epoch {}: loss {:.4}, validation {auroc:.4}{mark}",
                    self.name,
                    self.member + 1,
                    epoch + 1,
                    self.loss
                );
                self.bar.suspend(|| eprintln!("{line}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use healthsync_deteriorate::Weights;
    use std::fmt::Write as _;

    /// A stay of 12 hours; of every third patient the last three hours are positive and the pulse is high, in one hour of
    /// seven it is the other way round.
    fn record(patient: usize) -> String {
        let mut text = "HR|Temp|Age|Gender|ICULOS|SepsisLabel\n".to_owned();
        for hour in 1..=12 {
            let septic = patient.is_multiple_of(3) && hour > 9;
            let high = septic != (patient * 5 + hour).is_multiple_of(7);
            let pulse = if high { 130 } else { 75 + (patient * 7 + hour) % 11 };
            let _ = writeln!(text, "{pulse}|37.{}|60|1|{hour}|{}", hour % 10, u8::from(septic));
        }
        text
    }

    #[test]
    fn a_folder_of_records_becomes_weights_that_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (data, out) = (folder.path().join("data"), folder.path().join("out"));
        fs::create_dir(&data).unwrap();
        for patient in 0..120 {
            fs::write(data.join(format!("p{patient:06}.psv")), record(patient)).unwrap();
        }
        let options = RiskOptions {
            data,
            out: out.clone(),
            icu_hour: Some(false),
            seed: 1,
            members: 1,
            epochs: 40,
            without_augmentation: true,
        };
        run(Command::Risk(options)).unwrap();
        let weights = Weights::read(&fs::read(out.join("deteriorate.safetensors")).unwrap()).unwrap();
        assert!(!weights.recipe.icu_hour && weights.training.patients > 60);
        assert!(!out.join("deteriorate-icu.safetensors").exists());
    }
}
