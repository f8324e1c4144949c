//! The header of a record. Pure.

use super::{Format, WfdbError};

/// Signals of one record. Sleep studies, the widest, have about thirty.
const MAX_SIGNALS: usize = 256;

/// Samples of one signal in a frame: 10 kHz beside 100 Hz.
const MAX_PER_FRAME: u32 = 100;

/// Frames by which a signal may be skewed.
const MAX_SKEW: u32 = 100_000;

/// Samples a second and signal where the header names none (header(5): `DEFREQ`).
const DEFAULT_RATE: f64 = 250.0;

/// Steps a unit where the header names none (header(5): `DEFGAIN`).
const DEFAULT_GAIN: f64 = 200.0;

/// A record's header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub record: String,
    /// Frames a second.
    pub frame_rate: f64,
    /// `None`: as many as the files hold.
    pub frames: Option<u64>,
    pub signals: Vec<Signal>,
}

/// One signal, as its line describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// A file beside the header.
    pub file: String,
    pub format: Format,
    /// Samples of this signal in each frame.
    pub per_frame: u32,
    /// Frames by which the file has this signal later than the others.
    pub skew: u32,
    /// Where samples begin in the file, in bytes.
    pub byte_offset: u64,
    /// Steps a unit: a value is `(step - baseline) / gain`.
    pub gain: f64,
    pub baseline: i32,
    /// As written, `mV` where it is not.
    pub unit: String,
    /// The sum of all samples as 16 bits, where the header says it.
    pub checksum: Option<u16>,
    pub description: String,
}

impl Header {
    pub fn parse(text: &str) -> Result<Self, WfdbError> {
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim_start_matches('\u{feff}').trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let (line, first) = lines.next().ok_or(WfdbError::Empty)?;
        let (mut header, expected) = record_line(line, first)?;
        for (line, text) in lines.take(expected) {
            header.signals.push(signal_line(line, text)?);
        }
        if header.signals.len() != expected {
            return Err(WfdbError::Missing { expected, found: header.signals.len() });
        }
        Ok(header)
    }
}

/// `NAME SIGNALS [RATE[/COUNTER[(BASE)]] [FRAMES [TIME [DATE]]]]`.
fn record_line(line: usize, text: &str) -> Result<(Header, usize), WfdbError> {
    let syntax = |what| WfdbError::Syntax { line, what };
    let mut fields = text.split_whitespace();
    let name = fields.next().ok_or(WfdbError::Empty)?;
    if name.contains('/') {
        return Err(WfdbError::Segments);
    }
    let signals: usize = fields.next().and_then(|f| f.parse().ok()).ok_or(syntax("the number of signals"))?;
    if signals > MAX_SIGNALS {
        return Err(WfdbError::Bounds { line, what: "the number of signals" });
    }
    let frame_rate = match fields.next() {
        Some(field) => field.split('/').next().and_then(|f| f.parse().ok()).ok_or(syntax("the sampling frequency"))?,
        None => DEFAULT_RATE,
    };
    if !(0.001..=1_000_000.0).contains(&frame_rate) {
        return Err(WfdbError::Bounds { line, what: "the sampling frequency" });
    }
    let frames: u64 = match fields.next() {
        Some(field) => field.parse().map_err(|_| syntax("the number of samples"))?,
        None => 0,
    };
    let frames = (frames > 0).then_some(frames);
    Ok((Header { record: name.to_owned(), frame_rate, frames, signals: Vec::new() }, signals))
}

/// `FILE FORMAT[xPER_FRAME][:SKEW][+OFFSET] [GAIN[(BASELINE)][/UNIT] [BITS [ZERO [FIRST [CHECKSUM [BLOCK
/// [DESCRIPTION]]]]]]]`.
fn signal_line(line: usize, text: &str) -> Result<Signal, WfdbError> {
    let syntax = |what| WfdbError::Syntax { line, what };
    let mut rest = text;
    let file = next_field(&mut rest).ok_or(syntax("the name of the file"))?;
    // A header is data from elsewhere: it names files beside itself and no others.
    if file.contains(['/', '\\']) || file.starts_with('.') || file == "~" {
        return Err(WfdbError::Bounds { line, what: "the name of the file" });
    }
    let layout = next_field(&mut rest).ok_or(syntax("the format"))?;
    let (format, per_frame, skew, byte_offset) = parse_layout(line, layout)?;
    let (gain, baseline, unit) = match next_field(&mut rest) {
        Some(field) => calibration(field).ok_or(syntax("the gain"))?,
        None => (DEFAULT_GAIN, None, "mV"),
    };
    let mut integer = |what| match next_field(&mut rest) {
        Some(field) => field.parse::<i64>().map(Some).map_err(|_| syntax(what)),
        None => Ok(None),
    };
    integer("the resolution")?;
    let zero = integer("the zero of the converter")?.unwrap_or(0);
    integer("the first sample")?;
    let checksum = integer("the checksum")?;
    integer("the block size")?;
    let zero = i32::try_from(zero).map_err(|_| WfdbError::Bounds { line, what: "the zero of the converter" })?;
    Ok(Signal {
        file: file.to_owned(),
        format,
        per_frame,
        skew,
        byte_offset,
        gain,
        baseline: baseline.unwrap_or(zero),
        unit: unit.to_owned(),
        // Written signed or unsigned: the same 16 bits.
        checksum: checksum.map(|sum| sum as u16),
        description: rest.trim().to_owned(),
    })
}

fn next_field<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (field, after) = text.split_at(end);
    *rest = after;
    (!field.is_empty()).then_some(field)
}

/// `FORMAT[xPER_FRAME][:SKEW][+OFFSET]`.
fn parse_layout(line: usize, field: &str) -> Result<(Format, u32, u32, u64), WfdbError> {
    let syntax = || WfdbError::Syntax { line, what: "the format" };
    let bounds = |what| WfdbError::Bounds { line, what };
    let (field, offset) = field.split_once('+').unwrap_or((field, "0"));
    let (field, skew) = field.split_once(':').unwrap_or((field, "0"));
    let (format, per_frame) = field.split_once('x').unwrap_or((field, "1"));
    let format = match format.parse::<u32>().map_err(|_| syntax())? {
        212 => Format::F212,
        16 => Format::F16,
        80 => Format::F80,
        _ => return Err(WfdbError::Format { line }),
    };
    let per_frame: u32 = per_frame.parse().map_err(|_| syntax())?;
    if !(1..=MAX_PER_FRAME).contains(&per_frame) {
        return Err(bounds("the number of samples a frame"));
    }
    let skew: u32 = skew.parse().map_err(|_| syntax())?;
    if skew > MAX_SKEW {
        return Err(bounds("the skew"));
    }
    let offset: u64 = offset.parse().map_err(|_| syntax())?;
    Ok((format, per_frame, skew, offset))
}

/// `GAIN[(BASELINE)][/UNIT]`. A gain of 0 says that there is none.
fn calibration(field: &str) -> Option<(f64, Option<i32>, &str)> {
    let (field, unit) = field.split_once('/').unwrap_or((field, "mV"));
    let (gain, baseline) = match field.split_once('(') {
        Some((gain, rest)) => (gain, Some(rest.strip_suffix(')')?.parse().ok()?)),
        None => (field, None),
    };
    let gain: f64 = gain.parse().ok()?;
    let gain = if gain == 0.0 { DEFAULT_GAIN } else { gain };
    gain.is_finite().then_some((gain, baseline, unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn everything_a_line_may_say_is_read() {
        let text = "# a note\r\nr100.x 2 360/720(5) 650000 0:0:0 1/1/2000\n\
                    r100.dat 212x2:3+512 200.5(1024)/uV 11 1000 995 -22131 0 MLII lead\nr100.dat 212\n# <age> 69";
        let header = Header::parse(text).unwrap();
        assert_eq!((header.record.as_str(), header.frame_rate, header.frames), ("r100.x", 360.0, Some(650_000)));
        let first = &header.signals[0];
        assert_eq!((first.format, first.per_frame, first.skew, first.byte_offset), (Format::F212, 2, 3, 512));
        assert_eq!((first.gain, first.baseline, first.unit.as_str()), (200.5, 1024, "uV"));
        assert_eq!((first.checksum, first.description.as_str()), (Some(43_405), "MLII lead"));
        let second = &header.signals[1];
        assert_eq!((second.gain, second.baseline, second.unit.as_str()), (200.0, 0, "mV"));
        assert_eq!((second.checksum, second.description.as_str()), (None, ""));
    }

    #[test]
    fn the_baseline_is_the_converters_zero_where_none_is_named_and_no_gain_means_the_default() {
        let header = Header::parse("r 1\nr.dat 16 0 12 1024 0 0 0 ECG").unwrap();
        assert_eq!((header.frame_rate, header.frames), (250.0, None));
        assert_eq!((header.signals[0].gain, header.signals[0].baseline), (200.0, 1024));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_line_and_name() {
        let error = |text: &str| Header::parse(text).unwrap_err().to_string();
        assert_eq!(error("# nothing\n"), WfdbError::Empty.to_string());
        assert_eq!(error("r/3 2 360"), WfdbError::Segments.to_string());
        assert_eq!(error("r two"), "line 1 of the header: the number of signals cannot be read");
        assert_eq!(error("r 1 0"), "line 1 of the header: the sampling frequency is outside what is possible");
        assert_eq!(error("r 2\nr.dat 16"), "the header names 2 signals and describes 1");
        assert!(error("r 1\nr.dat 310").contains("212, 16 and 80"));
        assert!(error("r 1\n../r.dat 16").contains("the name of the file"));
        assert!(error("r 1\nr.dat 16 1(x)/mV").contains("the gain"));
        assert!(error("r 1\nr.dat 16x0").contains("samples a frame"));
        assert!(error("r 1\nr.dat 16 200 12 zero").contains("the zero of the converter"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = Header::parse(&text);
        }

        #[test]
        fn no_line_like_text_panics(text in "[r0-9x:+()/. \n#-]{0,120}") {
            let _ = Header::parse(&text);
        }
    }
}
