//! Sample-rate conversion for clips at rates that Opus does not take, such as a synthesiser's 22,050 Hz.

use std::f64::consts::PI;

/// Zero crossings of the kernel on each side. With a Hann window the stop band lies 44 dB down, and the
/// transition to it takes an eighth of the cut-off frequency.
const ZERO_CROSSINGS: f64 = 16.0;

/// Converts by convolution with a Hann-windowed sinc, cut off at the lower of the two Nyquist frequencies
/// (Oppenheim and Schafer, Discrete-Time Signal Processing, section 4.6). Rates are in hertz; the result has
/// `samples.len() * to / from` samples, rounded up.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Vec<f32> {
    if from == to || from == 0 || to == 0 {
        return samples.to_vec();
    }
    let step = f64::from(from) / f64::from(to);
    let cutoff = (1.0 / step).min(1.0);
    let reach = ZERO_CROSSINGS / cutoff;
    let length = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    (0..length)
        .map(|i| {
            let centre = i as f64 * step;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize + 1).min(samples.len());
            let kernel = |at: usize| {
                let x = at as f64 - centre;
                cutoff * sinc(cutoff * x) * (0.5 + 0.5 * (PI * x / reach).cos())
            };
            (first..last).map(|at| f64::from(samples[at]) * kernel(at)).sum::<f64>() as f32
        })
        .collect()
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (2.0 * PI * hertz * i as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_level() {
        for (from, to) in [(22_050, 24_000), (44_100, 24_000), (24_000, 16_000), (16_000, 24_000)] {
            let converted = resample(&tone(from, 1_000.0, from as usize), from, to);
            let expected = tone(to, 1_000.0, to as usize);
            assert_eq!(converted.len(), expected.len());
            let inner = 200..expected.len() - 200;
            let worst = inner.map(|i| (converted[i] - expected[i]).abs()).fold(0.0, f32::max);
            assert!(worst < 0.01, "{from} to {to}: {worst}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_filtered_out() {
        let converted = resample(&tone(48_000, 11_000.0, 48_000), 48_000, 16_000);
        let rms = (converted[200..15_800].iter().map(|s| s * s).sum::<f32>() / 15_600.0).sqrt();
        assert!(rms < 0.005, "{rms}");
    }

    #[test]
    fn nothing_stays_nothing() {
        assert!(resample(&[], 22_050, 24_000).is_empty());
    }
}
