//! What a score costs at the bedside: every input measured, a day of hours behind it.
//!
//! `cargo run -p healthsync-deteriorate --example latency`

use healthsync_deteriorate::{
    Weights,
    bedside::{Bedside, Question, UNKNOWN},
    inputs::{INPUTS, Row},
    stream::Deterioration,
};
use healthsync_models::{
    Model,
    registry::{Manifest, Registry},
};
use std::{error::Error, path::Path, time::Instant};

const ROUNDS: usize = 200;

/// A patient of whom everything, or only what a monitor sends, is measured every hour.
fn patient(model: &mut Deterioration, laboratory: bool) -> Result<Question, Box<dyn Error>> {
    let mut row = Row::default();
    for (index, input) in INPUTS.iter().enumerate().filter(|(_, input)| laboratory || input.bedside) {
        row.set(index, f32::midpoint(input.low, input.high));
    }
    let mut bedside = Bedside::new(UNKNOWN);
    for hour in 0..24 {
        bedside.take(&row, hour * 3_600);
    }
    let question = bedside.question().ok_or("nothing was measured")?;
    let scored = model.run(std::slice::from_ref(&question)).pop().ok_or("no answer")??;
    bedside.answered(&question, Some(scored.state));
    Ok(bedside.question().ok_or("nothing was measured")?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new(Manifest::embedded()?, Path::new("."))?;
    let (bytes, info) = registry.bundled("deteriorate", "deteriorate.safetensors")?;
    let mut model = Deterioration::new(Weights::read(bytes)?, info)?;
    for (what, laboratory) in [("a monitor's signs", false), ("everything", true)] {
        let question = patient(&mut model, laboratory)?;
        for patients in [1, 8, 32] {
            let batch = vec![question.clone(); patients];
            let mut times: Vec<f64> = (0..ROUNDS)
                .map(|_| {
                    let begun = Instant::now();
                    let answers = model.run(&batch);
                    assert!(answers.iter().all(Result::is_ok));
                    begun.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!(
                "{what}, {patients} patients: p50 {:.2} ms, p99 {:.2} ms, with every item's effect",
                times[ROUNDS / 2],
                times[ROUNDS * 99 / 100]
            );
        }
    }
    Ok(())
}
