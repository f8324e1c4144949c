//! What a media server is told at start.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    time::Duration,
};

/// How media is received and passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhipConfig {
    /// Addresses to exchange media at. An unspecified one stands for every interface but loopback.
    pub bind: Vec<IpAddr>,
    /// Addresses to tell clients instead of those bound: the public ones of a host behind 1:1 NAT.
    pub advertise: Vec<IpAddr>,
    /// UDP ports to use, for firewalls; any free one when absent. Each connection takes one on each address.
    pub ports: Option<RangeInclusive<u16>>,
    /// Connections that send, at a time; a further one is refused. Receiving sound costs about half a percent of a
    /// core (`examples/ingest_cost.rs`).
    pub max_connections: usize,
    /// Connections that watch or listen, at a time.
    pub max_viewers: usize,
    /// The same, of one session: eight participants who each watch the seven others and hear the interpreter.
    pub max_session_viewers: usize,
    /// From the offer to the first packet, or to being connected for those who watch. A client that is not there by
    /// then has gone away, or never meant to come (RFC 9725, section 5).
    pub connect_timeout: Duration,
    /// Without a packet from one who sends. A browser sends at least every 400 ms, muted or not.
    pub idle_timeout: Duration,
}

impl Default for WhipConfig {
    fn default() -> Self {
        Self {
            bind: vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::LOCALHOST)],
            advertise: Vec::new(),
            ports: None,
            max_connections: 256,
            max_viewers: 512,
            max_session_viewers: 64,
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(15),
        }
    }
}
