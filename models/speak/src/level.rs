//! Loudness and silence. Pure.

/// Target level of the voiced parts, RMS in full scale: -23 dBFS, the programme loudness of EBU R 128 taken
/// without its weighting.
const TARGET_RMS: f32 = 0.070_8;

/// Highest sample: -1 dBFS, so that later encoding does not clip.
const PEAK: f32 = 0.891;

/// Most that a quiet voice is raised by: 20 dB.
const MAX_GAIN: f32 = 10.0;

/// Under this a sample is silence: -50 dBFS.
const SILENCE: f32 = 0.003_2;

/// Trims surrounding silence to `margin` samples and brings the voice to its level without clipping.
pub(crate) fn finish(samples: &[f32], margin: usize) -> Vec<f32> {
    let voiced = |s: &f32| s.abs() > SILENCE;
    let (Some(first), Some(last)) = (samples.iter().position(voiced), samples.iter().rposition(voiced)) else {
        return Vec::new();
    };
    let kept = &samples[first.saturating_sub(margin)..(last + 1 + margin).min(samples.len())];
    let loud: Vec<f32> = kept.iter().copied().filter(|s| s.abs() > SILENCE).collect();
    let rms = (loud.iter().map(|s| s * s).sum::<f32>() / loud.len() as f32).sqrt();
    let peak = kept.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
    let gain = (TARGET_RMS / rms).min(MAX_GAIN).min(PEAK / peak);
    kept.iter().map(|s| s * gain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_around_a_voice_goes_but_for_a_margin() {
        let mut samples = vec![0.0; 1_000];
        samples.extend([0.5, -0.5].repeat(50));
        samples.extend([0.0; 1_000]);
        assert_eq!(finish(&samples, 20).len(), 140);
        assert!(finish(&[0.0; 100], 20).is_empty());
    }

    #[test]
    fn a_quiet_voice_is_raised_and_a_peak_is_kept_from_clipping() {
        let quiet = finish(&[0.02, -0.02].repeat(500), 0);
        assert!((quiet[0] - TARGET_RMS).abs() < 1e-3);
        let mut peaky = [0.004, -0.004].repeat(500);
        peaky.push(1.0);
        let finished = finish(&peaky, 0);
        assert!(finished.iter().all(|s| s.abs() <= PEAK + 1e-6));
    }
}
