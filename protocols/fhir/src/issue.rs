//! What is wrong with a request, as an `OperationOutcome`. Diagnostics name elements and rules, never values: those may
//! be a patient's.

use crate::limits::MAX_ISSUES;
use healthsync_events::{Refusal, clinical::RejectionReason};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Codes of the value set `issue-type` that this server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    BusinessRule,
    CodeInvalid,
    Conflict,
    Duplicate,
    Exception,
    Extension,
    Incomplete,
    Invariant,
    MultipleMatches,
    NotFound,
    NotSupported,
    Required,
    Structure,
    Throttled,
    TooCostly,
    TooLong,
    Transient,
    Value,
}

impl Code {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BusinessRule => "business-rule",
            Self::CodeInvalid => "code-invalid",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::Exception => "exception",
            Self::Extension => "extension",
            Self::Incomplete => "incomplete",
            Self::Invariant => "invariant",
            Self::MultipleMatches => "multiple-matches",
            Self::NotFound => "not-found",
            Self::NotSupported => "not-supported",
            Self::Required => "required",
            Self::Structure => "structure",
            Self::Throttled => "throttled",
            Self::TooCostly => "too-costly",
            Self::TooLong => "too-long",
            Self::Transient => "transient",
            Self::Value => "value",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub severity: Severity,
    pub code: Code,
    /// `FHIRPath` of the element.
    pub expression: Option<String>,
    pub diagnostics: Cow<'static, str>,
}

impl Issue {
    pub fn error(code: Code, diagnostics: impl Into<Cow<'static, str>>) -> Self {
        Self { severity: Severity::Error, code, expression: None, diagnostics: diagnostics.into() }
    }

    #[must_use]
    pub fn at(mut self, expression: impl Into<String>) -> Self {
        self.expression = Some(expression.into());
        self
    }

    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Of an observation that could not be used.
    pub fn rejected(reason: RejectionReason, expression: &str) -> Self {
        let (code, diagnostics) = match reason {
            RejectionReason::UnknownCode => (Code::NotSupported, "is no vital sign that is known here"),
            RejectionReason::NotANumber => (Code::Value, "is not one number"),
            RejectionReason::UnitMismatch => (Code::Value, "is not in a unit of this vital sign"),
            RejectionReason::OutsidePhysiology => (Code::Value, "cannot be measured on a living person"),
            RejectionReason::NotFinal => (Code::BusinessRule, "is no result"),
        };
        Self::error(code, diagnostics).at(expression)
    }

    fn json(&self) -> Value {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut issue = json!({ "severity": severity, "code": self.code.as_str(), "diagnostics": self.diagnostics });
        if let Some(expression) = &self.expression {
            issue["expression"] = json!([expression]);
        }
        issue
    }
}

/// An `OperationOutcome` with these issues; all went well where there is none.
pub fn outcome(issues: &[Issue]) -> Value {
    if issues.is_empty() {
        let well = json!({ "severity": "information", "code": "informational", "diagnostics": "All went well" });
        return json!({ "resourceType": "OperationOutcome", "issue": [well] });
    }
    let told: Vec<Value> = issues.iter().take(MAX_ISSUES).map(Issue::json).collect();
    json!({ "resourceType": "OperationOutcome", "issue": told })
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("HTTP status {status}")]
pub struct Failure {
    pub status: u16,
    pub issues: Vec<Issue>,
    /// When it may be tried again.
    pub retry_after_ms: Option<u64>,
    /// What was sent is on record already, as something that could not be used.
    pub recorded: bool,
}

impl Failure {
    pub fn new(status: u16, issue: Issue) -> Self {
        Self::all(status, vec![issue])
    }

    pub fn all(status: u16, issues: Vec<Issue>) -> Self {
        Self { status, issues, retry_after_ms: None, recorded: false }
    }

    pub fn not_found(what: &'static str) -> Self {
        Self::new(404, Issue::error(Code::NotFound, what))
    }

    /// The same, of what stands at `prefix` in something larger: `Bundle.entry[3].resource`.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        let elsewhere =
            |issue: &&mut Issue| !issue.expression.as_deref().is_some_and(|place| place.starts_with(prefix));
        for issue in self.issues.iter_mut().filter(elsewhere) {
            issue.expression = Some(match issue.expression.take() {
                // The type's name is the place itself.
                Some(inner) => match inner.split_once('.') {
                    Some((_, rest)) => format!("{prefix}.resource.{rest}"),
                    None => format!("{prefix}.resource"),
                },
                None => prefix.to_owned(),
            });
        }
        self
    }

    pub fn outcome(&self) -> Value {
        outcome(&self.issues)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (status, code) = match &refusal {
            Refusal::UnknownSession | Refusal::NotFound { .. } => (404, Code::NotFound),
            // What is gone is the consultation, not the resource asked for.
            Refusal::SessionEnded | Refusal::Expired { .. } | Refusal::Conflict { .. } => (409, Code::Conflict),
            Refusal::Invalid { .. } => (422, Code::Value),
            Refusal::TooLarge { .. } => (413, Code::TooLong),
            Refusal::UnsupportedMedia { .. } => (415, Code::NotSupported),
            Refusal::Overloaded { .. } => (429, Code::Throttled),
            Refusal::Unavailable { .. } => (503, Code::Transient),
        };
        let retry_after_ms = match &refusal {
            Refusal::Overloaded { retry_after_ms, .. } => Some(*retry_after_ms),
            _ => None,
        };
        Self { retry_after_ms, ..Self::new(status, Issue::error(code, refusal.to_string())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_of_an_entry_names_its_place_in_the_bundle() {
        let inner = Issue::error(Code::Required, "is missing").at("Observation.component[1].code");
        let failure = Failure::new(422, inner).within("Bundle.entry[3]");
        assert_eq!(failure.issues[0].expression.as_deref(), Some("Bundle.entry[3].resource.component[1].code"));
        let whole =
            Failure::new(422, Issue::error(Code::Required, "is missing").at("Observation")).within("Bundle.entry[0]");
        assert_eq!(whole.issues[0].expression.as_deref(), Some("Bundle.entry[0].resource"));
    }

    #[test]
    fn refusals_keep_their_meaning() {
        for (refusal, status, code) in [
            (Refusal::UnknownSession, 404, Code::NotFound),
            (Refusal::SessionEnded, 409, Code::Conflict),
            (Refusal::unavailable("session log"), 503, Code::Transient),
        ] {
            let failure = Failure::from(refusal);
            assert_eq!((failure.status, failure.issues[0].code), (status, code));
        }
        let overloaded = Failure::from(Refusal::Overloaded { queue: "q".into(), retry_after_ms: 250 });
        assert_eq!((overloaded.status, overloaded.retry_after_ms), (429, Some(250)));
    }
}
