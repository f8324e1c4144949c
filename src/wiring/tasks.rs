//! The pools of speech and translation: those that consultations use, and those of the background.

use super::{
    absent::absent,
    load,
    pools::{self, Budgets, Source, Wanted},
    recognition,
};
use crate::config::Config;
use healthsync_actors::Pool;
use healthsync_models::{
    registry::Registry,
    tasks::{Speaker, Transcriber, Translator},
};
use std::sync::Arc;

/// Why nothing is translated or spoken where `models.captions_only` is set.
const CAPTIONS_ONLY: &str = "this server writes captions only";

/// A pool for each task.
#[derive(Clone)]
pub struct TaskPools {
    pub transcribe: Pool<Transcriber>,
    pub translate: Pool<Translator>,
    pub speak: Pool<Speaker>,
}

/// Whose work a pool does.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Consultations,
    Background,
}

impl Whose {
    fn threads(self, asked: usize) -> usize {
        match self {
            Self::Consultations => Config::threads(asked),
            Self::Background => Config::background_threads(asked),
        }
    }
}

impl TaskPools {
    pub(super) fn start(config: &Config, registry: &Arc<Registry>, budgets: &Budgets) -> anyhow::Result<Self> {
        let whose = Whose::Consultations;
        Ok(Self {
            transcribe: transcribe(whose, config, registry, budgets)?,
            translate: translate(whose, config, registry, budgets)?,
            speak: speak(whose, config, registry, budgets)?,
        })
    }

    /// Pools for work of the background, beside these: models of their own, which compute while nobody else wants the
    /// cores. Where that cannot be, on a GPU or another system, and where there is no model, it shares these.
    pub(super) fn background(
        &self,
        config: &Config,
        registry: &Arc<Registry>,
        budgets: &Budgets,
    ) -> anyhow::Result<Self> {
        let whose = Whose::Background;
        let mut background = self.clone();
        if !cfg!(target_os = "linux") {
            return Ok(background);
        }
        if config.models.transcribe_gpu.is_none() {
            background.transcribe = transcribe(whose, config, registry, budgets)?;
        }
        if !config.models.captions_only {
            background.translate = translate(whose, config, registry, budgets)?;
            background.speak = speak(whose, config, registry, budgets)?;
        }
        Ok(background)
    }
}

fn transcribe(
    whose: Whose,
    config: &Config,
    registry: &Arc<Registry>,
    budgets: &Budgets,
) -> anyhow::Result<Pool<Transcriber>> {
    let idle = whose == Whose::Background;
    let threads = whose.threads(config.models.transcribe_threads);
    let wanted = Wanted {
        name: if idle { "transcribe-background" } else { "transcribe" },
        idle,
        capacity: 64,
        max_batch: recognition::max_batch(&config.models),
        threads,
        source: match whose {
            Whose::Consultations => recognition::source(registry, &config.models),
            Whose::Background => Source::Batch(recognition::transcriber_on(threads, registry, &config.models)),
        },
    };
    pools::start(wanted, &config.pools.transcribe, &config.placement.transcribe, budgets)
}

fn translate(
    whose: Whose,
    config: &Config,
    registry: &Arc<Registry>,
    budgets: &Budgets,
) -> anyhow::Result<Pool<Translator>> {
    let idle = whose == Whose::Background;
    let factory = if config.models.captions_only {
        absent("translate", CAPTIONS_ONLY)
    } else {
        load::translator(registry, &config.translation)?
    };
    let wanted = Wanted {
        name: if idle { "translate-background" } else { "translate" },
        idle,
        capacity: 256,
        max_batch: 8,
        threads: 1,
        source: Source::Batch(factory),
    };
    pools::start(wanted, &config.pools.translate, &config.placement.translate, budgets)
}

fn speak(whose: Whose, config: &Config, registry: &Arc<Registry>, budgets: &Budgets) -> anyhow::Result<Pool<Speaker>> {
    let idle = whose == Whose::Background;
    let threads = whose.threads(config.models.speak_threads);
    let factory =
        if config.models.captions_only { absent("speak", CAPTIONS_ONLY) } else { load::speaker(registry, threads) };
    let wanted = Wanted {
        name: if idle { "speak-background" } else { "speak" },
        idle,
        capacity: 32,
        max_batch: 1,
        threads,
        source: Source::Batch(factory),
    };
    pools::start(wanted, &config.pools.speak, &config.placement.speak, budgets)
}
