//! Voice activity, utterances, and speech recognition.
//!
//! - [`convert`] turns Whisper weights as CTranslate2 keeps them into the file whisper.cpp reads, and into the one the
//!   candle engine reads. Pure but for the files themselves.
//! - [`WhisperTranscriber`] is the recogniser on whisper.cpp, `CandleTranscriber` (feature `candle`) the one on candle.
//! - [`EarshotActivity`] tells speech from silence; [`Segmenter`] cuts utterances by it.
//! - [`UtteranceText`] decides what of a partial hypothesis is committed, and what remains to be recognised.
//! - [`doubt`] is the hallucination guard; [`Context`] what the recogniser is told beforehand.

mod alignment;
#[cfg(feature = "candle")]
mod candle;
mod context;
pub mod convert;
mod guard;
mod level;
mod segmenter;
mod tones;
mod utterance;
mod vad;
mod whisper;
mod window;
mod words;

#[cfg(feature = "candle")]
pub use candle::{CandleConfig, CandleDevice, CandleFiles, CandleSequences, CandleTranscriber};
pub use context::Context;
pub use convert::{
    ConvertError, CtranslateToGgml, CtranslateToSafetensors, Precision, ct2_to_ggml, ct2_to_safetensors,
};
pub use guard::{Doubt, doubt, echoes};
pub use segmenter::{OpenUtterance, Segment, SegmentEvent, Segmenter, SegmenterConfig};
pub use utterance::{Agreed, UtteranceText, Window, join};
pub use vad::EarshotActivity;
pub use whisper::{WhisperConfig, WhisperTranscriber};
