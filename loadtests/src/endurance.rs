//! A call that lasts: whether its delays or the server's memory grow. Pure.

use crate::outcome::percentile;
use serde::Serialize;
use std::{fmt::Write as _, time::Duration};

/// What happened at some moment of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Milliseconds from the end of speech to the final caption.
    Caption(u64),
    /// Milliseconds from the end of speech to the first sound of its translation.
    Speech(u64),
    /// Bytes of memory that the server held.
    Memory(u64),
    /// A caption, a translation or its voice did not come.
    Missing,
}

/// A part of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slice {
    /// Minutes since the call began.
    pub from: u64,
    pub captions: usize,
    pub caption_p50_ms: Option<u64>,
    pub caption_p95_ms: Option<u64>,
    pub speech_p50_ms: Option<u64>,
    pub speech_p95_ms: Option<u64>,
    pub missing: usize,
    /// The most there was.
    pub memory_bytes: Option<u64>,
}

/// What was observed, `minutes` at a time; parts in which nothing was are left out.
pub fn slices(observed: &[(Duration, Observed)], minutes: u64) -> Vec<Slice> {
    let part = |at: &Duration| at.as_secs() / 60 / minutes.max(1);
    let last = observed.iter().map(|(at, _)| part(at)).max();
    let of = |index: u64| observed.iter().filter(move |(at, _)| part(at) == index).map(|(_, what)| *what);
    let slices = last.into_iter().flat_map(|last| 0..=last).map(|index| {
        let captions: Vec<u64> =
            of(index).filter_map(|o| if let Observed::Caption(ms) = o { Some(ms) } else { None }).collect();
        let speech: Vec<u64> =
            of(index).filter_map(|o| if let Observed::Speech(ms) = o { Some(ms) } else { None }).collect();
        Slice {
            from: index * minutes.max(1),
            captions: captions.len(),
            caption_p50_ms: percentile(&captions, 50),
            caption_p95_ms: percentile(&captions, 95),
            speech_p50_ms: percentile(&speech, 50),
            speech_p95_ms: percentile(&speech, 95),
            missing: of(index).filter(|o| *o == Observed::Missing).count(),
            memory_bytes: of(index)
                .filter_map(|o| if let Observed::Memory(bytes) = o { Some(bytes) } else { None })
                .max(),
        }
    });
    slices.filter(|slice| slice.captions > 0 || slice.memory_bytes.is_some()).collect()
}

/// A table of the slices, and what changed from the second to the last: in the first, models touch their memory for the
/// first time.
pub fn markdown(slices: &[Slice], minutes: u64) -> String {
    let ms = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), |ms| ms.to_string());
    let mut text = "| minutes | captions | end of speech → final, p50 / p95 ms | → first translated sound, p50 / p95 ms | missing | memory, MiB |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    for slice in slices {
        let _ = writeln!(
            text,
            "| {}–{} | {} | {} / {} | {} / {} | {} | {} |",
            slice.from,
            slice.from + minutes,
            slice.captions,
            ms(slice.caption_p50_ms),
            ms(slice.caption_p95_ms),
            ms(slice.speech_p50_ms),
            ms(slice.speech_p95_ms),
            slice.missing,
            slice.memory_bytes.map_or_else(|| "–".to_owned(), |bytes| (bytes >> 20).to_string()),
        );
    }
    if let [_, second, .., last] = slices {
        let ratio = |of: fn(&Slice) -> Option<u64>| match (of(second), of(last)) {
            (Some(before), Some(after)) if before > 0 => format!("{:.2}", after as f64 / before as f64),
            _ => "–".to_owned(),
        };
        let _ = writeln!(
            text,
            "\nFrom the second part to the last: final p50 × {}, first sound p50 × {}, memory × {}.",
            ratio(|slice| slice.caption_p50_ms),
            ratio(|slice| slice.speech_p50_ms),
            ratio(|slice| slice.memory_bytes),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> Vec<(Duration, Observed)> {
        let at = |minutes: u64, what| (Duration::from_secs(minutes * 60 + 1), what);
        vec![
            at(0, Observed::Caption(700)),
            at(0, Observed::Memory(400 << 20)),
            at(5, Observed::Caption(800)),
            at(6, Observed::Caption(600)),
            at(6, Observed::Speech(1_000)),
            at(6, Observed::Memory(500 << 20)),
            at(7, Observed::Memory(520 << 20)),
            at(8, Observed::Missing),
            at(20, Observed::Caption(1_200)),
            at(20, Observed::Memory(780 << 20)),
        ]
    }

    #[test]
    fn a_slice_has_what_happened_in_its_minutes() {
        let slices = slices(&call(), 5);
        assert_eq!(slices.iter().map(|slice| slice.from).collect::<Vec<_>>(), [0, 5, 20]);
        let second = &slices[1];
        assert_eq!((second.captions, second.missing), (2, 1));
        assert_eq!((second.caption_p50_ms, second.caption_p95_ms), (Some(600), Some(800)));
        assert_eq!((second.speech_p50_ms, second.memory_bytes), (Some(1_000), Some(520 << 20)));
    }

    #[test]
    fn the_report_says_what_grew() {
        let text = markdown(&slices(&call(), 5), 5);
        assert!(text.contains("| 5–10 | 2 | 600 / 800 | 1000 / 1000 | 1 | 520 |"), "{text}");
        assert!(text.contains("final p50 × 2.00, first sound p50 × –, memory × 1.50"), "{text}");
    }

    #[test]
    fn nothing_observed_is_an_empty_table() {
        assert!(slices(&[], 5).is_empty());
        assert!(!markdown(&[], 5).contains("From the second"));
    }
}
