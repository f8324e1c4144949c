//! Whether what must not change in a translation did: numbers and their units, drugs, negations, sides, and the
//! deployment's own terms. Pure.
//!
//! English, Portuguese and Spanish are known. In another language numbers in digits, signs of units, drugs and terms
//! are still compared; words for numbers, negations and sides are not.

mod clock;
mod compare;
mod counted;
mod drugs;
mod negation;
mod quantity;
mod rational;
mod sides;
mod tokens;
mod units;
mod words;

use crate::terms::Terms;
use healthsync_events::{
    Language,
    speech::{Preservation, PreservationFinding, PreservationProblem, PreservedKind},
};
use quantity::Quantities;
use rational::Rational;

pub(crate) use tokens::{Token, tokens};

/// Findings of one translation: what is wrong beyond so many is wrong altogether.
pub const MAX_FINDINGS: usize = 32;

/// A language whose words are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tongue {
    English,
    Portuguese,
    Spanish,
}

impl Tongue {
    fn of(language: &Language) -> Option<Self> {
        match language.primary().as_str() {
            "en" => Some(Self::English),
            "pt" => Some(Self::Portuguese),
            "es" => Some(Self::Spanish),
            _ => None,
        }
    }
}

/// One of the two texts, read.
struct Side<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    quantities: Quantities,
    drugs: Vec<drugs::Mention>,
    sides: Vec<sides::Mention>,
}

impl<'a> Side<'a> {
    fn read(text: &'a str, tongue: Option<Tongue>, words: bool) -> Self {
        let tokens = tokens(text);
        let mut quantities = quantity::quantities(&tokens, tongue);
        if !words {
            // Numbers in words are known in one of the languages only.
            quantities.items.retain(|it| tokens[it.first].kind == tokens::Kind::Digits);
        }
        let drugs = drugs::mentions(&tokens);
        let sides = tongue.map(|tongue| sides::mentions(&tokens, tongue)).unwrap_or_default();
        Self { text, tokens, quantities, drugs, sides }
    }

    /// The words of the tokens `first..next`, as they stand in the text.
    fn words(&self, first: usize, next: usize) -> String {
        let range = self.tokens.get(first..next.min(self.tokens.len())).unwrap_or_default();
        match range {
            [] => String::new(),
            [first, .., last] | [first @ last] => self.text[first.start..last.end].to_owned(),
        }
    }
}

/// The drugs a text names: where, in bytes, and how to call them in the target language. That is by their international
/// name in English, where it is as the source spells it but for its ending; else, and in other languages, as they are.
pub(crate) fn drug_names(text: &str, target: &Language) -> Vec<(usize, usize, String)> {
    let tokens = tokens(text);
    let english = Tongue::of(target) == Some(Tongue::English);
    let name = |mention: drugs::Mention| {
        let (start, end) = (tokens[mention.first].start, tokens[mention.next - 1].end);
        let international = english.then(|| drugs::international(&text[start..end], &mention)).flatten();
        (start, end, international.unwrap_or_else(|| text[start..end].to_owned()))
    };
    drugs::mentions(&tokens).into_iter().map(name).collect()
}

fn finding(
    kind: PreservedKind,
    problem: PreservationProblem,
    source: Option<String>,
    target: Option<String>,
) -> PreservationFinding {
    PreservationFinding { kind, problem, source, target }
}

/// Compares a translation with its source. At most [`MAX_FINDINGS`] come back.
pub fn check(
    source: &str,
    source_language: &Language,
    target: &str,
    target_language: &Language,
    terms: &Terms,
) -> Preservation {
    let tongues = (Tongue::of(source_language), Tongue::of(target_language));
    let both = tongues.0.is_some() && tongues.1.is_some();
    let ours = Side::read(source, tongues.0, both);
    let theirs = Side::read(target, tongues.1, both);
    let mut findings = compare::compare(&ours, &theirs);
    findings.extend(drugs::compare(&ours, &theirs));
    if let (Some(mine), Some(its)) = tongues {
        findings.extend(negation::compare(&ours, &theirs, mine, its));
        findings.extend(sides::compare(&ours, &theirs));
    }
    let lost = terms.lost(source, source_language, target, target_language);
    findings.extend(
        lost.into_iter().map(|term| finding(PreservedKind::Term, PreservationProblem::Missing, Some(term.found), None)),
    );
    findings.truncate(MAX_FINDINGS);
    Preservation { findings }
}

#[cfg(test)]
mod tests;
