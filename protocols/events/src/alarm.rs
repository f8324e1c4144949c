//! Alarms and who answered them. Terms and priorities follow IEC 60601-1-8.

use crate::{
    clinical::VitalSign,
    ids::{AlarmId, ParticipantId, Seq, Timestamp},
    limits::MAX_SILENCE_SECONDS,
    refusal::Refusal,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// One NEWS2 parameter scores 3.
    News2SingleParameter,
    /// NEWS2 of 5 or 6: urgent response.
    News2Urgent,
    /// NEWS2 of 7 or more: emergency response.
    News2Emergency,
    /// Bedside PEWS of 5 or 6.
    PewsUrgent,
    /// Bedside PEWS of 7 or more.
    PewsEmergency,
    /// A vital sign is below its limit.
    LimitLow,
    /// A vital sign is above its limit.
    LimitHigh,
    /// A vital sign that was measured continuously is no longer sent.
    SensorOff,
    /// Nothing is sent any more.
    NoData,
    /// A vital sign's values cannot be believed.
    Artefact,
}

/// Whether an alarm is about the patient or about the equipment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmClass {
    #[default]
    Clinical,
    Technical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmPriority {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmRaised {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    #[serde(default)]
    pub class: AlarmClass,
    pub priority: AlarmPriority,
    pub message: String,
    /// Sequence number of the score or the observation that raised it.
    pub because: Seq,
    /// The vital sign it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub parameter: Option<VitalSign>,
    /// The value that broke the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub value: Option<f64>,
    /// The limit that was broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub limit: Option<f64>,
    /// Stands until it is acknowledged, even when its condition is over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub latching: bool,
}

/// Why an alarm no longer stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AlarmClearReason {
    /// What called for it has been over for long enough.
    #[default]
    ConditionOver,
    /// Another took its place: a more urgent one of the same score, or one for the same limit broken anew.
    Superseded,
    /// Its condition was over, and it was acknowledged.
    Acknowledged,
    /// The limits or the scores of the patient were changed so that nothing calls for it.
    MonitoringChanged,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmCleared {
    pub alarm: AlarmId,
    pub kind: AlarmKind,
    pub because: Seq,
    #[serde(default)]
    pub reason: AlarmClearReason,
}

/// The condition of a latching alarm is over; it stands until somebody acknowledges it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmLatched {
    pub alarm: AlarmId,
    pub because: Seq,
}

/// Somebody has seen an alarm and takes care of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmAcknowledged {
    pub alarm: AlarmId,
    pub by: ParticipantId,
}

/// The sound of alarms is off from this event on for `seconds`. An alarm raised later sounds all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmSilenced {
    /// One alarm; all that stand when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub alarm: Option<AlarmId>,
    pub by: ParticipantId,
    /// 1 to [`MAX_SILENCE_SECONDS`].
    pub seconds: u16,
}

impl AlarmSilenced {
    pub fn check(&self) -> Result<(), Refusal> {
        if (1..=MAX_SILENCE_SECONDS).contains(&self.seconds) {
            return Ok(());
        }
        Err(Refusal::invalid("seconds", format!("must be 1 to {MAX_SILENCE_SECONDS}")))
    }
}

/// Why an alarm calls again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum EscalationReason {
    /// Nobody acknowledged it in time.
    Unacknowledged,
    /// It was acknowledged, and the patient got worse: the acknowledgement no longer counts.
    Worse,
}

/// An alarm calls again, and for more people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AlarmEscalated {
    pub alarm: AlarmId,
    /// 1 for the first time this alarm called again, then without gap.
    pub step: u8,
    pub reason: EscalationReason,
    /// The score or observation it rests on.
    pub because: Seq,
}

/// What has become of an alarm that stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema, TS)]
pub struct AlarmStatus {
    /// Who acknowledged it, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub acknowledged: Option<(ParticipantId, Timestamp)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub silenced_until: Option<Timestamp>,
    /// How often it called again.
    pub step: u8,
    /// Its condition is over; it waits for being acknowledged.
    pub latched: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_has_an_end() {
        let silence = |seconds| AlarmSilenced { alarm: None, by: "clinician".parse().unwrap(), seconds }.check();
        assert!(silence(0).is_err() && silence(MAX_SILENCE_SECONDS + 1).is_err());
        assert!(silence(1).is_ok() && silence(MAX_SILENCE_SECONDS).is_ok());
    }

    #[test]
    fn an_alarm_written_before_classes_existed_is_clinical() {
        let json = r#"{"alarm":"00000000-0000-0000-0000-000000000000","kind":"news2_urgent","priority":"medium",
            "message":"m","because":3}"#;
        let raised: AlarmRaised = serde_json::from_str(json).unwrap();
        assert_eq!((raised.class, raised.latching), (AlarmClass::Clinical, false));
    }
}
