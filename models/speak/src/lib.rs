//! Speech synthesis: text to phonemes by espeak-ng (a program of its own: it is GPL, and never linked), phonemes
//! to sound by Kokoro-82M or Piper through ONNX Runtime.

mod clauses;
mod graph;
mod kokoro;
mod level;
mod onnx;
mod phonemes;
mod piper;
mod protobuf;
mod resample;
mod speaker;
mod text;
mod voices;

pub use clauses::{clauses, with_pause};
pub use speaker::{KokoroFiles, NeuralSpeaker, PiperFiles, SAMPLE_RATE, SpeakerFiles};
pub use text::MAX_CHARS;
pub use voices::{PIPER_VOICE, voice_language};
