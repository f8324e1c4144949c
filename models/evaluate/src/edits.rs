//! Word and character errors: the fewest insertions, deletions and substitutions that make one text the other.

use serde::Serialize;
use std::{
    iter::Sum,
    ops::{Add, AddAssign},
};

/// Errors of one text or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Edits {
    /// Words or characters of the reference.
    pub reference: u64,
    pub substitutions: u64,
    pub deletions: u64,
    pub insertions: u64,
}

impl Edits {
    pub fn errors(&self) -> u64 {
        self.substitutions + self.deletions + self.insertions
    }

    /// Errors for each word or character of the reference. Above 1 where more was inserted than there is; without a
    /// reference it is the number of insertions.
    pub fn rate(&self) -> f64 {
        self.errors() as f64 / self.reference.max(1) as f64
    }
}

impl Add for Edits {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            reference: self.reference + other.reference,
            substitutions: self.substitutions + other.substitutions,
            deletions: self.deletions + other.deletions,
            insertions: self.insertions + other.insertions,
        }
    }
}

impl AddAssign for Edits {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Edits {
    fn sum<I: Iterator<Item = Self>>(edits: I) -> Self {
        edits.fold(Self::default(), Add::add)
    }
}

/// Word errors between two texts whose words are separated by white space.
pub fn words(reference: &str, heard: &str) -> Edits {
    let (reference, heard): (Vec<_>, Vec<_>) =
        (reference.split_whitespace().collect(), heard.split_whitespace().collect());
    align(&reference, &heard, |_, _| false)
}

/// Character errors, spaces between words included.
pub fn characters(reference: &str, heard: &str) -> Edits {
    let (reference, heard): (Vec<_>, Vec<_>) = (reference.chars().collect(), heard.chars().collect());
    align(&reference, &heard, |_, _| false)
}

/// Word errors where it is none to write two words as one or one as two.
pub fn lenient(reference: &[String], heard: &[String]) -> Edits {
    align(reference, heard, |pair: &[String], whole: &String| {
        pair.iter().map(String::len).sum::<usize>() == whole.len()
            && pair.iter().flat_map(|word| word.bytes()).eq(whole.bytes())
    })
}

/// Levenshtein's alignment, in rows. `same` says whether two items of one text are one of the other.
fn align<T: PartialEq>(reference: &[T], heard: &[T], same: impl Fn(&[T], &T) -> bool) -> Edits {
    let first = |j: usize| Edits { insertions: j as u64, ..Edits::default() };
    let mut rows = [Vec::new(), Vec::new(), (0..=heard.len()).map(first).collect::<Vec<_>>()];
    for (i, expected) in reference.iter().enumerate() {
        rows.rotate_left(1);
        let [earlier, above, row] = &mut rows;
        row.clear();
        row.push(Edits { deletions: i as u64 + 1, ..Edits::default() });
        for (j, word) in heard.iter().enumerate() {
            let mut best = above[j];
            best.substitutions += u64::from(expected != word);
            let deleted = Edits { deletions: above[j + 1].deletions + 1, ..above[j + 1] };
            let inserted = Edits { insertions: row[j].insertions + 1, ..row[j] };
            let joined = (i > 0 && same(&reference[i - 1..=i], word)).then(|| earlier[j]);
            let split = (j > 0 && same(&heard[j - 1..=j], expected)).then(|| above[j - 1]);
            for other in [Some(deleted), Some(inserted), joined, split].into_iter().flatten() {
                if other.errors() < best.errors() {
                    best = other;
                }
            }
            row.push(best);
        }
    }
    let last = rows[2].last().copied().unwrap_or_default();
    Edits { reference: reference.len() as u64, ..last }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn errors_are_told_apart_by_kind() {
        let found = words("my pain began two days ago", "the pain began days ago now");
        let expected = Edits { reference: 6, substitutions: 1, deletions: 1, insertions: 1 };
        assert_eq!(found, expected);
        assert!((found.rate() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn an_empty_text_is_all_deletions_and_an_empty_reference_all_insertions() {
        assert_eq!(words("no fever", ""), Edits { reference: 2, deletions: 2, ..Edits::default() });
        assert_eq!(words("", "no fever"), Edits { insertions: 2, ..Edits::default() });
        assert!(words("", "").rate().abs() < f64::EPSILON);
    }

    #[test]
    fn characters_count_spaces() {
        assert_eq!(characters("a lone", "alone").errors(), 1);
        assert_eq!(characters("coração", "coracao").errors(), 2);
    }

    #[test]
    fn a_word_split_or_joined_is_an_error_only_strictly() {
        assert_eq!(words("sou alergico a", "sou a lergico a").errors(), 2);
        assert_eq!(lenient(&list("sou alergico a"), &list("sou a lergico a")).errors(), 0);
        assert_eq!(lenient(&list("pos operatorio"), &list("posoperatorio")).errors(), 0);
        assert_eq!(lenient(&list("pos operatorio"), &list("preoperatorio")).errors(), 2);
    }

    fn text() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[a-c]{1,2}", 0..12)
    }

    proptest! {
        #[test]
        fn errors_are_a_distance(a in text(), b in text(), c in text()) {
            let distance = |x: &[String], y: &[String]| words(&x.join(" "), &y.join(" ")).errors();
            prop_assert_eq!(distance(&a, &a), 0);
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert!(distance(&a, &c) <= distance(&a, &b) + distance(&b, &c));
            prop_assert!(distance(&a, &b) as usize <= a.len().max(b.len()));
            prop_assert!(distance(&a, &b) as usize >= a.len().abs_diff(b.len()));
        }

        #[test]
        fn insertions_less_deletions_are_the_difference_in_length(a in text(), b in text()) {
            let found = words(&a.join(" "), &b.join(" "));
            prop_assert_eq!(found.insertions as i64 - found.deletions as i64, b.len() as i64 - a.len() as i64);
        }

        #[test]
        fn leniency_forgives_and_never_adds(a in text(), b in text()) {
            prop_assert!(lenient(&a, &b).errors() <= words(&a.join(" "), &b.join(" ")).errors());
        }
    }
}
