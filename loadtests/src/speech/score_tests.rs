// Times here are whole milliseconds, which floating point keeps exactly.
#![allow(clippy::float_cmp)]

use super::*;
use crate::speech::{
    corpus::{Clip, Script, TimedWord},
    record::Block,
};
use proptest::prelude::*;
use std::sync::Arc;

/// Two clips of two seconds, "um dois" and "tres quatro", a word a second, sent in real time in bits of 20 ms.
fn recording(snapshots: Vec<Snapshot>) -> Recording {
    let clip = |first: &str, second: &str| {
        let word = |text: &str, start_ms| {
            let span = Span { start_ms, end_ms: start_ms + 1_000.0 };
            TimedWord { text: text.into(), span }
        };
        Arc::new(Clip {
            samples: vec![0.0; 32_000].into(),
            language: "pt".into(),
            transcript: format!("{first} {second}"),
            words: vec![word(first, 0.0), word(second, 1_000.0)],
            speech: vec![Span { start_ms: 0.0, end_ms: 2_000.0 }],
        })
    };
    let mut sent = Sent::default();
    for bit in 0..300 {
        sent.push(f64::from(bit + 1) * 20.0, f64::from(bit) * 20.0);
    }
    Recording {
        script: Script { language: "pt".into(), clips: vec![clip("um", "dois"), clip("tres", "quatro")] },
        starts_ms: vec![0.0, 3_000.0],
        sent,
        snapshots,
        client_late_ms: 0.0,
        errors: Vec::new(),
    }
}

fn block(start_ms: f64, end_ms: f64, text: &str, is_final: bool) -> Block {
    Block { span: Span { start_ms, end_ms }, text: text.into(), is_final }
}

fn at(at_ms: f64, blocks: &[Block]) -> Snapshot {
    Snapshot { at_ms, blocks: blocks.to_vec() }
}

#[test]
fn a_piece_lags_behind_its_last_covered_sample() {
    let score = score(&recording(vec![
        at(1_500.0, &[block(0.0, 1_000.0, "um", false)]),
        at(2_500.0, &[block(0.0, 2_000.0, "um dois", true)]),
        at(2_600.0, &[block(0.0, 2_000.0, "um dois", true)]),
    ]));
    // The last bits before one and two seconds were sent 20 ms before them.
    assert_eq!(score.pieces, [520.0, 520.0]);
    assert_eq!(score.moments[0], 1_500.0);
    assert_eq!(score.words, [500.0 + 20.0, 500.0 + 20.0]);
}

#[test]
fn what_no_text_covers_is_infinitely_late_and_not_covered() {
    let score = score(&recording(vec![at(2_500.0, &[block(0.0, 2_000.0, "um dois", true)])]));
    assert_eq!((score.speech_bins, score.covered_bins), (200, 100));
    assert_eq!(score.moments.iter().filter(|lag| lag.is_infinite()).count(), 100);
    assert_eq!((score.reference_words, score.recognised_words), (4, 2));
    assert!(score.first_text[1].is_infinite() && score.finals[1].is_infinite());
}

#[test]
fn coarse_time_stamps_cost_no_coverage_and_give_no_lag() {
    let score = score(&recording(vec![
        at(2_500.0, &[block(200.0, 1_700.0, "um dois", true)]),
        at(5_500.0, &[block(200.0, 1_700.0, "um dois", true), block(3_000.0, 5_000.0, "tres quatro", true)]),
    ]));
    assert_eq!(score.covered_bins, 200);
    assert!(score.moments.len() < 200 && score.moments.iter().all(|lag| lag.is_finite()));
    assert_eq!(score.finals[0], 2_500.0 - 1_980.0);
}

#[test]
fn text_that_claims_audio_not_yet_sent_does_not_cover_it() {
    let early = vec![
        at(900.0, &[block(0.0, 5_000.0, "um dois tres quatro", false)]),
        at(5_200.0, &[block(0.0, 5_000.0, "um dois tres quatro", true)]),
    ];
    let score = score(&recording(early));
    assert!(score.moments.iter().all(|lag| *lag >= 0.0));
    assert_eq!(score.pieces.len(), 2);
    // "dois" had not begun when it was first written.
    assert!(score.words[1..].iter().all(|lag| *lag > 0.0));
}

#[test]
fn text_without_words_covers_nothing() {
    let score = score(&recording(vec![at(5_500.0, &[block(0.0, 5_000.0, " ...", true)])]));
    assert_eq!(score.covered_bins, 0);
}

#[test]
fn a_tentative_text_is_no_final_one() {
    let score = score(&recording(vec![
        at(2_100.0, &[block(0.0, 2_000.0, "um dois", false)]),
        at(9_000.0, &[block(0.0, 2_000.0, "um dois", true)]),
    ]));
    assert_eq!(score.first_text[0], 2_100.0);
    assert_eq!(score.finals[0], 9_000.0 - 1_980.0);
}

#[test]
fn an_infinite_percentile_is_none() {
    assert_eq!(percentile(&[1.0, 2.0, 3.0, f64::INFINITY], 75), Some(3.0));
    assert_eq!(percentile(&[1.0, f64::INFINITY], 95), None);
    assert_eq!(percentile(&[], 50), None);
}

proptest! {
    #[test]
    fn counts_stay_within_what_was_said(
        messages in proptest::collection::vec((0.0..9_000.0_f64, 0.0..6_000.0_f64, 0.0..3_000.0_f64, "[a-z ]{0,12}"), 0..8)
    ) {
        let mut messages = messages;
        messages.sort_by(|a, b| a.0.total_cmp(&b.0));
        let snapshots = messages.iter().map(|(when, start, length, text)| {
            at(*when, &[block(*start, start + length, text, true)])
        });
        let score = score(&recording(snapshots.collect()));
        prop_assert!(score.covered_bins <= score.speech_bins);
        prop_assert!(score.recognised_words <= score.reference_words);
        prop_assert!(score.moments.iter().chain(&score.words).chain(&score.pieces).all(|lag| *lag >= 0.0));
        prop_assert!(score.pieces.len() <= messages.len());
    }
}
