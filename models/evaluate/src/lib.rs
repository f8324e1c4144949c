//! What it takes to measure recognition, translation and alarms on recordings of one's own. Nothing here runs a model
//! that has weights.
//!
//! - [`list`] reads lists of recordings and of sentence pairs; [`audio`] decodes a recording to 16 kHz mono.
//! - [`Normaliser`] brings texts to a common form before they are compared, [`edits`] counts word and character
//!   errors, [`bootstrap`] says how far a figure can be trusted.
//! - [`bleu`] and [`chrf`] score translations as sacreBLEU does.
//! - [`burden`] counts alarms on recordings of vital signs, and what they were about.
//! - [`latency`] turns the times at which words appeared into figures.

pub mod audio;
pub mod bleu;
pub mod bootstrap;
pub mod burden;
pub mod chrf;
pub mod edits;
pub mod latency;
pub mod list;
mod normalise;
mod patterns;
mod random;

pub use normalise::{Normaliser, Spellings, SpellingsError};
