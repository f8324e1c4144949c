//! The SDP that WHIP cares about: which offers are accepted, trickled candidates, and what the answer adds.
//!
//! Line by line and by name: the WebRTC stack parses descriptions in full. What is decided here is policy,
//! and what is kept from the stack is what it need not see.

use crate::error::WhipError;
use healthsync_events::limits::MAX_SDP_BYTES;
use std::net::IpAddr;

/// Media type of an offer and an answer.
pub const SDP: &str = "application/sdp";

/// Media type of trickled candidates (RFC 8840).
pub const TRICKLE: &str = "application/trickle-ice-sdpfrag";

/// Remote candidates of one connection. A browser with four interfaces, two address families and TURN stays
/// under it, and each one costs at most seven connectivity checks.
pub const MAX_CANDIDATES: usize = 32;

/// Lines of a description: Chromium's audio offer has about 60.
const MAX_LINES: usize = 1_000;

/// An offer of one Opus track, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The offer without candidates that are of no use here.
    pub sdp: String,
    pub ice: IceCredentials,
    /// RTP payload types that mean Opus.
    pub opus: Vec<u8>,
    /// Candidates left in `sdp`.
    pub candidates: usize,
}

/// What tells one ICE session from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: String,
}

impl Offer {
    /// Reads an offer. An offer of anything but one Opus track to be received is refused as a whole: a
    /// partial answer would have a participant believe that video arrives (RFC 9725, section 4.4.3).
    pub fn parse(text: &str) -> Result<Self, WhipError> {
        let lines = lines(text)?;
        if lines.first() != Some(&"v=0") {
            return Err(WhipError::Malformed("it does not begin with v=0"));
        }
        let media: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("m=")).collect();
        let formats = audio_formats(&media)?;
        let opus = opus_formats(&lines, &formats)?;
        check_transport(&lines)?;
        let ice = credentials(&lines);
        if ice.ufrag.is_empty() || ice.pwd.is_empty() {
            return Err(WhipError::Malformed("it has no ICE credentials"));
        }
        let mut candidates = 0;
        let mut sdp = String::with_capacity(text.len());
        for line in &lines {
            if let Some(candidate) = line.strip_prefix("a=candidate:") {
                if !is_usable(candidate) || candidates == MAX_CANDIDATES {
                    continue;
                }
                candidates += 1;
            }
            sdp.push_str(line);
            sdp.push_str("\r\n");
        }
        Ok(Self { sdp, ice, opus, candidates })
    }
}

/// Candidates that came after the offer (RFC 8840, section 4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Empty where the fragment does not say which ICE session it belongs to.
    pub ice: IceCredentials,
    /// `candidate:…`, those that are of use here.
    pub candidates: Vec<String>,
    /// The `mid` they belong to.
    pub mid: Option<String>,
}

impl Fragment {
    pub fn parse(text: &str) -> Result<Self, WhipError> {
        let lines = lines(text)?;
        let candidates: Vec<String> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("a=candidate:"))
            .filter(|candidate| is_usable(candidate))
            .map(|candidate| format!("candidate:{candidate}"))
            .collect();
        if candidates.len() > MAX_CANDIDATES {
            return Err(WhipError::TooManyCandidates { limit: MAX_CANDIDATES });
        }
        let mid = attribute(&lines, "a=mid:").map(str::to_owned);
        Ok(Self { ice: credentials(&lines), candidates, mid })
    }
}

/// The answer as sent: `rtcp-mux-only` as WHIP wants it (RFC 9725, section 4.4.1) and therefore no candidates
/// for RTCP alone, and each host candidate under the addresses in `advertise` instead of its own, where there
/// are any.
pub fn finish_answer(answer: &str, advertise: &[IpAddr]) -> String {
    let has_mux_only = answer.lines().any(|line| line == "a=rtcp-mux-only");
    let mut out = String::with_capacity(answer.len() + 64);
    let mut push = |line: &str| {
        out.push_str(line);
        out.push_str("\r\n");
    };
    let mut told: Vec<String> = Vec::new();
    for line in answer.lines() {
        match line.strip_prefix("a=candidate:") {
            Some(candidate) if candidate.split(' ').nth(1) != Some("1") => {}
            Some(candidate) if !advertise.is_empty() => {
                for address in advertise {
                    let line = readdressed(candidate, *address);
                    // Interfaces of one machine may share a public address, and its ports.
                    if !told.contains(&line) {
                        push(&line);
                        told.push(line);
                    }
                }
            }
            _ => push(line),
        }
        if line == "a=rtcp-mux" && !has_mux_only {
            push("a=rtcp-mux-only");
        }
    }
    out
}

/// Whether an answer names an address to send to.
pub fn has_candidate(answer: &str) -> bool {
    answer.lines().any(|line| line.starts_with("a=candidate:"))
}

fn readdressed(candidate: &str, address: IpAddr) -> String {
    let mut fields: Vec<String> = candidate.split(' ').map(str::to_owned).collect();
    if let Some(field) = fields.get_mut(4) {
        *field = address.to_string();
    }
    format!("a=candidate:{}", fields.join(" "))
}

fn lines(text: &str) -> Result<Vec<&str>, WhipError> {
    if text.len() > MAX_SDP_BYTES {
        return Err(WhipError::TooLarge { limit: MAX_SDP_BYTES });
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.len() > MAX_LINES {
        return Err(WhipError::Malformed("it has no lines, or too many"));
    }
    let is_line = |line: &&str| matches!(line.as_bytes(), [kind, b'=', ..] if kind.is_ascii_lowercase());
    if !lines.iter().all(is_line) {
        return Err(WhipError::Malformed("a line is not of the form type=value"));
    }
    Ok(lines)
}

/// The payload types of the only media section, which must be audio.
fn audio_formats(media: &[&str]) -> Result<Vec<u8>, WhipError> {
    let [section] = media else {
        return Err(match media {
            [] => WhipError::Malformed("it has no media section"),
            _ => WhipError::Unacceptable("exactly one media section, of audio, is accepted"),
        });
    };
    let mut fields = section.split(' ');
    if fields.next() != Some("audio") {
        return Err(WhipError::Unacceptable("only audio is accepted"));
    }
    let (Some(port), Some(protocol)) = (fields.next(), fields.next()) else {
        return Err(WhipError::Malformed("the media section has no port or protocol"));
    };
    if port.parse() == Ok(0_u16) {
        return Err(WhipError::Unacceptable("the audio section is disabled"));
    }
    if !protocol.ends_with("TLS/RTP/SAVPF") {
        return Err(WhipError::Unacceptable("only DTLS-SRTP is accepted"));
    }
    Ok(fields.filter_map(|format| format.parse().ok()).collect())
}

/// Payload types among `formats` that are mapped to Opus: `opus/48000/2`, whatever is coded (RFC 7587,
/// section 7).
fn opus_formats(lines: &[&str], formats: &[u8]) -> Result<Vec<u8>, WhipError> {
    let opus: Vec<u8> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '))
        .filter(|(_, codec)| codec.trim_end().eq_ignore_ascii_case("opus/48000/2"))
        .filter_map(|(format, _)| format.parse().ok())
        .filter(|format| formats.contains(format))
        .collect();
    if opus.is_empty() {
        return Err(WhipError::Unacceptable("Opus is not offered"));
    }
    Ok(opus)
}

fn check_transport(lines: &[&str]) -> Result<(), WhipError> {
    if lines.iter().any(|line| matches!(*line, "a=recvonly" | "a=inactive")) {
        return Err(WhipError::Unacceptable("the offer does not send audio"));
    }
    if attribute(lines, "a=fingerprint:").is_none() {
        return Err(WhipError::Malformed("it has no certificate fingerprint"));
    }
    match attribute(lines, "a=setup:") {
        Some("actpass" | "active") => {}
        _ => return Err(WhipError::Unacceptable("setup must be actpass or active")),
    }
    if !lines.contains(&"a=rtcp-mux") {
        return Err(WhipError::Unacceptable("rtcp-mux is required"));
    }
    Ok(())
}

fn credentials(lines: &[&str]) -> IceCredentials {
    let value = |name| attribute(lines, name).unwrap_or_default().to_owned();
    IceCredentials { ufrag: value("a=ice-ufrag:"), pwd: value("a=ice-pwd:") }
}

fn attribute<'a>(lines: &[&'a str], prefix: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.strip_prefix(prefix))
}

/// Whether we could send to a candidate: RTP's component, UDP, and an address rather than a name. Browsers
/// hide their addresses behind names in `.local` (draft-ietf-mmusic-mdns-ice-candidates), which we do not
/// resolve: such a browser reaches us, and its address is learnt from that (RFC 8445, section 7.3.1.3).
fn is_usable(candidate: &str) -> bool {
    let fields: Vec<&str> = candidate.split(' ').collect();
    let [_, component, transport, priority, address, port, "typ", kind, ..] = fields.as_slice() else {
        return false;
    };
    let address = address.parse::<IpAddr>();
    *component == "1"
        && transport.eq_ignore_ascii_case("udp")
        && priority.parse::<u32>().is_ok()
        && address.is_ok_and(|address| !address.is_unspecified() && !address.is_multicast())
        && port.parse::<u16>().is_ok_and(|port| port != 0)
        && matches!(*kind, "host" | "srflx" | "prflx" | "relay")
}

#[cfg(test)]
#[path = "sdp_tests.rs"]
mod tests;
