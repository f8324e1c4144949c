//! Pulls every model of the manifest, or those named, into the cache folder, and says how long it took:
//! `cargo run -p healthsync-models --example pull -- [model…]`. Derived files stay pending: their converters belong
//! to other crates, and `healthsync models pull` has them.

use healthsync_models::registry::{Registry, RegistryError, stderr_progress};
use std::{env, process::ExitCode, time::Instant};

fn main() -> ExitCode {
    match pull() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn pull() -> Result<(), RegistryError> {
    let names: Vec<String> = env::args().skip(1).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let registry = Registry::from_env()?;
    let since = Instant::now();
    let report = registry.pull(&names, stderr_progress().as_mut())?;
    println!(
        "{} files were there, {} installed, {} made, {} still to be made; {} bytes fetched in {:.1} s; all in {}",
        report.already,
        report.installed.len(),
        report.derived.len(),
        report.pending.len(),
        report.fetched_bytes,
        since.elapsed().as_secs_f32(),
        registry.root().display()
    );
    Ok(())
}
