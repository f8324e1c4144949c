//! Numerics of bedside monitors as WFDB records (header format of the WFDB Applications Guide, signals in format 16): what
//! the MIMIC waveform databases keep beside their waveforms, one value a minute or a second.
//!
//! Only what such records use is read: one signal file, format 16, no samples of other rates.

use super::recording::{Recording, RecordingError, Sample};
use healthsync_events::{Timestamp, VitalSigns};

/// Samples of a record at most: three months at one a second.
const MAX_SAMPLES: usize = 90 * 86_400;

/// Signals of a record at most; numerics have a few tens.
const MAX_SIGNALS: usize = 64;

/// What format 16 keeps where there is no value.
const NO_VALUE: i16 = i16::MIN;

/// A record's header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// The file its signals are in, beside the header.
    pub file: String,
    interval_ms: f64,
    samples: usize,
    signals: Vec<Signal>,
}

#[derive(Debug, Clone, PartialEq)]
struct Signal {
    name: String,
    gain: f64,
    baseline: f64,
}

/// Reads a header (`.hea`).
pub fn header(text: &str) -> Result<Header, RecordingError> {
    let mut lines =
        (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    let (line, record) = lines.next().ok_or(RecordingError::Header { line: 1, reason: "it is empty" })?;
    let refuse = |line, reason| RecordingError::Header { line, reason };
    let mut fields = record.split_whitespace().skip(1);
    let count: usize = fields.next().and_then(|n| n.parse().ok()).ok_or(refuse(line, "no number of signals"))?;
    if count == 0 || count > MAX_SIGNALS {
        return Err(refuse(line, "not 1 to 64 signals"));
    }
    // "0.0166666666667/125 …": the counter frequency after the slash says nothing here.
    let rate = fields.next().and_then(|rate| rate.split(['/', '(']).next()?.parse::<f64>().ok());
    let rate = rate.filter(|rate| *rate > 0.0 && rate.is_finite()).ok_or(refuse(line, "no sampling frequency"))?;
    let samples = fields.next().and_then(|n| n.parse().ok()).ok_or(refuse(line, "no number of samples"))?;
    if samples > MAX_SAMPLES {
        return Err(RecordingError::Long(MAX_SAMPLES));
    }
    let mut file = None;
    let mut signals = Vec::with_capacity(count);
    for (line, text) in lines.by_ref().take(count) {
        let (of, signal) = signal(text).map_err(|reason| refuse(line, reason))?;
        if file.get_or_insert(of) != &of {
            return Err(refuse(line, "signals in several files"));
        }
        signals.push(signal);
    }
    if signals.len() != count {
        return Err(refuse(line, "fewer signals than it says"));
    }
    let file = file.unwrap_or_default().to_owned();
    Ok(Header { file, interval_ms: 1_000.0 / rate, samples, signals })
}

/// `file format gain(baseline)/units resolution zero initial checksum block description`.
fn signal(line: &str) -> Result<(&str, Signal), &'static str> {
    let mut fields = line.split_whitespace();
    let file = fields.next().ok_or("no file")?;
    if file.contains(['/', '\\']) {
        return Err("the file is in another folder");
    }
    if fields.next() != Some("16") {
        return Err("not format 16");
    }
    let scale = fields.next().ok_or("no gain")?;
    let number = scale.split('/').next().unwrap_or_default();
    let (gain, baseline) = match number.split_once('(') {
        Some((gain, rest)) => (gain, rest.trim_end_matches(')').parse::<f64>().ok()),
        None => (number, None),
    };
    let gain = gain.parse::<f64>().ok().filter(|gain| *gain != 0.0 && gain.is_finite()).ok_or("no gain")?;
    let zero = fields.nth(1).and_then(|zero| zero.parse::<f64>().ok()).ok_or("no zero")?;
    let name = fields.skip(3).collect::<Vec<_>>().join(" ");
    Ok((file, Signal { name, gain, baseline: baseline.unwrap_or(zero) }))
}

/// Reads the signals of a header's file.
pub fn read(header: &Header, bytes: &[u8]) -> Result<Recording, RecordingError> {
    let width = header.signals.len() * 2;
    if bytes.len() < header.samples * width {
        return Err(RecordingError::Short);
    }
    let frames = bytes.chunks_exact(width).take(header.samples);
    let samples = frames.enumerate().map(|(index, frame)| {
        let value = |name: &str| {
            let place = header.signals.iter().position(|signal| signal.name.eq_ignore_ascii_case(name))?;
            let raw = i16::from_le_bytes([frame[place * 2], frame[place * 2 + 1]]);
            let Signal { gain, baseline, .. } = &header.signals[place];
            let value = (f64::from(raw) - baseline) / gain;
            // These monitors write zero where nothing is measured.
            (raw != NO_VALUE && value != 0.0).then_some(value)
        };
        let vitals = VitalSigns {
            heart_rate: value("HR").or_else(|| value("PULSE")),
            respiratory_rate: value("RESP"),
            spo2: value("SpO2"),
            systolic_bp: value("ABPSys").or_else(|| value("NBPSys")),
            diastolic_bp: value("ABPDias").or_else(|| value("NBPDias")),
            ..VitalSigns::default()
        };
        Sample { at: Timestamp::from_millis((index as f64 * header.interval_ms) as i64), vitals, sepsis: None }
    });
    Ok(Recording { samples: samples.collect(), interval_ms: header.interval_ms as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "made-up 3 0.0166666666667/125 2 10:00:00 01/01/2100\n\
        made-up.dat 16 10/bpm 16 0 0 1 0 HR\nmade-up.dat 16 1(5)/% 16 0 0 1 0 SpO2\n\
        made-up.dat 16 1/mmHg 16 0 -32768 1 0 NBPSys\n# a comment\n";

    #[test]
    fn values_are_scaled_and_absent_where_there_are_none() {
        let header = header(HEADER).unwrap();
        assert_eq!(header.file, "made-up.dat");
        let raw: Vec<u8> = [725i16, 102, NO_VALUE, 0, 100, 120].iter().flat_map(|value| value.to_le_bytes()).collect();
        let recording = read(&header, &raw).unwrap();
        let [first, second] = &recording.samples[..] else { panic!("two samples") };
        assert_eq!((first.vitals.heart_rate, first.vitals.spo2), (Some(72.5), Some(97.0)));
        assert_eq!((first.vitals.systolic_bp, second.vitals.systolic_bp), (None, Some(120.0)));
        assert_eq!(second.vitals.heart_rate, None, "zero is no pulse that was measured");
        assert!((second.at.millis() - 60_000).abs() <= 1);
        assert_eq!(read(&header, &raw[..8]), Err(RecordingError::Short));
    }

    #[test]
    fn headers_that_ask_for_more_are_refused() {
        for bad in [
            "",
            "r 1 1 4000000000\nr.dat 16 1 16 0 0 0 0 HR",
            "r 2 1 10\nr.dat 16 1 16 0 0 0 0 HR",
            "r 1 0 10\nr.dat 16 1 16 0 0 0 0 HR",
            "r 1 1 10\nr.dat 212 1 16 0 0 0 0 HR",
            "r 1 1 10\n../r.dat 16 1 16 0 0 0 0 HR",
            "r 2 1 10\na.dat 16 1 16 0 0 0 0 HR\nb.dat 16 1 16 0 0 0 0 HR",
            "r 65 1 10",
        ] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
