//! Time, injected so that tests decide what time it is and when it passes.

use healthsync_events::{BoxFuture, Timestamp};
use std::sync::Arc;
use tokio::time::Instant;

/// Tells the time events are stamped with.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    pub fn system() -> Self {
        Self(Arc::new(|| jiff::Timestamp::now().into()))
    }

    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

/// Waits for moments to come, injected so that tests decide when they do.
#[derive(Clone)]
pub struct Pace {
    now: Arc<dyn Fn() -> Instant + Send + Sync>,
    sleep_until: Arc<dyn Fn(Instant) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Pace {
    /// The runtime's own time.
    pub fn system() -> Self {
        Self { now: Arc::new(Instant::now), sleep_until: Arc::new(|at| Box::pin(tokio::time::sleep_until(at))) }
    }

    pub fn from_fns(
        now: impl Fn() -> Instant + Send + Sync + 'static,
        sleep_until: impl Fn(Instant) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), sleep_until: Arc::new(sleep_until) }
    }

    pub fn now(&self) -> Instant {
        (self.now)()
    }

    pub fn sleep_until(&self, at: Instant) -> BoxFuture<'static, ()> {
        (self.sleep_until)(at)
    }
}
