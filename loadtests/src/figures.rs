//! Figures of several runs as text: medians with their range, and ratios.

/// The middle value and the range of what was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) };
    Some(Spread { median, least, most })
}

/// "median (least–most)"; what came in fewer than half of the runs, or in none, never came.
pub fn show(values: &[f64], decimals: usize, unit: &str) -> String {
    let Some(Spread { median, least, most }) = spread(values) else { return "never".into() };
    if !median.is_finite() {
        return "never".into();
    }
    let most = if most.is_finite() { format!("{most:.decimals$}") } else { "never".into() };
    format!("{median:.decimals$}{unit} ({least:.decimals$}–{most})")
}

/// Median over median; `None` where either never came, or is nothing.
pub fn of_medians(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let (ours, theirs) = (spread(ours)?.median, spread(theirs)?.median);
    (ours.is_finite() && theirs.is_finite() && theirs > 0.0).then_some(ours / theirs)
}

pub fn or_dash(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_medians_and_only_of_what_came() {
        assert_eq!(of_medians(&[1.0, 2.0, 9.0], &[4.0]), Some(0.5));
        assert_eq!(of_medians(&[f64::INFINITY], &[4.0]), None);
        assert_eq!(of_medians(&[1.0], &[0.0]), None);
        assert_eq!(of_medians(&[], &[1.0]), None);
    }

    #[test]
    fn medians_come_with_their_range() {
        assert_eq!(show(&[3.0, 1.0, 2.0], 1, " s"), "2.0 s (1.0–3.0)");
        assert_eq!(show(&[1.0, 2.0], 1, ""), "1.5 (1.0–2.0)");
        assert_eq!(show(&[1.0, 2.0, f64::INFINITY], 1, ""), "2.0 (1.0–never)");
        assert_eq!(show(&[f64::INFINITY; 3], 1, ""), "never");
        assert_eq!(show(&[], 1, ""), "never");
    }
}
