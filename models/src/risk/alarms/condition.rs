//! What an alarm can be about, and how it says so.

use healthsync_events::{
    AlarmId, Seq, SessionId, VitalSign,
    alarm::{AlarmClass, AlarmKind, AlarmPriority, AlarmRaised},
    risk::{RiskBand, ScoreName},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How urgent a score is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    SingleParameter,
    Urgent,
    Emergency,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::SingleParameter, Self::Urgent, Self::Emergency];

    pub const fn of(band: RiskBand) -> Option<Self> {
        match band {
            RiskBand::Low => None,
            RiskBand::LowMedium => Some(Self::SingleParameter),
            RiskBand::Medium => Some(Self::Urgent),
            RiskBand::High => Some(Self::Emergency),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Low,
    High,
}

/// What an alarm is about: there is at most one alarm for each at a time, which bounds their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// NEWS2 or PEWS.
    Score(ScoreName, Level),
    Limit(VitalSign, Side),
    SensorOff(VitalSign),
    NoData,
    Artefact(VitalSign),
}

impl Condition {
    /// `None` for an alarm of a kind that lacks what it is about.
    pub fn of(raised: &AlarmRaised) -> Option<Self> {
        Some(match raised.kind {
            AlarmKind::News2SingleParameter => Self::Score(ScoreName::News2, Level::SingleParameter),
            AlarmKind::News2Urgent => Self::Score(ScoreName::News2, Level::Urgent),
            AlarmKind::News2Emergency => Self::Score(ScoreName::News2, Level::Emergency),
            AlarmKind::PewsUrgent => Self::Score(ScoreName::Pews, Level::Urgent),
            AlarmKind::PewsEmergency => Self::Score(ScoreName::Pews, Level::Emergency),
            AlarmKind::LimitLow => Self::Limit(raised.parameter?, Side::Low),
            AlarmKind::LimitHigh => Self::Limit(raised.parameter?, Side::High),
            AlarmKind::SensorOff => Self::SensorOff(raised.parameter?),
            AlarmKind::NoData => Self::NoData,
            AlarmKind::Artefact => Self::Artefact(raised.parameter?),
        })
    }

    pub const fn kind(self) -> AlarmKind {
        match self {
            Self::Score(ScoreName::Pews, Level::Emergency) => AlarmKind::PewsEmergency,
            Self::Score(ScoreName::Pews, _) => AlarmKind::PewsUrgent,
            Self::Score(_, Level::SingleParameter) => AlarmKind::News2SingleParameter,
            Self::Score(_, Level::Urgent) => AlarmKind::News2Urgent,
            Self::Score(_, Level::Emergency) => AlarmKind::News2Emergency,
            Self::Limit(_, Side::Low) => AlarmKind::LimitLow,
            Self::Limit(_, Side::High) => AlarmKind::LimitHigh,
            Self::SensorOff(_) => AlarmKind::SensorOff,
            Self::NoData => AlarmKind::NoData,
            Self::Artefact(_) => AlarmKind::Artefact,
        }
    }

    const fn class(self) -> AlarmClass {
        match self {
            Self::Score(..) | Self::Limit(..) => AlarmClass::Clinical,
            Self::SensorOff(_) | Self::NoData | Self::Artefact(_) => AlarmClass::Technical,
        }
    }

    const fn priority(self) -> AlarmPriority {
        match self {
            Self::Score(_, Level::Emergency) | Self::Limit(..) => AlarmPriority::High,
            Self::Score(_, Level::Urgent) | Self::NoData => AlarmPriority::Medium,
            Self::Score(_, Level::SingleParameter) | Self::SensorOff(_) | Self::Artefact(_) => AlarmPriority::Low,
        }
    }

    const fn parameter(self) -> Option<VitalSign> {
        match self {
            Self::Limit(sign, _) | Self::SensorOff(sign) | Self::Artefact(sign) => Some(sign),
            Self::Score(..) | Self::NoData => None,
        }
    }

    /// Limits are set where nothing may be missed: their alarms stand until somebody has seen them.
    const fn latching(self) -> bool {
        matches!(self, Self::Limit(..))
    }

    fn message(self, broken: Option<(f64, f64)>) -> String {
        let beyond = |sign: VitalSign, how: &str| {
            let (value, limit) = broken.unwrap_or_default();
            let (unit, decimals) = (sign.unit(), sign.decimals());
            format!("{} {value:.decimals$} {unit} is {how} {limit:.decimals$} {unit}", said(sign))
        };
        match self {
            Self::Score(ScoreName::Pews, Level::Emergency) => "PEWS is 7 or more, emergency response".into(),
            Self::Score(ScoreName::Pews, _) => "PEWS is 5 or 6, urgent response".into(),
            Self::Score(_, Level::SingleParameter) => "NEWS2: one parameter scores 3, ward-based review".into(),
            Self::Score(_, Level::Urgent) => "NEWS2 is 5 or 6, urgent response".into(),
            Self::Score(_, Level::Emergency) => "NEWS2 is 7 or more, emergency response".into(),
            Self::Limit(sign, Side::Low) => beyond(sign, "below"),
            Self::Limit(sign, Side::High) => beyond(sign, "above"),
            Self::SensorOff(sign) => format!("{} is no longer measured: check the sensor", said(sign)),
            Self::NoData => "The monitor sends nothing: check its connection".into(),
            Self::Artefact(sign) => format!("{} cannot be believed: check the sensor", said(sign)),
        }
    }

    /// The alarm, named after its session, its condition and what began it, so that who raises it again raises the
    /// same. `broken` is the value and the limit it broke.
    pub fn raise(self, session: SessionId, because: Seq, broken: Option<(f64, f64)>) -> AlarmRaised {
        AlarmRaised {
            alarm: self.name(session, because),
            kind: self.kind(),
            class: self.class(),
            priority: self.priority(),
            message: self.message(broken),
            because,
            parameter: self.parameter(),
            value: broken.map(|(value, _)| value),
            limit: broken.map(|(_, limit)| limit),
            latching: self.latching(),
        }
    }

    /// A UUID of version 8 (RFC 9562) made from what the alarm is about.
    fn name(self, session: SessionId, because: Seq) -> AlarmId {
        let digest = Sha256::digest(format!("{session}/{because}/{self:?}"));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        AlarmId(Uuid::new_v8(bytes))
    }
}

const fn said(sign: VitalSign) -> &'static str {
    match sign {
        VitalSign::HeartRate => "Pulse",
        VitalSign::RespiratoryRate => "Respiration",
        VitalSign::Spo2 => "SpO₂",
        VitalSign::SystolicBp => "Systolic pressure",
        VitalSign::DiastolicBp => "Diastolic pressure",
        VitalSign::Temperature => "Temperature",
    }
}
