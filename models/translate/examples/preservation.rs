//! Translates the transcripts of a folder of recordings and says what the comparison with the source finds in each.
//! What it finds in a good translation is a false alarm; a person must judge.
//!
//! `cargo run -p healthsync-translate --example preservation -- FOLDER [FILE]`, with an `index.tsv` (`file`, `language`,
//! `transcript`, further columns ignored) in the folder; only what begins with FILE, if given.

use healthsync_models::{Model, registry::Registry, tasks::TranslateRequest};
use healthsync_translate::{Direction, FirefoxTranslator, Terms, preservation};
use std::{collections::BTreeSet, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder?")?);
    let only = arguments.next().unwrap_or_default();
    let registry = Registry::from_env()?;
    let open = |name: &str| Direction::from_files(&registry.open(name)?).map_err(Box::<dyn Error>::from);
    let mut translator = FirefoxTranslator::load(vec![open("firefox-pten")?, open("firefox-enpt")?])?;
    let index = std::fs::read_to_string(folder.join("index.tsv"))?;
    let (mut seen, mut found) = (BTreeSet::new(), 0);
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, language, transcript, ..] = columns[..] else { continue };
        if !file.starts_with(&only) || !seen.insert(transcript) {
            continue;
        }
        let target = if language == "en" { "pt" } else { "en" };
        let request = TranslateRequest { text: transcript.into(), source: language.parse()?, target: target.parse()? };
        let text = translator.run(std::slice::from_ref(&request)).remove(0)?.text;
        let outcome = preservation(&request.text, &request.source, &text, &request.target, &Terms::default());
        println!("{transcript}\n  {text}");
        for finding in &outcome.findings {
            println!("  !! {finding:?}");
        }
        found += usize::from(!outcome.passed());
    }
    println!("{found} of {} translations have findings", seen.len());
    Ok(())
}
