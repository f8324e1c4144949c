//! Which UDP port the next connection takes.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    ops::RangeInclusive,
    sync::atomic::{AtomicU32, Ordering},
};

/// Ports tried for one connection before all are called taken.
const MAX_TRIES: u32 = 1_024;

/// Hands out the ports of a range in turn, so that one that was just given back rests: late packets of its
/// last connection would find the next.
#[derive(Debug)]
pub(super) struct Ports {
    range: Option<RangeInclusive<u16>>,
    turn: AtomicU32,
}

impl Ports {
    pub fn new(range: Option<RangeInclusive<u16>>) -> Self {
        Self { range, turn: AtomicU32::new(0) }
    }

    /// The addresses to bind for one connection, all at one port that was free just now.
    pub fn next(&self, bind: &[IpAddr]) -> Option<Vec<SocketAddr>> {
        let at = |port| bind.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let Some(range) = &self.range else { return Some(at(0)) };
        let count = u32::from(*range.end()).checked_sub(u32::from(*range.start()))? + 1;
        (0..count.min(MAX_TRIES)).find_map(|_| {
            let offset = self.turn.fetch_add(1, Ordering::Relaxed) % count;
            let port = u16::try_from(u32::from(*range.start()) + offset).ok()?;
            bind.iter().all(|ip| UdpSocket::bind((*ip, port)).is_ok()).then(|| at(port))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_taken_port_is_passed_over_and_a_full_range_gives_none() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let taken = UdpSocket::bind((localhost, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(Ports::new(Some(port..=port)).next(&[localhost]), None);
        drop(taken);
        assert_eq!(Ports::new(Some(port..=port)).next(&[localhost]), Some(vec![SocketAddr::new(localhost, port)]));
    }

    #[test]
    fn without_a_range_the_system_chooses() {
        let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(Ports::new(None).next(&[localhost]), Some(vec![SocketAddr::new(localhost, 0)]));
    }
}
