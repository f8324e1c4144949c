//! What the recogniser is told before it listens: terms to expect, and what the same person said just before.

use crate::utterance::tail_of;

/// Characters of earlier text given along: a sentence or two. More would be repeated rather than continued.
const EARLIER_CHARS: usize = 160;

/// Characters of terms given along: Whisper reads 224 tokens of a prompt, from its end.
const TERMS_CHARS: usize = 300;

/// Longest silence, in milliseconds, over which what was said before still says something about what comes.
const MAX_PAUSE_MS: u64 = 15_000;

/// Confidence from which a text is worth going on from: a misheard one would be misheard again.
const MIN_CONFIDENCE: f32 = 0.6;

/// One participant's context across utterances.
#[derive(Debug, Default, Clone)]
pub struct Context {
    terms: String,
    /// The last believed text, and the media time at which it ended.
    earlier: Option<(String, u64)>,
}

impl Context {
    pub fn new(terms: &[String]) -> Self {
        let mut list = String::new();
        for term in terms {
            let separator = if list.is_empty() { "" } else { ", " };
            if list.chars().count() + separator.len() + term.chars().count() > TERMS_CHARS {
                break;
            }
            list.push_str(separator);
            list.push_str(term.trim());
        }
        Self { terms: list, earlier: None }
    }

    /// Remembers a final text that ended at `end_ms`, if it is worth going on from: one that broke off in the middle
    /// of a sentence. Told of a whole sentence, Whisper base says it again rather than what follows.
    pub fn remember(&mut self, text: &str, confidence: f32, end_ms: u64) {
        let goes_on = !text.ends_with(['.', '?', '!', '…']);
        self.earlier = (goes_on && confidence >= MIN_CONFIDENCE).then(|| (text.to_owned(), end_ms));
    }

    /// After a text that was not believed: whatever led there is not repeated.
    pub fn forget(&mut self) {
        self.earlier = None;
    }

    /// The terms, and what came before in the same utterance.
    pub fn terms_and(&self, before: &str) -> Option<String> {
        let terms = if self.terms.is_empty() { String::new() } else { format!("{}.", self.terms) };
        let prompt = [terms.as_str(), before].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        (!prompt.is_empty()).then_some(prompt)
    }

    /// What to tell the recogniser of an utterance that began at `start_ms`, in front of `before`, its own text
    /// so far.
    pub fn prompt(&self, start_ms: u64, before: &str) -> Option<String> {
        let recent = |(_, end): &&(String, u64)| start_ms.saturating_sub(*end) <= MAX_PAUSE_MS;
        // What the window leaves out of its own utterance says more than the utterance before.
        let earlier = match (before, self.earlier.as_ref().filter(recent)) {
            ("", Some((text, _))) => tail_of(text, EARLIER_CHARS),
            (before, _) => before.to_owned(),
        };
        self.terms_and(&earlier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("losartana{n}")).collect()
    }

    #[test]
    fn what_was_said_just_before_goes_along_and_what_was_said_long_ago_does_not() {
        let mut context = Context::default();
        assert_eq!(context.prompt(0, ""), None);
        context.remember("Estou com dor no peito", 0.9, 5_000);
        assert_eq!(context.prompt(8_000, "").as_deref(), Some("Estou com dor no peito"));
        assert_eq!(context.prompt(60_000, ""), None);
    }

    #[test]
    fn neither_an_unsure_text_nor_one_that_was_not_believed_is_gone_on_from() {
        let mut context = Context::default();
        context.remember("Estou com dor", 0.4, 0);
        assert_eq!(context.prompt(0, ""), None);
        context.remember("Estou com dor", 0.9, 0);
        context.forget();
        assert_eq!(context.prompt(0, ""), None);
    }

    #[test]
    fn a_whole_sentence_is_not_gone_on_from() {
        let mut context = Context::default();
        context.remember("Estou com dor no peito.", 0.9, 0);
        assert_eq!(context.prompt(0, ""), None);
    }

    #[test]
    fn an_utterance_s_own_text_is_nearer_than_the_one_before() {
        let mut context = Context::new(&["losartana".into()]);
        context.remember("Bom dia,", 0.9, 0);
        assert_eq!(context.prompt(0, "").as_deref(), Some("losartana. Bom dia,"));
        assert_eq!(context.prompt(0, "Eu tomo").as_deref(), Some("losartana. Eu tomo"));
    }

    #[test]
    fn terms_are_cut_where_the_recogniser_would_not_read_them() {
        let prompt = Context::new(&terms(200)).prompt(0, "").unwrap();
        assert!(prompt.len() <= TERMS_CHARS + 1 && prompt.starts_with("losartana0, losartana1"), "{prompt}");
    }
}
