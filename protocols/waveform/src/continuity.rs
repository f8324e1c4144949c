//! What was lost, repeated or out of place in one channel, told from the numbers and times of its blocks. Pure.

use healthsync_events::WaveformBlock;

/// Rounding of a source's times is below this; a step of its clock, or samples it never took, are above. Microseconds.
const TOLERANCE_MICROS: i64 = 20_000;

/// What a block is to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is known before it.
    First,
    /// It follows without a gap.
    Next,
    /// Something is missing before it: so many blocks by their numbers, so many samples by their times.
    Lost { blocks: u32, samples: u64 },
    /// It follows by its number, and its time lies before the end of the one before: the source's clock was set back.
    ClockStepped,
    /// It has come already, or comes too late: not to be used.
    Repeated,
}

/// Follows one channel.
#[derive(Debug, Clone, Default)]
pub struct Continuity {
    expected: Option<Expected>,
}

#[derive(Debug, Clone, Copy)]
struct Expected {
    sequence: u32,
    start_micros: i64,
}

impl Continuity {
    /// Takes the next block in, unless it is a repeat.
    pub fn take(&mut self, block: &WaveformBlock) -> Verdict {
        let verdict = self.judge(block);
        if verdict != Verdict::Repeated {
            let next = Expected { sequence: block.sequence.wrapping_add(1), start_micros: block.end_micros() };
            self.expected = Some(next);
        }
        verdict
    }

    fn judge(&self, block: &WaveformBlock) -> Verdict {
        let Some(expected) = self.expected else { return Verdict::First };
        let (after, end) = (block.sequence.wrapping_add(1), block.end_micros());
        if block.first && (after, end) == (expected.sequence, expected.start_micros) {
            // The first block of a stream, which may count and lie anywhere, once more.
            return Verdict::Repeated;
        }
        let late_micros = block.start_micros.saturating_sub(expected.start_micros);
        // A stream that begins anew counts from where it likes; its times still tell what is missing.
        let blocks = if block.first { 0 } else { block.sequence.wrapping_sub(expected.sequence) };
        if blocks > u32::MAX / 2 {
            return Verdict::Repeated;
        }
        if late_micros > TOLERANCE_MICROS {
            return Verdict::Lost { blocks, samples: samples(late_micros, block.rate_millihertz) };
        }
        match (blocks, late_micros < -TOLERANCE_MICROS) {
            (_, true) if block.first => Verdict::First,
            (_, true) => Verdict::ClockStepped,
            (0, false) => Verdict::Next,
            // Numbers are missing and no time: whatever they were, no sample is missed.
            (blocks, false) => Verdict::Lost { blocks, samples: 0 },
        }
    }
}

/// Samples that fit into so many microseconds.
fn samples(micros: i64, rate_millihertz: u32) -> u64 {
    let exact = i128::from(micros) * i128::from(rate_millihertz);
    u64::try_from((exact + 500_000_000) / 1_000_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::tests::block;
    use proptest::prelude::*;

    /// The `n`-th block of 100 ms at 250 Hz.
    fn nth(n: u32) -> WaveformBlock {
        let mut block = block(n, vec![0; 25]);
        block.start_micros += i64::from(n) * 100_000;
        block
    }

    #[test]
    fn blocks_in_order_follow_each_other() {
        let mut continuity = Continuity::default();
        assert_eq!(continuity.take(&nth(0)), Verdict::First);
        assert!((1..100).all(|n| continuity.take(&nth(n)) == Verdict::Next));
    }

    #[test]
    fn what_is_missing_is_told_in_blocks_and_samples() {
        let mut continuity = Continuity::default();
        continuity.take(&nth(0));
        assert_eq!(continuity.take(&nth(3)), Verdict::Lost { blocks: 2, samples: 50 });
        assert_eq!(continuity.take(&nth(4)), Verdict::Next);
    }

    #[test]
    fn a_block_that_came_already_is_told_and_changes_nothing() {
        let mut continuity = Continuity::default();
        (0..5).for_each(|n| {
            continuity.take(&nth(n));
        });
        assert_eq!(continuity.take(&nth(4)), Verdict::Repeated);
        assert_eq!(continuity.take(&nth(2)), Verdict::Repeated);
        assert_eq!(continuity.take(&nth(5)), Verdict::Next);
    }

    #[test]
    fn time_that_a_source_did_not_sample_is_missing_although_no_number_is() {
        let mut continuity = Continuity::default();
        continuity.take(&nth(0));
        let mut late = nth(1);
        late.start_micros += 1_000_000;
        assert_eq!(continuity.take(&late), Verdict::Lost { blocks: 0, samples: 250 });
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut continuity = Continuity::default();
        continuity.take(&nth(50));
        let mut back = nth(51);
        back.start_micros -= 3_600_000_000;
        assert_eq!(continuity.take(&back), Verdict::ClockStepped);
        let mut next = nth(52);
        next.start_micros -= 3_600_000_000;
        assert_eq!(continuity.take(&next), Verdict::Next);
    }

    #[test]
    fn a_stream_that_begins_anew_counts_from_its_own_number() {
        let mut continuity = Continuity::default();
        continuity.take(&nth(900));
        let mut anew = nth(901);
        (anew.sequence, anew.first) = (0, true);
        assert_eq!(continuity.take(&anew), Verdict::Next);
        assert_eq!(continuity.take(&anew), Verdict::Repeated, "it came twice");
        let mut next = nth(902);
        next.sequence = 1;
        assert_eq!(continuity.take(&next), Verdict::Next);
    }

    #[test]
    fn numbers_wrap() {
        let mut continuity = Continuity::default();
        let mut last = nth(0);
        last.sequence = u32::MAX;
        continuity.take(&last);
        let mut next = nth(1);
        next.sequence = 0;
        assert_eq!(continuity.take(&next), Verdict::Next);
    }

    proptest! {
        #[test]
        fn whatever_is_dropped_on_the_way_is_counted(kept in prop::collection::vec(any::<bool>(), 2..200)) {
            let mut continuity = Continuity::default();
            let (mut lost, mut gaps) = (0u64, 0u64);
            let mut came = 0u64;
            for (n, _) in kept.iter().enumerate().filter(|(_, kept)| **kept) {
                came += 1;
                if let Verdict::Lost { blocks, samples } = continuity.take(&nth(n as u32)) {
                    lost += u64::from(blocks);
                    gaps += samples;
                }
            }
            let first = kept.iter().position(|k| *k);
            let last = kept.iter().rposition(|k| *k);
            let spanned = first.zip(last).map_or(0, |(first, last)| (last - first + 1) as u64);
            prop_assert_eq!(lost, spanned - came);
            prop_assert_eq!(gaps, lost * 25);
        }

        #[test]
        fn no_block_however_odd_panics(sequence in any::<u32>(), start in 0..=253_402_300_799_000_000i64,
                                       first in any::<bool>(), rate in 1_000u32..=500_000) {
            let mut continuity = Continuity::default();
            continuity.take(&nth(3));
            let mut odd = nth(4);
            (odd.sequence, odd.start_micros, odd.first, odd.rate_millihertz) = (sequence, start, first, rate);
            continuity.take(&odd);
            continuity.take(&nth(5));
        }
    }
}
