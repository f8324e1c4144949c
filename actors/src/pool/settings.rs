//! What a pool is told when it starts, and what of it can be changed while it runs.

use super::{
    budget::{MemoryBudget, ThreadBudget},
    precedence::Precedence,
    scheduler::Class,
};
use healthsync_events::Refusal;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Requests that may wait in any pool: sorting more of them into batches would take longer than a small model does.
pub const MAX_CAPACITY: usize = 4_096;

/// Longest hold, latency target and time to answer that can be set.
const MAX_SECONDS: f64 = 3_600.0;

/// What a pool starts with.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// Names the pool in metrics and refusals.
    pub name: &'static str,
    /// Requests waiting; the next one is refused.
    pub capacity: usize,
    pub max_batch: usize,
    /// How long the first request of a batch may wait for company.
    pub max_queue_delay: Duration,
    /// Threads, each with a model of its own.
    pub instances: usize,
    pub tuning: Tuning,
    pub placement: Placement,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            name: "pool",
            capacity: 64,
            max_batch: 1,
            max_queue_delay: Duration::ZERO,
            instances: 1,
            tuning: Tuning::default(),
            placement: Placement::default(),
        }
    }
}

impl PoolConfig {
    /// This configuration with a change of what can be changed, or which field of it cannot be.
    pub fn with(mut self, patch: &SettingsPatch) -> Result<Self, Refusal> {
        let Settings { capacity, max_batch, max_queue_delay, tuning } = Settings::of(&self).with(patch)?;
        (self.capacity, self.max_batch) = (capacity, max_batch);
        (self.max_queue_delay, self.tuning) = (max_queue_delay, tuning);
        Ok(self)
    }
}

/// The finer settings of batching and of who is admitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Instead of a fixed delay: requests are held for company only while that pays, and never so long that the oldest
    /// would not be answered within this time of its arrival.
    pub latency_target: Option<Duration>,
    /// Sizes the model is best at, rising: the largest that is there is taken at once. Empty: only a full batch is.
    pub preferred: Vec<usize>,
    /// Upper bounds of lengths, rising: a batch holds inputs between two of them. Empty: lengths do not matter.
    pub buckets: Vec<usize>,
    /// Share of the capacity that must be free of everything for another background request to be let in: 0 to 1.
    pub background_share: f32,
    /// The same for live requests; the rest is kept for alarms.
    pub live_share: f32,
    /// A model that takes longer for a batch is given up: its thread is abandoned and its requests fail.
    pub hang_limit: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            latency_target: None,
            preferred: Vec::new(),
            buckets: Vec::new(),
            background_share: 0.75,
            live_share: 0.94,
            hang_limit: Duration::from_mins(1),
        }
    }
}

/// Where a pool's threads run, and what they may take. Fixed when the pool starts.
#[derive(Debug, Clone, Default)]
pub struct Placement {
    /// Cores its threads are kept on; empty: any. Linux only.
    pub cores: Vec<usize>,
    /// Added to the niceness of its threads, 0 to 19: who only works in the background lets others go first. Linux only.
    pub nice: u8,
    /// Its models run on threads that get a core only while nothing else wants it. Linux only, and not for models that
    /// make their outputs piece by piece. A batch may then take as long as others keep the cores busy.
    pub idle: bool,
    /// Threads one batch would like to use; 0: the model is not told.
    pub threads: usize,
    /// What the cores are shared by.
    pub thread_budget: Option<ThreadBudget>,
    /// Megabytes that each instance takes once loaded.
    pub memory_mb: u64,
    /// What the memory is shared by.
    pub memory_budget: Option<MemoryBudget>,
    /// The pools whose urgent requests its background gives way to; its own alone unless set.
    pub precedence: Precedence,
}

/// Everything that can be changed while the pool runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub capacity: usize,
    pub max_batch: usize,
    pub max_queue_delay: Duration,
    pub tuning: Tuning,
}

/// A change of settings, as configuration and operators write it: what is left out stays. Times in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettingsPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_batch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queue_delay_ms: Option<f64>,
    /// 0: none, so that `max_queue_delay_ms` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_target_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_share: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live_share: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hang_limit_ms: Option<f64>,
}

impl Settings {
    /// What a pool starts with.
    pub fn of(config: &PoolConfig) -> Self {
        Self {
            capacity: config.capacity.clamp(1, MAX_CAPACITY),
            max_batch: config.max_batch.max(1),
            max_queue_delay: config.max_queue_delay,
            tuning: config.tuning.clone(),
        }
    }

    /// These settings with a change made, or which field of it cannot be.
    pub fn with(&self, patch: &SettingsPatch) -> Result<Self, Refusal> {
        let mut new = self.clone();
        let tuning = &mut new.tuning;
        new.capacity = patch.capacity.unwrap_or(self.capacity);
        new.max_batch = patch.max_batch.unwrap_or(self.max_batch);
        if let Some(ms) = patch.max_queue_delay_ms {
            new.max_queue_delay = milliseconds("max_queue_delay_ms", ms)?;
        }
        if let Some(ms) = patch.latency_target_ms {
            tuning.latency_target = Some(milliseconds("latency_target_ms", ms)?).filter(|target| !target.is_zero());
        }
        if let Some(ms) = patch.hang_limit_ms {
            tuning.hang_limit = milliseconds("hang_limit_ms", ms)?;
        }
        tuning.preferred = patch.preferred.clone().unwrap_or(self.tuning.preferred.clone());
        tuning.buckets = patch.buckets.clone().unwrap_or(self.tuning.buckets.clone());
        tuning.background_share = patch.background_share.unwrap_or(self.tuning.background_share);
        tuning.live_share = patch.live_share.unwrap_or(self.tuning.live_share);
        new.check()?;
        Ok(new)
    }

    /// All of these settings, as a patch would write them.
    pub fn as_patch(&self) -> SettingsPatch {
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        SettingsPatch {
            capacity: Some(self.capacity),
            max_batch: Some(self.max_batch),
            max_queue_delay_ms: Some(ms(self.max_queue_delay)),
            latency_target_ms: Some(self.tuning.latency_target.map_or(0.0, ms)),
            preferred: Some(self.tuning.preferred.clone()),
            buckets: Some(self.tuning.buckets.clone()),
            background_share: Some(self.tuning.background_share),
            live_share: Some(self.tuning.live_share),
            hang_limit_ms: Some(ms(self.tuning.hang_limit)),
        }
    }

    fn check(&self) -> Result<(), Refusal> {
        let tuning = &self.tuning;
        if !(1..=MAX_CAPACITY).contains(&self.capacity) {
            return Err(Refusal::invalid("capacity", format!("must be 1 to {MAX_CAPACITY}")));
        }
        if !(1..=MAX_CAPACITY).contains(&self.max_batch) {
            return Err(Refusal::invalid("max_batch", format!("must be 1 to {MAX_CAPACITY}")));
        }
        for (field, list) in [("preferred", &tuning.preferred), ("buckets", &tuning.buckets)] {
            if list.len() > 64 || list.contains(&0) || !list.is_sorted_by(|a, b| a < b) {
                return Err(Refusal::invalid(field, "must be at most 64 rising numbers from 1 on"));
            }
        }
        if tuning.preferred.last().is_some_and(|largest| *largest > self.max_batch) {
            return Err(Refusal::invalid("preferred", "must not exceed max_batch"));
        }
        for (field, share) in [("background_share", tuning.background_share), ("live_share", tuning.live_share)] {
            if !(share > 0.0 && share <= 1.0) {
                return Err(Refusal::invalid(field, "must be above 0 and at most 1"));
            }
        }
        if tuning.background_share > tuning.live_share {
            return Err(Refusal::invalid("background_share", "must not exceed live_share"));
        }
        if tuning.hang_limit < Duration::from_millis(10) {
            return Err(Refusal::invalid("hang_limit_ms", "must be at least 10"));
        }
        Ok(())
    }

    /// With so many waiting in all, the next request of this class is not let in.
    pub(super) fn limit(&self, class: Class) -> usize {
        let of = |share: f32| ((self.capacity as f32 * share).ceil() as usize).clamp(1, self.capacity);
        match class {
            Class::Alarm => self.capacity,
            Class::Live => of(self.tuning.live_share),
            Class::Background => of(self.tuning.background_share),
        }
    }

    /// Which bucket a length falls into.
    pub(super) fn bucket(&self, length: usize) -> usize {
        self.tuning.buckets.partition_point(|bound| *bound < length)
    }

    /// What a request of this length counts in sharing the model, in requests of the shortest bucket: padded to its
    /// bucket's bound, that is how much more is computed.
    pub(super) fn cost(&self, length: usize) -> u64 {
        let buckets = &self.tuning.buckets;
        let Some(first) = buckets.first() else { return 1 };
        let padded = buckets.get(self.bucket(length)).copied().unwrap_or(length);
        (padded.div_ceil(*first) as u64).clamp(1, 1_024)
    }
}

fn milliseconds(field: &str, ms: f64) -> Result<Duration, Refusal> {
    if !(0.0..=MAX_SECONDS * 1_000.0).contains(&ms) {
        return Err(Refusal::invalid(field, "must be 0 to 3,600,000"));
    }
    Ok(Duration::from_secs_f64(ms / 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::of(&PoolConfig { capacity: 64, max_batch: 8, ..PoolConfig::default() })
    }

    #[test]
    fn what_a_change_leaves_out_stays() {
        let patch = SettingsPatch { max_batch: Some(4), latency_target_ms: Some(20.0), ..SettingsPatch::default() };
        let new = settings().with(&patch).unwrap();
        assert_eq!((new.max_batch, new.capacity), (4, 64));
        assert_eq!(new.tuning.latency_target, Some(Duration::from_millis(20)));
        let off = SettingsPatch { latency_target_ms: Some(0.0), ..SettingsPatch::default() };
        assert_eq!(new.with(&off).unwrap().tuning.latency_target, None);
        assert_eq!(new.with(&new.as_patch()).unwrap(), new);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        for (patch, field) in [
            (SettingsPatch { capacity: Some(0), ..SettingsPatch::default() }, "capacity"),
            (SettingsPatch { max_batch: Some(99_999), ..SettingsPatch::default() }, "max_batch"),
            (SettingsPatch { max_queue_delay_ms: Some(-1.0), ..SettingsPatch::default() }, "max_queue_delay_ms"),
            (SettingsPatch { latency_target_ms: Some(f64::NAN), ..SettingsPatch::default() }, "latency_target_ms"),
            (SettingsPatch { preferred: Some(vec![4, 2]), ..SettingsPatch::default() }, "preferred"),
            (SettingsPatch { preferred: Some(vec![16]), ..SettingsPatch::default() }, "preferred"),
            (SettingsPatch { buckets: Some(vec![0]), ..SettingsPatch::default() }, "buckets"),
            (SettingsPatch { background_share: Some(f32::NAN), ..SettingsPatch::default() }, "background_share"),
            (SettingsPatch { live_share: Some(0.5), ..SettingsPatch::default() }, "background_share"),
            (SettingsPatch { hang_limit_ms: Some(1.0), ..SettingsPatch::default() }, "hang_limit_ms"),
        ] {
            let refusal = settings().with(&patch).unwrap_err();
            assert!(matches!(&refusal, Refusal::Invalid { field: of, .. } if of == field), "{refusal}: {patch:?}");
        }
    }

    #[test]
    fn every_class_has_less_room_than_the_more_urgent_one() {
        let settings = settings();
        let limits = [Class::Alarm, Class::Live, Class::Background].map(|class| settings.limit(class));
        assert_eq!(limits, [64, 61, 48]);
        let tiny = Settings { capacity: 1, ..settings };
        assert_eq!(tiny.limit(Class::Background), 1);
    }

    #[test]
    fn a_length_falls_into_the_first_bucket_that_holds_it_and_costs_what_its_padding_does() {
        let patch = SettingsPatch { buckets: Some(vec![10, 40]), ..SettingsPatch::default() };
        let settings = settings().with(&patch).unwrap();
        assert_eq!([0, 10, 11, 40, 41].map(|length| settings.bucket(length)), [0, 0, 1, 1, 2]);
        assert_eq!([0, 10, 11, 95].map(|length| settings.cost(length)), [1, 1, 4, 10]);
    }
}
