//! How long a model takes for a batch, learnt from the batches it has run. Pure.

use std::time::Duration;

/// What an observation keeps of its weight with each later one: about the last thirty batches count.
const FORGETTING: f64 = 0.97;

/// Least and most a refused request is told to wait: sooner it would only ask again, and nobody plans beyond half a
/// minute.
const MIN_HINT: Duration = Duration::from_millis(10);
const MAX_HINT: Duration = Duration::from_secs(30);

/// Before anything was observed, a batch is taken to last this long.
const UNKNOWN: Duration = Duration::from_millis(100);

/// A line through batch sizes and service times by least squares, old observations weighing less: so much for a batch,
/// and so much more for each request in it.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceModel {
    weight: f64,
    size: f64,
    seconds: f64,
    size_size: f64,
    size_seconds: f64,
    /// Mean distance from the line, in seconds.
    deviation: f64,
}

impl ServiceModel {
    pub(super) fn observe(&mut self, size: usize, service: Duration) {
        let (size, seconds) = (size as f64, service.as_secs_f64());
        if self.weight > 0.0 {
            let error = (seconds - self.line(size)).abs();
            self.deviation += (error - self.deviation) * (1.0 - FORGETTING);
        }
        for (sum, new) in [
            (&mut self.weight, 1.0),
            (&mut self.size, size),
            (&mut self.seconds, seconds),
            (&mut self.size_size, size * size),
            (&mut self.size_seconds, size * seconds),
        ] {
            *sum = *sum * FORGETTING + new;
        }
    }

    pub(super) fn is_known(&self) -> bool {
        self.weight > 0.0
    }

    /// Seconds for a batch and for each request of it, neither below zero. Of one size only, all is put down to the
    /// batch: whether company costs anything shows once there is some.
    fn coefficients(&self) -> (f64, f64) {
        if self.weight <= 0.0 {
            return (UNKNOWN.as_secs_f64(), 0.0);
        }
        let (mean_size, mean) = (self.size / self.weight, self.seconds / self.weight);
        let variance = self.size_size / self.weight - mean_size * mean_size;
        if variance < 0.01 {
            return (mean, 0.0);
        }
        let slope = (self.size_seconds / self.weight - mean_size * mean) / variance;
        let slope = slope.clamp(0.0, mean / mean_size);
        (mean - slope * mean_size, slope)
    }

    fn line(&self, size: f64) -> f64 {
        let (base, each) = self.coefficients();
        base + each * size
    }

    /// What a batch of this size is expected to take.
    pub(super) fn expected(&self, size: usize) -> Duration {
        Duration::from_secs_f64(self.line(size as f64))
    }

    /// What a batch of this size will hardly exceed.
    pub(super) fn at_most(&self, size: usize) -> Duration {
        Duration::from_secs_f64(self.line(size as f64) + 2.0 * self.deviation)
    }

    /// The largest batch that is expected to take no longer than `limit`; at least one.
    pub(super) fn size_within(&self, limit: Duration) -> usize {
        let (base, each) = self.coefficients();
        let left = limit.as_secs_f64() - base - 2.0 * self.deviation;
        if each <= f64::EPSILON {
            return if left >= 0.0 { usize::MAX } else { 1 };
        }
        (left / each).max(1.0) as usize
    }
}

/// How full a pool is, as a refused request finds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crowd {
    /// Requests that must have left the queue before this one is let in.
    pub excess: usize,
    pub max_batch: usize,
    /// Instances that serve.
    pub instances: usize,
    /// How long until the first of them is free, as far as is known.
    pub until_free: Duration,
}

/// When a refused request may come again, if nobody else comes in between: the queue then holds few enough.
pub(super) fn retry_after(service: &ServiceModel, crowd: Crowd) -> Duration {
    let batch = crowd.max_batch.max(1);
    // The first batch is taken when an instance becomes free, the others while it runs, one after the other.
    let batches = crowd.excess.max(1).div_ceil(batch) as u32 - 1;
    let rounds = f64::from(batches) / crowd.instances.max(1) as f64;
    let hint = crowd.until_free.as_secs_f64() + rounds.ceil() * service.at_most(batch).as_secs_f64();
    Duration::from_secs_f64(hint).clamp(MIN_HINT, MAX_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(base_ms: f64, each_ms: f64) -> ServiceModel {
        let mut model = ServiceModel::default();
        for round in 0..40 {
            let size = 1 + round % 8;
            model.observe(size, Duration::from_secs_f64((base_ms + each_ms * size as f64) / 1e3));
        }
        model
    }

    #[test]
    fn the_time_of_a_batch_and_of_each_request_in_it_are_told_apart() {
        let model = learnt(5.0, 0.1);
        assert!((model.expected(64).as_secs_f64() - 0.0114).abs() < 1e-4, "{:?}", model.expected(64));
        assert_eq!(model.size_within(Duration::from_micros(6_050)), 10);
        assert_eq!(model.size_within(Duration::from_millis(1)), 1);
    }

    #[test]
    fn a_model_that_becomes_slower_is_believed_within_some_batches() {
        let mut model = learnt(5.0, 0.1);
        for size in (1..=8).cycle().take(80) {
            model.observe(size, Duration::from_millis(20));
        }
        assert!(model.expected(4) > Duration::from_millis(17), "{:?}", model.expected(4));
    }

    #[test]
    fn one_size_only_is_put_down_to_the_batch() {
        let mut model = ServiceModel::default();
        (0..5).for_each(|_| model.observe(1, Duration::from_millis(5)));
        assert_eq!(model.expected(8), Duration::from_millis(5));
    }

    #[test]
    fn a_hint_counts_the_batches_that_must_be_taken_first() {
        let mut model = ServiceModel::default();
        (0..5).for_each(|_| model.observe(4, Duration::from_millis(50)));
        let crowd = Crowd { excess: 1, max_batch: 4, instances: 1, until_free: Duration::from_millis(20) };
        assert_eq!(retry_after(&model, crowd), Duration::from_millis(20));
        assert_eq!(retry_after(&model, Crowd { excess: 5, ..crowd }), Duration::from_millis(70));
        assert_eq!(retry_after(&model, Crowd { excess: 9, instances: 2, ..crowd }), Duration::from_millis(70));
        assert_eq!(retry_after(&model, Crowd { until_free: Duration::ZERO, ..crowd }), MIN_HINT);
        assert_eq!(retry_after(&model, Crowd { excess: 1_000_000, ..crowd }), MAX_HINT);
    }
}
