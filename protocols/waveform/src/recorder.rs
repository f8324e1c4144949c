//! Sums a channel up for the session's log, 10 s at a time. Pure.
//!
//! The log gets what a reader of the record asks for first: whether there was a signal, how much of it was lost, and
//! within which bounds it lay. The samples themselves would fill it: one lead of 500 Hz is 86 MB a day, against some
//! 2 MB of these.

use crate::continuity::Verdict;
use healthsync_events::{
    MdcCode, Timestamp, WaveformBlock,
    waveform::{WaveformRange, WaveformRecorded},
};

/// Length of a stretch, in microseconds.
pub const STRETCH_MICROS: i64 = 10_000_000;

/// Sums up one channel.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    open: Option<Stretch>,
}

#[derive(Debug, Clone)]
struct Stretch {
    channel: MdcCode,
    unit: MdcCode,
    rate_millihertz: u32,
    start_micros: i64,
    end_micros: i64,
    samples: u32,
    lost: u64,
    min: f64,
    max: f64,
    sum: f64,
}

impl Recorder {
    /// Takes the next block in, with what [`crate::Continuity`] said of it; gives the stretches that it completes: one
    /// that has reached its length, one that ended before this block, or both.
    pub fn take(&mut self, block: &WaveformBlock, verdict: Verdict) -> Vec<WaveformRecorded> {
        let mut done = Vec::new();
        let lost = match verdict {
            Verdict::Repeated => return done,
            Verdict::Lost { samples, .. } => samples,
            Verdict::First | Verdict::Next | Verdict::ClockStepped => 0,
        };
        if self.open.as_ref().is_some_and(|open| !open.goes_on_with(block, verdict)) {
            done.extend(self.finish());
        }
        let continued = self.open.is_some();
        let stretch = self.open.get_or_insert_with(|| Stretch::beginning_with(block));
        if continued {
            stretch.lost += lost;
        }
        stretch.take(block);
        if stretch.end_micros.saturating_sub(stretch.start_micros) >= STRETCH_MICROS {
            done.extend(self.finish());
        }
        done
    }

    /// What has come since the last stretch, if anything has.
    pub fn finish(&mut self) -> Option<WaveformRecorded> {
        self.open.take().map(Stretch::summed_up)
    }
}

impl Stretch {
    fn beginning_with(block: &WaveformBlock) -> Self {
        Self {
            channel: block.channel,
            unit: block.unit,
            rate_millihertz: block.rate_millihertz,
            start_micros: block.start_micros,
            end_micros: block.start_micros,
            samples: 0,
            lost: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
        }
    }

    /// A gap of the length of a stretch, a step of the clock or another kind of signal ends it.
    fn goes_on_with(&self, block: &WaveformBlock, verdict: Verdict) -> bool {
        let same = self.unit == block.unit && self.rate_millihertz == block.rate_millihertz;
        let near = block.start_micros.saturating_sub(self.end_micros) < STRETCH_MICROS;
        same && near && !matches!(verdict, Verdict::ClockStepped | Verdict::First)
    }

    fn take(&mut self, block: &WaveformBlock) {
        for value in block.samples.iter().map(|step| block.value(*step)) {
            let Some(value) = value else {
                self.lost += 1;
                continue;
            };
            self.samples += 1;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += value;
        }
        self.end_micros = block.end_micros();
    }

    fn summed_up(self) -> WaveformRecorded {
        let range = (self.samples > 0).then(|| WaveformRange {
            min: self.min,
            max: self.max,
            mean: self.sum / f64::from(self.samples),
        });
        WaveformRecorded {
            channel: self.channel,
            unit: self.unit,
            sample_rate: f64::from(self.rate_millihertz) / 1_000.0,
            started_at: Timestamp::from_millis(self.start_micros / 1_000),
            duration_ms: u64::try_from((self.end_micros - self.start_micros) / 1_000).unwrap_or(0),
            samples: self.samples,
            lost: u32::try_from(self.lost).unwrap_or(u32::MAX),
            range,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Continuity, block::tests::block};

    /// The `n`-th block of 200 ms at 250 Hz, of one value.
    fn nth(n: u32, step: i16) -> WaveformBlock {
        let mut block = block(n, vec![step; 50]);
        block.start_micros += i64::from(n) * 200_000;
        block
    }

    fn record(blocks: impl IntoIterator<Item = WaveformBlock>) -> Vec<WaveformRecorded> {
        let (mut continuity, mut recorder) = (Continuity::default(), Recorder::default());
        let mut stretches: Vec<_> = blocks
            .into_iter()
            .flat_map(|block| {
                let verdict = continuity.take(&block);
                recorder.take(&block, verdict)
            })
            .collect();
        stretches.extend(recorder.finish());
        stretches
    }

    #[test]
    fn ten_seconds_make_a_stretch_and_the_rest_another() {
        let recorded = record((0..60).map(|n| nth(n, 100)));
        assert_eq!(recorded.iter().map(|r| r.duration_ms).collect::<Vec<_>>(), [10_000, 2_000]);
        assert_eq!(recorded.iter().map(|r| r.samples).sum::<u32>(), 3_000);
        let range = recorded[0].range.unwrap();
        assert!((range.mean - 0.5).abs() < 1e-6 && range.min <= range.max);
    }

    #[test]
    fn what_was_lost_or_without_value_is_counted_and_no_value_is_made_up() {
        let mut silent = nth(30, 0);
        silent.samples[10..20].fill(WaveformBlock::NO_VALUE);
        let recorded = record((0..30).filter(|n| !(5..8).contains(n)).map(|n| nth(n, -200)).chain([silent]));
        assert_eq!(recorded.len(), 1);
        assert_eq!((recorded[0].lost, recorded[0].samples), (150 + 10, 27 * 50 + 40));
        let range = recorded[0].range.unwrap();
        assert!((range.min + 1.0).abs() < 1e-6 && range.max.abs() < 1e-6);
    }

    #[test]
    fn a_long_silence_ends_a_stretch_without_filling_it() {
        let recorded = record([nth(0, 1), nth(1_000, 1)]);
        assert_eq!(recorded.iter().map(|r| (r.duration_ms, r.lost)).collect::<Vec<_>>(), [(200, 0), (200, 0)]);
    }

    #[test]
    fn a_channel_without_any_value_has_no_range() {
        let recorded = record([nth(0, WaveformBlock::NO_VALUE)]);
        assert_eq!((recorded[0].range, recorded[0].lost), (None, 50));
    }

    #[test]
    fn another_rate_begins_another_stretch() {
        let mut faster = nth(1, 0);
        faster.rate_millihertz = 500_000;
        let recorded = record([nth(0, 0), faster]);
        assert_eq!(recorded.iter().map(|r| r.sample_rate as u32).collect::<Vec<_>>(), [250, 500]);
    }
}
