//! `healthsync models`.

use crate::{config::Config, wiring};
use clap::Subcommand;
use healthsync_models::registry::{FileState, stderr_progress};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Downloads what is missing and verifies it; all models when none is named.
    Pull {
        names: Vec<String>,
        /// Also makes the forms of weights that the configuration does not choose.
        #[arg(long)]
        variants: bool,
    },
    /// Lists the models and which of them are there.
    List,
    /// Hashes every file and says which is not what it should be.
    Verify { names: Vec<String> },
}

pub fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let registry = wiring::registry(config)?;
    match command {
        Command::Pull { names, variants } => {
            let registry = if variants { registry.with_all_variants() } else { registry };
            let report = registry.pull(&as_strs(&names), &mut *stderr_progress())?;
            println!(
                "{} files were there, {} installed, {} derived ({:.0} MB fetched) in {}",
                report.already,
                report.installed.len(),
                report.derived.len(),
                report.fetched_bytes as f64 / 1e6,
                registry.root().display()
            );
        }
        Command::List => {
            for model in registry.list() {
                println!(
                    "{:<18} {:<8} {:<26} {:>8.1} MB  {:<10} {}",
                    model.name,
                    model.version,
                    model.licence,
                    model.size as f64 / 1e6,
                    model.state.to_string(),
                    model.title,
                );
            }
        }
        Command::Verify { names } => {
            let files = registry.verify(&as_strs(&names))?;
            let mut bad = 0;
            for file in &files {
                println!("{:<10} {}/{}", file.state.to_string(), file.model, file.file);
                bad += usize::from(file.state != FileState::Present);
            }
            anyhow::ensure!(bad == 0, "{bad} files are not as they should be: run `healthsync models pull`");
        }
    }
    Ok(())
}

fn as_strs(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}
