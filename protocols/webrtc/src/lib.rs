//! WebRTC audio by WHIP (RFC 9725): Opus in, 16 kHz mono out, and the matching client.
//!
//! - [`media`] turns RTP packets into [`healthsync_events::AudioFrame`]s. Pure: no socket, no clock.
//! - [`sdp`] decides which offers are accepted, and reads and writes the lines of SDP that WHIP cares about. Pure.
//! - [`server`] holds the connections: one task, one peer connection and one audio sink each.
//! - [`client`] publishes audio to a WHIP endpoint in real time.

pub mod client;
pub mod error;
pub mod media;
mod peer;
pub mod sdp;
pub mod server;

pub use client::{AudioSender, ClientConfig, ClientError, Played, WhipClient};
pub use error::WhipError;
pub use server::{Accepted, WhipConfig, WhipResourceId, WhipServer};
