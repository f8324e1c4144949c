//! Voice activity, utterances, and speech recognition.
//!
//! - [`convert`] turns Whisper weights as CTranslate2 keeps them into the file whisper.cpp reads. Pure but for
//!   the files themselves.
//! - [`WhisperTranscriber`] is the recogniser on whisper.cpp.
//! - [`EarshotActivity`] tells speech from silence; [`Segmenter`] cuts utterances by it.
//! - [`LocalAgreement`] decides what of a partial hypothesis is committed.

mod agreement;
pub mod convert;
mod plausible;
mod segmenter;
mod vad;
mod whisper;

pub use agreement::{Agreed, LocalAgreement, honour};
pub use convert::{ConvertError, CtranslateToGgml, Precision};
pub use plausible::implausible;
pub use segmenter::{OpenUtterance, Segment, SegmentEvent, Segmenter, SegmenterConfig};
pub use vad::EarshotActivity;
pub use whisper::{WhisperConfig, WhisperTranscriber};
