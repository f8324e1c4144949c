//! Publishes to a WHIP endpoint in real time, and receives from a WHEP endpoint: for the demonstration, load tests
//! and integration tests.

mod encoder;
mod endpoint;
mod link;
mod offered;
mod resample;
mod sender;
mod stream;
mod video;
mod viewer;
mod whep;
mod whip;

pub use link::Link;
pub use offered::{OfferedPeer, OfferedViewer};
pub use resample::resample;
pub use sender::{AudioSender, Played};
pub use video::VideoSender;
pub use viewer::{Received, RtpPacket, Viewer};
pub use whep::WhepClient;
pub use whip::WhipClient;

use crate::{error::WhipError, forward::VideoCodec};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientConfig {
    /// Addresses to send from; an unspecified one stands for every interface but loopback.
    pub bind: Vec<IpAddr>,
    /// Bits per second. Wideband speech wants 16 to 20 kbit/s (RFC 6716, section 2.1.1); redundancy takes the
    /// rest.
    pub bitrate: i32,
    /// Also send video in this codec, or receive video in either.
    pub video: Option<VideoCodec>,
    /// From the answer to the connection.
    pub connect_timeout: Duration,
    /// Sent as `Authorization: Bearer` (RFC 9725, section 4.7.1).
    pub bearer: Option<String>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            bitrate: 32_000,
            video: None,
            connect_timeout: Duration::from_secs(10),
            bearer: None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("the media stack failed: {0}")]
    Media(#[from] webrtc::error::Error),
    #[error("Opus: {0}")]
    Opus(#[from] opus::Error),
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    /// The endpoint answered with something else than 201 Created.
    #[error("refused with status {status}: {detail}")]
    Refused {
        status: u16,
        /// The beginning of the response's body.
        detail: String,
    },
    #[error("the endpoint's response lacks {0}")]
    Response(&'static str),
    #[error("the endpoint's response: {0}")]
    Sdp(#[from] WhipError),
    #[error("{0} took too long")]
    Timeout(&'static str),
    #[error("a sample rate of {0} Hz is not between 8,000 and 48,000")]
    SampleRate(u32),
    #[error("a clip is longer than {} s", sender::MAX_CLIP.as_secs())]
    ClipTooLong,
    /// The connection has ended.
    #[error("not connected")]
    Disconnected,
}
