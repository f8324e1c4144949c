//! Puts packets back in order by their sequence number.

use super::MediaPacket;
use std::{collections::VecDeque, time::Duration};

/// Packets held back while an earlier one is missing. At 20 ms a packet, five later packets mean that the
/// missing one is 100 ms late, which on a path fit for conversation (ITU-T G.114: up to 150 ms one way)
/// means lost. Packets that arrive in order are never held: this buffer adds no delay of its own, because a
/// recogniser, unlike a loudspeaker, does not need an even pace.
pub const DEPTH: usize = 5;

/// How long a packet waits for an earlier one, for when too few packets follow to fill [`DEPTH`]: the sender
/// went silent (DTX sends one packet in 400 ms) or stopped.
pub const MAX_WAIT: Duration = Duration::from_millis(100);

/// A jump ahead beyond this is a sender that restarted, not loss (RFC 3550, appendix A.1).
const MAX_DROPOUT: u16 = 3_000;

/// A packet this far behind is late; one further behind may be a restart (RFC 3550, appendix A.1).
const MAX_MISORDER: u16 = 100;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inserted {
    Held,
    /// Its turn had passed.
    Late,
    /// It is held already.
    Duplicate,
    /// Far from what was expected. Two such packets in a row begin a new numbering.
    OutOfRange,
}

/// A packet whose turn has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Released {
    pub packet: MediaPacket,
    /// When it arrived.
    pub arrived: Duration,
    /// Packets between the one released before and this one that never came.
    pub lost: u16,
    /// Sequence numbers and timestamps do not continue those before.
    pub restarted: bool,
}

#[derive(Debug)]
struct Held {
    packet: MediaPacket,
    arrived: Duration,
}

/// Holds at most [`DEPTH`] packets, in order.
#[derive(Debug, Default)]
pub(super) struct ReorderBuffer {
    /// The sequence number whose turn it is, once there has been a packet.
    next: Option<u16>,
    held: VecDeque<Held>,
    /// What would follow the last out-of-range packet.
    restart_at: Option<u16>,
    restarted: bool,
}

impl ReorderBuffer {
    /// Takes a packet in. The caller calls [`Self::pop`] until it gives nothing, after each insertion.
    pub fn insert(&mut self, packet: MediaPacket, now: Duration) -> Inserted {
        let next = *self.next.get_or_insert(packet.sequence);
        let ahead = packet.sequence.wrapping_sub(next);
        let behind = next.wrapping_sub(packet.sequence);
        if ahead >= MAX_DROPOUT {
            if behind <= MAX_MISORDER {
                return Inserted::Late;
            }
            if self.restart_at != Some(packet.sequence) {
                self.restart_at = Some(packet.sequence.wrapping_add(1));
                return Inserted::OutOfRange;
            }
            self.restart(packet.sequence);
        }
        self.restart_at = None;
        self.hold(packet, now)
    }

    /// Forgets the numbering: whatever comes next is first.
    pub fn reset(&mut self) {
        self.held.clear();
        self.restarted |= self.next.is_some();
        self.next = None;
        self.restart_at = None;
    }

    /// The next packet, if it is there, or the next but one if the next has been given up.
    pub fn pop(&mut self, now: Duration) -> Option<Released> {
        let next = self.next?;
        let first = self.held.front()?;
        let lost = first.packet.sequence.wrapping_sub(next);
        if lost > 0 && self.held.len() < DEPTH && now < self.gives_up_at()? {
            return None;
        }
        let Held { packet, arrived } = self.held.pop_front()?;
        self.next = Some(packet.sequence.wrapping_add(1));
        Some(Released { packet, arrived, lost, restarted: std::mem::take(&mut self.restarted) })
    }

    /// When [`Self::pop`] will give something even if nothing arrives until then.
    pub fn gives_up_at(&self) -> Option<Duration> {
        self.held.iter().map(|held| held.arrived).min().map(|arrived| arrived + MAX_WAIT)
    }

    fn restart(&mut self, sequence: u16) {
        self.reset();
        self.next = Some(sequence);
    }

    fn hold(&mut self, packet: MediaPacket, now: Duration) -> Inserted {
        let Some(next) = self.next else { return Inserted::OutOfRange };
        let distance = |sequence: u16| sequence.wrapping_sub(next);
        let at = self.held.partition_point(|held| distance(held.packet.sequence) < distance(packet.sequence));
        if self.held.get(at).is_some_and(|held| held.packet.sequence == packet.sequence) {
            return Inserted::Duplicate;
        }
        self.held.insert(at, Held { packet, arrived: now });
        Inserted::Held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(sequence: u16) -> MediaPacket {
        MediaPacket { ssrc: 1, sequence, timestamp: 0, payload: bytes::Bytes::new() }
    }

    /// Sequence numbers released, each with the number lost before it, when all arrive at once.
    fn released(sequences: &[u16]) -> Vec<(u16, u16)> {
        let mut buffer = ReorderBuffer::default();
        let mut out = Vec::new();
        for &sequence in sequences {
            buffer.insert(packet(sequence), Duration::ZERO);
            while let Some(released) = buffer.pop(Duration::ZERO) {
                out.push((released.packet.sequence, released.lost));
            }
        }
        out
    }

    #[test]
    fn packets_in_order_pass_at_once() {
        assert_eq!(released(&[7, 8, 9]), [(7, 0), (8, 0), (9, 0)]);
    }

    #[test]
    fn swapped_packets_come_out_in_order_across_the_wrap_around() {
        assert_eq!(released(&[65_534, 0, 65_535, 1]), [(65_534, 0), (65_535, 0), (0, 0), (1, 0)]);
    }

    #[test]
    fn a_repeated_packet_comes_out_once() {
        assert_eq!(released(&[1, 1, 3, 3, 2, 2]), [(1, 0), (2, 0), (3, 0)]);
    }

    #[test]
    fn a_missing_packet_is_given_up_when_the_buffer_is_full() {
        assert_eq!(released(&[1, 3, 4, 5, 6]), [(1, 0)]);
        assert_eq!(released(&[1, 3, 4, 5, 6, 7]), [(1, 0), (3, 1), (4, 0), (5, 0), (6, 0), (7, 0)]);
    }

    #[test]
    fn a_missing_packet_is_given_up_when_its_time_is_up() {
        let mut buffer = ReorderBuffer::default();
        buffer.insert(packet(1), Duration::ZERO);
        assert!(buffer.pop(Duration::ZERO).is_some());
        buffer.insert(packet(3), Duration::from_millis(40));
        let deadline = buffer.gives_up_at().unwrap();
        assert_eq!(deadline, Duration::from_millis(40) + MAX_WAIT);
        assert_eq!(buffer.pop(Duration::from_millis(139)), None);
        assert_eq!(buffer.pop(deadline).map(|released| released.lost), Some(1));
    }

    #[test]
    fn a_late_packet_is_refused() {
        let mut buffer = ReorderBuffer::default();
        buffer.insert(packet(10), Duration::ZERO);
        assert!(buffer.pop(Duration::ZERO).is_some());
        assert_eq!(buffer.insert(packet(9), Duration::ZERO), Inserted::Late);
    }

    #[test]
    fn one_stray_packet_changes_nothing_and_two_in_a_row_begin_anew() {
        let mut buffer = ReorderBuffer::default();
        buffer.insert(packet(10), Duration::ZERO);
        assert!(buffer.pop(Duration::ZERO).is_some());
        assert_eq!(buffer.insert(packet(30_000), Duration::ZERO), Inserted::OutOfRange);
        assert_eq!(buffer.insert(packet(11), Duration::ZERO), Inserted::Held);
        assert_eq!(buffer.pop(Duration::ZERO).map(|released| released.restarted), Some(false));
        assert_eq!(buffer.insert(packet(30_000), Duration::ZERO), Inserted::OutOfRange);
        assert_eq!(buffer.insert(packet(30_001), Duration::ZERO), Inserted::Held);
        let released = buffer.pop(Duration::ZERO).unwrap();
        assert_eq!((released.packet.sequence, released.lost, released.restarted), (30_001, 0, true));
    }

    proptest! {
        #[test]
        fn whatever_arrives_the_buffer_is_bounded_and_order_holds(
            arrivals in proptest::collection::vec((any::<u16>(), 0_u64..50), 0..300)
        ) {
            let mut buffer = ReorderBuffer::default();
            let mut now = Duration::ZERO;
            let mut previous: Option<u16> = None;
            for (sequence, wait) in arrivals {
                now += Duration::from_millis(wait);
                buffer.insert(packet(sequence), now);
                while let Some(released) = buffer.pop(now) {
                    if let (Some(previous), false) = (previous, released.restarted) {
                        prop_assert_eq!(released.packet.sequence, previous.wrapping_add(released.lost).wrapping_add(1));
                    }
                    previous = Some(released.packet.sequence);
                }
                prop_assert!(buffer.held.len() < DEPTH);
            }
        }

        #[test]
        fn a_shuffle_within_the_depth_loses_nothing(start in any::<u16>(), swaps in proptest::collection::vec(0_usize..60, 0..20)) {
            let mut order: Vec<u16> = (0..64).map(|i: u16| start.wrapping_add(i)).collect();
            // Disjoint neighbours only, so that no packet is more than two places early.
            let mut taken = [false; 64];
            for at in swaps {
                let at = at + 1;
                if !taken[at] && !taken[at + 1] {
                    order.swap(at, at + 1);
                    taken[at] = true;
                    taken[at + 1] = true;
                }
            }
            let out = released(&order);
            prop_assert_eq!(out.len(), 64);
            prop_assert!(out.iter().all(|(_, lost)| *lost == 0));
        }
    }
}
