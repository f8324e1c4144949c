//! DTM, date and time: `YYYYMMDD[HHMM[SS[.S…]]][±ZZZZ]` (HL7 v2 chapter 2A.22). Pure.

use healthsync_events::Timestamp;
use jiff::civil;

/// An offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(jiff::tz::Offset);

impl Zone {
    pub const UTC: Self = Self(jiff::tz::Offset::UTC);

    /// Minutes east of UTC; `None` beyond what there is on earth (-12 to +14 hours).
    pub fn from_minutes(minutes: i32) -> Option<Self> {
        let inhabited = (-12 * 60..=14 * 60).contains(&minutes);
        inhabited.then(|| jiff::tz::Offset::from_seconds(minutes * 60).ok().map(Self)).flatten()
    }
}

/// Reads a time; one that names no zone is taken to be in `zone`.
pub fn read(text: &str, zone: Zone) -> Option<Timestamp> {
    let (clock, named) = split(text);
    let zone = if named.is_empty() { zone } else { self::zone(text)? };
    zone.0.to_timestamp(civil(clock)?).ok().map(Into::into)
}

/// The zone that a time names.
pub fn zone(text: &str) -> Option<Zone> {
    let (_, named) = split(text);
    let (sign, digits) = named.split_at_checked(1)?;
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let total = hours * 60 + minutes;
    if minutes > 59 { None } else { Zone::from_minutes(if sign == "-" { -total } else { total }) }
}

/// The date alone, as `YYYY-MM-DD`.
pub fn date(text: &str) -> Option<String> {
    civil(split(text).0).map(|at| at.date().to_string())
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_at(text.find(['+', '-']).unwrap_or(text.len()))
}

fn civil(clock: &str) -> Option<civil::DateTime> {
    let (digits, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let whole = matches!(digits.len(), 8 | 10 | 12 | 14) && fraction.len() <= 9;
    if !whole || !digits.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, len: usize| digits.get(from..from + len).map_or(Some(0), |d| d.parse::<i16>().ok());
    let mut millis = 0;
    for place in 0..3 {
        millis = millis * 10 + fraction.as_bytes().get(place).map_or(0, |digit| i32::from(digit - b'0'));
    }
    let small = |value: Option<i16>| value.map(|value| value as i8);
    civil::DateTime::new(
        part(0, 4)?,
        small(part(4, 2))?,
        small(part(6, 2))?,
        small(part(8, 2))?,
        small(part(10, 2))?,
        small(part(12, 2))?,
        millis * 1_000_000,
    )
    .ok()
}

/// `YYYYMMDDHHMMSS+0000`.
pub fn write(at: Timestamp) -> String {
    let mut text: String = at.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    text.push_str("+0000");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str, zone: Zone) -> Option<String> {
        read(text, zone).map(|at| at.to_string())
    }

    #[test]
    fn times_are_read_with_and_without_zone_and_fraction() {
        assert_eq!(at("20260102", Zone::UTC), Some("2026-01-02T00:00:00Z".into()));
        assert_eq!(at("20260102030405.678+0530", Zone::UTC), Some("2026-01-01T21:34:05.678Z".into()));
        assert_eq!(at("202601020304", Zone::from_minutes(-180).unwrap()), Some("2026-01-02T06:04:00Z".into()));
        assert_eq!(at("202601020304+0000", Zone::from_minutes(-180).unwrap()), Some("2026-01-02T03:04:00Z".into()));
        for bad in
            ["", "2026", "20261302", "20260102030405+5", "2026010203ab", "20260102+9999", "20260102+0060", "2026010"]
        {
            assert_eq!(at(bad, Zone::UTC), None, "{bad}");
        }
    }

    #[test]
    fn a_date_is_the_day_where_it_was_written() {
        assert_eq!(date("19800229"), Some("1980-02-29".into()));
        assert_eq!(date("19800229233000-0300"), Some("1980-02-29".into()));
        assert_eq!(date("19810229"), None);
    }

    proptest! {
        #[test]
        fn arbitrary_times_never_panic(text in "\\PC{0,30}") {
            let _ = (read(&text, Zone::UTC), zone(&text), date(&text));
        }

        #[test]
        fn what_is_written_is_read_back(seconds in 0i64..4_000_000_000) {
            let at = Timestamp::from_millis(seconds * 1_000);
            prop_assert_eq!(read(&write(at), Zone::UTC), Some(at));
        }
    }
}
