//! What it takes to measure recognition and translation on recordings of one's own. Nothing here runs a model.
//!
//! - [`list`] reads lists of recordings and of sentence pairs; [`audio`] decodes a recording to 16 kHz mono.
//! - [`Normaliser`] brings texts to a common form before they are compared, [`edits`] counts word and character
//!   errors, [`bootstrap`] says how far a figure can be trusted.
//! - [`bleu`] and [`chrf`] score translations as sacreBLEU does.
//! - [`latency`] turns the times at which words appeared into figures.

pub mod audio;
pub mod bleu;
pub mod bootstrap;
pub mod chrf;
pub mod edits;
pub mod latency;
pub mod list;
mod normalise;
mod patterns;
mod random;

pub use normalise::{Normaliser, Spellings, SpellingsError};
