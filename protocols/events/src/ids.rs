//! Identifiers, sequence numbers and time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use ts_rs::TS;
use uuid::Uuid;

/// Why a string is not an identifier of the kind asked for. The offending text is not repeated: it may be
/// a patient's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct IdError {
    pub kind: &'static str,
    pub rule: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| IdError { kind: stringify!($name), rule: "a UUID" })
            }
        }
    };
}

uuid_id!(
    /// One consultation.
    SessionId
);
uuid_id!(
    /// One stretch of speech by one participant, from voice onset to end-pointing.
    UtteranceId
);
uuid_id!(
    /// One uploaded image.
    ImageId
);
uuid_id!(
    /// One synthesised stretch of speech.
    SpeechId
);
uuid_id!(
    /// One raised alarm.
    AlarmId
);
uuid_id!(
    /// One invitation to a call.
    InvitationId
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $max:literal, $rule:literal, $ok:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, TS)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let ok: fn(char) -> bool = $ok;
                if text.is_empty() || text.len() > $max || !text.chars().all(ok) {
                    return Err(IdError { kind: stringify!($name), rule: $rule });
                }
                Ok(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }
    };
}

text_id!(
    /// A patient identifier as the hospital issues it: PID-3.1 of HL7 v2, `Patient.identifier.value` of FHIR.
    /// Patient data: never in a log line, a metric label or an error text.
    PatientId, 64, "1 to 64 printable characters without spaces",
    |c| !c.is_control() && !c.is_whitespace()
);
text_id!(
    /// A participant of a call, unique within its session, for example `patient` or `clinician`.
    ParticipantId, 64, "1 to 64 letters, digits, '-' or '_'",
    |c| c.is_ascii_alphanumeric() || c == '-' || c == '_'
);
text_id!(
    /// A BCP 47 language tag, for example `pt-BR` or `en`.
    Language, 35, "a BCP 47 tag such as 'pt' or 'pt-BR'",
    |c| c.is_ascii_alphanumeric() || c == '-'
);

impl Language {
    /// `und`: to be found out from what is said (BCP 47, section 4.1).
    pub const UNDETERMINED: &str = "und";

    pub fn is_undetermined(&self) -> bool {
        self.primary() == Self::UNDETERMINED
    }

    /// The primary language subtag in lower case: `pt` of `pt-BR`.
    pub fn primary(&self) -> String {
        self.0.split('-').next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Whether two tags name the same language, whatever the region.
    pub fn same_language(&self, other: &Self) -> bool {
        self.primary() == other.primary()
    }
}

/// Position of an event in its session's log: 1 for the first, then without gap or repeat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(transparent)]
pub struct Seq(#[ts(type = "number")] pub u64);

impl Seq {
    /// The first event of a session.
    pub const FIRST: Self = Self(1);

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A UTC instant, RFC 3339 on the wire, kept to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, TS)]
#[serde(transparent)]
pub struct Timestamp(
    #[schemars(with = "String")]
    #[ts(type = "string")]
    jiff::Timestamp,
);

impl Timestamp {
    /// Milliseconds since the Unix epoch; out-of-range values are brought to the nearest representable one.
    pub fn from_millis(millis: i64) -> Self {
        let max = jiff::Timestamp::MAX.as_millisecond();
        let min = jiff::Timestamp::MIN.as_millisecond();
        Self(jiff::Timestamp::from_millisecond(millis.clamp(min, max)).unwrap_or_default())
    }

    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        jiff::Timestamp::deserialize(d).map(|t| Self::from_millis(t.as_millisecond()))
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self::from_millis(at.as_millisecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse::<jiff::Timestamp>()
            .map(Into::into)
            .map_err(|_| IdError { kind: "Timestamp", rule: "an RFC 3339 instant" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_compared_by_its_primary_subtag() {
        let brazilian: Language = "pt-BR".parse().unwrap();
        assert!(brazilian.same_language(&"PT".parse().unwrap()));
        assert!(!brazilian.same_language(&"en".parse().unwrap()));
    }

    #[test]
    fn an_identifier_refusal_does_not_repeat_what_was_refused() {
        let error = PatientId::new("Maria da Silva").unwrap_err();
        assert!(!error.to_string().contains("Maria"));
    }

    #[test]
    fn an_oversized_identifier_is_refused_on_deserialisation_too() {
        let json = format!("\"{}\"", "x".repeat(65));
        assert!(serde_json::from_str::<PatientId>(&json).is_err());
    }
}
