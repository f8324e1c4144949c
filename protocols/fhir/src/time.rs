//! Times as FHIR writes them: instants, and the partial dates that searches may use.

use healthsync_events::Timestamp;
use jiff::{ToSpan as _, civil::Date, tz::Offset};

/// The first moment that FHIR has a way to write, in milliseconds: the year 1 begins.
const FIRST_MS: i64 = -62_135_596_800_000;

/// An instant, or a `dateTime` with a time of day: `2026-11-23T12:00:00-03:00`. `None` for anything less exact.
pub fn instant(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let punctuation = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.len() < 20 || bytes.len() > 40 || punctuation.iter().any(|(place, byte)| bytes[*place] != *byte) {
        return None;
    }
    // What jiff reads beyond FHIR's format: week dates, names of zones, lower case.
    if !bytes.iter().all(|b| b.is_ascii_digit() || b"-T:.Z+".contains(b)) {
        return None;
    }
    let zone = if text.ends_with('Z') { 1 } else { 6 };
    let offset = &bytes[bytes.len() - zone..];
    if zone == 6 && !(matches!(offset[0], b'+' | b'-') && offset[3] == b':') {
        return None;
    }
    // What can be read must be possible to write again, in UTC.
    text.parse().ok().filter(|at: &Timestamp| at.millis() >= FIRST_MS)
}

/// The instants from `.0` on and before `.1` that a date of a search stands for. A time without a zone is UTC.
pub fn range(text: &str) -> Option<(Timestamp, Timestamp)> {
    if let Some(at) = instant(text) {
        let width = if text.contains('.') { 1 } else { 1_000 };
        return Some((at, Timestamp::from_millis(at.millis() + width)));
    }
    if text.len() == 19
        && let Some(at) = instant(&format!("{text}Z"))
    {
        return Some((at, Timestamp::from_millis(at.millis() + 1_000)));
    }
    let digits = |range: std::ops::Range<usize>| -> Option<i16> {
        let part = text.get(range)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let year = digits(0..4)?;
    let date = |month: i16, day: i16| Date::new(year, month as i8, day as i8).ok();
    let (first, next) = match shape.as_str() {
        "0000" => (date(1, 1)?, date(1, 1)?.checked_add(1.year()).ok()?),
        "0000-00" => (date(digits(5..7)?, 1)?, date(digits(5..7)?, 1)?.checked_add(1.month()).ok()?),
        "0000-00-00" => {
            let day = date(digits(5..7)?, digits(8..10)?)?;
            (day, day.checked_add(1.day()).ok()?)
        }
        _ => return None,
    };
    let midnight = |date: Date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok().map(Timestamp::from);
    Some((midnight(first)?, midnight(next)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zones_are_taken_into_account_and_instants_must_be_exact() {
        let at = instant("2026-11-23T12:00:00-03:00").unwrap();
        assert_eq!(at, instant("2026-11-23T15:00:00Z").unwrap());
        assert_eq!(at.millis() + 250, instant("2026-11-23T15:00:00.25Z").unwrap().millis());
        assert_eq!(instant("0001-01-01T00:00:00Z").map(Timestamp::millis), Some(FIRST_MS));
        for text in [
            "2026",
            "2026-11",
            "2026-11-23",
            "2026-11-23T12:00Z",
            "2026-11-23T12:00:00",
            "2026-11-23 12:00:00Z",
            "2026-13-23T12:00:00Z",
            "2026-11-23T12:00:00+3:00",
            "2026-11-23t12:00:00z",
            "2026-W47-1T12:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+01:00",
            "",
            "2026-11-23T12:00:00Z[Etc/UTC]",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_partial_date_stands_for_all_of_it() {
        let day = 86_400_000;
        let length = |text| range(text).map(|(from, to)| to.millis() - from.millis());
        assert_eq!(length("2028"), Some(366 * day));
        assert_eq!(length("2026-02"), Some(28 * day));
        assert_eq!(length("2026-11-23"), Some(day));
        assert_eq!(length("2026-11-23T12:00:00"), Some(1_000));
        assert_eq!(length("2026-11-23T12:00:00.5Z"), Some(1));
        for text in ["26", "2026-1", "2026-02-30", "yesterday", "2026-11-23T12", "２０２６"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0_i64..4_102_444_800_000) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(instant(&at.to_string()), Some(at));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}") {
            let _ = (instant(&text), range(&text));
        }
    }
}
