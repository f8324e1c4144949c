//! Time, injected so that tests decide what time it is and when it passes.

use healthsync_events::{BoxFuture, Timestamp};
use std::{sync::Arc, time::Duration};
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

    /// Until a clock that shows `now` shows `at`.
    pub fn sleep_until_time(&self, at: Timestamp, now: impl FnOnce() -> Timestamp) -> BoxFuture<'static, ()> {
        // Before the clock is read: what passes between the two makes it wake that much early. The other way round it
        // would be late by it, which a process that is stopped there makes minutes.
        let begun = self.now();
        let wait = at.millis().saturating_sub(now().millis()).max(0);
        self.sleep_until(begun + Duration::from_millis(wait.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn time_that_passes_while_the_clock_is_read_is_not_waited_for_again() {
        let start = Instant::now();
        let passed = Arc::new(Mutex::new(Duration::ZERO));
        let asked = Arc::new(Mutex::new(None));
        let (instant, until) = (Arc::clone(&passed), Arc::clone(&asked));
        let pace = Pace::from_fns(
            move || start + *instant.lock().unwrap(),
            move |at| {
                *until.lock().unwrap() = Some(at);
                Box::pin(std::future::ready(()))
            },
        );
        let slept = pace.sleep_until_time(Timestamp::from_millis(60_000), || {
            *passed.lock().unwrap() += Duration::from_mins(1);
            Timestamp::from_millis(0)
        });
        drop(slept);
        assert_eq!(*asked.lock().unwrap(), Some(start + Duration::from_mins(1)));
    }
}
