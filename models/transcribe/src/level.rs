//! Brings quiet tracks to a level at which voice activity is heard. What the recogniser gets stays as it was: Whisper
//! looks at a window relative to its loudest part.

/// Level that the loudest of a track is brought to, as root mean square of a frame in dB of full scale. Earshot
/// misses half of the speech at -55 dB and none of it at -30 dB.
const TARGET_DB: f32 = -30.0;

/// Level that background noise is not raised above. Earshot takes pink noise at -28 dB for noise, at -18 dB for voice.
const MAX_FLOOR_DB: f32 = -45.0;

/// A microphone so quiet that it needs more is not one that a person is speaking into.
const MAX_GAIN_DB: f32 = 36.0;

/// How fast the loudest is forgotten, so that somebody who speaks more quietly is heard after a second or two. Noise in
/// pauses is kept down by its own bound.
const RELEASE_DB_PER_SECOND: f32 = 9.0;

/// The floor is the quietest frame of the last one to two of these.
const FLOOR_SAMPLES: usize = 24_000;

/// Below this everything is silence.
const SILENCE_DB: f32 = -100.0;

const SAMPLES_PER_SECOND: f32 = 16_000.0;

/// The gain of one track.
#[derive(Debug, Default)]
pub(crate) struct Leveller {
    /// Loudest of late, in dB; `None` before the first frame.
    loudest: Option<f32>,
    /// Quietest of the stretch before, and of this one.
    floors: [Option<f32>; 2],
    stretch: usize,
}

impl Leveller {
    /// The frame as voice activity is to hear it.
    pub(crate) fn level(&mut self, frame: &[f32]) -> Vec<f32> {
        let gain = 10f32.powf(self.gain_db(frame) / 20.0);
        frame.iter().map(|sample| (sample * gain).clamp(-1.0, 1.0)).collect()
    }

    fn gain_db(&mut self, frame: &[f32]) -> f32 {
        let level = level_db(frame);
        let released = RELEASE_DB_PER_SECOND * frame.len() as f32 / SAMPLES_PER_SECOND;
        let loudest = self.loudest.map_or(level, |loudest| level.max(loudest - released));
        self.loudest = Some(loudest);
        self.stretch += frame.len();
        if self.stretch > FLOOR_SAMPLES {
            self.stretch = 0;
            self.floors = [self.floors[1], None];
        }
        self.floors[1] = Some(self.floors[1].map_or(level, |floor| floor.min(level)));
        let floor = self.floors.iter().flatten().copied().fold(f32::INFINITY, f32::min);
        (TARGET_DB - loudest).min(MAX_FLOOR_DB - floor).clamp(0.0, MAX_GAIN_DB)
    }
}

fn level_db(frame: &[f32]) -> f32 {
    let mean = frame.iter().map(|s| s * s).sum::<f32>() / frame.len().max(1) as f32;
    (10.0 * mean.log10()).max(SILENCE_DB)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A frame of this level, half of it up and half down.
    fn frame(db: f32) -> Vec<f32> {
        let amplitude = 10f32.powf(db / 20.0);
        (0..256).map(|n| if n % 2 == 0 { amplitude } else { -amplitude }).collect()
    }

    fn after(levels: &[f32]) -> f32 {
        let mut leveller = Leveller::default();
        levels.iter().map(|db| level_db(&leveller.level(&frame(*db)))).last().unwrap()
    }

    #[test]
    fn a_voice_of_usual_level_is_left_as_it_is() {
        assert!((after(&[-20.0]) - -20.0).abs() < 0.1);
        assert!((after(&[-70.0, -70.0, -25.0]) - -25.0).abs() < 0.1);
    }

    #[test]
    fn a_quiet_voice_is_raised_at_once() {
        assert!((after(&[-86.0, -86.0, -56.0]) - -30.0).abs() < 0.1);
    }

    #[test]
    fn a_quieter_voice_after_a_loud_one_is_raised_within_three_seconds() {
        // Frames of 16 ms: a loud voice, then one 30 dB below it with pauses between its words.
        let quiet = (0..188).map(|n| if n % 10 < 7 { -50.0 } else { -90.0 });
        let levels: Vec<f32> = std::iter::repeat_n(-20.0, 60).chain(quiet).chain([-50.0]).collect();
        assert!(after(&levels) > -35.0, "{}", after(&levels));
    }

    #[test]
    fn noise_is_not_raised_to_where_it_sounds_like_voice() {
        assert!((after(&[-50.0; 500]) - -45.0).abs() < 0.1);
        assert!((after(&[-40.0; 500]) - -40.0).abs() < 0.1);
    }

    #[test]
    fn digital_silence_stays_silence() {
        let mut leveller = Leveller::default();
        assert!((0..500).all(|_| leveller.level(&[0.0; 256]).iter().all(|sample| *sample == 0.0)));
    }

    proptest! {
        #[test]
        fn what_comes_out_is_finite_and_within_full_scale(samples in proptest::collection::vec(-1f32..1.0, 1..600)) {
            let mut leveller = Leveller::default();
            for frame in samples.chunks(256) {
                prop_assert!(leveller.level(frame).iter().all(|s| s.is_finite() && s.abs() <= 1.0));
            }
        }
    }
}
