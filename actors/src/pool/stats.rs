//! What a pool tells operators about itself. Holds no patient data: requests are counted, never shown.

use super::{scheduler::Class, settings::SettingsPatch};
use healthsync_events::ModelInfo;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Bounds of histogram buckets are this many to a doubling: quantiles are right to a fifth.
const PER_DOUBLING: f64 = 4.0;

/// Enough for 2^26 units: 67 s in microseconds.
const BUCKETS: usize = 26 * PER_DOUBLING as usize + 1;

/// Counts by size, in buckets that grow by the same factor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    pub count: u64,
    pub sum: f64,
    /// Upper bound, and how many lie between it and the one before; empty ones left out.
    pub buckets: Vec<(f64, u64)>,
}

/// A histogram that grows.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    counts: [u64; BUCKETS],
    sum: f64,
}

impl Default for Recorder {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum: 0.0 }
    }
}

impl Recorder {
    pub(super) fn record(&mut self, value: f64) {
        let bucket = (value.max(1.0).log2() * PER_DOUBLING).ceil() as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.sum += value;
    }

    /// In microseconds.
    pub(super) fn record_duration(&mut self, duration: Duration) {
        self.record(duration.as_secs_f64() * 1e6);
    }

    pub(super) fn snapshot(&self) -> Histogram {
        let counted = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let buckets = counted.map(|(index, count)| ((index as f64 / PER_DOUBLING).exp2(), *count)).collect();
        Histogram { count: self.counts.iter().sum(), sum: self.sum, buckets }
    }
}

impl Histogram {
    /// The bound below which this share of values lies; `None` of nothing.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        self.buckets.iter().find_map(|(bound, count)| {
            seen += count;
            (seen >= wanted).then_some(*bound)
        })
    }

    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// What was added since `earlier`, which must be of the same pool's same run.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |bound: f64| {
            let same = earlier.buckets.iter().find(|(of, _)| of.total_cmp(&bound).is_eq());
            same.map_or(0, |(_, count)| *count)
        };
        let added = |(bound, count): &(f64, u64)| (*bound, count.saturating_sub(before(*bound)));
        let buckets = self.buckets.iter().map(added).filter(|(_, count)| *count > 0).collect();
        let count = self.count.saturating_sub(earlier.count);
        Self { count, sum: (self.sum - earlier.sum).max(0.0), buckets }
    }
}

/// One class of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassStats {
    pub class: Class,
    /// Waiting now.
    pub depth: usize,
    /// With so many waiting in all, the next one is refused unless it makes room.
    pub limit: usize,
    pub answered: u64,
    /// Microseconds from arrival to the start of the batch.
    pub wait_us: Histogram,
    /// Requests without an answer, by reason; reasons that never occurred are left out.
    pub dropped: Vec<(String, u64)>,
}

/// A thread with a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStats {
    pub id: u64,
    /// Of the model, counting what was loaded since the pool started.
    pub version: u64,
    pub state: InstanceState,
    /// Milliseconds since the batch that runs began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub busy_ms: Option<u64>,
    pub batches: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    Loading,
    Idle,
    Busy,
    /// It ends after the batch it runs.
    Retiring,
}

/// A version that is being tried on a share of the requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CanaryStats {
    pub version: u64,
    pub share: f32,
    /// Requests since it began, and how many of them it got.
    pub requests: u64,
    pub taken: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PoolStats {
    pub name: String,
    pub ready: bool,
    /// Why it is not and will not be, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelInfo>,
    pub version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStats>,
    pub instances: Vec<InstanceStats>,
    pub classes: Vec<ClassStats>,
    /// Requests a batch.
    pub batch_size: Histogram,
    /// Microseconds a batch.
    pub service_us: Histogram,
    /// Restarts of a model, by reason.
    pub restarts: Vec<(String, u64)>,
    /// Requests tried again after a model failed on their batch.
    pub retried: u64,
    /// Requests that made way for something more urgent while they ran, and came again.
    #[serde(default)]
    pub preempted: u64,
    /// Results that came after their model had been given up.
    pub late_results: u64,
    /// Threads that were given up and have not come back.
    pub abandoned: usize,
    pub settings: SettingsPatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_fifth() {
        let mut recorder = Recorder::default();
        (1..=1_000).for_each(|ms| recorder.record_duration(Duration::from_millis(ms)));
        let histogram = recorder.snapshot();
        for share in [0.5, 0.95, 0.99] {
            let quantile = histogram.quantile(share).unwrap();
            let exact = share * 1e6;
            assert!(quantile >= exact && quantile <= exact * 1.2, "{share}: {quantile}");
        }
        assert!((histogram.mean().unwrap() - 500_500.0).abs() < 1.0);
        assert_eq!(Recorder::default().snapshot().quantile(0.5), None);
    }

    #[test]
    fn what_came_since_an_earlier_look_is_told_apart() {
        let mut recorder = Recorder::default();
        recorder.record(3.0);
        let earlier = recorder.snapshot();
        (0..5).for_each(|_| recorder.record(1e9));
        let since = recorder.snapshot().since(&earlier);
        assert_eq!((since.count, since.buckets.len()), (5, 1));
        assert!((since.quantile(0.5).unwrap() - 26f64.exp2()).abs() < 1.0);
    }

    #[test]
    fn sizes_fall_on_their_own_bounds() {
        let mut recorder = Recorder::default();
        for size in [1.0, 2.0, 4.0, 8.0] {
            recorder.record(size);
        }
        let bounds: Vec<f64> = recorder.snapshot().buckets.iter().map(|(bound, _)| *bound).collect();
        assert_eq!(bounds, [1.0, 2.0, 4.0, 8.0]);
    }
}
