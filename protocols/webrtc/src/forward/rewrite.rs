//! One outgoing stream out of whichever stream feeds it just now.

use std::time::Duration;

/// A jump of sequence numbers beyond this is a sender that began a new numbering, not loss (RFC 3550, appendix A.1).
const MAX_DROPOUT: i64 = 3_000;

/// One stream of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceId {
    /// Counts the connections of a participant: a later one is higher.
    pub connection: u64,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// Renumbers packets so that a receiver sees one stream without a break, although the sender has come back with
/// another numbering. Within one stream of the sender, gaps and order stay as they were: a packet sent again still
/// fills the place of the lost one.
#[derive(Debug)]
pub struct Rewriter {
    clock_rate: u32,
    current: Option<Current>,
    /// The stream before the current one: late packets of it are not to be mistaken for a change back.
    previous: Option<SourceId>,
    /// Sequence number after the newest sent.
    next_sequence: u16,
    /// Timestamp of the newest sent.
    timestamp: u32,
    /// When the newest was sent; none yet.
    sent_at: Option<Duration>,
}

#[derive(Debug)]
struct Current {
    source: SourceId,
    /// Sequence numbers of the sender, counted on beyond the wrap-around.
    first: i64,
    newest: i64,
    /// Outgoing sequence number of `first`.
    sequence: u16,
    /// From incoming to outgoing timestamps.
    timestamp_offset: u32,
    /// What would follow a packet far from the sequence.
    restart_at: Option<u16>,
}

impl Rewriter {
    /// Begins at these numbers, which should be random (RFC 3550, section 5.1). The clock rate is in hertz.
    pub fn new(clock_rate: u32, sequence: u16, timestamp: u32) -> Self {
        Self { clock_rate, current: None, previous: None, next_sequence: sequence, timestamp, sent_at: None }
    }

    /// Sequence number and timestamp that a packet goes out with, or nothing for one that comes too late to have
    /// any. `now` is counted from any fixed instant.
    pub fn rewrite(&mut self, source: SourceId, sequence: u16, timestamp: u32, now: Duration) -> Option<(u16, u32)> {
        let is_same = self.current.as_ref().is_some_and(|current| current.source == source);
        if !is_same {
            let is_past = self.previous == Some(source)
                || self.current.as_ref().is_some_and(|current| current.source.connection > source.connection);
            if is_past {
                return None;
            }
            self.begin(source, sequence, timestamp, now);
        }
        let current = self.current.as_mut()?;
        let mut step = i64::from(sequence.wrapping_sub(current.newest as u16) as i16);
        if step.abs() > MAX_DROPOUT {
            if current.restart_at != Some(sequence) {
                current.restart_at = Some(sequence.wrapping_add(1));
                return None;
            }
            self.begin(source, sequence, timestamp, now);
            step = 0;
        }
        let current = self.current.as_mut()?;
        current.restart_at = None;
        let extended = current.newest + step;
        if extended < current.first {
            return None;
        }
        let sequence = current.sequence.wrapping_add((extended - current.first) as u16);
        let timestamp = timestamp.wrapping_add(current.timestamp_offset);
        if extended >= current.newest {
            current.newest = extended;
            self.next_sequence = sequence.wrapping_add(1);
            self.timestamp = timestamp;
            self.sent_at = Some(now);
        }
        Some((sequence, timestamp))
    }

    /// Continues with another stream, as much later as it is.
    fn begin(&mut self, source: SourceId, sequence: u16, timestamp: u32, now: Duration) {
        let ticks = self.sent_at.map_or(0, |at| {
            let elapsed = now.saturating_sub(at).as_micros() * u128::from(self.clock_rate) / 1_000_000;
            // At least one: a stream of its own is a frame of its own. The clock wraps around.
            elapsed.max(1) as u32
        });
        let begins_at = self.timestamp.wrapping_add(ticks);
        if let Some(current) = &self.current
            && current.source != source
        {
            self.previous = Some(current.source);
        }
        self.current = Some(Current {
            source,
            first: i64::from(sequence),
            newest: i64::from(sequence),
            sequence: self.next_sequence,
            timestamp_offset: begins_at.wrapping_sub(timestamp),
            restart_at: None,
        });
    }
}

#[cfg(test)]
#[path = "rewrite_tests.rs"]
mod tests;
