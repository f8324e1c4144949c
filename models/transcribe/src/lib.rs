//! Voice activity, utterances, and speech recognition.
//!
//! - [`convert`] turns Whisper weights as CTranslate2 keeps them into the file whisper.cpp reads, and into the one the
//!   candle engine reads. Pure but for the files themselves.
//! - [`WhisperTranscriber`] is the recogniser on whisper.cpp, [`CandleTranscriber`] the one on candle.
//! - [`EarshotActivity`] tells speech from silence; [`Segmenter`] cuts utterances by it.
//! - [`LocalAgreement`] decides what of a partial hypothesis is committed.

mod agreement;
mod candle;
pub mod convert;
mod plausible;
mod segmenter;
mod vad;
mod whisper;
mod window;
mod words;

pub use agreement::{Agreed, LocalAgreement, honour};
pub use candle::{CandleConfig, CandleDevice, CandleFiles, CandleTranscriber};
pub use convert::{ConvertError, CtranslateToGgml, CtranslateToSafetensors};
pub use plausible::implausible;
pub use segmenter::{OpenUtterance, Segment, SegmentEvent, Segmenter, SegmenterConfig};
pub use vad::EarshotActivity;
pub use whisper::{WhisperConfig, WhisperTranscriber};
