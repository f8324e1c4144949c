//! How a model is asked to make way for something more urgent.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// How often who waits looks by itself: an engine may ask on another thread than the one that is woken.
const LOOKS: Duration = Duration::from_millis(50);

/// Says that something more urgent waits for what a model uses.
#[derive(Debug, Clone, Default)]
pub struct Preempt(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    asked: AtomicBool,
    pause: Option<Pause>,
}

/// Where a batch waits. There is no lock: the thread that waits may be kept off the cores, and whoever tells it to go on
/// must not have to wait for that.
#[derive(Debug)]
struct Pause {
    waiter: OnceLock<Thread>,
    /// For how long it has, in microseconds.
    spent: AtomicU64,
    most: Duration,
}

impl Pause {
    fn spent(&self) -> Duration {
        Duration::from_micros(self.spent.load(Ordering::Relaxed))
    }

    fn wait_while(&self, asked: &AtomicBool) {
        while asked.load(Ordering::Acquire) && self.spent() < self.most {
            self.waiter.get_or_init(thread::current);
            let since = Instant::now();
            thread::park_timeout(self.most.saturating_sub(self.spent()).min(LOOKS));
            self.spent.fetch_add(since.elapsed().as_micros() as u64, Ordering::Relaxed);
        }
    }
}

impl Preempt {
    /// For a batch that need not give up: when it is asked it waits until it may go on, for so long in all at most.
    pub fn pausing(most: Duration) -> Self {
        let pause = Pause { waiter: OnceLock::new(), spent: AtomicU64::new(0), most };
        Self(Arc::new(Inner { asked: AtomicBool::new(false), pause: Some(pause) }))
    }

    /// Whether who is asked need only wait.
    pub fn pauses(&self) -> bool {
        self.0.pause.is_some()
    }

    pub fn ask(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked and has not been told to go on.
    pub fn is_pending(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// For the model: whether to give up. Where it need only wait, it does so here and is then told to go on.
    pub fn is_asked(&self) -> bool {
        match &self.0.pause {
            Some(pause) => {
                pause.wait_while(&self.0.asked);
                false
            }
            None => self.is_pending(),
        }
    }

    /// Who waits may go on.
    pub fn resume(&self) {
        let Some(pause) = &self.0.pause else { return };
        self.0.asked.store(false, Ordering::Release);
        if let Some(waiter) = pause.waiter.get() {
            waiter.unpark();
        }
    }

    /// What was asked of an earlier batch is not asked of the next.
    pub fn forget(&self) {
        self.0.asked.store(false, Ordering::Relaxed);
        if let Some(pause) = &self.0.pause {
            pause.spent.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn who_need_only_wait_goes_on_when_it_may() {
        let preempt = Preempt::pausing(LONG);
        assert!(!preempt.is_asked(), "nobody asks");
        preempt.ask();
        let (told, tells) = sync_channel(0);
        let waits = {
            let preempt = preempt.clone();
            std::thread::spawn(move || {
                told.send(()).unwrap();
                preempt.is_asked()
            })
        };
        tells.recv().unwrap();
        preempt.resume();
        assert!(!waits.join().unwrap(), "it need not give up");
    }

    #[test]
    fn nobody_waits_for_longer_than_said_in_all_until_the_next_batch() {
        let preempt = Preempt::pausing(Duration::from_millis(2));
        preempt.ask();
        assert!(!preempt.is_asked());
        let spent = || preempt.0.pause.as_ref().unwrap().spent();
        let first = spent();
        assert!(first >= Duration::from_millis(2), "{first:?}");
        assert!(!preempt.is_asked());
        assert_eq!(spent(), first, "it does not wait again");
        preempt.forget();
        assert_eq!(spent(), Duration::ZERO);
    }

    #[test]
    fn who_has_to_give_up_is_told_until_it_is_forgotten() {
        let preempt = Preempt::default();
        preempt.ask();
        preempt.resume();
        assert!(preempt.is_asked());
        preempt.forget();
        assert!(!preempt.is_asked());
    }
}
