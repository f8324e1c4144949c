//! From a voice's sample rate to the one everything is spoken at: a windowed sinc, one phase of it for each place a
//! new sample can have between two old ones. Pure.

/// Old samples on each side that a new one is made of.
const REACH: usize = 32;

/// Of the lower Nyquist frequency, what passes: the rest is for the filter to fall off in.
const PASS: f64 = 0.94;

/// Of the Kaiser window: side lobes under -80 dB.
const BETA: f64 = 8.0;

/// Converts between two fixed rates.
pub(crate) struct Resampler {
    /// New samples for every [`Self::down`] old ones, in lowest terms.
    up: usize,
    down: usize,
    /// `2 * REACH` weights for each of `up` phases.
    weights: Vec<f32>,
}

impl Resampler {
    /// Rates in hertz; `None` where there is nothing to do or a rate is not one of audio.
    pub(crate) fn new(from: u32, to: u32) -> Option<Self> {
        let audio = 8_000..=48_000;
        if from == to || !audio.contains(&from) || !audio.contains(&to) {
            return None;
        }
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        let cutoff = PASS * (f64::from(to) / f64::from(from)).min(1.0);
        let mut weights = Vec::with_capacity(up * 2 * REACH);
        for phase in 0..up {
            let place = phase as f64 / up as f64;
            let taps = (0..2 * REACH).map(|tap| tap as f64 - (REACH as f64 - 1.0) - place);
            let taps: Vec<f64> = taps.map(|t| cutoff * sinc(cutoff * t) * kaiser(t / REACH as f64)).collect();
            // Each phase passes a constant unchanged.
            let sum: f64 = taps.iter().sum();
            weights.extend(taps.iter().map(|tap| (tap / sum) as f32));
        }
        Some(Self { up, down, weights })
    }

    /// As many seconds as `samples`; beyond its ends is silence.
    pub(crate) fn convert(&self, samples: &[f32]) -> Vec<f32> {
        let count = samples.len() * self.up / self.down;
        let mut converted = Vec::with_capacity(count);
        for index in 0..count {
            let (at, phase) = (index * self.down / self.up, index * self.down % self.up);
            let weights = &self.weights[phase * 2 * REACH..(phase + 1) * 2 * REACH];
            // The first tap is `REACH - 1` samples before `at`.
            let skipped = (REACH - 1).saturating_sub(at);
            let first = (at + skipped).saturating_sub(REACH - 1);
            let heard = &samples[first.min(samples.len())..(at + REACH + 1).min(samples.len())];
            converted.push(heard.iter().zip(&weights[skipped..]).map(|(sample, weight)| sample * weight).sum());
        }
        converted
    }
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

fn sinc(t: f64) -> f64 {
    let x = std::f64::consts::PI * t;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

/// The Kaiser window at `t` of -1 to 1.
fn kaiser(t: f64) -> f64 {
    bessel_0(BETA * (1.0 - t * t).max(0.0).sqrt()) / bessel_0(BETA)
}

/// The modified Bessel function of order 0, by its power series.
fn bessel_0(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..60 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tone(hertz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let count = (seconds * f64::from(rate)) as usize;
        (0..count).map(|n| (std::f64::consts::TAU * hertz * n as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_level_and_gains_nothing() {
        let resampler = Resampler::new(22_050, 24_000).unwrap();
        for hertz in [120.0, 1_000.0, 5_000.0, 8_000.0] {
            let converted = resampler.convert(&tone(hertz, 22_050, 0.5));
            let expected = tone(hertz, 24_000, 0.5);
            assert!(converted.len().abs_diff(expected.len()) <= 1);
            let error = converted.iter().zip(&expected).skip(500).take(10_000).map(|(a, b)| (a - b).powi(2));
            let error = (error.sum::<f32>() / 10_000.0).sqrt();
            assert!(error < 1e-3, "{hertz} Hz: {error}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let converted = Resampler::new(48_000, 16_000).unwrap().convert(&tone(12_000.0, 48_000, 0.5));
        assert!(converted.iter().skip(200).take(7_000).all(|sample| sample.abs() < 2e-3));
    }

    #[test]
    fn equal_and_impossible_rates_need_no_conversion() {
        assert!(Resampler::new(24_000, 24_000).is_none());
        assert!(Resampler::new(0, 24_000).is_none());
    }

    proptest! {
        #[test]
        fn any_length_keeps_its_duration(length in 0usize..500) {
            let converted = Resampler::new(22_050, 24_000).unwrap().convert(&vec![0.5; length]);
            prop_assert_eq!(converted.len(), length * 160 / 147);
        }
    }
}
