//! Which versions of a model a pool has, and how one takes the place of another.

use super::{Loader, Readiness, state::Shared};
use healthsync_events::ModelInfo;
use healthsync_models::{Model, ModelError};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Why another version does not take over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolloutError {
    #[error("another version is being loaded or tried already")]
    InProgress,
    #[error("no version is being tried")]
    NoCanary,
    #[error("the share must be above 0 and at most 1")]
    Share,
    #[error(transparent)]
    Load(#[from] ModelError),
    #[error("the pool closed")]
    Closed,
}

pub(super) struct Versions<M: Model> {
    /// The one that serves; 0 until the first is loaded.
    pub stable: u64,
    pub loader: Loader<M>,
    pub info: Option<ModelInfo>,
    pub canary: Option<Canary<M>>,
    pub rollout: Option<Rollout<M>>,
    newest: u64,
}

/// A version that serves a share of the requests.
pub(super) struct Canary<M: Model> {
    pub version: u64,
    pub share: f32,
    pub requests: u64,
    pub taken: u64,
    loader: Loader<M>,
    info: ModelInfo,
}

/// A version whose instances are being loaded.
pub(super) struct Rollout<M: Model> {
    version: u64,
    share: f32,
    loader: Loader<M>,
    done: oneshot::Sender<Result<ModelInfo, RolloutError>>,
}

impl<M: Model> Versions<M> {
    pub(super) fn new(loader: Loader<M>) -> Self {
        Self { stable: 0, loader, info: None, canary: None, rollout: None, newest: 0 }
    }

    /// What a worker of this version loads.
    pub(super) fn loader(&self, version: u64) -> Option<Loader<M>> {
        let canary = self.canary.as_ref().filter(|canary| canary.version == version).map(|canary| &canary.loader);
        let rollout = || self.rollout.as_ref().filter(|rollout| rollout.version == version).map(|r| &r.loader);
        let stable = || (self.stable == version).then_some(&self.loader);
        canary.or_else(rollout).or_else(stable).cloned()
    }

    /// A batch went to a version.
    pub(super) fn took(&mut self, version: u64, requests: usize) {
        if let Some(canary) = &mut self.canary {
            canary.requests += requests as u64;
            canary.taken += if canary.version == version { requests as u64 } else { 0 };
        }
    }
}

impl<M: Model> Canary<M> {
    pub(super) fn stats(&self) -> super::CanaryStats {
        let Self { version, share, requests, taken, .. } = self;
        super::CanaryStats { version: *version, share: *share, requests: *requests, taken: *taken }
    }

    /// Whether it has had less than its share.
    pub(super) fn is_due(&self) -> bool {
        self.taken as f64 <= self.requests as f64 * f64::from(self.share)
    }
}

impl<M: Model> Shared<M> {
    /// Begins to load another version beside the one that serves. Tells when it serves, or why it does not.
    pub(super) fn roll_out(
        self: &Arc<Self>,
        loader: Loader<M>,
        share: f32,
    ) -> Result<oneshot::Receiver<Result<ModelInfo, RolloutError>>, RolloutError> {
        if !(share > 0.0 && share <= 1.0) {
            return Err(RolloutError::Share);
        }
        let (done, told) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return Err(RolloutError::Closed);
        }
        if state.versions.rollout.is_some() || state.versions.canary.is_some() {
            return Err(RolloutError::InProgress);
        }
        state.versions.newest += 1;
        let version = state.versions.newest;
        state.versions.rollout = Some(Rollout { version, share, loader: loader.clone(), done });
        let workers: Vec<u64> = (0..self.instances).map(|_| state.add_worker(version)).collect();
        drop(state);
        for worker in workers {
            super::worker::spawn(worker, Arc::clone(self), loader.clone());
        }
        Ok(told)
    }

    /// A worker's model is loaded. `false`: it is not wanted any more.
    pub(super) fn loaded(&self, worker: u64, info: ModelInfo) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.workers.get_mut(&worker) else { return false };
        if entry.retiring {
            state.workers.remove(&worker);
            return false;
        }
        entry.info = Some(info.clone());
        let version = entry.version;
        if version == state.versions.stable && state.failure.take().is_some() {
            self.health.send_replace(Readiness::Ready(info.clone()));
        }
        let all = state.workers.values().filter(|w| w.version == version).all(|w| w.info.is_some());
        let Some(rollout) = state.versions.rollout.take_if(|rollout| rollout.version == version && all) else {
            return true;
        };
        let Rollout { share, loader, done, .. } = rollout;
        if share < 1.0 && state.versions.stable != 0 && state.failure.is_none() {
            let info = info.clone();
            state.versions.canary = Some(Canary { version, share, requests: 0, taken: 0, loader, info });
            drop(state);
        } else {
            self.swap(state, version, loader, info.clone());
        }
        let _ = done.send(Ok(info));
        self.changed.notify_all();
        true
    }

    /// From now on this version serves. Others end when they have answered what they have under way.
    fn swap(
        &self,
        mut state: std::sync::MutexGuard<'_, super::state::State<M>>,
        version: u64,
        loader: Loader<M>,
        info: ModelInfo,
    ) {
        state.versions.stable = version;
        state.versions.loader = loader;
        state.versions.info = Some(info.clone());
        state.failure = None;
        // How long another version takes is learnt anew.
        (state.service, state.background) = Default::default();
        state.workers.values_mut().filter(|worker| worker.version != version).for_each(|worker| worker.retiring = true);
        drop(state);
        self.health.send_replace(Readiness::Ready(info));
        self.changed.notify_all();
    }

    /// A worker has no model any more and ends.
    pub(super) fn lost(&self, worker: u64, error: &ModelError) {
        let mut state = self.lock();
        let Some(entry) = state.workers.remove(&worker) else { return };
        let version = entry.version;
        if state.versions.rollout.as_ref().is_some_and(|rollout| rollout.version == version) {
            state.workers.values_mut().filter(|w| w.version == version).for_each(|w| w.retiring = true);
            let rollout = state.versions.rollout.take();
            let first = state.versions.stable == 0;
            drop(state);
            self.changed.notify_all();
            if first {
                self.give_up(error);
            }
            if let Some(rollout) = rollout {
                let _ = rollout.done.send(Err(RolloutError::Load(error.clone())));
            }
            return;
        }
        let is_last = version == state.versions.stable && !state.workers.values().any(|w| w.version == version);
        drop(state);
        if is_last {
            self.give_up(error);
        }
    }

    /// The version being tried serves everything from now on.
    pub(super) fn promote(&self) -> Result<ModelInfo, RolloutError> {
        let mut state = self.lock();
        let canary = state.versions.canary.take().ok_or(RolloutError::NoCanary)?;
        self.swap(state, canary.version, canary.loader, canary.info.clone());
        Ok(canary.info)
    }

    /// The version being tried serves nothing any more.
    pub(super) fn roll_back(&self) -> Result<(), RolloutError> {
        let mut state = self.lock();
        let canary = state.versions.canary.take().ok_or(RolloutError::NoCanary)?;
        state.workers.values_mut().filter(|w| w.version == canary.version).for_each(|w| w.retiring = true);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// A worker's model broke. `false`: it is not loaded again, because it was only being tried.
    pub(super) fn broke(&self, worker: u64) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.workers.get_mut(&worker) else { return false };
        let version = entry.version;
        entry.busy = None;
        if entry.retiring {
            state.workers.remove(&worker);
            return false;
        }
        if state.versions.canary.as_ref().is_none_or(|canary| canary.version != version) {
            return true;
        }
        state.workers.remove(&worker);
        drop(state);
        tracing::warn!(pool = self.name, "a version that was being tried failed and serves nothing any more");
        let _ = self.roll_back();
        false
    }
}
