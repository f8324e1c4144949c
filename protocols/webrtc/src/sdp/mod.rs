//! The SDP that WHIP and WHEP care about: which offers are accepted, trickled candidates, ICE restarts, and what
//! the answer adds.
//!
//! Line by line and by name: the WebRTC stack parses descriptions in full. What is decided here is policy,
//! and what is kept from the stack is what it need not see.

mod answer;
mod fragment;
mod offer;
mod sections;

pub use answer::{finish_answer, has_candidate, rejects_video};
pub use fragment::{Fragment, restarted};
pub use offer::Offer;

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

/// Lines of a description: Chromium's offer of sound and pictures has about 200.
const MAX_LINES: usize = 1_000;

/// What tells one ICE session from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IceCredentials {
    pub ufrag: String,
    pub pwd: String,
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
mod tests;
