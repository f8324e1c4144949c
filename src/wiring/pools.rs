//! A pool for each task, as its model wants it and the configuration says.

use crate::config::{Config, Place};
use anyhow::Context as _;
use healthsync_actors::{
    Pool, PoolConfig,
    pool::{MemoryBudget, ModelFactory, Placement, PoolControl, Precedence, SettingsPatch, SlotFactory, ThreadBudget},
};
use healthsync_models::Model;
use std::sync::Arc;

/// The pools of a server, as operators see them.
pub type Pools = Arc<[Arc<dyn PoolControl>]>;

/// Times as long as others a batch on idle threads may take before it is held for hung: most of that time the cores may
/// be others'.
const IDLE_PATIENCE: u32 = 32;

/// What a task's model wants.
pub(super) struct Wanted<M: Model> {
    pub name: &'static str,
    /// It does work of the background, on threads that yield to everything.
    pub idle: bool,
    /// What two seconds of its work can hold: a longer queue only makes everyone late.
    pub capacity: usize,
    pub max_batch: usize,
    /// Threads one batch uses.
    pub threads: usize,
    pub source: Source<M>,
}

/// How it comes by its model.
pub(super) enum Source<M: Model> {
    Batch(ModelFactory<M>),
    #[cfg_attr(not(feature = "candle"), expect(dead_code, reason = "only candle makes texts piece by piece"))]
    Slots(SlotFactory<M::Input, M::Output>),
}

/// What all pools share.
pub(super) struct Budgets {
    memory: Option<MemoryBudget>,
    threads: Option<ThreadBudget>,
    precedence: Precedence,
}

impl Budgets {
    pub(super) fn new(config: &Config) -> Self {
        let memory = Some(config.placement.memory_mb).filter(|mb| *mb > 0).map(MemoryBudget::new);
        let threads = config.placement.share_cores.then(ThreadBudget::of_machine);
        Self { memory, threads, precedence: Precedence::default() }
    }
}

pub(super) fn start<M: Model>(
    wanted: Wanted<M>,
    settings: &SettingsPatch,
    place: &Place,
    budgets: &Budgets,
) -> anyhow::Result<Pool<M>> {
    let Wanted { name, idle, capacity, max_batch, threads, source } = wanted;
    let placement = Placement {
        cores: place.cores.clone(),
        nice: place.nice,
        idle,
        threads,
        memory_mb: place.memory_mb,
        memory_budget: budgets.memory.clone(),
        // Idle threads take nothing from others.
        thread_budget: budgets.threads.clone().filter(|_| !idle),
        precedence: budgets.precedence.clone(),
    };
    let instances = if idle { 1 } else { place.instances };
    let config = PoolConfig { name, capacity, max_batch, instances, placement, ..PoolConfig::default() };
    let mut config = config.with(settings).with_context(|| format!("pools.{name}"))?;
    if idle {
        config.tuning.hang_limit *= IDLE_PATIENCE;
    }
    let pool = match source {
        Source::Batch(factory) => Pool::start(config, factory),
        Source::Slots(factory) => Pool::start_slots(config, factory),
    };
    pool.with_context(|| format!("the {name} pool cannot be started"))
}
