//! Voice activity by earshot: a small recurrent network in pure Rust, 8 KiB of state a track.

use healthsync_models::{ModelError, tasks::VoiceActivity};

/// Samples earshot takes at a time: 16 ms.
const FRAME: usize = 256;

/// Voice activity of one track.
pub struct EarshotActivity(Box<earshot::Detector>);

impl Default for EarshotActivity {
    fn default() -> Self {
        Self(earshot::Detector::default_boxed())
    }
}

impl VoiceActivity for EarshotActivity {
    fn frame_len(&self) -> usize {
        FRAME
    }

    fn probability(&mut self, frame: &[f32]) -> Result<f32, ModelError> {
        if frame.len() != FRAME {
            return Err(ModelError::Input {
                model: "earshot".into(),
                reason: format!("a frame has {FRAME} samples, not {}", frame.len()),
            });
        }
        Ok(self.0.predict_f32(frame))
    }
}
