//! Machine translation of captions, by the Firefox Translations engine.
//!
//! A direction is a set of files and what the registry knows of them, so that another pair of languages is an
//! entry of the registry and nothing here.

mod clauses;
mod direction;
mod preserve;
mod sentences;
mod terms;
mod translator;

pub use clauses::stable_prefix;
pub use direction::Direction;
pub use preserve::{MAX_FINDINGS, check as preservation};
pub use terms::{LineProblem, MAX_TERMS, Term, TermMention, Terms, TermsError};
pub use translator::{ENGINE, FirefoxTranslator, MAX_CHARS};
