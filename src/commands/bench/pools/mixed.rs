//! Live recognition alone, and beside a background that never has nothing to do.

use super::{
    beside,
    options::PoolsOptions,
    pool_config,
    real::{Asking, Clip, recognitions, translations},
    tell,
};
use crate::{config::Config, wiring};
use healthsync_actors::{
    Pool,
    pool::{Class, Placement},
};
use healthsync_events::audio::SAMPLE_RATE;
use healthsync_loadtests::pools::{
    closed::{self, Ask},
    report::MixedRun,
};
use healthsync_models::tasks::{Effort, Transcriber, Translator};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

/// Speakers at a time, each of whom asks for a draft of what was just said.
const SPEAKERS: usize = 2;

/// Between a draft and the request for the next.
const PAUSE: Duration = Duration::from_millis(500);

/// A draft's audio, in samples.
const WINDOW: usize = 4 * SAMPLE_RATE as usize;

/// Requests of the background that always wait or run, for each model.
const BACKGROUND: usize = 8;

/// What there is to do beside live recognition.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    /// Another pool, which shares the cores.
    Translations,
    /// The same pool.
    Recognitions,
}

impl Beside {
    const ALL: [Self; 3] = [Self::Nothing, Self::Translations, Self::Recognitions];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Translations => "translations of the background, in their own pool",
            Self::Recognitions => "recognitions of the background, in the same pool",
        }
    }
}

pub(super) async fn run(config: &Config, options: &PoolsOptions, clips: &[Clip]) -> anyhow::Result<Vec<MixedRun>> {
    let (factory, max_batch) = wiring::transcriber(config)?;
    let together = Placement::default();
    let start = |name, max_batch| beside(&together, pool_config(name, max_batch, Duration::ZERO));
    let transcribe: Pool<Transcriber> = Pool::start(start("transcribe", max_batch), factory)?;
    let translate: Pool<Translator> = Pool::start(start("translate", 8), wiring::translator(config)?)?;
    transcribe.ready().await?;
    translate.ready().await?;
    let drafts = recognitions(clips, Effort::Draft, WINDOW);
    let (whole, texts) = (recognitions(clips, Effort::Full, usize::MAX), translations()?);
    let mut runs = Vec::new();
    for _ in 0..options.rounds() {
        for beside in Beside::ALL {
            let answered = Arc::new(AtomicUsize::new(0));
            let mut background = JoinSet::new();
            for number in 0..BACKGROUND {
                let answered = Arc::clone(&answered);
                let class = Class::Background;
                match beside {
                    Beside::Nothing => {}
                    Beside::Translations => {
                        background
                            .spawn(go_on(Asking::new(&translate, class, &texts, number, Duration::ZERO), answered));
                    }
                    Beside::Recognitions => {
                        background
                            .spawn(go_on(Asking::new(&transcribe, class, &whole, number, Duration::ZERO), answered));
                    }
                }
            }
            let live = |number| Asking::new(&transcribe, Class::Live, &drafts, number, PAUSE);
            let live = closed::run((0..SPEAKERS).map(live).collect(), options.real_period()).await?;
            background.shutdown().await;
            tell(beside.name(), &live);
            let background = answered.load(Ordering::Relaxed);
            runs.push(MixedRun { beside: beside.name().to_owned(), live, background });
            // What was under way when nobody waited any more is not the next run's.
            while !(transcribe.is_idle() && translate.is_idle()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    Ok(runs)
}

/// Asks until it is ended, whatever comes of it.
async fn go_on(mut client: impl Ask, answered: Arc<AtomicUsize>) {
    loop {
        match client.ask().await {
            Ok(()) => {
                answered.fetch_add(1, Ordering::Relaxed);
            }
            // A refusal is not to be asked again at once.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
