//! What the server counts.

use crate::media::MediaStats;

/// Counts of one connection since it began.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionStats {
    /// Sound received.
    pub media: MediaStats,
    /// Video packets received.
    pub video: u64,
    /// Keyframes that the sender was asked for, or that the viewer asked for.
    pub keyframe_requests: u64,
    /// Packets sent to the viewer.
    pub sent: u64,
    /// Packets the viewer was too slow for, or that came too late to have a place.
    pub dropped: u64,
}

/// Adds to the metrics what happened between two counts.
pub(super) fn count_media(before: MediaStats, after: MediaStats) {
    let packets = |fate: &'static str, of: fn(&MediaStats) -> u64| {
        metrics::counter!("healthsync_webrtc_packets_total", "fate" => fate).increment(of(&after) - of(&before));
    };
    packets("received", |stats| stats.packets);
    packets("late", |stats| stats.late);
    packets("duplicate", |stats| stats.duplicate);
    packets("invalid", |stats| stats.invalid);
    packets("ahead", |stats| stats.ahead);
    packets("lost", |stats| stats.lost);
    let samples = |how: &'static str, of: fn(&MediaStats) -> u64| {
        metrics::counter!("healthsync_webrtc_filled_samples_total", "how" => how).increment(of(&after) - of(&before));
    };
    samples("recovered", |stats| stats.recovered_samples);
    samples("concealed", |stats| stats.concealed_samples);
    samples("silent", |stats| stats.silent_samples);
}

/// Adds to the metrics what a viewer was sent, or missed, between two counts.
pub(super) fn count_viewer(before: ConnectionStats, after: ConnectionStats) {
    let packets = |fate: &'static str, count: u64| {
        metrics::counter!("healthsync_webrtc_viewer_packets_total", "fate" => fate).increment(count);
    };
    packets("sent", after.sent - before.sent);
    packets("dropped", after.dropped - before.dropped);
}

/// Counts a connection while it lives.
pub(super) struct Counted(metrics::Gauge);

impl Counted {
    pub fn sending() -> Self {
        Self::in_gauge(metrics::gauge!("healthsync_webrtc_connections"))
    }

    pub fn watching() -> Self {
        Self::in_gauge(metrics::gauge!("healthsync_webrtc_viewers"))
    }

    fn in_gauge(gauge: metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
