//! Quantities of a source against those of its translation.

use super::{
    Side, finding,
    quantity::{Joint, Quantities, Quantity},
    rational::Rational,
    units::Unit,
};
use healthsync_events::speech::{
    PreservationFinding,
    PreservationProblem::{Added, Changed, Missing},
    PreservedKind,
};

/// How two quantities may belong together, from the closest on.
const WAYS: [fn(&Quantity, &Quantity) -> bool; 4] = [
    |a, b| a.same_value(b) && same_unit(a, b) && a.per == b.per,
    same_amount,
    |a, b| a.same_value(b) && same_unit(a, b),
    |a, b| a.same_value(b) && (a.unit.is_none() || b.unit.is_none()),
];

/// Compares the quantities of `source` with those of `target`.
pub(super) fn compare(source: &Side<'_>, target: &Side<'_>) -> Vec<PreservationFinding> {
    let mut comparison = Comparison {
        source,
        target,
        theirs: vec![None; source.quantities.items.len()],
        taken: vec![false; target.quantities.items.len()],
        findings: Vec::new(),
    };
    for way in WAYS {
        comparison.pair(way);
    }
    comparison.units_of_pairs();
    comparison.order();
    comparison.changed_units();
    comparison.changed_values();
    comparison.left_over();
    comparison.findings
}

/// A pairing under way.
struct Comparison<'a> {
    source: &'a Side<'a>,
    target: &'a Side<'a>,
    /// The quantity of the target that each of the source belongs to.
    theirs: Vec<Option<usize>>,
    taken: Vec<bool>,
    findings: Vec<PreservationFinding>,
}

impl<'a> Comparison<'a> {
    fn ours(&self) -> &'a [Quantity] {
        &self.source.quantities.items
    }

    fn others(&self) -> &'a [Quantity] {
        &self.target.quantities.items
    }

    /// Pairs what is free and fits, certain quantities with certain ones first.
    fn pair(&mut self, fits: impl Fn(&Quantity, &Quantity) -> bool) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for certain in [2, 1, 0] {
            for (mine, quantity) in self.ours().iter().enumerate() {
                let free = |other: &usize| {
                    let its = &self.others()[*other];
                    let sure = usize::from(quantity.required) + usize::from(its.required);
                    !self.taken[*other] && sure == certain && fits(quantity, its)
                };
                if self.theirs[mine].is_some() {
                    continue;
                }
                if let Some(other) = (0..self.taken.len()).find(free) {
                    (self.theirs[mine], self.taken[other]) = (Some(other), true);
                    pairs.push((mine, other));
                }
            }
        }
        pairs
    }

    fn add(&mut self, kind: PreservedKind, source: Option<&Quantity>, target: Option<&Quantity>) {
        let problem = match (source, target) {
            (Some(_), Some(_)) => Changed,
            (Some(_), None) => Missing,
            _ => Added,
        };
        let words = |side: &Side<'_>, quantity: Option<&Quantity>| quantity.map(|it| side.words(it.first, it.next));
        self.findings.push(finding(kind, problem, words(self.source, source), words(self.target, target)));
    }

    /// Of equal numbers: whether a unit or a rate got lost, or came from nowhere.
    fn units_of_pairs(&mut self) {
        for mine in 0..self.theirs.len() {
            let Some(other) = self.theirs[mine] else { continue };
            let (a, b) = (&self.ours()[mine], &self.others()[other]);
            if !(a.required || b.required) {
                continue;
            }
            let amounts = !a.same_value(b) && same_amount(a, b);
            let unit = !amounts && differs(a.unit, b.unit, &self.source.quantities, &self.target.quantities);
            // "14 over 9" is no age.
            let unit = unit || a.joint == Joint::Order && a.unit.is_none() && b.unit == Some(Unit::Year);
            if unit || differs(a.per, b.per, &self.source.quantities, &self.target.quantities) {
                self.add(PreservedKind::Unit, Some(a), Some(b));
            }
        }
    }

    /// "120/80" must not become "80/120", nor "de 25 para 50" the reverse.
    fn order(&mut self) {
        for mine in 0..self.theirs.len().saturating_sub(1) {
            let (Some(first), Some(second)) = (self.theirs[mine], self.theirs[mine + 1]) else { continue };
            let (a, b) = (&self.ours()[mine], &self.others()[second]);
            // Three in a row are a date, whose order is its language's.
            let date = self.ours().get(mine + 1).is_some_and(|next| next.joint == Joint::Order)
                || mine > 0 && self.ours()[mine - 1].joint == Joint::Order;
            let turned = second + 1 == first && b.joint == Joint::Order && !a.same_value(b);
            if a.joint == Joint::Order && turned && !date {
                self.add(PreservedKind::Number, Some(a), Some(b));
            }
        }
    }

    fn changed_units(&mut self) {
        let pairs = self.pair(|a, b| a.same_value(b) && (a.required || b.required));
        for (mine, other) in pairs {
            let (a, b) = (&self.ours()[mine], &self.others()[other]);
            self.add(PreservedKind::Unit, Some(a), Some(b));
        }
    }

    fn changed_values(&mut self) {
        let sure = |a: &Quantity, b: &Quantity| a.required || b.required;
        let ways: [fn(&Quantity, &Quantity) -> bool; 2] = [
            |a, b| a.unit.is_some() && same_unit(a, b),
            |a, b| a.required && b.required && (a.unit.is_none() || b.unit.is_none() || a.unit == b.unit),
        ];
        for way in ways {
            for (mine, other) in self.pair(|a, b| sure(a, b) && way(a, b)) {
                let (a, b) = (&self.ours()[mine], &self.others()[other]);
                self.add(PreservedKind::Number, Some(a), Some(b));
            }
        }
    }

    fn left_over(&mut self) {
        for (mine, quantity) in self.ours().iter().enumerate() {
            if self.theirs[mine].is_none() && quantity.required {
                self.add(PreservedKind::Number, Some(quantity), None);
            }
        }
        for (other, quantity) in self.others().iter().enumerate() {
            if !self.taken[other] && quantity.required {
                self.add(PreservedKind::Number, None, Some(quantity));
            }
        }
    }
}

fn same_unit(a: &Quantity, b: &Quantity) -> bool {
    match (a.unit, b.unit) {
        (Some(a), Some(b)) => a.same(b),
        (None, None) => true,
        _ => false,
    }
}

/// "0,5 g" is "500 mg", "uma semana" is "7 days".
fn same_amount(a: &Quantity, b: &Quantity) -> bool {
    let size = |quantity: &Quantity| quantity.unit.and_then(Unit::size);
    let (Some((dimension, mine)), Some((other, its))) = (size(a), size(b)) else { return false };
    let amount = |number: Rational, size: Rational| number.times(size);
    let same = |x: Rational| b.numbers().any(|y| amount(y, its).is_some_and(|its| Some(its) == amount(x, mine)));
    dimension == other && a.numbers().any(same)
}

/// Whether a unit is another, or is only in one text although it cannot be understood without a word.
fn differs(a: Option<Unit>, b: Option<Unit>, source: &Quantities, target: &Quantities) -> bool {
    let mentioned = |unit: Unit, by: &Quantities| by.mentioned.iter().any(|its| its.same(unit));
    match (a, b) {
        (None, None) => false,
        (Some(a), Some(b)) => !a.same(b),
        (Some(unit), None) => !unit.may_be_understood() && !mentioned(unit, target),
        (None, Some(unit)) => !unit.may_be_understood() && !mentioned(unit, source),
    }
}
