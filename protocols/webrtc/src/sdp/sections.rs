//! The parts of a description: what holds for all of it, and its media sections.

use super::attribute;
use crate::{error::WhipError, forward::VideoCodec};

/// A media section: its `m=` line and what follows up to the next one.
pub(super) struct Section<'a> {
    pub kind: &'a str,
    port: u16,
    protocol: &'a str,
    /// RTP payload types, in the order of the offerer's preference.
    formats: Vec<u8>,
    pub lines: Vec<&'a str>,
}

/// Which way media flows, as the offerer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction {
    pub sends: bool,
    pub receives: bool,
}

/// Takes a description apart: lines before the first section, and the sections.
pub(super) fn split<'a>(lines: &[&'a str]) -> Result<(Vec<&'a str>, Vec<Section<'a>>), WhipError> {
    let mut session = Vec::new();
    let mut sections: Vec<Section<'a>> = Vec::new();
    for line in lines {
        if let Some(media) = line.strip_prefix("m=") {
            sections.push(Section::begin(line, media)?);
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line);
        } else {
            session.push(*line);
        }
    }
    Ok((session, sections))
}

impl<'a> Section<'a> {
    fn begin(line: &'a str, media: &'a str) -> Result<Self, WhipError> {
        let mut fields = media.split(' ');
        let (Some(kind), Some(port), Some(protocol)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(WhipError::Malformed("a media section has no port or protocol"));
        };
        let port = port.parse().map_err(|_| WhipError::Malformed("a media section's port is not a port"))?;
        let formats = fields.filter_map(|format| format.parse().ok()).collect();
        Ok(Self { kind, port, protocol, formats, lines: vec![line] })
    }

    /// Whether the section is meant: port 0 turns it off, unless it only waits to be bundled (RFC 9143,
    /// section 6).
    pub fn is_enabled(&self) -> bool {
        self.port != 0 || self.lines.contains(&"a=bundle-only")
    }

    /// Whether it is to be carried in DTLS-SRTP with feedback, on one port.
    pub fn check_transport(&self) -> Result<(), WhipError> {
        if !self.protocol.ends_with("TLS/RTP/SAVPF") {
            return Err(WhipError::Unacceptable("only DTLS-SRTP is accepted"));
        }
        if !self.lines.contains(&"a=rtcp-mux") {
            return Err(WhipError::Unacceptable("rtcp-mux is required"));
        }
        Ok(())
    }

    /// `session`: the lines before the sections, whose direction holds where a section has none.
    pub fn direction(&self, session: &[&str]) -> Direction {
        let of = |lines: &[&str]| {
            lines.iter().find_map(|line| match *line {
                "a=sendrecv" => Some((true, true)),
                "a=sendonly" => Some((true, false)),
                "a=recvonly" => Some((false, true)),
                "a=inactive" => Some((false, false)),
                _ => None,
            })
        };
        let (sends, receives) = of(&self.lines).or_else(|| of(session)).unwrap_or((true, true));
        Direction { sends, receives }
    }

    pub fn formats(&self) -> &[u8] {
        &self.formats
    }

    pub fn mid(&self) -> Option<&'a str> {
        attribute(&self.lines, "a=mid:")
    }

    /// Payload types that are mapped to Opus: `opus/48000/2`, whatever is coded (RFC 7587, section 7).
    pub fn opus(&self) -> Vec<u8> {
        let is_opus = |format: &u8| self.codec(*format).is_some_and(|codec| codec.eq_ignore_ascii_case("opus/48000/2"));
        self.formats.iter().copied().filter(is_opus).collect()
    }

    /// Payload types that are mapped to video we forward, one for each codec, in the order of preference.
    pub fn video(&self) -> Vec<(u8, VideoCodec)> {
        let first = |codec: VideoCodec, fits: &dyn Fn(u8) -> bool| {
            let is_codec =
                |format: u8| self.codec(format).is_some_and(|name| name.eq_ignore_ascii_case(codec.rtpmap()));
            let found = self.formats.iter().position(|format| is_codec(*format) && fits(*format))?;
            Some((found, (self.formats[found], codec)))
        };
        let h264 = |profile: &'static str| first(VideoCodec::H264, &move |format| self.is_h264(format, profile));
        // Constrained baseline is what every browser decodes; plain baseline is what some call it.
        let found = [first(VideoCodec::Vp8, &|_| true), h264("42e0").or_else(|| h264("4200"))];
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        found.sort_by_key(|(place, _)| *place);
        found.into_iter().map(|(_, format)| format).collect()
    }

    /// The section's lines with no other payload types than `keep`, and with a port where it is enabled.
    pub fn narrowed(&self, keep: &[u8]) -> Vec<String> {
        let formats: Vec<String> = keep.iter().map(u8::to_string).collect();
        let first = format!("m={} {} {} {}", self.kind, self.port.max(9), self.protocol, formats.join(" "));
        let is_kept = |line: &&&str| {
            let of = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|name| line.strip_prefix(name));
            let format = of.and_then(|rest| rest.split(' ').next()).and_then(|format| format.parse::<u8>().ok());
            format.is_none_or(|format| keep.contains(&format))
        };
        let rest = self.lines.iter().skip(1).filter(is_kept).map(|line| (*line).to_owned());
        std::iter::once(first).chain(rest).collect()
    }

    /// `name/clock[/channels]` of a payload type.
    fn codec(&self, format: u8) -> Option<&'a str> {
        self.parameter("a=rtpmap:", format).map(str::trim_end)
    }

    /// Packetisation mode 1 (RFC 6184, section 8.1: 0 when absent), and a profile that begins with `profile`
    /// (baseline when absent).
    fn is_h264(&self, format: u8, profile: &str) -> bool {
        let parameters = self.parameter("a=fmtp:", format).unwrap_or_default();
        let value = |name: &str| {
            parameters.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name)
        };
        let level = value("profile-level-id").map_or("420010", |(_, value)| value);
        let begins = level.get(..profile.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(profile));
        begins && value("packetization-mode").is_some_and(|(_, mode)| mode == "1")
    }

    fn parameter(&self, name: &str, format: u8) -> Option<&'a str> {
        self.lines.iter().find_map(|line| {
            let (of, rest) = line.strip_prefix(name)?.split_once(' ')?;
            (of.parse() == Ok(format)).then_some(rest)
        })
    }
}
