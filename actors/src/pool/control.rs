//! What operators may see and change of a pool, whatever its model is.

use super::{
    ClassStats, InstanceState, InstanceStats, Loader, ModelFactory, Pool, PoolStats, Readiness, SettingsPatch,
    SlotFactory, meters::Restart, scheduler::Class, state::State, versions::RolloutError,
};
use healthsync_events::{BoxFuture, ModelInfo, Refusal};
use healthsync_models::Model;
use std::time::Instant;

/// A pool as operators know it.
pub trait PoolControl: Send + Sync {
    fn name(&self) -> &'static str;

    fn stats(&self) -> PoolStats;

    /// Changes settings; what was let in under the old ones stays.
    fn reconfigure(&self, change: &SettingsPatch) -> Result<SettingsPatch, Refusal>;

    /// Loads the model anew beside the one that serves, from the same source, and lets it take over when it is warm;
    /// with a share below 1 it serves that share until it is promoted or rolled back.
    fn reload(&self, share: f32) -> BoxFuture<'_, Result<ModelInfo, RolloutError>>;

    /// The version that serves a share serves everything.
    fn promote(&self) -> Result<ModelInfo, RolloutError>;

    /// The version that serves a share serves nothing any more.
    fn roll_back(&self) -> Result<(), RolloutError>;
}

impl<M: Model> Pool<M> {
    /// Loads another model beside the one that serves; it takes over when it is warm. What is under way is answered by
    /// the version it went to. See [`PoolControl::reload`] for `share`.
    pub async fn roll_out(&self, factory: ModelFactory<M>, share: f32) -> Result<ModelInfo, RolloutError> {
        self.load(Loader::Batch(factory), share).await
    }

    /// The same with a model that makes its outputs piece by piece.
    pub async fn roll_out_slots(
        &self,
        factory: SlotFactory<M::Input, M::Output>,
        share: f32,
    ) -> Result<ModelInfo, RolloutError> {
        self.load(Loader::Slots(factory), share).await
    }

    async fn load(&self, loader: Loader<M>, share: f32) -> Result<ModelInfo, RolloutError> {
        let told = self.inner.shared.roll_out(loader, share)?;
        told.await.unwrap_or(Err(RolloutError::Closed))
    }
}

impl<M: Model> PoolControl for Pool<M> {
    fn name(&self) -> &'static str {
        Self::name(self)
    }

    fn stats(&self) -> PoolStats {
        let shared = &self.inner.shared;
        let (ready, failure) = match &*shared.health.borrow() {
            Readiness::Ready(_) => (true, None),
            Readiness::Loading => (false, None),
            Readiness::Failed(error) => (false, Some(error.to_string())),
        };
        let state = shared.lock();
        let tally = shared.meters.tally();
        let depths = state.scheduler.depths();
        let class = |class: Class| ClassStats {
            class,
            depth: depths[class.index()],
            limit: state.settings.limit(class),
            answered: tally.answered[class.index()],
            wait_us: tally.wait[class.index()].snapshot(),
            dropped: tally.dropped(class),
        };
        let restarts = Restart::ALL.map(|reason| (reason.name().to_owned(), tally.restarts[reason as usize]));
        PoolStats {
            name: shared.name.to_owned(),
            ready,
            failure,
            model: state.versions.info.clone(),
            version: state.versions.stable,
            canary: state.versions.canary.as_ref().map(super::versions::Canary::stats),
            instances: instances(&state),
            classes: Class::ALL.map(class).into(),
            batch_size: tally.batch.snapshot(),
            service_us: tally.service.snapshot(),
            restarts: restarts.into_iter().filter(|(_, count)| *count > 0).collect(),
            retried: tally.retried,
            preempted: tally.preempted,
            late_results: tally.late_results,
            abandoned: state.abandoned,
            settings: state.settings.as_patch(),
        }
    }

    fn reconfigure(&self, change: &SettingsPatch) -> Result<SettingsPatch, Refusal> {
        let shared = &self.inner.shared;
        let mut state = shared.lock();
        state.settings = state.settings.with(change)?;
        let settings = state.settings.as_patch();
        drop(state);
        // Who holds requests may have to hold them for less.
        shared.changed.notify_all();
        shared.watched.notify_all();
        tracing::info!(pool = shared.name, ?settings, "the settings of a pool were changed");
        Ok(settings)
    }

    fn reload(&self, share: f32) -> BoxFuture<'_, Result<ModelInfo, RolloutError>> {
        let loader = self.inner.shared.lock().versions.loader.clone();
        Box::pin(self.load(loader, share))
    }

    fn promote(&self) -> Result<ModelInfo, RolloutError> {
        self.inner.shared.promote()
    }

    fn roll_back(&self) -> Result<(), RolloutError> {
        self.inner.shared.roll_back()
    }
}

fn instances<M: Model>(state: &State<M>) -> Vec<InstanceStats> {
    let now = Instant::now();
    let of = |(id, worker): (&u64, &super::state::Worker<M::Output>)| InstanceStats {
        id: *id,
        version: worker.version,
        state: match () {
            () if worker.retiring => InstanceState::Retiring,
            () if worker.info.is_none() => InstanceState::Loading,
            () if worker.busy.is_some() => InstanceState::Busy,
            () => InstanceState::Idle,
        },
        busy_ms: worker.busy.map(|since| now.saturating_duration_since(since).as_millis() as u64),
        batches: worker.batches,
    };
    state.workers.iter().map(of).collect()
}
