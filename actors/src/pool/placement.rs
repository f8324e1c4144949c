//! Where a thread runs and how it yields. Threads that an engine starts from it inherit both. Elsewhere than on Linux,
//! where they run is left to the system.

use super::settings::Placement;

impl Placement {
    /// Applies to the calling thread. What the system does not allow is logged and left: it only costs speed.
    #[cfg(target_os = "linux")]
    pub(super) fn apply(&self, pool: &str) {
        use rustix::{
            process::{getpriority_process, setpriority_process},
            thread,
        };
        if !self.cores.is_empty() {
            let mut set = thread::CpuSet::new();
            self.cores.iter().filter(|core| **core < thread::CpuSet::MAX_CPU).for_each(|core| set.set(*core));
            if let Err(error) = thread::sched_setaffinity(None, &set) {
                tracing::warn!(pool, %error, "a thread cannot be kept on the cores it is configured for");
            }
        }
        if self.nice > 0 {
            // Without a process named, Linux takes the calling thread.
            let nicer = |before: i32| setpriority_process(None, (before + i32::from(self.nice)).min(19));
            if let Err(error) = getpriority_process(None).and_then(nicer) {
                tracing::warn!(pool, %error, "a thread cannot be made to yield to others");
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn apply(&self, pool: &str) {
        if !self.cores.is_empty() || self.nice > 0 {
            tracing::warn!(pool, "cores and niceness can be set on Linux only");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::{process::getpriority_process, thread};

    #[test]
    fn a_thread_is_kept_on_its_cores_and_yields_and_no_other_thread_does() {
        let before = getpriority_process(None).unwrap();
        let placed = std::thread::spawn(|| {
            let core = thread::sched_getcpu();
            let placement = Placement { cores: vec![core], nice: 5, ..Placement::default() };
            placement.apply("test");
            let set = thread::sched_getaffinity(None).unwrap();
            (set.count(), set.is_set(core), getpriority_process(None).unwrap())
        });
        let (cores, kept, nice) = placed.join().unwrap();
        assert_eq!((cores, kept, nice), (1, true, (before + 5).min(19)));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
