//! Whisper's input: the logarithm of 80 mel bands' power, every 10 ms.

use crate::convert::mel::{BINS, MELS, filters};
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// 25 ms at 16 kHz, and 10 ms from one frame to the next.
const WINDOW: usize = 400;
const HOP: usize = 160;

/// Power below which a band counts as silent, and how far below the loudest band of the recording the quietest may
/// be, in powers of ten.
const FLOOR: f32 = 1e-10;
const RANGE: f32 = 8.0;

/// Bands that are not zero, of one filter.
struct Filter {
    first: usize,
    weights: Vec<f32>,
}

pub(super) struct LogMel {
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    filters: Vec<Filter>,
}

impl LogMel {
    pub fn new() -> Self {
        let hann = |n: usize| 0.5 - 0.5 * (2.0 * std::f64::consts::PI * n as f64 / WINDOW as f64).cos();
        let filters = filters()
            .chunks(BINS)
            .map(|row| {
                let first = row.iter().position(|w| *w > 0.0).unwrap_or(0);
                let end = row.iter().rposition(|w| *w > 0.0).map_or(first, |last| last + 1);
                Filter { first, weights: row[first..end].to_vec() }
            })
            .collect();
        Self {
            transform: RealFftPlanner::new().plan_fft_forward(WINDOW),
            window: (0..WINDOW).map(|n| hann(n) as f32).collect(),
            filters,
        }
    }

    /// `MELS` rows of `frames`; what follows the samples is silence. Frame `n` is centred on sample `160 n`, and the
    /// recording is mirrored at its start, as Whisper was trained.
    pub fn features(&self, samples: &[f32], frames: usize) -> Vec<f32> {
        let mut input = self.transform.make_input_vec();
        let mut spectrum = self.transform.make_output_vec();
        let mut scratch = self.transform.make_scratch_vec();
        let mut features = vec![FLOOR.log10(); MELS * frames];
        let sample = |at: isize| samples.get(at.unsigned_abs()).copied().unwrap_or(0.0);
        // Frames from here on hear nothing.
        let heard = frames.min((samples.len() + WINDOW / 2).div_ceil(HOP));
        for frame in 0..heard {
            let start = (frame * HOP) as isize - (WINDOW / 2) as isize;
            for (n, value) in input.iter_mut().enumerate() {
                *value = sample(start + n as isize) * self.window[n];
            }
            // It fails only for buffers of other lengths than it made itself.
            if self.transform.process_with_scratch(&mut input, &mut spectrum, &mut scratch).is_err() {
                continue;
            }
            for (mel, filter) in self.filters.iter().enumerate() {
                let bins = spectrum[filter.first..].iter().zip(&filter.weights);
                let power: f32 = bins.map(|(bin, weight)| bin.norm_sqr() * weight).sum();
                features[mel * frames + frame] = power.max(FLOOR).log10();
            }
        }
        let least = features.iter().copied().fold(f32::MIN, f32::max) - RANGE;
        for value in &mut features {
            *value = (value.max(least) + 4.0) / 4.0;
        }
        features
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As published with Whisper, in double precision and without a fast transform.
    fn by_definition(samples: &[f32], frames: usize) -> Vec<f64> {
        let filters = filters();
        let mut all = vec![0.0; MELS * frames];
        for frame in 0..frames {
            let at = |n: usize| {
                let at = (frame * 160 + n) as i64 - 200;
                let window = 0.5 * (1.0 - (2.0 * std::f64::consts::PI * n as f64 / 400.0).cos());
                window * f64::from(samples.get(at.unsigned_abs() as usize).copied().unwrap_or(0.0))
            };
            let power: Vec<f64> = (0..BINS)
                .map(|bin| {
                    let angle = |n: usize| -2.0 * std::f64::consts::PI * (bin * n % 400) as f64 / 400.0;
                    let re: f64 = (0..400).map(|n| at(n) * angle(n).cos()).sum();
                    let im: f64 = (0..400).map(|n| at(n) * angle(n).sin()).sum();
                    re * re + im * im
                })
                .collect();
            for mel in 0..MELS {
                let sum: f64 = (0..BINS).map(|bin| f64::from(filters[mel * BINS + bin]) * power[bin]).sum();
                all[mel * frames + frame] = sum.max(1e-10).log10();
            }
        }
        let loudest = all.iter().copied().fold(f64::MIN, f64::max);
        all.iter().map(|value| (value.max(loudest - 8.0) + 4.0) / 4.0).collect()
    }

    #[test]
    fn features_are_those_of_the_definition() {
        let chirp: Vec<f32> =
            (0..4_000_u16).map(|n| (f32::from(n) * f32::from(n) * 0.000_2).sin() * 0.3 + 0.01).collect();
        let features = LogMel::new().features(&chirp, 40);
        for (n, (got, expected)) in features.iter().zip(by_definition(&chirp, 40)).enumerate() {
            assert!((f64::from(*got) - expected).abs() < 1e-3, "{n}: {got} for {expected}");
        }
    }

    #[test]
    fn silence_is_flat() {
        let features = LogMel::new().features(&[0.0; 1_600], 20);
        assert_eq!(features.len(), MELS * 20);
        assert!(features.iter().all(|value| (value - -1.5).abs() < 1e-6));
    }
}
