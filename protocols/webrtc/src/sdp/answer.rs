//! What an answer says beyond what the stack writes.

use std::net::IpAddr;

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

/// Whether a description names an address to send to.
pub fn has_candidate(description: &str) -> bool {
    description.lines().any(|line| line.starts_with("a=candidate:"))
}

/// Whether an answer turns the video section down.
pub fn rejects_video(answer: &str) -> bool {
    answer.lines().any(|line| line.starts_with("m=video 0 "))
}

fn readdressed(candidate: &str, address: IpAddr) -> String {
    let mut fields: Vec<String> = candidate.split(' ').map(str::to_owned).collect();
    if let Some(field) = fields.get_mut(4) {
        *field = address.to_string();
    }
    format!("a=candidate:{}", fields.join(" "))
}
