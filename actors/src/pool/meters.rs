//! Counting: for Prometheus, and for whoever asks the pool itself.

use super::{
    scheduler::{Cause, Class},
    stats::Recorder,
};
use metrics::{Counter, Gauge, Histogram};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Why a request got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Cause(Cause),
    /// Refused at the door.
    Overloaded,
    /// The model failed on it.
    Failed,
}

/// Why a model was loaded anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    Panic,
    Nonsense,
    Hang,
}

const REASONS: usize = Cause::ALL.len() + 2;

impl Reason {
    const ALL: [Self; REASONS] = [
        Self::Cause(Cause::Cancelled),
        Self::Cause(Cause::Superseded),
        Self::Cause(Cause::Late),
        Self::Cause(Cause::Shed),
        Self::Overloaded,
        Self::Failed,
    ];

    fn index(self) -> usize {
        match self {
            Self::Cause(cause) => cause as usize,
            Self::Overloaded => Cause::ALL.len(),
            Self::Failed => Cause::ALL.len() + 1,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cause(cause) => cause.name(),
            Self::Overloaded => "overloaded",
            Self::Failed => "failed",
        }
    }
}

impl Restart {
    pub(super) const ALL: [Self; 3] = [Self::Panic, Self::Nonsense, Self::Hang];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Nonsense => "nonsense",
            Self::Hang => "hang",
        }
    }
}

/// Sums since the pool started.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub answered: [u64; 3],
    dropped: [[u64; REASONS]; 3],
    pub wait: [Recorder; 3],
    pub batch: Recorder,
    pub service: Recorder,
    pub restarts: [u64; 3],
    pub retried: u64,
    pub preempted: u64,
    pub late_results: u64,
}

impl Tally {
    /// Reasons that occurred, with how often.
    pub(super) fn dropped(&self, class: Class) -> Vec<(String, u64)> {
        let of = |reason: &Reason| (reason.name().to_owned(), self.dropped[class.index()][reason.index()]);
        Reason::ALL.iter().map(of).filter(|(_, count)| *count > 0).collect()
    }
}

/// Handles are looked up once: doing it for each request would cost more than the request.
pub(super) struct Meters {
    tally: Mutex<Tally>,
    depth: [Gauge; 3],
    found: Histogram,
    wait: [Histogram; 3],
    batch: Histogram,
    service: Histogram,
    dropped: [[Counter; REASONS]; 3],
    restarts: [Counter; 3],
    retried: Counter,
    preempted: Counter,
    late_results: Counter,
}

impl Meters {
    pub(super) fn new(pool: &'static str) -> Self {
        let by_class = Class::ALL.map(Class::name);
        Self {
            tally: Mutex::default(),
            depth: by_class.map(|class| metrics::gauge!("healthsync_pool_queue_depth", "pool" => pool, "class" => class)),
            found: metrics::histogram!("healthsync_pool_found_size", "pool" => pool),
            wait: by_class
                .map(|class| metrics::histogram!("healthsync_pool_wait_seconds", "pool" => pool, "class" => class)),
            batch: metrics::histogram!("healthsync_pool_batch_size", "pool" => pool),
            service: metrics::histogram!("healthsync_pool_service_seconds", "pool" => pool),
            dropped: by_class.map(|class| {
                Reason::ALL.map(|reason| {
                    let reason = reason.name();
                    metrics::counter!("healthsync_pool_dropped_total", "pool" => pool, "class" => class, "reason" => reason)
                })
            }),
            restarts: Restart::ALL.map(|reason| {
                metrics::counter!("healthsync_pool_restarts_total", "pool" => pool, "reason" => reason.name())
            }),
            retried: metrics::counter!("healthsync_pool_retried_total", "pool" => pool),
            preempted: metrics::counter!("healthsync_pool_preempted_total", "pool" => pool),
            late_results: metrics::counter!("healthsync_pool_late_results_total", "pool" => pool),
        }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn depths(&self, depths: [usize; 3]) {
        self.depth.iter().zip(depths).for_each(|(gauge, depth)| gauge.set(depth as f64));
    }

    /// How many an arriving request found waiting.
    pub(super) fn found(&self, waiting: usize) {
        self.found.record(waiting as f64);
    }

    pub(super) fn dropped(&self, class: Class, reason: Reason) {
        self.dropped[class.index()][reason.index()].increment(1);
        self.tally().dropped[class.index()][reason.index()] += 1;
    }

    /// A batch that was served, and how long each of its requests had waited.
    pub(super) fn served(&self, waits: &[(Class, Duration)], service: Duration) {
        self.batch.record(waits.len() as f64);
        self.service.record(service.as_secs_f64());
        let mut tally = self.tally();
        tally.batch.record(waits.len() as f64);
        tally.service.record_duration(service);
        for (class, wait) in waits {
            self.wait[class.index()].record(wait.as_secs_f64());
            tally.wait[class.index()].record_duration(*wait);
        }
    }

    pub(super) fn answered(&self, answered: [u64; 3]) {
        let mut tally = self.tally();
        tally.answered.iter_mut().zip(answered).for_each(|(sum, new)| *sum += new);
    }

    pub(super) fn restarted(&self, reason: Restart) {
        self.restarts[reason as usize].increment(1);
        self.tally().restarts[reason as usize] += 1;
    }

    pub(super) fn retried(&self) {
        self.retried.increment(1);
        self.tally().retried += 1;
    }

    pub(super) fn preempted(&self, count: u64) {
        self.preempted.increment(count);
        self.tally().preempted += count;
    }

    pub(super) fn late_results(&self, count: u64) {
        self.late_results.increment(count);
        self.tally().late_results += count;
    }
}
