//! Searches: their parameters, and pages of what they find.

use crate::{
    chart::{Chart, Row},
    issue::{Code, Failure, Issue},
    limits::{DEFAULT_COUNT, MAX_COUNT},
    names::{CATEGORY, SIGNS},
    observation::{subject::logical_id, write::session_of},
    resource::Kind,
    sign::{PANEL, Sign},
    time,
};
use healthsync_events::{PatientId, SessionId, Timestamp};

/// Codes and dates that one search may name: more are no search any more.
const MAX_VALUES: usize = 32;

/// Whose resources.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    Patient(PatientId),
    /// A consultation.
    Session(SessionId),
}

/// Which kinds of Observation, by their codes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Token {
    /// Any system where there is none.
    system: Option<String>,
    code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Not,
    From,
    After,
    Until,
    Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct When {
    comparison: Comparison,
    from: Timestamp,
    to: Timestamp,
}

/// Where a page ends: the next one begins after it, whatever has come in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(i64, u64, u16);

/// A search as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub kind: Kind,
    pub whose: Whose,
    codes: Vec<Token>,
    when: Vec<When>,
    /// It asks for another category than there is here.
    nothing: bool,
    pub count: usize,
    after: Option<Place>,
    /// The parameters that were used, for the links of the page.
    used: Vec<(String, String)>,
}

impl Search {
    /// Reads parameters. One that is not known is refused, unless `lenient`: what it would have left out may matter.
    pub fn read(kind: Kind, parameters: &[(String, String)], lenient: bool) -> Result<Self, Failure> {
        let (mut whose, mut count, mut after, mut nothing) = (None, DEFAULT_COUNT, None, false);
        let (mut codes, mut when, mut used) = (Vec::new(), Vec::new(), Vec::new());
        let dated = dated(kind);
        for (name, value) in parameters {
            let refuse = |what: &'static str| bad(name, what);
            match name.as_str() {
                "patient" | "subject" | "patient.identifier" | "subject.identifier" | "patient:identifier"
                | "subject:identifier" => {
                    one(&mut whose, patient(value).ok_or_else(|| refuse("names no patient"))?, name)?;
                }
                "encounter" | "encounter.identifier" | "encounter:identifier" => {
                    one(&mut whose, session(value).ok_or_else(|| refuse("names no consultation"))?, name)?;
                }
                "code" if kind == Kind::Observation => codes.extend(value.split(',').map(token)),
                // All Observations here are vital signs.
                "category" if kind == Kind::Observation => {
                    nothing |= !value.split(',').map(token).any(|token| token.is(CATEGORY, "vital-signs"));
                }
                other if other == dated => when.push(date(value).ok_or_else(|| refuse("is no date"))?),
                "_count" => {
                    let asked: usize = value.parse().map_err(|_| refuse("is no number"))?;
                    count = asked.min(MAX_COUNT);
                }
                "_sort" if value.strip_prefix('-') == Some(dated) => {}
                "_cursor" => after = Some(place(value).ok_or_else(|| refuse("is not from here"))?),
                "_format" | "_pretty" => continue,
                _ if lenient => continue,
                _ => return Err(refuse("is not supported")),
            }
            if name != "_cursor" {
                used.push((name.clone(), value.clone()));
            }
        }
        if codes.len() > MAX_VALUES || when.len() > MAX_VALUES {
            return Err(Failure::new(400, Issue::error(Code::TooCostly, "the search names too many values")));
        }
        let nobody = || Failure::new(400, Issue::error(Code::Required, "patient or encounter is needed"));
        Ok(Self { kind, whose: whose.ok_or_else(nobody)?, codes, when, nothing, count, after, used })
    }

    pub fn codes(&self) -> &[Token] {
        &self.codes
    }

    /// Whether it asks for more than whose and which kinds.
    pub fn is_plain(&self) -> bool {
        self.when.is_empty() && self.after.is_none() && !self.nothing
    }

    /// All that it finds, newest first, and how many there are before and after this page.
    pub fn find(&self, chart: &Chart) -> Found {
        let mut all: Vec<Row> = chart.rows().iter().filter(|row| self.matches(row)).copied().collect();
        all.sort_unstable_by_key(|row| std::cmp::Reverse(place_of(row)));
        let total = all.len();
        let rest = all.into_iter().filter(|row| self.after.is_none_or(|after| place_of(row) < after));
        let mut page: Vec<Row> = rest.take(self.count + 1).collect();
        let more = page.len() > self.count;
        page.truncate(self.count);
        let next = page.last().filter(|_| more).map(place_of);
        Found { total, page, next }
    }

    fn matches(&self, row: &Row) -> bool {
        !self.nothing
            && row.kind == self.kind
            && self.when.iter().all(|when| when.holds(row.when))
            && of_codes(&self.codes, row.kind, row.sign)
    }

    /// The query of a page of this search.
    pub fn query(&self, next: Option<Place>) -> String {
        let mut used: Vec<String> =
            self.used.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        if let Some(Place(when, seq, part)) = next.or(self.after) {
            used.push(format!("_cursor={when}.{seq}.{part}"));
        }
        used.join("&")
    }
}

/// What a search found.
#[derive(Debug)]
pub struct Found {
    pub total: usize,
    pub page: Vec<Row>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
}

/// Whether an Observation of this sign is among those with the codes. Without codes all are; the one that stands for
/// several only if it is asked for, as its members are found themselves.
pub fn of_codes(codes: &[Token], kind: Kind, sign: Option<Sign>) -> bool {
    if kind != Kind::Observation {
        return true;
    }
    match sign {
        Some(_) if codes.is_empty() => true,
        Some(sign) => sign.codings().iter().any(|(system, code, _)| codes.iter().any(|token| token.is(system, code))),
        None => codes.iter().any(|token| token.is(crate::names::LOINC, PANEL.0)),
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.system {
            Some(system) => write!(f, "{system}|{}", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl Token {
    pub fn is(&self, system: &str, code: &str) -> bool {
        self.code == code && self.system.as_ref().is_none_or(|own| own == system)
    }
}

impl When {
    fn holds(self, at: Timestamp) -> bool {
        match self.comparison {
            Comparison::Equal => self.from <= at && at < self.to,
            Comparison::Not => at < self.from || self.to <= at,
            Comparison::From => self.from <= at,
            Comparison::After => self.to <= at,
            Comparison::Until => at < self.to,
            Comparison::Before => at < self.from,
        }
    }
}

fn one(whose: &mut Option<Whose>, named: Whose, name: &str) -> Result<(), Failure> {
    if whose.is_some() {
        return Err(bad(name, "stands beside another of its kind"));
    }
    *whose = Some(named);
    Ok(())
}

fn bad(name: &str, what: &'static str) -> Failure {
    // The name is the client's: it is repeated only where it is one.
    let plain = name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-".contains(&b));
    let name = if plain { name } else { "a parameter" };
    let code = if what == "is not supported" { Code::NotSupported } else { Code::Value };
    Failure::new(400, Issue::error(code, format!("{name} {what}")))
}

/// `P1`, `Patient/P1`, `system|P1`.
fn patient(text: &str) -> Option<Whose> {
    let id = if text.contains('/') && !text.contains('|') { logical_id(text)? } else { text };
    let value = id.rsplit_once('|').map_or(id, |(_, value)| value);
    PatientId::new(value).ok().map(Whose::Patient)
}

/// The session's UUID, alone or as an identifier.
fn session(text: &str) -> Option<Whose> {
    let id = session_of(text).or_else(|| text.strip_prefix("Encounter/")).unwrap_or(text);
    id.parse().ok().map(Whose::Session)
}

fn token(text: &str) -> Token {
    match text.split_once('|') {
        Some((system, code)) => Token { system: Some(system.to_owned()), code: code.to_owned() },
        None => Token { system: None, code: text.to_owned() },
    }
}

fn date(text: &str) -> Option<When> {
    let prefixes = [
        ("eq", Comparison::Equal),
        ("ne", Comparison::Not),
        ("ge", Comparison::From),
        ("gt", Comparison::After),
        ("sa", Comparison::After),
        ("le", Comparison::Until),
        ("lt", Comparison::Before),
        ("eb", Comparison::Before),
    ];
    let found = prefixes.iter().find_map(|(prefix, comparison)| Some((*comparison, text.strip_prefix(prefix)?)));
    let (comparison, rest) = found.unwrap_or((Comparison::Equal, text));
    let (from, to) = time::range(rest)?;
    Some(When { comparison, from, to })
}

fn place(text: &str) -> Option<Place> {
    let mut parts = text.splitn(3, '.');
    Some(Place(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn place_of(row: &Row) -> Place {
    Place(row.when.millis(), row.seq.0, row.part)
}

/// The parameter for when something was measured, scored or raised.
pub const fn dated(kind: Kind) -> &'static str {
    match kind {
        Kind::Observation | Kind::RiskAssessment => "date",
        Kind::DetectedIssue => "identified",
    }
}

/// Percent-encoding of all that has a meaning in a query.
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:|/,".contains(&byte) {
            escaped.push(byte as char);
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Which signs may be searched, for the documentation of the capability.
pub fn searchable() -> String {
    let codes = Sign::ALL.iter().flat_map(|sign| sign.codings().iter());
    let told: Vec<String> = codes
        .map(|(system, code, _)| if *system == SIGNS { (*code).to_owned() } else { format!("LOINC {code}") })
        .collect();
    format!("{}; LOINC {} for sets measured together", told.join(", "), PANEL.0)
}

#[cfg(test)]
mod tests;
