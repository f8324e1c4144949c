//! Blocks out of a recording, as a monitor would have sent them. Pure.

use crate::wfdb::{Record, Signal};
use healthsync_events::{
    MdcCode, WaveformBlock,
    limits::{MAX_WAVEFORM_CHANNELS, MAX_WAVEFORM_RATE_HZ, MAX_WAVEFORM_SAMPLES},
};

/// Why a recording cannot be sent as waveforms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CutError {
    #[error("the signal {0:?} has less than one sample a second")]
    TooSlow(String),
    #[error("the calibration of the signal {0:?} is none")]
    Uncalibrated(String),
}

/// One channel of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// As the recording calls it.
    pub label: String,
    pub code: MdcCode,
    pub unit: MdcCode,
    /// Samples in 1,000 seconds.
    pub rate_millihertz: u32,
    pub scale: f32,
    pub offset: f32,
    /// Steps; [`WaveformBlock::NO_VALUE`] where there is no value.
    pub samples: Vec<i16>,
}

impl Channel {
    /// The channels of a record: the first [`MAX_WAVEFORM_CHANNELS`], each under a code of its own. Signals faster than
    /// [`MAX_WAVEFORM_RATE_HZ`] are averaged down to at most that.
    pub fn all_of(record: &Record) -> Result<Vec<Self>, CutError> {
        let mut channels: Vec<Self> = Vec::new();
        let signals = record.header.signals.iter().zip(&record.samples).take(MAX_WAVEFORM_CHANNELS);
        for (place, (signal, samples)) in signals.enumerate() {
            let free = |code: &MdcCode| channels.iter().all(|channel| channel.code != *code);
            let code = code_of(signal).filter(free).unwrap_or(MdcCode::private(place as u32));
            channels.push(Self::of(signal, code, record.header.frame_rate, samples)?);
        }
        Ok(channels)
    }

    fn of(signal: &Signal, code: MdcCode, frame_rate: f64, samples: &[Option<i16>]) -> Result<Self, CutError> {
        let rate = frame_rate * f64::from(signal.per_frame);
        let factor = (rate / f64::from(MAX_WAVEFORM_RATE_HZ)).ceil().max(1.0);
        let rate_millihertz = (rate / factor * 1_000.0).round();
        if rate_millihertz < 1_000.0 {
            return Err(CutError::TooSlow(signal.description.clone()));
        }
        let (scale, offset) = (1.0 / signal.gain, -f64::from(signal.baseline) / signal.gain);
        let (scale, offset) = (scale as f32, offset as f32);
        if !scale.is_finite() || scale == 0.0 || !offset.is_finite() {
            return Err(CutError::Uncalibrated(signal.description.clone()));
        }
        Ok(Self {
            label: signal.description.clone(),
            code,
            unit: unit_of(&signal.unit),
            rate_millihertz: rate_millihertz as u32,
            scale,
            offset,
            samples: samples.chunks(factor as usize).map(mean).collect(),
        })
    }

    /// Samples of a block of `block_ms`, at least one and no more than a block may hold.
    pub fn block_len(&self, block_ms: u32) -> usize {
        let samples = u64::from(block_ms) * u64::from(self.rate_millihertz) / 1_000_000;
        // A block holds at most 2 s, too.
        let two_seconds = (self.rate_millihertz / 500).max(1) as usize;
        (samples as usize).clamp(1, MAX_WAVEFORM_SAMPLES.min(two_seconds))
    }

    /// The `n`-th block of `block_ms` milliseconds, where the recording begins at `origin_micros`; `None` at its end.
    pub fn block(&self, n: u32, block_ms: u32, origin_micros: i64) -> Option<WaveformBlock> {
        let len = self.block_len(block_ms);
        let from = (n as usize).checked_mul(len)?;
        let samples = self.samples.get(from..(from + len).min(self.samples.len())).filter(|s| !s.is_empty())?;
        let elapsed = i128::from(from as u64) * 1_000_000_000 / i128::from(self.rate_millihertz);
        Some(WaveformBlock {
            channel: self.code,
            unit: self.unit,
            sequence: n,
            first: n == 0,
            rate_millihertz: self.rate_millihertz,
            scale: self.scale,
            offset: self.offset,
            start_micros: origin_micros.saturating_add(i64::try_from(elapsed).ok()?),
            samples: samples.to_vec(),
        })
    }
}

/// Of those that have a value; none has none.
fn mean(samples: &[Option<i16>]) -> i16 {
    let (sum, count) = samples.iter().flatten().fold((0i64, 0i64), |(sum, n), step| (sum + i64::from(*step), n + 1));
    if count == 0 {
        return WaveformBlock::NO_VALUE;
    }
    (sum as f64 / count as f64).round() as i16
}

/// What recordings call their signals. One of another name is a lead where its unit is that of one: what is none must
/// not be drawn as an electrocardiogram.
fn code_of(signal: &Signal) -> Option<MdcCode> {
    let name = signal.description.to_ascii_uppercase();
    let name = name.trim_start_matches("ECG").trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = name.trim_start_matches("LEAD").trim();
    let after = |code: MdcCode, n: u32| MdcCode(code.0 + n);
    Some(match name {
        "I" | "MLI" => MdcCode::ECG_I,
        "II" | "MLII" | "ML2" => MdcCode::ECG_II,
        "III" | "MLIII" => MdcCode::ECG_III,
        "AVR" => after(MdcCode::ECG_III, 1),
        "AVL" => after(MdcCode::ECG_III, 2),
        "AVF" => after(MdcCode::ECG_III, 3),
        "V" | "MCL" | "MCL1" => MdcCode::ECG_V,
        "V1" | "V2" | "V3" | "V4" | "V5" | "V6" => after(MdcCode::ECG_V1, u32::from(name.as_bytes()[1] - b'1')),
        "PLETH" | "PPG" | "PLETHYSMOGRAM" => MdcCode::PLETH,
        "ABP" | "ART" | "BP" => MdcCode::ARTERIAL_PRESSURE,
        "RESP" | "RESPIRATION" => MdcCode::RESPIRATION,
        _ if matches!(unit_of(&signal.unit), MdcCode::MILLIVOLT | MdcCode::MICROVOLT) => MdcCode::ECG,
        _ => return None,
    })
}

fn unit_of(unit: &str) -> MdcCode {
    match unit {
        "mV" => MdcCode::MILLIVOLT,
        "uV" | "µV" => MdcCode::MICROVOLT,
        "mmHg" => MdcCode::MMHG,
        "%" => MdcCode::PERCENT,
        _ => MdcCode::DIMENSIONLESS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Continuity, Verdict, encode, wfdb::Header};

    fn record(header: &str, samples: Vec<Vec<Option<i16>>>) -> Record {
        Record { header: Header::parse(header).unwrap(), samples, mismatched: Vec::new() }
    }

    #[test]
    fn blocks_hold_every_sample_once_follow_each_other_and_can_be_sent() {
        let steps: Vec<_> = (0..1_003).map(|n| Some(n as i16)).collect();
        let record = record("r 1 360\nr.dat 212 200(1024)/mV 11 0 0 0 0 MLII", vec![steps]);
        let channel = &Channel::all_of(&record).unwrap()[0];
        assert_eq!((channel.code, channel.unit), (MdcCode::ECG_II, MdcCode::MILLIVOLT));
        let blocks: Vec<_> = (0..).map_while(|n| channel.block(n, 100, 1_000_000)).collect();
        let samples: Vec<i16> = blocks.iter().flat_map(|b| b.samples.iter().copied()).collect();
        assert_eq!(samples, (0..1_003).collect::<Vec<i16>>());
        assert!(blocks.iter().all(|block| encode(block).is_ok()));
        let mut continuity = Continuity::default();
        assert_eq!(continuity.take(&blocks[0]), Verdict::First);
        assert!(blocks[1..].iter().all(|block| continuity.take(block) == Verdict::Next));
        let value = blocks[0].value(24).unwrap();
        assert!((value - (24.0 - 1024.0) / 200.0).abs() < 1e-5);
    }

    #[test]
    fn a_signal_that_is_too_fast_is_averaged_down() {
        let steps = vec![Some(1), Some(3), None, Some(5), None, None];
        let record = record("r 1 1000\nr.dat 16 1600 12 0 0 0 0 V2", vec![steps]);
        let channel = &Channel::all_of(&record).unwrap()[0];
        assert_eq!((channel.rate_millihertz, channel.code), (500_000, MdcCode(131_332)));
        assert_eq!(channel.samples, [2, 5, WaveformBlock::NO_VALUE]);
    }

    #[test]
    fn signals_of_one_name_get_codes_of_their_own() {
        let record = record("r 2 250\nr.dat 212 200 12 0 0 0 0 ECG\nr.dat 212 200 12 0 0 0 0 ECG", vec![vec![]; 2]);
        let codes: Vec<_> = Channel::all_of(&record).unwrap().iter().map(|c| c.code).collect();
        assert_eq!(codes, [MdcCode::ECG, MdcCode::private(1)]);
    }

    #[test]
    fn a_pressure_of_another_name_is_no_electrocardiogram() {
        let record = record("r 2 250\nr.dat 16 10/mmHg 12 0 0 0 0 CVP\nr.dat 16 200 12 0 0 0 0 D1", vec![vec![]; 2]);
        let codes: Vec<_> = Channel::all_of(&record).unwrap().iter().map(|c| c.code).collect();
        assert_eq!(codes, [MdcCode::private(0), MdcCode::ECG]);
    }
}
