//! How the models' pools batch, admit and are placed.

use super::ConfigError;
use healthsync_actors::pool::{MAX_CAPACITY, PoolConfig, Settings, SettingsPatch};
use serde::{Deserialize, Serialize};

/// Batching and admission of each pool. What is left out is as the pool's model wants it; all of it can be changed while
/// the server runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pools {
    pub transcribe: SettingsPatch,
    pub translate: SettingsPatch,
    pub speak: SettingsPatch,
}

/// Where the pools' threads run and what they may take.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Placement {
    /// Megabytes for all models together: what does not fit is refused. 0: no bound.
    pub memory_mb: u64,
    /// Whether models that run at the same time share the cores, rather than each using all of its threads.
    pub share_cores: bool,
    pub transcribe: Place,
    pub translate: Place,
    pub speak: Place,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Place {
    /// Models, each on a thread of its own.
    pub instances: usize,
    /// Cores its threads are kept on; empty: any. Linux only.
    pub cores: Vec<usize>,
    /// Added to its threads' niceness, 0 to 19. Linux only.
    pub nice: u8,
    /// Megabytes of one instance, counted against `placement.memory_mb`.
    pub memory_mb: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self { instances: 1, cores: Vec::new(), nice: 0, memory_mb: 0 }
    }
}

/// What operators may do to a running server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Operations {
    /// Whether pools may be changed over HTTP. Whoever reaches the HTTP door may then.
    pub changes: bool,
}

impl Pools {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let widest = PoolConfig { capacity: MAX_CAPACITY, max_batch: MAX_CAPACITY, ..PoolConfig::default() };
        let widest = Settings::of(&widest);
        for (pool, patch) in [("transcribe", &self.transcribe), ("translate", &self.translate), ("speak", &self.speak)]
        {
            let refused =
                |refusal: healthsync_events::Refusal| ConfigError::Pool { pool, refusal: refusal.to_string() };
            widest.with(patch).map_err(refused)?;
        }
        Ok(())
    }
}

impl Placement {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (key, place) in [
            ("placement.transcribe", &self.transcribe),
            ("placement.translate", &self.translate),
            ("placement.speak", &self.speak),
        ] {
            if !(1..=64).contains(&place.instances) {
                return Err(ConfigError::Value { key, rule: "of 1 to 64 instances" });
            }
            if place.nice > 19 {
                return Err(ConfigError::Value { key, rule: "nice by 0 to 19" });
            }
            if place.cores.iter().any(|core| *core >= 1_024) {
                return Err(ConfigError::Value { key, rule: "kept on cores 0 to 1023" });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigError};

    fn load(toml: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, toml).unwrap();
        Config::load(Some(&file))
    }

    #[test]
    fn each_pool_is_set_by_its_name_and_what_is_left_out_is_the_models_own() {
        let config = load("[pools.translate]\nmax_batch = 4\nlatency_target_ms = 50\n").unwrap();
        assert_eq!(config.pools.translate.max_batch, Some(4));
        assert_eq!(config.pools.transcribe, healthsync_actors::pool::SettingsPatch::default());
        let config = load("[placement.speak]\ninstances = 2\nnice = 5\n[operations]\nchanges = true\n").unwrap();
        assert_eq!((config.placement.speak.instances, config.placement.speak.nice), (2, 5));
        assert!(config.operations.changes);
    }

    #[test]
    fn what_cannot_be_set_is_refused_by_pool_and_field() {
        for (toml, says) in [
            ("[pools.speak]\nmax_batch = 0\n", "pools.speak: max_batch: must be 1 to 4096"),
            ("[placement.speak]\ninstances = 0\n", "placement.speak must be of 1 to 64 instances"),
            ("[placement.translate]\nnice = 30\n", "placement.translate must be nice by 0 to 19"),
        ] {
            assert_eq!(load(toml).unwrap_err().to_string(), says);
        }
        assert!(load("[pools.speak]\nmax_bach = 1\n").unwrap_err().to_string().contains("max_bach"));
        assert!(load("[pools.listen]\nmax_batch = 1\n").unwrap_err().to_string().contains("listen"));
    }
}
