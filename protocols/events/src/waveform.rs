//! Waveforms: what a monitor samples many times a second, and what of it a session's log keeps.
//!
//! Samples themselves go to those who watch, and are not events: an ECG lead of 500 Hz is 86 MB a day, and every actor
//! that starts again folds the whole log. The log keeps one [`WaveformRecorded`] for each 10 s of a channel: that
//! there was a signal, how much of it came, and within which bounds.

use crate::{ids::Timestamp, refusal::Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use ts_rs::TS;

/// A code of ISO/IEEE 11073-10101: partition times 65,536 plus the code within it. It names channels and units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(transparent)]
pub struct MdcCode(pub u32);

impl MdcCode {
    /// `MDC_ECG_ELEC_POTL`: an ECG lead that is not named.
    pub const ECG: Self = Self(131_328);
    /// `MDC_ECG_ELEC_POTL_I`.
    pub const ECG_I: Self = Self(131_329);
    /// `MDC_ECG_ELEC_POTL_II`.
    pub const ECG_II: Self = Self(131_330);
    /// `MDC_ECG_ELEC_POTL_V1`; V2 to V6 follow it.
    pub const ECG_V1: Self = Self(131_331);
    /// `MDC_ECG_ELEC_POTL_III`; aVR, aVL and aVF follow it.
    pub const ECG_III: Self = Self(131_389);
    /// `MDC_ECG_ELEC_POTL_V`: a chest lead that is not numbered.
    pub const ECG_V: Self = Self(131_395);
    /// `MDC_PRESS_BLD_ART`.
    pub const ARTERIAL_PRESSURE: Self = Self(150_032);
    /// `MDC_PULS_OXIM_PLETH`: the photoplethysmogram of a pulse oximeter.
    pub const PLETH: Self = Self(150_452);
    /// `MDC_IMPED_TTHOR`: breathing, by the impedance of the chest.
    pub const RESPIRATION: Self = Self(151_780);

    /// `MDC_DIM_DIMLESS`.
    pub const DIMENSIONLESS: Self = Self(262_656);
    /// `MDC_DIM_PERCENT`.
    pub const PERCENT: Self = Self(262_688);
    /// `MDC_DIM_MMHG`.
    pub const MMHG: Self = Self(266_016);
    /// `MDC_DIM_MILLI_VOLT`.
    pub const MILLIVOLT: Self = Self(266_418);
    /// `MDC_DIM_MICRO_VOLT`.
    pub const MICROVOLT: Self = Self(266_419);

    /// The `n`-th code of the private range of partition 2 (SCADA, codes 0xF000 to 0xFFFF): for a channel without a
    /// code of its own. `n` is taken modulo 4,096.
    pub const fn private(n: u32) -> Self {
        Self((2 << 16) | 0xF000 | (n & 0xFFF))
    }
}

impl fmt::Display for MdcCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A stretch of one channel, as it crosses the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveformBlock {
    pub channel: MdcCode,
    pub unit: MdcCode,
    /// Counts the blocks of the channel from 0, one at a time, and wraps.
    pub sequence: u32,
    /// The first block of a stream: what came before has nothing to do with its number.
    pub first: bool,
    /// Samples in 1,000 seconds: 360 Hz is 360,000, 62.5 Hz is 62,500.
    pub rate_millihertz: u32,
    /// A sample's value is `offset + scale × step`, in `unit`.
    pub scale: f32,
    pub offset: f32,
    /// When the first sample was taken, in microseconds since the Unix epoch, by the source's clock.
    pub start_micros: i64,
    /// Steps; [`Self::NO_VALUE`] where the sensor had none.
    pub samples: Vec<i16>,
}

impl WaveformBlock {
    /// The step that says that there is no value.
    pub const NO_VALUE: i16 = i16::MIN;

    /// From the first sample to the one after the last, in microseconds.
    pub fn duration_micros(&self) -> i64 {
        let rate = i64::from(self.rate_millihertz.max(1));
        self.samples.len() as i64 * 1_000_000_000 / rate
    }

    /// When the sample after the last is due, in microseconds since the Unix epoch.
    pub fn end_micros(&self) -> i64 {
        self.start_micros.saturating_add(self.duration_micros())
    }

    /// The value of a step in `unit`.
    pub fn value(&self, step: i16) -> Option<f64> {
        (step != Self::NO_VALUE).then(|| f64::from(self.offset) + f64::from(self.scale) * f64::from(step))
    }
}

/// Where a source puts its blocks. Dropping it frees its channels for another source.
pub trait WaveformSink: Send {
    /// Never waits. [`Refusal::Conflict`] while another source sends the channel, [`Refusal::TooLarge`] beyond
    /// [`crate::limits::MAX_WAVEFORM_CHANNELS`]; [`Refusal::SessionEnded`] means that no later block will be taken.
    fn push(&mut self, block: Arc<WaveformBlock>) -> Result<(), Refusal>;
}

/// A stretch of a channel that a source has sent: 10 s, or less where the stream began, ended or changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WaveformRecorded {
    pub channel: MdcCode,
    pub unit: MdcCode,
    /// Hertz.
    pub sample_rate: f64,
    /// By the source's clock.
    pub started_at: Timestamp,
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// Samples that came with a value.
    pub samples: u32,
    /// Samples that should have come and did not: blocks that were lost, and times without a sensor.
    pub lost: u32,
    /// In `unit`; absent where no sample had a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub range: Option<WaveformRange>,
}

/// What the values of a stretch lie between, in the channel's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
pub struct WaveformRange {
    pub min: f64,
    pub max: f64,
    pub mean: f64,
}

/// What the server tells a source of waveforms, as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "notice")]
pub enum WaveformNotice {
    /// How far each channel has come, about once a second while blocks come.
    #[serde(rename = "waveform.received")]
    Received { channels: Vec<ChannelReceived> },
    /// A block was not taken; the stream goes on.
    #[serde(rename = "waveform.refused")]
    Refused { error: Refusal },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ChannelReceived {
    pub channel: MdcCode,
    /// Of the newest block taken.
    pub sequence: u32,
    /// Since this source connected.
    #[ts(type = "number")]
    pub blocks: u64,
    #[ts(type = "number")]
    pub lost_blocks: u64,
    #[ts(type = "number")]
    pub repeated_blocks: u64,
}
