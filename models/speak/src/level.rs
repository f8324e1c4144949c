//! How loud a voice is, and that it neither clicks nor clips. Pure.

use ebur128::{EbuR128, Mode};
use std::collections::VecDeque;

/// Integrated loudness of everything that is spoken, in LUFS (ITU-R BS.1770-4). Calls are levelled to about this:
/// broadcast's -23 is quiet on a laptop's loudspeaker, and much above leaves no room for the peaks of speech.
pub(crate) const TARGET_LUFS: f64 = -20.0;

/// Highest sample: -1 dBFS, so that later encoding does not clip.
pub(crate) const PEAK: f32 = 0.891;

/// Most that a quiet voice is raised by: 20 dB.
const MAX_GAIN: f32 = 10.0;

/// Under this a sample is silence: -50 dBFS.
const SILENCE: f32 = 0.003_2;

/// Half the time over which the limiter turns a peak down, in seconds: short enough that words keep their level,
/// long enough that turning down is not heard as distortion.
const LIMITER_SECONDS: f32 = 0.005;

/// Time over which a clause begins and ends, in seconds.
const FADE_SECONDS: f32 = 0.005;

/// Below this there is no voice, only drift and rumble: hertz.
const HIGH_PASS: f32 = 20.0;

/// Audio shorter than this is measured as if it were repeated: the loudness of less than 400 ms is not defined.
const MEASURED_SECONDS: usize = 1;

/// Trims surrounding silence to `margin` samples and brings the voice to its level, without offset, clicks or
/// clipping. `rate` in hertz.
pub(crate) fn finish(samples: &[f32], rate: u32, margin: usize) -> Vec<f32> {
    let mut samples = without_offset(samples, rate);
    let voiced = |s: &f32| s.abs() > SILENCE;
    let (Some(first), Some(last)) = (samples.iter().position(voiced), samples.iter().rposition(voiced)) else {
        return Vec::new();
    };
    samples.truncate((last + 1 + margin).min(samples.len()));
    samples.drain(..first.saturating_sub(margin));
    let gain = loudness(&samples, rate).map_or(1.0, |lufs| 10f64.powf((TARGET_LUFS - lufs) / 20.0) as f32);
    let gain = gain.min(MAX_GAIN);
    for sample in &mut samples {
        *sample *= gain;
    }
    limit(&mut samples, (LIMITER_SECONDS * rate as f32) as usize);
    fade(&mut samples, (FADE_SECONDS * rate as f32) as usize);
    samples
}

/// Integrated loudness in LUFS; `None` when all of it is too quiet to count.
pub(crate) fn loudness(samples: &[f32], rate: u32) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let mut meter = EbuR128::new(1, rate, Mode::I).ok()?;
    let times = (MEASURED_SECONDS * rate as usize).div_ceil(samples.len());
    for _ in 0..times {
        meter.add_frames_f32(samples).ok()?;
    }
    meter.loudness_global().ok().filter(|lufs| lufs.is_finite())
}

/// A first-order high pass.
fn without_offset(samples: &[f32], rate: u32) -> Vec<f32> {
    let keep = 1.0 - std::f32::consts::TAU * HIGH_PASS / rate as f32;
    // As if what comes had gone on for ever before: an offset is then gone from the first sample on.
    let (mut before, mut passed) = (samples.first().copied().unwrap_or_default(), 0.0);
    let pass = |sample: &f32| {
        passed = sample - before + keep * passed;
        before = *sample;
        passed
    };
    samples.iter().map(pass).collect()
}

/// Turns down what would exceed [`PEAK`], beginning `window` samples ahead and ending as many after.
fn limit(samples: &mut [f32], window: usize) {
    if samples.iter().all(|sample| sample.abs() <= PEAK) {
        return;
    }
    let wanted: Vec<f32> = samples.iter().map(|sample| (PEAK / sample.abs()).min(1.0)).collect();
    let lowest = lowest_around(&wanted, window);
    let mut sums = Vec::with_capacity(lowest.len() + 1);
    sums.push(0.0f64);
    for gain in &lowest {
        sums.push(sums[sums.len() - 1] + f64::from(*gain));
    }
    for (index, sample) in samples.iter_mut().enumerate() {
        let (from, to) = (index.saturating_sub(window), (index + window + 1).min(lowest.len()));
        // The mean of gains each of which is low enough for this sample.
        let gain = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
        *sample = (*sample * gain).clamp(-PEAK, PEAK);
    }
}

/// The lowest of the values up to `window` places before and after each.
fn lowest_around(values: &[f32], window: usize) -> Vec<f32> {
    // Places of values that may still be the lowest, rising in place and value.
    let mut candidates: VecDeque<usize> = VecDeque::new();
    let mut lowest = Vec::with_capacity(values.len());
    let mut next = 0;
    for index in 0..values.len() {
        while next < values.len() && next <= index + window {
            while candidates.back().is_some_and(|last| values[*last] >= values[next]) {
                candidates.pop_back();
            }
            candidates.push_back(next);
            next += 1;
        }
        while candidates.front().is_some_and(|first| first + window < index) {
            candidates.pop_front();
        }
        lowest.push(candidates.front().map_or(1.0, |first| values[*first]));
    }
    lowest
}

/// Lets the sound begin and end at nothing, along half a cosine.
fn fade(samples: &mut [f32], length: usize) {
    let length = length.min(samples.len() / 2);
    let total = samples.len();
    for index in 0..length {
        let gain = 0.5 - 0.5 * (std::f32::consts::PI * index as f32 / length as f32).cos();
        samples[index] *= gain;
        samples[total - 1 - index] *= gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATE: u32 = 24_000;

    fn tone(hertz: f32, amplitude: f32, seconds: f32) -> Vec<f32> {
        let count = (seconds * RATE as f32) as usize;
        (0..count).map(|n| amplitude * (std::f32::consts::TAU * hertz * n as f32 / RATE as f32).sin()).collect()
    }

    #[test]
    fn silence_around_a_voice_goes_but_for_a_margin() {
        let mut samples = vec![0.0; 12_000];
        samples.extend(tone(400.0, 0.3, 1.0));
        samples.extend(vec![0.0; 12_000]);
        let finished = finish(&samples, RATE, 480);
        assert!(finished.len().abs_diff(24_000 + 2 * 480) < 500, "{}", finished.len());
        assert!(finish(&[0.0; 100], RATE, 20).is_empty());
    }

    #[test]
    fn quiet_and_loud_voices_come_to_the_same_loudness_however_short() {
        for (amplitude, seconds) in [(0.02, 2.0), (0.9, 2.0), (0.3, 0.2), (0.05, 0.7)] {
            let finished = finish(&tone(400.0, amplitude, seconds), RATE, 0);
            let lufs = loudness(&finished, RATE).unwrap();
            assert!((lufs - TARGET_LUFS).abs() < 1.0, "{amplitude} for {seconds} s: {lufs}");
        }
    }

    #[test]
    fn an_offset_is_gone_and_the_ends_are_silent() {
        let shifted: Vec<f32> = tone(300.0, 0.3, 1.0).iter().map(|s| s + 0.2).collect();
        let finished = finish(&shifted, RATE, 0);
        let mean = finished.iter().sum::<f32>() / finished.len() as f32;
        assert!(mean.abs() < 1e-3, "{mean}");
        assert!(finished[0].abs() < 1e-6 && finished[finished.len() - 1].abs() < 1e-6);
    }

    #[test]
    fn a_peak_is_turned_down_without_a_step() {
        let mut samples = tone(200.0, 0.3, 0.5);
        samples[6_000] = 3.0;
        let before = samples.clone();
        limit(&mut samples, 120);
        assert!(samples.iter().all(|s| s.abs() <= PEAK));
        let gains: Vec<f32> = samples.iter().zip(&before).filter(|(_, b)| b.abs() > 0.05).map(|(s, b)| s / b).collect();
        assert!(gains.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.05), "the gain moves smoothly");
    }

    proptest! {
        #[test]
        fn nothing_ever_exceeds_the_peak(samples in proptest::collection::vec(-4.0f32..4.0, 0..3_000), window in 0usize..200) {
            let mut limited = samples;
            limit(&mut limited, window);
            prop_assert!(limited.iter().all(|s| s.abs() <= PEAK));
        }

        #[test]
        fn any_finite_samples_give_finite_ones(samples in proptest::collection::vec(-1.5f32..1.5, 0..3_000)) {
            prop_assert!(finish(&samples, RATE, 10).iter().all(|s| s.is_finite() && s.abs() <= PEAK));
        }
    }
}
