//! The envelope every event travels in.

use crate::{
    body::EventBody,
    ids::{Seq, SessionId, Timestamp},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Version of the vocabulary. It rises when a reader of the older version could misunderstand a newer event;
/// added types and added optional fields do not raise it.
pub const VERSION: u8 = 1;

/// One entry of a session's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Event {
    pub v: u8,
    pub session: SessionId,
    pub seq: Seq,
    /// When the session actor sequenced it.
    pub at: Timestamp,
    #[serde(flatten)]
    pub body: EventBody,
}

/// An event that has no place in a log yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    pub at: Timestamp,
    pub body: EventBody,
}

impl NewEvent {
    pub fn sequenced(self, session: SessionId, seq: Seq) -> Event {
        Event { v: VERSION, session, seq, at: self.at, body: self.body }
    }
}

/// What a client reads from the event stream: events, and notices that have no place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "notice")]
pub enum StreamNotice {
    /// Partials from `from` to `to` were left out for this slow client; each was superseded.
    #[serde(rename = "stream.coalesced")]
    Coalesced { from: Seq, to: Seq },
    /// The stream cannot go on from the sequence number asked for.
    #[serde(rename = "stream.cannot_resume")]
    CannotResume { asked: Seq, head: Seq },
    /// A command on this stream was refused.
    #[serde(rename = "stream.refused")]
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        id: Option<String>,
        error: crate::Refusal,
    },
    /// A command on this stream was recorded under this sequence number.
    #[serde(rename = "stream.accepted")]
    Accepted {
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        id: Option<String>,
        seq: Seq,
    },
}

/// What a client may send on the event stream. `id`, if given, comes back with the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "command", deny_unknown_fields)]
pub enum StreamCommand {
    #[serde(rename = "chat.send")]
    Chat {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
        participant: crate::ParticipantId,
        language: crate::Language,
        text: String,
    },
    #[serde(rename = "report.request")]
    RequestReport {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
    },
    /// What a participant speaks; `und` has it found out.
    #[serde(rename = "language.set")]
    SetLanguage {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
        participant: crate::ParticipantId,
        language: crate::Language,
    },
    /// A participant's own microphone and camera, muted or not.
    #[serde(rename = "media.mute")]
    Mute {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
        participant: crate::ParticipantId,
        audio: bool,
        video: bool,
    },
    /// Somebody has seen an alarm and takes care of it.
    #[serde(rename = "alarm.acknowledge")]
    AcknowledgeAlarm {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
        participant: crate::ParticipantId,
        alarm: crate::AlarmId,
    },
    /// The sound of one alarm, or of all that stand, is off for some seconds.
    #[serde(rename = "alarm.silence")]
    SilenceAlarm {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
        participant: crate::ParticipantId,
        #[serde(default)]
        #[ts(optional)]
        alarm: Option<crate::AlarmId>,
        seconds: u16,
    },
    /// How the patient is monitored from now on.
    #[serde(rename = "monitoring.change")]
    ChangeMonitoring {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
        change: crate::monitoring::MonitoringChange,
    },
    #[serde(rename = "session.end")]
    End {
        #[serde(default)]
        #[ts(optional)]
        id: Option<String>,
    },
}
