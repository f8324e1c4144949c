//! Pulls every model of the manifest, or those named, into the cache folder, and says how long it took:
//! `cargo run -p healthsync-models --example pull -- [model…]`. Derived files stay pending: their converters belong
//! to other crates, and `healthsync models pull` has them.

use healthsync_models::registry::{Registry, RegistryError, stderr_progress};
use std::{env, time::Instant};

fn main() -> Result<(), RegistryError> {
    let names: Vec<String> = env::args().skip(1).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let registry = Registry::from_env()?;
    let since = Instant::now();
    let report = registry.pull(&names, stderr_progress().as_mut()).inspect_err(|e| eprintln!("{e}"))?;
    println!("{report:#?}\n{:.1} s into {}", since.elapsed().as_secs_f32(), registry.root().display());
    Ok(())
}
