//! How well the comparison of a translation with its source does, on pairs labelled by hand.

use healthsync_events::{
    Language,
    speech::{Preservation, PreservedKind},
};
use healthsync_translate::{Terms, preservation};

struct Pair {
    /// `None`: nothing is wrong.
    wrong: Option<PreservedKind>,
    from: Language,
    to: Language,
    source: &'static str,
    target: &'static str,
}

impl Pair {
    fn check(&self) -> Preservation {
        preservation(self.source, &self.from, self.target, &self.to, &Terms::default())
    }
}

fn pairs(table: &'static str) -> Vec<Pair> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [label, from, to, source, target] = columns[..] else { panic!("not five columns: {line}") };
            let wrong = match label {
                "ok" => None,
                "number" => Some(PreservedKind::Number),
                "unit" => Some(PreservedKind::Unit),
                "drug" => Some(PreservedKind::Drug),
                "negation" => Some(PreservedKind::Negation),
                "laterality" => Some(PreservedKind::Laterality),
                other => panic!("{other}"),
            };
            Pair { wrong, from: from.parse().unwrap(), to: to.parse().unwrap(), source, target }
        })
        .collect()
}

/// False alarms among the correct pairs, and corrupted ones that nothing of their kind was found in.
fn measure(pairs: &[Pair]) -> (usize, usize) {
    let (mut alarms, mut missed) = (0, 0);
    for pair in pairs {
        let found = pair.check();
        let right = match pair.wrong {
            None => found.passed(),
            Some(kind) => found.findings.iter().any(|finding| finding.kind == kind),
        };
        if right {
            continue;
        }
        println!("{:?}: {} | {} -> {:?}", pair.wrong, pair.source, pair.target, found.findings);
        if pair.wrong.is_none() {
            alarms += 1;
        } else {
            missed += 1;
        }
    }
    let correct = pairs.iter().filter(|pair| pair.wrong.is_none()).count();
    println!("{alarms} false alarms of {correct}, {missed} missed of {}", pairs.len() - correct);
    (alarms, missed)
}

#[test]
fn corrupted_translations_are_found_and_correct_ones_pass() {
    let pairs = pairs(include_str!("preservation.tsv"));
    assert!(pairs.len() >= 340, "{}", pairs.len());
    // What was measured last. Pairs that it had not seen did worse: see the models' cards.
    assert_eq!(measure(&pairs), (0, 0));
}
