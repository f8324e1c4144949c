//! Speech synthesis: text to phonemes by espeak-ng (a program of its own: it is GPL, and never linked), phonemes
//! to sound by Kokoro-82M or Piper through ONNX Runtime.

mod kokoro;
mod level;
mod onnx;
mod phonemes;
mod piper;
mod speaker;
mod text;

pub use speaker::{KokoroFiles, NeuralSpeaker, PiperFiles, SpeakerFiles};
pub use text::{MAX_CHARS, clauses};
