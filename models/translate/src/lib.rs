//! Machine translation of captions, by the Firefox Translations engine, or Apertium where that has no model.
//!
//! A direction of the first is a set of files and what the registry knows of them, so that another pair of languages is
//! an entry of the registry and nothing here. Every translation is compared with its source: [`preservation`].

mod apertium;
mod clauses;
mod direction;
mod preserve;
mod protect;
mod router;
mod sentences;
mod terms;
mod translator;

pub use apertium::{Apertium, ApertiumMode, DEFAULT_MODES, installed};
pub use clauses::stable_prefix;
pub use direction::Direction;
pub use preserve::{MAX_FINDINGS, check as preservation};
pub use router::{Engine, Router};
pub use terms::{LineProblem, MAX_TERMS, Term, TermMention, Terms, TermsError};
pub use translator::{ENGINE, FirefoxTranslator, MAX_CHARS};
