//! WebRTC by WHIP (RFC 9725) and WHEP: Opus in, 16 kHz mono out; sound and pictures forwarded as they came; the
//! interpreter's voice as a track; and the matching client.
//!
//! - [`media`] turns RTP packets into [`healthsync_events::AudioFrame`]s. Pure: no socket, no clock.
//! - [`forward`] numbers and paces packets for those who watch and listen. Pure.
//! - [`sdp`] decides which offers are accepted, and reads and writes the lines of SDP that WHIP cares about. Pure.
//! - [`server`] holds the connections: one task and one peer connection each. What a participant sends goes into one
//!   audio sink and, without waiting for anybody, to those who watch.
//! - [`client`] publishes to a WHIP endpoint in real time, and receives from a WHEP endpoint.

pub mod client;
pub mod error;
pub mod forward;
pub mod media;
mod peer;
pub mod sdp;
pub mod server;

pub use client::{AudioSender, ClientConfig, ClientError, Played, VideoSender, WhepClient, WhipClient};
pub use error::WhipError;
pub use forward::VideoCodec;
pub use server::{Accepted, ConnectionStats, Patched, WhipConfig, WhipResourceId, WhipServer};
