//! What all pools of a process share: the machine's cores and the memory set aside for models.

use super::scheduler::Class;
use healthsync_models::ModelError;
use std::sync::{Arc, Mutex, PoisonError};

/// Cores that batches use at a time. A batch of an urgent class never waits for one; it is told to use no more threads
/// than are free, and at least one, so that models that share two cores do not wait for each other's threads. Background
/// batches leave cores to the others.
#[derive(Debug, Clone)]
pub struct ThreadBudget(Arc<Cores>);

#[derive(Debug)]
struct Cores {
    total: usize,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    all: usize,
    background: usize,
}

/// Cores in use until it is dropped.
#[derive(Debug)]
pub(super) struct CoreLease {
    cores: Arc<Cores>,
    threads: usize,
    background: usize,
}

impl ThreadBudget {
    /// For a machine of so many cores; at least one.
    pub fn new(cores: usize) -> Self {
        Self(Arc::new(Cores { total: cores.max(1), used: Mutex::default() }))
    }

    pub fn of_machine() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    pub fn cores(&self) -> usize {
        self.0.total
    }

    /// As many threads as are wanted and free, and at least one.
    pub(super) fn lease(&self, class: Class, wanted: usize) -> CoreLease {
        let total = self.0.total;
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = total.saturating_sub(used.all);
        if class == Class::Background {
            // One core at least is not for them, where there are several.
            free = free.min((total - 1).saturating_sub(used.background));
        }
        let threads = wanted.clamp(1, free.max(1));
        let background = if class == Class::Background { threads } else { 0 };
        used.all += threads;
        used.background += background;
        CoreLease { cores: Arc::clone(&self.0), threads, background }
    }
}

impl CoreLease {
    pub(super) fn threads(&self) -> usize {
        self.threads
    }
}

impl Drop for CoreLease {
    fn drop(&mut self) {
        let mut used = self.cores.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.all -= self.threads;
        used.background -= self.background;
    }
}

/// Memory set aside for models: what does not fit is refused, rather than found out by the operating system.
#[derive(Debug, Clone)]
pub struct MemoryBudget(Arc<Memory>);

#[derive(Debug)]
struct Memory {
    total_mb: u64,
    used_mb: Mutex<u64>,
}

/// Memory in use until it is dropped, which is when the thread that loaded the model has ended.
#[derive(Debug)]
pub(super) struct MemoryLease {
    memory: Arc<Memory>,
    mb: u64,
}

impl MemoryBudget {
    pub fn new(total_mb: u64) -> Self {
        Self(Arc::new(Memory { total_mb, used_mb: Mutex::new(0) }))
    }

    /// Megabytes in use, and in all.
    pub fn usage_mb(&self) -> (u64, u64) {
        (*self.0.used_mb.lock().unwrap_or_else(PoisonError::into_inner), self.0.total_mb)
    }

    pub(super) fn lease(&self, model: &str, mb: u64) -> Result<MemoryLease, ModelError> {
        let mut used = self.0.used_mb.lock().unwrap_or_else(PoisonError::into_inner);
        let free_mb = self.0.total_mb.saturating_sub(*used);
        if mb > free_mb {
            return Err(ModelError::Memory { model: model.into(), needed_mb: mb, free_mb });
        }
        *used += mb;
        Ok(MemoryLease { memory: Arc::clone(&self.0), mb })
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        *self.memory.used_mb.lock().unwrap_or_else(PoisonError::into_inner) -= self.mb;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_share_the_cores_use_no_more_than_there_are_and_one_at_least() {
        let budget = ThreadBudget::new(4);
        let first = budget.lease(Class::Live, 3);
        let second = budget.lease(Class::Live, 3);
        let third = budget.lease(Class::Alarm, 3);
        assert_eq!([&first, &second, &third].map(CoreLease::threads), [3, 1, 1]);
        drop((first, second, third));
        assert_eq!(budget.lease(Class::Live, 9).threads(), 4);
    }

    #[test]
    fn background_leaves_a_core_to_the_others() {
        let budget = ThreadBudget::new(4);
        let images = budget.lease(Class::Background, 8);
        let reports = budget.lease(Class::Background, 8);
        assert_eq!((images.threads(), reports.threads()), (3, 1));
        drop((images, reports));
        assert_eq!(ThreadBudget::new(1).lease(Class::Background, 2).threads(), 1);
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_with_what_it_needs_and_what_is_left() {
        let budget = MemoryBudget::new(1_000);
        let kept = budget.lease("whisper", 700).unwrap();
        let refused = budget.lease("kokoro", 400).unwrap_err();
        assert_eq!(refused, ModelError::Memory { model: "kokoro".into(), needed_mb: 400, free_mb: 300 });
        assert_eq!(budget.usage_mb(), (700, 1_000));
        drop(kept);
        assert!(budget.lease("kokoro", 400).is_ok());
    }
}
