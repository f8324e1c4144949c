//! PATCH: further candidates, and ICE restarts (RFC 9725, section 4.3).

use super::{connection::ANSWER_TIMEOUT, registry::Connection};
use crate::{
    error::WhipError,
    peer::gathered_description,
    sdp::{Fragment, IceCredentials, MAX_CANDIDATES, TRICKLE, finish_answer, has_candidate, restarted},
};
use rtc::peer_connection::transport::RTCIceCandidateInit;
use std::{net::IpAddr, sync::atomic::Ordering};
use uuid::Uuid;
use webrtc::peer_connection::RTCSessionDescription;

/// One after the other on the same connection; each restart begins a new one.
pub(super) struct IceSession {
    /// The client's.
    pub remote: IceCredentials,
    pub etag: String,
    /// The client's offer as it stands, from which that of a restart follows.
    pub offer: String,
}

/// What a PATCH did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patched {
    /// Candidates were taken: 204 No Content.
    Trickled,
    /// A new ICE session began: 200 OK.
    Restarted {
        /// The body: our credentials and candidates, of type [`TRICKLE`].
        fragment: String,
        /// In quotation marks.
        etag: String,
    },
}

pub(super) fn new_etag() -> String {
    format!("\"{}\"", Uuid::new_v4().simple())
}

pub(super) async fn patch(
    connection: &Connection,
    content_type: &str,
    if_match: Option<&str>,
    body: &str,
    advertise: &[IpAddr],
) -> Result<Patched, WhipError> {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(TRICKLE) {
        return Err(WhipError::UnsupportedMediaType { expected: TRICKLE });
    }
    let wanted = if_match.ok_or(WhipError::PreconditionRequired)?;
    let mut ice = connection.ice.lock().await;
    if !matches(wanted, &ice.etag) {
        return Err(WhipError::PreconditionFailed);
    }
    let fragment = Fragment::parse(body)?;
    let names_one = !fragment.ice.ufrag.is_empty() || !fragment.ice.pwd.is_empty();
    if !names_one || fragment.ice == ice.remote {
        add_candidates(connection, fragment).await?;
        return Ok(Patched::Trickled);
    }
    if !is_any(wanted) {
        // A restart is not about the ICE session that an etag names.
        return Err(WhipError::PreconditionFailed);
    }
    let (fragment, etag) = restart(connection, &mut ice, fragment, advertise).await?;
    Ok(Patched::Restarted { fragment, etag })
}

async fn add_candidates(connection: &Connection, fragment: Fragment) -> Result<(), WhipError> {
    if !connection.reserve_candidates(fragment.candidates.len()) {
        return Err(WhipError::TooManyCandidates { limit: MAX_CANDIDATES });
    }
    for candidate in fragment.candidates {
        let init = RTCIceCandidateInit { candidate, sdp_mid: fragment.mid.clone(), ..RTCIceCandidateInit::default() };
        // One that the stack cannot use is passed over, as the RFC wants.
        if connection.peer.add_ice_candidate(init).await.is_err() {
            tracing::debug!(resource = %connection.resource, "a remote candidate was passed over");
        }
    }
    Ok(())
}

/// Renegotiates with nothing but another ICE session. Media goes on over the old path until the new one is found.
async fn restart(
    connection: &Connection,
    ice: &mut IceSession,
    fragment: Fragment,
    advertise: &[IpAddr],
) -> Result<(String, String), WhipError> {
    if fragment.ice.ufrag.len() < 4 || fragment.ice.pwd.len() < 22 {
        return Err(WhipError::Malformed("its ICE credentials are too short")); // RFC 8839, section 5.4
    }
    let offer = restarted(&ice.offer, &fragment);
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, renegotiate(connection, &offer)).await;
    let answer = answer.unwrap_or(Err(WhipError::Failed("gathering candidates took too long")))?;
    let told = Fragment::of(&finish_answer(&answer, advertise))?.to_text();
    connection.candidates.store(fragment.candidates.len(), Ordering::Relaxed);
    *ice = IceSession { remote: fragment.ice, etag: new_etag(), offer };
    tracing::info!(resource = %connection.resource, "ICE restarted");
    Ok((told, ice.etag.clone()))
}

async fn renegotiate(connection: &Connection, offer: &str) -> Result<String, WhipError> {
    const FAILED: WhipError = WhipError::Failed("ICE could not be restarted");
    let mut status = connection.status.clone();
    let before = status.borrow().gathered;
    let description = RTCSessionDescription::offer(offer.to_owned()).map_err(|_| FAILED)?;
    connection.peer.set_remote_description(description).await.map_err(|_| FAILED)?;
    let answer = connection.peer.create_answer(None).await.map_err(|_| FAILED)?;
    connection.peer.set_local_description(answer).await.map_err(|_| FAILED)?;
    let answer = gathered_description(&*connection.peer, &mut status, before).await.ok_or(FAILED)?;
    if !has_candidate(&answer) {
        return Err(WhipError::Failed("no address to receive on"));
    }
    Ok(answer)
}

/// Whether an If-Match value names `etag` (RFC 9110, section 13.1.1): `*`, or a list with it in it.
fn matches(if_match: &str, etag: &str) -> bool {
    is_any(if_match) || if_match.split(',').any(|tag| tag.trim() == etag)
}

/// RFC 9725 shows the asterisk in quotation marks.
fn is_any(if_match: &str) -> bool {
    matches!(if_match.trim(), "*" | "\"*\"")
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn if_match_is_a_list_or_an_asterisk() {
        assert!(matches("\"a\"", "\"a\"") && matches("*", "\"a\"") && matches("\"b\", \"a\"", "\"a\""));
        assert!(!matches("\"b\"", "\"a\"") && !matches("W/\"a\"", "\"a\"") && !matches("", "\"a\""));
    }
}
