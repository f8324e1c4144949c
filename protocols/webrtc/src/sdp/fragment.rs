//! Candidates that come after the offer, and ICE restarts: the bodies of PATCH and its answer (RFC 8840).

use super::{IceCredentials, MAX_CANDIDATES, attribute, credentials, is_usable, lines};
use crate::error::WhipError;

/// Part of a description: candidates, and the ICE session they belong to (RFC 8840, section 4.4).
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

    /// What of a whole description is about ICE. Bundled, the candidates of its first section hold for all.
    pub fn of(description: &str) -> Result<Self, WhipError> {
        let mut fragment = Self::parse(description)?;
        let mut seen = Vec::new();
        for candidate in std::mem::take(&mut fragment.candidates) {
            if !seen.contains(&candidate) {
                seen.push(candidate);
            }
        }
        fragment.candidates = seen;
        Ok(fragment)
    }

    /// As sent.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        let mut push = |line: String| {
            out.push_str(&line);
            out.push_str("\r\n");
        };
        push(format!("a=ice-ufrag:{}", self.ice.ufrag));
        push(format!("a=ice-pwd:{}", self.ice.pwd));
        push("m=audio 9 UDP/TLS/RTP/SAVPF 0".into());
        if let Some(mid) = &self.mid {
            push(format!("a=mid:{mid}"));
        }
        for candidate in &self.candidates {
            push(format!("a={candidate}"));
        }
        push("a=end-of-candidates".into());
        out
    }
}

/// A description that was agreed on before, with the ICE session of `fragment` instead of its own: what a full
/// offer or answer of the restart would say (RFC 9725, section 4.3.3: nothing else may change).
pub fn restarted(description: &str, fragment: &Fragment) -> String {
    let mut out = String::with_capacity(description.len() + 256);
    let mut push = |line: &str| {
        out.push_str(line);
        out.push_str("\r\n");
    };
    let mut is_told = false;
    for line in description.lines() {
        if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
            continue;
        }
        if line.starts_with("a=ice-ufrag:") {
            push(&format!("a=ice-ufrag:{}", fragment.ice.ufrag));
        } else if line.starts_with("a=ice-pwd:") {
            push(&format!("a=ice-pwd:{}", fragment.ice.pwd));
        } else if let Some(origin) = line.strip_prefix("o=") {
            push(&format!("o={}", next_version(origin)));
        } else {
            push(line);
        }
        if line.starts_with("a=mid:") && !is_told {
            is_told = true;
            fragment.candidates.iter().for_each(|candidate| push(&format!("a={candidate}")));
        }
    }
    out
}

/// An origin line with the version after its own (RFC 8866, section 5.2).
fn next_version(origin: &str) -> String {
    let mut fields: Vec<String> = origin.split(' ').map(str::to_owned).collect();
    if let Some(version) = fields.get_mut(2)
        && let Ok(number) = version.parse::<u64>()
    {
        *version = number.wrapping_add(1).to_string();
    }
    fields.join(" ")
}
