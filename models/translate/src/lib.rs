//! Machine translation of captions, by the Firefox Translations engine.
//!
//! A direction is a set of files and what the registry knows of them, so that another pair of languages is an
//! entry of the registry and nothing here.

mod clauses;
mod direction;
mod sentences;
mod translator;

pub use clauses::stable_prefix;
pub use direction::Direction;
pub use translator::{ENGINE, FirefoxTranslator, MAX_CHARS};
