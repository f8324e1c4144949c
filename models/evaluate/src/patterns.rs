//! Regular expressions that are part of the program.

use regex::Regex;

/// Compiles a pattern that stands in the source. `None` cannot happen for one that a test has compiled; a text is
/// then left as it is.
pub(crate) fn pattern(text: &str) -> Option<Regex> {
    let compiled = Regex::new(text);
    debug_assert!(compiled.is_ok(), "{text}");
    compiled.ok()
}

/// A list of replacements, one after the other.
pub(crate) struct Rules(Vec<(Regex, String)>);

impl Rules {
    /// Pairs of a pattern and what it is replaced by, in `regex`'s notation.
    pub(crate) fn new<'a>(rules: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let compiled = |(from, to): (&str, &str)| Some((pattern(from)?, to.to_owned()));
        Self(rules.into_iter().filter_map(compiled).collect())
    }

    pub(crate) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.0 {
            if let std::borrow::Cow::Owned(changed) = from.replace_all(&text, to.as_str()) {
                text = changed;
            }
        }
        text
    }
}
