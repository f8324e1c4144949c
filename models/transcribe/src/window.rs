//! What Whisper takes, whichever engine runs it.

pub(crate) const SAMPLE_RATE: usize = healthsync_events::audio::SAMPLE_RATE as usize;

/// Whisper's encoder takes windows of 30 s.
pub(crate) const MAX_SAMPLES: usize = 30 * SAMPLE_RATE;

/// whisper.cpp refuses less than 1 s; shorter audio is followed by silence.
pub(crate) const MIN_SAMPLES: usize = SAMPLE_RATE + SAMPLE_RATE / 10;

/// Encoder positions a second, all positions, and those added so that the window does not end with the last
/// word. Encoding only what was said takes a fifth of the time of a whole window.
pub(crate) const POSITIONS_PER_SECOND: usize = 50;
pub(crate) const MAX_POSITIONS: usize = 1_500;
const SPARE_POSITIONS: usize = 64;

/// Characters of earlier text or terms given along: Whisper reads the last 223 or 224 tokens.
pub(crate) const MAX_PROMPT_CHARS: usize = 600;

/// Encoder positions for so many samples.
pub(crate) fn audio_context(samples: usize) -> usize {
    ((samples * POSITIONS_PER_SECOND).div_ceil(SAMPLE_RATE) + SPARE_POSITIONS).min(MAX_POSITIONS)
}
