//! Translates the transcripts of a folder of recordings and says what the comparison with the source finds in each.
//! What it finds in a good translation is a false alarm; a person must judge.
//!
//! `cargo run -p healthsync-translate --example preservation -- FOLDER [TARGET [FILE]]`, with an `index.tsv` (`file`,
//! `language`, `transcript`, further columns ignored) in the folder; into TARGET, or from English into Portuguese and from
//! anything else into English; only what begins with FILE.

use healthsync_models::{Model as _, registry::Registry, tasks::TranslateRequest};
use healthsync_translate::{Apertium, DEFAULT_MODES, Direction, Engine, FirefoxTranslator, Router, Terms, installed};
use std::{
    collections::BTreeSet,
    error::Error,
    path::{Path, PathBuf},
    time::Instant,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let into = arguments.next();
    let only = arguments.next().unwrap_or_default();
    let mut router = router()?;
    let index = std::fs::read_to_string(folder.join("index.tsv"))?;
    let (mut seen, mut found, mut times) = (BTreeSet::new(), 0, Vec::new());
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, language, transcript, ..] = columns[..] else { continue };
        let target = into.as_deref().unwrap_or(if language == "en" { "pt" } else { "en" });
        if !file.starts_with(&only) || target == language || !seen.insert(transcript) {
            continue;
        }
        let request = TranslateRequest { text: transcript.into(), source: language.parse()?, target: target.parse()? };
        let begun = Instant::now();
        let translation = router.run(&[request]).remove(0)?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
        println!("{transcript}\n  {}", translation.text);
        for finding in &translation.preservation.findings {
            println!("  !! {finding:?}");
        }
        found += usize::from(!translation.preservation.passed());
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("{found} of {} translations have findings; p50 {median:.1} ms", seen.len());
    Ok(())
}

/// Every neural direction of the registry, then what is installed of Apertium, as the server has them.
fn router() -> Result<Router, Box<dyn Error>> {
    let registry = Registry::from_env()?;
    let open = |name: &str| Direction::from_files(&registry.open(name)?).map_err(Box::<dyn Error>::from);
    let firefox = FirefoxTranslator::load(vec![open("firefox-pten")?, open("firefox-enpt")?])?;
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(firefox)];
    for mode in installed(Path::new(DEFAULT_MODES)) {
        engines.push(Box::new(Apertium::load(mode)?));
    }
    Ok(Router::new(engines, Terms::default())?.with_pivot("en".parse()?))
}
