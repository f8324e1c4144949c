//! Tones that stand still: music, telephones, alarms. The pitch of a voice is never still for long, that of a string,
//! a pipe or a buzzer is.

use realfft::RealFftPlanner;

/// 64 ms at 16 kHz: bins of 15.6 Hz.
const WINDOW: usize = 1_024;
const HOP: usize = 256;

/// Bins from 400 to 4,000 Hz: below, the harmonics of a voice are too close together to be seen moving.
const LOW: usize = 26;
const HIGH: usize = 256;

/// How far from a peak its surroundings are looked at, in bins, and how many times their mean it must have.
const AROUND: std::ops::RangeInclusive<usize> = 4..=6;
const PROMINENCE: f32 = 4.0;

/// Hops through which a peak must stay in its bin: 192 ms.
const STILL: usize = 12;

/// Windows with less than this of the loudest's power tell nothing.
const LOUD: f32 = 0.01;

/// Power under which there is nothing but rounding: a tone of -100 dB has more.
const FLOOR: f32 = 1e-6;

/// Share of the power, from 400 to 4,000 Hz, that is in tones which stand still; the mean over the loud windows, 0 to 1.
/// Speech: 0.044 at most in 90 stretches of 5 s (English, Portuguese, recorded and synthesised). Music: more than that
/// in about two thirds of 139 stretches of two games' soundtracks.
pub(crate) fn still_share(samples: &[f32]) -> f32 {
    let spectra = spectra(samples);
    let total = |spectrum: &Vec<f32>| spectrum[LOW..HIGH].iter().sum::<f32>();
    let loudest = spectra.iter().map(total).fold(0.0, f32::max);
    let mut runs = [0_usize; HIGH];
    let mut still = vec![[false; HIGH]; spectra.len()];
    for (at, spectrum) in spectra.iter().enumerate() {
        for bin in LOW..HIGH {
            runs[bin] = if is_peak(spectrum, bin) { runs[bin] + 1 } else { 0 };
            if runs[bin] >= STILL {
                // All of the run, now that it is long enough to count.
                let from = if runs[bin] == STILL { at + 1 - STILL } else { at };
                still[from..=at].iter_mut().for_each(|bins| bins[bin - 1..=(bin + 1).min(HIGH - 1)].fill(true));
            }
        }
    }
    let (mut sum, mut count) = (0.0, 0_usize);
    for (spectrum, bins) in spectra.iter().zip(&still) {
        let power = total(spectrum);
        if power > LOUD * loudest && power > FLOOR {
            sum += (LOW..HIGH).filter(|bin| bins[*bin]).map(|bin| spectrum[bin]).sum::<f32>() / power;
            count += 1;
        }
    }
    sum / count.max(1) as f32
}

/// Power spectra, window by window.
fn spectra(samples: &[f32]) -> Vec<Vec<f32>> {
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
    let (mut input, mut output, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let hann = |i: usize| (std::f32::consts::PI * i as f32 / WINDOW as f32).sin().powi(2);
    let mut spectrum = |window: &[f32]| {
        input.iter_mut().zip(window).enumerate().for_each(|(i, (to, from))| *to = from * hann(i));
        // Fails only for buffers of another length than it made itself.
        fft.process_with_scratch(&mut input, &mut output, &mut scratch).ok()?;
        Some(output.iter().map(realfft::num_complex::Complex::norm_sqr).collect())
    };
    samples.windows(WINDOW).step_by(HOP).filter_map(&mut spectrum).collect()
}

fn is_peak(spectrum: &[f32], bin: usize) -> bool {
    let power = spectrum[bin];
    let around: f32 = AROUND.map(|far| spectrum[bin - far] + spectrum[bin + far]).sum();
    power >= spectrum[bin - 1]
        && power >= spectrum[bin + 1]
        && power > PROMINENCE * around / (2 * AROUND.count()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn sound(of: impl Fn(f32) -> f32) -> Vec<f32> {
        (0..32_000).map(|i| of(i as f32 / 16_000.0)).collect()
    }

    #[test]
    fn a_tone_stands_still_and_a_glide_does_not() {
        assert!(still_share(&sound(|t| (TAU * 880.0 * t).sin())) > 0.9);
        assert!(still_share(&sound(|t| (TAU * (600.0 * t + 200.0 * t * t)).sin())) < 0.01);
    }

    #[test]
    fn too_little_or_nothing_has_no_tones() {
        for samples in [vec![], vec![0.5; 100], vec![0.0; 32_000], vec![0.1; 32_000]] {
            assert!(still_share(&samples) < 1e-6);
        }
    }

    #[test]
    fn a_recorded_speech_has_hardly_any() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/speech/address-1961.wav");
        let mut wav = hound::WavReader::open(path).unwrap();
        let speech: Vec<f32> = wav.samples::<i16>().map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect();
        let share = still_share(&speech);
        assert!(share < 0.05, "{share}");
    }
}
