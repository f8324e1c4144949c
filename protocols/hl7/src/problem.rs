//! What is wrong with a message, as an ERR segment says it. Texts name places and rules, never values. Pure.

use crate::error::Hl7Error;
use healthsync_events::{Refusal, clinical::RejectionReason};

/// ERR-4 (HL7 table 0516).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Information,
    Warning,
    Error,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "I",
            Self::Warning => "W",
            Self::Error => "E",
        }
    }
}

/// ERR-2: where in the message; 0 where it does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub segment: &'static str,
    /// Which one of its name, from 1.
    pub sequence: usize,
    pub field: u8,
    pub component: u8,
}

/// One ERR segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub place: Option<Place>,
    /// ERR-3, HL7 table 0357.
    pub code: u16,
    pub severity: Severity,
    /// ERR-5: this server's own word for it.
    pub reason: &'static str,
    /// ERR-8 for a person; ERR-7 says the same to a technician.
    pub text: String,
}

impl Problem {
    pub fn of_message(error: Hl7Error) -> Self {
        let (segment, field, component) = error.place();
        let place = Place { segment, sequence: 1, field, component };
        let (code, text) = (error.code(), error.to_string());
        Self { place: Some(place), code, severity: Severity::Error, reason: "message", text }
    }

    /// The server's own trouble: the sender may try again.
    pub fn of_refusal(refusal: &Refusal) -> Self {
        let reason = if refusal.retryable() { "try_again" } else { "refused" };
        Self { place: None, code: 207, severity: Severity::Error, reason, text: refusal.to_string() }
    }

    /// An observation that was not used; `sequence` is its OBX, counted from 1.
    pub fn of_observation(sequence: usize, reason: RejectionReason) -> Self {
        use RejectionReason as R;
        let (field, code, severity, text) = match reason {
            R::UnknownCode => {
                (3, 103, Severity::Warning, "the code is not known here: the observation is kept as sent")
            }
            R::NotANumber => (5, 102, Severity::Warning, "the value is no number: the observation is kept as sent"),
            R::UnitMismatch => (6, 103, Severity::Warning, "the unit does not fit the code: kept as sent"),
            R::OutsidePhysiology => (5, 102, Severity::Warning, "the value cannot be a living person's: kept as sent"),
            R::NotFinal => (11, 103, Severity::Information, "the status says that there is no result yet"),
        };
        let place = Place { segment: "OBX", sequence, field, component: 0 };
        Self { place: Some(place), code, severity, reason: reason.as_str(), text: text.into() }
    }

    pub fn no_session() -> Self {
        let place = Place { segment: "PID", sequence: 1, field: 3, component: 0 };
        let text = "no open session of this patient: the message is kept".into();
        Self { place: Some(place), code: 204, severity: Severity::Warning, reason: "no_session", text }
    }

    pub fn time(segment: &'static str, sequence: usize, field: u8) -> Self {
        let text = "the time cannot be read: that of the order or of the message stands in for it".into();
        let place = Place { segment, sequence, field, component: 0 };
        Self { place: Some(place), code: 102, severity: Severity::Warning, reason: "time", text }
    }
}

/// Texts of HL7 table 0357.
pub const fn describe(code: u16) -> &'static str {
    match code {
        0 => "Message accepted",
        100 => "Segment sequence error",
        101 => "Required field missing",
        102 => "Data type error",
        103 => "Table value not found",
        104 => "Value too long",
        200 => "Unsupported message type",
        201 => "Unsupported event code",
        202 => "Unsupported processing id",
        203 => "Unsupported version id",
        204 => "Unknown key identifier",
        _ => "Application error",
    }
}
