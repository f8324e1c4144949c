//! Words that a translation lost, protected for another try. Pure.

use crate::{Terms, preserve};
use healthsync_models::tasks::TranslateRequest;

/// How words are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The word of the target language stands in the source already. Engines leave most foreign words as they are,
    /// and the sentence around it keeps its sense.
    Words,
    /// A mark stands for the word, and is replaced afterwards: copied as good as always, at the cost of articles and
    /// endings.
    Marks,
}

/// Protected words of a text at most: each mark must stay one of few.
const MAX_WORDS: usize = 9;

/// A text with words protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protected {
    pub(crate) text: String,
    /// Marks, and what they stand for.
    marks: Vec<(String, String)>,
}

impl Protected {
    /// The translation with the words in the place of their marks.
    pub(crate) fn restore(&self, translation: &str) -> String {
        self.marks.iter().fold(translation.to_owned(), |text, (mark, word)| text.replace(mark, word))
    }
}

/// Puts in what the terms and drugs of a request must become; `None` when there is nothing to protect, or it holds
/// what looks like a mark.
pub(crate) fn protect(request: &TranslateRequest, terms: &Terms, way: Way) -> Option<Protected> {
    let text = &request.text;
    let mut words: Vec<(usize, usize, String)> = terms
        .in_source(text, &request.source, &request.target)
        .into_iter()
        .map(|mention| (mention.start, mention.end, mention.term.target.clone()))
        .collect();
    for drug in preserve::drug_names(text, &request.target) {
        if !words.iter().any(|(start, end, _)| *start < drug.1 && drug.0 < *end) {
            words.push(drug);
        }
    }
    words.sort_by_key(|(start, ..)| *start);
    if words.is_empty() || words.len() > MAX_WORDS || (way == Way::Marks && text.contains("XT")) {
        return None;
    }
    let (mut protected, mut marks, mut from) = (String::with_capacity(text.len()), Vec::new(), 0);
    for (number, (start, end, word)) in words.into_iter().enumerate() {
        protected.push_str(&text[from..start]);
        from = end;
        match way {
            Way::Words => protected.push_str(&word),
            Way::Marks => {
                let mark = format!("XT{}X", number + 1);
                protected.push_str(&mark);
                marks.push((mark, word));
            }
        }
    }
    protected.push_str(&text[from..]);
    Some(Protected { text: protected, marks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::list;

    fn request(text: &str) -> TranslateRequest {
        TranslateRequest { text: text.into(), source: "pt".parse().unwrap(), target: "en".parse().unwrap() }
    }

    #[test]
    fn terms_and_drugs_are_replaced_by_what_they_must_become() {
        let terms = list(&["pt\tposto de saúde\ten\thealth post"]);
        let request = request("Peguei losartana e novalgina no posto de saúde.");
        let words = protect(&request, &terms, Way::Words).unwrap();
        assert_eq!(words.text, "Peguei losartan e novalgina no health post.");
        let marks = protect(&request, &terms, Way::Marks).unwrap();
        assert_eq!(marks.text, "Peguei XT1X e XT2X no XT3X.");
        assert_eq!(
            marks.restore("I picked up XT1X and XT2X at the XT3X."),
            "I picked up losartan and novalgina at the health post."
        );
    }

    #[test]
    fn there_may_be_nothing_to_protect() {
        assert_eq!(protect(&request("Estou bem."), &Terms::default(), Way::Words), None);
        assert_eq!(protect(&request("Tomo losartana XT1X."), &Terms::default(), Way::Marks), None);
        assert_eq!(protect(&request(&"losartana ".repeat(20)), &Terms::default(), Way::Words), None);
    }
}
